"""Who is connected: what V$SESSTAT shows of a session, and how one session ends another."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from oracle_emulator.engine.interface import OracleError
from oracle_emulator.session.statistics import Counters

_KILL = re.compile(
    r"\s*alter\s+system\s+kill\s+session\s+'\s*(\d+)\s*,\s*(\d+)\s*(?:,\s*@\d+\s*)?'"
    r"\s*(?:immediate|noreplay|\s)*;?\s*",
    re.IGNORECASE,
)
_ADMINISTRATORS = frozenset({"SYS", "SYSTEM"})


@dataclass(slots=True)
class Registered:
    """One session; `kill` ends its connection and may be called from any thread."""

    session_id: int
    serial: int
    kill: Callable[[], None]
    counters: Counters = field(default_factory=Counters)


class Registry:
    """The sessions of one server. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[int, Registered] = {}

    def add(self, registered: Registered) -> None:
        """Note a session that begins."""
        with self._lock:
            self._sessions[registered.session_id] = registered

    def remove(self, session_id: int) -> None:
        """Forget a session that has ended."""
        with self._lock:
            self._sessions.pop(session_id, None)

    def statistics(self) -> dict[int, dict[str, int]]:
        """Return what V$SESSTAT shows: values by session and by name of the statistic."""
        with self._lock:
            return {
                number: {
                    "SQL*Net roundtrips to/from client": session.counters.round_trips,
                    "parse count (total)": session.counters.parses,
                    "execute count": session.counters.executions,
                    "bytes received via SQL*Net from client": session.counters.bytes_received,
                    "bytes sent via SQL*Net to client": session.counters.bytes_sent,
                }
                for number, session in self._sessions.items()
            }

    def kill(self, session_id: int, serial: int) -> None:
        """End a session. Raises OracleError (ORA-00030) when there is none of these numbers."""
        with self._lock:
            session = self._sessions.get(session_id)
        if session is None or session.serial != serial:
            raise OracleError(30, "User session ID does not exist.")
        session.kill()


def session_to_kill(text: str, user: str, own_id: int) -> tuple[int, int] | None:
    """Return session and serial number of an ALTER SYSTEM KILL SESSION; None for other texts.

    Raises OracleError when it is not allowed.
    """
    match = _KILL.fullmatch(text)
    if match is None:
        return None
    if user not in _ADMINISTRATORS:
        raise OracleError(1031, "insufficient privileges")
    if int(match[1]) == own_id:
        raise OracleError(27, "cannot kill current session")
    return int(match[1]), int(match[2])
