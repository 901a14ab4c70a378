"""Rows in bulk: they are kept as they came, and a value is made only where one is asked for.

Both the rows of an array DML and the stream of a direct path load end up as `WireRows`. Rows with
LOB locators and other values that are more than bytes behind a length are `binds`' matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from oracle_emulator.codec.buffers import IncompleteError, MalformedError, Reader
from oracle_emulator.codec.scan import PackedRow, read_rows, skip_rows
from oracle_emulator.codec.texts import writer
from oracle_emulator.codec.values import decoder
from oracle_emulator.engine.interface import OracleError, OracleType, PackedRows, Row, Value
from oracle_emulator.ttc.binds import BindInfo, is_plain, wire_order
from oracle_emulator.ttc.constants import Message

_MARK = bytes((Message.ROW_DATA,))
_PORTION_BYTES = 1 << 16


def _unsupported(problem: str) -> OracleError:
    return OracleError(3001, f"unimplemented feature: {problem}")


class WireRows(PackedRows):
    """Rows of the client's bytes.

    `order` says which value of a row is the n-th column's, `refuse` makes the error for bytes that
    are no value.
    """

    def __init__(
        self,
        rows: list[PackedRow],
        types: Sequence[OracleType],
        order: Sequence[int] | None = None,
        refuse: Callable[[str], OracleError] = _unsupported,
    ) -> None:
        self._refuse = refuse
        self._packed = rows
        self._types = types
        self._order = order if order is not None else range(len(types))
        self._rows: list[Row] | None = None

    def __len__(self) -> int:
        return len(self._packed)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if self._rows is None:
            self._rows = self._made()
        return self._rows[index]

    def _made(self) -> list[Row]:
        """Return all rows as values. Raises OracleError."""
        columns = list(zip(*self._packed, strict=True))
        made: list[list[Value]] = []
        for index, place in enumerate(self._order):
            decode = decoder(self._types[index])
            if decode is None:
                raise self._refuse(f"binds of type {self._types[index].code} are not supported")
            try:
                made.append([decode(value) if value else None for value in columns[place]])
            except ValueError as error:
                raise self._refuse(f"bind {index + 1}: {error}") from error
        return list(map(list, zip(*made, strict=True)))

    def is_null(self, index: int) -> bool:
        """Tell whether a column holds nothing but NULL."""
        place = self._order[index]
        return not any(row[place] for row in self._packed)

    def texts(
        self, indexes: Sequence[int], start: int, stop: int
    ) -> list[Sequence[bytes | None]] | None:
        """Return columns of some of the rows as plain text. Raises OracleError."""
        columns = list(zip(*self._packed[start:stop], strict=True))
        written: list[Sequence[bytes | None]] = []
        for index in indexes:
            write = writer(self._types[index])
            if write is None:
                return None
            values = columns[self._order[index]]
            try:
                if all(values):
                    written.append(write(values))
                else:
                    made = iter(write([value for value in values if value]))
                    written.append([next(made) if value else None for value in values])
            except ValueError as error:
                raise self._refuse(f"bind {index + 1}: {error}") from error
        return written


class RowSplitter:
    """Splits the rows of an array DML into their values, or only passes over them."""

    def __init__(self, infos: Sequence[BindInfo]) -> None:
        self.applies = bool(infos) and all(map(is_plain, infos))
        self._infos = infos
        self._columns = len(infos)
        self._packed: list[PackedRow] = []
        self._cut_off = 1  # bytes that the value at the end still wants

    def rows(self) -> WireRows:
        """Return what was split as rows of binds."""
        types = [kind for info in self._infos if (kind := info.type) is not None]
        order = wire_order(self._infos)
        return WireRows(self._packed, types, [order.index(n) for n in range(self._columns)])

    def missing(self, left: int, unread: int) -> int:
        """Return how many bytes have to come at least before going on is worth the while.

        `left` rows need a byte for each value: never are more bytes awaited than will come.
        """
        portion = min(_PORTION_BYTES, left * (self._columns + 1))
        return max(self._cut_off, portion - unread)

    def split(self, reader: Reader, most: int) -> int:
        """Split the next rows; return how many were there as a whole. Raises MalformedError."""
        before = len(self._packed)
        while (left := before + most - len(self._packed)) > 0:
            rows, reader.position = read_rows(
                reader.data, reader.position, 1, _MARK.__eq__, self._columns, left
            )
            self._packed += rows
            if len(rows) < left:
                row = self._long_row(reader)
                if row is None:
                    break
                self._packed.append(row)
        return len(self._packed) - before

    def skip(self, reader: Reader, most: int) -> int:
        """Pass over the next rows; return how many were there. Raises MalformedError."""
        left = most
        while left > 0:
            done, reader.position = skip_rows(
                reader.data, reader.position, 1, _MARK.__eq__, self._columns, left
            )
            left -= done
            if left:
                if self._long_row(reader) is None:
                    break
                left -= 1
        return most - left

    def _long_row(self, reader: Reader) -> PackedRow | None:
        """Return a row that may have long values; None when it is not all there."""
        start, self._cut_off = reader.position, 1
        try:
            if reader.u8() != Message.ROW_DATA:
                raise MalformedError("no row of binds where one is due")
            return [reader.bl() or b"" for _ in self._infos]
        except IncompleteError as error:
            reader.position, self._cut_off = start, error.missing
            return None
