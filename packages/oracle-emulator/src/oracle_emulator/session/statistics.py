"""What every statement cost: round trips, parses, executions, rows and bytes.

Fed by all connections at once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import asdict, dataclass

MAX_STATEMENTS = 2000


@dataclass(slots=True)
class Counters:
    """What was counted for one statement. Bytes are those of TTC payloads, without packet heads."""

    round_trips: int = 0
    parses: int = 0
    executions: int = 0
    rows_received: int = 0
    rows_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    errors: int = 0

    def add(self, other: Counters) -> None:
        """Add another's counts to these."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Statistics:
    """Counters by statement text, and in total.

    The least recently used texts are dropped above a limit.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_statement: OrderedDict[str, Counters] = OrderedDict()
        self._total = Counters()

    def record(self, statement: str, counts: Counters) -> None:
        """Count a call under a statement's text."""
        with self._lock:
            self._total.add(counts)
            counters = self._by_statement.get(statement)
            if counters is None:
                counters = self._by_statement[statement] = Counters()
                if len(self._by_statement) > MAX_STATEMENTS:
                    self._by_statement.popitem(last=False)
            else:
                self._by_statement.move_to_end(statement)
            counters.add(counts)

    def snapshot(self) -> dict[str, object]:
        """Return everything counted, as JSON can hold it."""
        with self._lock:
            return {
                "total": asdict(self._total),
                "statements": [
                    {"sql": sql, **asdict(counters)} for sql, counters in self._by_statement.items()
                ],
            }

    def reset(self) -> None:
        """Count from zero again."""
        with self._lock:
            self._by_statement.clear()
            self._total = Counters()
