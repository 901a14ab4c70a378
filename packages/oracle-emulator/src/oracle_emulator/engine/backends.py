"""Processes of PostgreSQL for sessions: one that a session has left serves the next.

A new one has read nothing of the catalogue yet, and a session's first questions about it cost it
many times what they cost later; a program that connects, asks and ends does little else.
"""

from __future__ import annotations

import threading

import psycopg
from psycopg.pq import TransactionStatus

from oracle_emulator.engine import connection
from oracle_emulator.engine.connection import Connection

KEPT = 4
_AT_REST = {TransactionStatus.IDLE, TransactionStatus.INTRANS, TransactionStatus.INERROR}


class Backends:
    """See the module. Safe to use from several threads."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._lock = threading.Lock()
        self._kept: list[Connection] = []
        self._is_closed = False

    def take(self) -> Connection:
        """A connection as if new."""
        with self._lock:
            if self._kept:
                return self._kept.pop()
        return connection.connect(self._uri)

    def end(self, run: Connection) -> bool:
        """End what a session has begun; say if it may serve another, else it is closed.

        It may not where a statement of it runs, or where it is broken.
        """
        if not self._is_closed and run.info.transaction_status in _AT_REST:
            try:
                run.execute("ROLLBACK")
            except psycopg.Error:  # it is gone, or was told to end
                run.close()
                return False
            return True
        run.close()  # PostgreSQL rolls back what was open
        return False

    def keep(self, run: Connection) -> None:
        """Forget what its session has set; it serves the next one, if not too many wait."""
        try:
            run.execute("DISCARD ALL")
        except psycopg.Error:  # it is gone, or was told to end
            run.close()
            return
        with self._lock:
            if not self._is_closed and len(self._kept) < KEPT:
                self._kept.append(run)
                return
        run.close()

    def close(self) -> None:
        """Close those that wait; none is kept any more."""
        with self._lock:
            self._is_closed = True
            for run in self._kept:
                run.close()
            self._kept.clear()
