"""Open cursors: a parsed statement with its binds, and the result set that it may have open."""

from __future__ import annotations

from dataclasses import dataclass, field

from oracle_emulator.engine.interface import Column, Cursor, OracleError, Row, Statement
from oracle_emulator.ttc.binds import BindInfo
from oracle_emulator.ttc.rows import LOB_TYPES, RowEncoder

MAX_OPEN_CURSORS = 300


@dataclass(slots=True)
class OpenCursor:
    """One cursor of a client."""

    number: int
    statement: Statement
    binds: tuple[BindInfo, ...] = ()
    defines: tuple[BindInfo, ...] = ()
    columns: tuple[Column, ...] = ()
    result: Cursor | None = None
    encoder: RowEncoder | None = None
    fetched: int = 0  # rows of the open result set
    sent: int = 0  # rows of all result sets
    more: bool = False
    scroll_rows: list[Row] | None = field(default=None)

    @property
    def reads_statistics(self) -> bool:
        """Tell whether the statement reads what is counted of sessions."""
        return "V$" in self.statement.text.upper()

    def has_lobs(self) -> bool:
        """Tell whether a column is a LOB: those are defined by the client before rows are sent."""
        return any(column.type.code in LOB_TYPES for column in self.columns)

    def close_result(self) -> None:
        """Give up the open result set."""
        result, self.result = self.result, None
        self.scroll_rows = None
        self.more = False
        self.fetched = 0
        if result is not None:
            result.close()


class CursorTable:
    """The cursors of one client by number."""

    def __init__(self) -> None:
        self._cursors: dict[int, OpenCursor] = {}
        self._last = 0

    def open(self, statement: Statement) -> OpenCursor:
        """Return a new cursor."""
        number = self.reserve()
        cursor = OpenCursor(number, statement)
        self._cursors[number] = cursor
        return cursor

    def check(self) -> None:
        """Raise OracleError (ORA-01000) when there are too many."""
        if len(self._cursors) > MAX_OPEN_CURSORS:
            raise OracleError(1000, "maximum open cursors exceeded")

    def reserve(self) -> int:
        """Return a number that no cursor has."""
        while True:
            self._last = self._last % 0xFFFE + 1
            if self._last not in self._cursors:
                return self._last

    def get(self, number: int) -> OpenCursor | None:
        """Return a cursor; None when there is none of this number."""
        return self._cursors.get(number)

    def close(self, number: int) -> None:
        """Close a cursor, if it is open."""
        cursor = self._cursors.pop(number, None)
        if cursor is not None:
            cursor.close_result()

    def close_all(self) -> None:
        """Close every cursor."""
        for number in list(self._cursors):
            self.close(number)
