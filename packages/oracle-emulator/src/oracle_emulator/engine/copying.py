"""COPY: a table's rows as PostgreSQL's COPY text has them, and sending them.

Packed rows are written a column at a time, without a value in between; other rows go through the
driver's own formatting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from oracle_emulator.engine import names, text, types
from oracle_emulator.engine.interface import Column, PackedRows, Row, TypeCode

if TYPE_CHECKING:
    from oracle_emulator.engine.session import EngineSession

Convert = Callable[[Any], Any]
Texts = Sequence[bytes | None]
Lines = list[bytes]

_BLOCK_ROWS = 1000
_NULL = b"\\N"
_CHARACTERS = frozenset({TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.CLOB, TypeCode.LONG})
_BINARY = frozenset({TypeCode.RAW, TypeCode.LONG_RAW, TypeCode.BLOB})
_SECONDS = len("20260131T235959")
_SPECIAL = b"\x00\t\n\r\\"
_MARKS = b"\xef\xb7"  # how U+FDD0 and U+FDD1 begin in UTF-8, which stand for U+0000
_ESCAPES = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}


def copy_statement(target: str, columns: Sequence[str]) -> bytes:
    """Return the COPY into a table that is already quoted."""
    return f"COPY {target} ({', '.join(map(names.quote, columns))}) FROM STDIN".encode()


def copy_rows(
    session: EngineSession,
    statement: bytes,
    rows: Sequence[Row],
    converters: Sequence[Convert | None],
    order: Sequence[int] | None,
) -> list[int]:
    """COPY rows into a table. `order` says which value of a row is which column's."""
    needed = [(i, convert) for i, convert in enumerate(converters) if convert is not None]
    with session.run.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            values = list(row) if order is None else [row[index] for index in order]
            for index, convert in needed:
                if values[index] is not None:
                    values[index] = convert(values[index])
            copy.write_row(values)
    return [1] * len(rows)


def copy_text(session: EngineSession, statement: bytes, lines: Sequence[bytes]) -> list[int]:
    """COPY rows that are lines of COPY's text already."""
    with session.run.cursor() as cursor, cursor.copy(statement) as copy:
        for start in range(0, len(lines), _BLOCK_ROWS):
            copy.write(b"".join(lines[start : start + _BLOCK_ROWS]))
    return [1] * len(lines)


def copy_lines(
    rows: Sequence[Row],
    indexes: Sequence[int],
    columns: Sequence[Column],
    kinds: Sequence[TypeCode | None],
) -> list[bytes] | None:
    """Return rows as lines of COPY's text; None where they have to be made of values.

    `indexes` and `kinds` say which value of a row is a column's and of which type it is bound; None
    for a type that may have more than the column takes.
    """
    if not isinstance(rows, PackedRows):
        return None
    fields = [field_writer(*pair) for pair in zip(columns, kinds, strict=True)]
    lines: list[bytes] = []
    for start in range(0, len(rows), _BLOCK_ROWS):
        texts = rows.texts(indexes, start, start + _BLOCK_ROWS)
        if texts is None:
            return None
        written = [write(column) for write, column in zip(fields, texts, strict=True)]
        lines += [b"\t".join(row) + b"\n" for row in zip(*written, strict=True)]
    return lines


def field_writer(column: Column, bind: TypeCode | None) -> Callable[[Texts], Sequence[bytes]]:
    """Return what makes fields of a column's texts. `bind` is None where it may be anything."""
    code = column.type.code
    if code in _CHARACTERS:
        return _characters
    if code in _BINARY:
        return _binary
    if code is TypeCode.DATE and bind is not TypeCode.DATE:
        return _to_second
    return _plain


def _plain(texts: Texts) -> Sequence[bytes]:
    return [_NULL if value is None else value for value in texts]


def _to_second(texts: Texts) -> Sequence[bytes]:
    return [_NULL if value is None else value[:_SECONDS] for value in texts]


def _binary(texts: Texts) -> Sequence[bytes]:
    return [_NULL if value is None else b"\\\\x" + value for value in texts]


def _characters(texts: Texts) -> Sequence[bytes]:
    whole = b" ".join([value for value in texts if value is not None])
    if _MARKS not in whole and len(whole.translate(None, _SPECIAL)) == len(whole):
        return _plain(texts)
    return [_NULL if value is None else _escaped(value) for value in texts]


def _escaped(value: bytes) -> bytes:
    return text.stored(value.decode()).translate(_ESCAPES).encode()


def as_text(value: Any) -> Any:
    """A text as it is stored."""
    return types.for_storage(value)


def converter(column: Column, bind: TypeCode | None = None) -> Convert | None:
    """What must be done to a value before it is stored; nothing to numbers and timestamps."""
    code = column.type.code
    if code is TypeCode.DATE:
        return None if bind is TypeCode.DATE else types.to_second
    if code in {TypeCode.NUMBER, TypeCode.TIMESTAMP}:
        return None
    if code in {TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.CLOB, TypeCode.LONG}:
        return as_text
    return types.for_storage
