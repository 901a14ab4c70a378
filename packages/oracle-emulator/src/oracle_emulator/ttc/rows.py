"""Rows of a result set, of RETURNING INTO and of PL/SQL out binds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from oracle_emulator.codec.buffers import bl, ub
from oracle_emulator.codec.numbers import InvalidValueError
from oracle_emulator.codec.values import NULL, UTF16, Encoder, encoder
from oracle_emulator.engine.interface import OracleType, Row, TypeCode, Value
from oracle_emulator.ttc.binds import BindInfo
from oracle_emulator.ttc.constants import Message

LOB_TYPES = frozenset({TypeCode.CLOB, TypeCode.BLOB})
_INLINE_TYPES = frozenset({TypeCode.LONG, TypeCode.LONG_RAW})
_LOB_CHUNK_BYTES = 8132
_SIZED = frozenset({TypeCode.VARCHAR, TypeCode.CHAR})
_ROW = bytes((Message.ROW_DATA,))
ROW_HEADER = bytes((Message.ROW_HEADER,)) + bytes(7)

Locate = Callable[[str | bytes, OracleType], tuple[bytes, int]]
"""Makes a LOB of a value and returns its locator and its length."""


def _lob_encoder(kind: OracleType, locate: Locate) -> Encoder:
    def encode(value: Value) -> bytes:
        if not isinstance(value, str | bytes):
            raise InvalidValueError(f"a LOB column holds {type(value).__name__}")
        locator, length = locate(value, kind)
        return ub(len(locator)) + ub(length) + ub(_LOB_CHUNK_BYTES) + bl(locator)

    return encode


def field_encoder(
    kind: OracleType, define: BindInfo | None, locate: Locate
) -> tuple[Encoder, bytes]:
    """Return the encoder of a column's values, and what stands for NULL.

    LOBs travel as locators unless the client defined the column as LONG or LONG RAW; LONGs end with
    an indicator and a return code. Raises InvalidValueError for a type that cannot be sent.
    """
    wanted = kind
    if kind.code in LOB_TYPES:
        if define is None or define.code not in _INLINE_TYPES:
            return _lob_encoder(kind, locate), NULL
        wanted = OracleType(TypeCode(define.code), national=define.national)
    encode = encoder(wanted)
    if encode is None:
        raise InvalidValueError(f"columns of type {wanted.code.name} are not supported")
    if wanted.code in _INLINE_TYPES:
        return _with_indicators(encode), NULL + b"\x00\x00"
    return encode, NULL


def _with_indicators(encode: Encoder) -> Encoder:
    return lambda value: encode(value) + b"\x00\x00"


class RowEncoder:
    """Encodes the rows of one result set."""

    def __init__(
        self, types: Sequence[OracleType], defines: Sequence[BindInfo], locate: Locate
    ) -> None:
        chosen: Sequence[BindInfo | None] = defines or [None] * len(types)
        if len(chosen) != len(types):
            raise InvalidValueError(f"{len(chosen)} defines for {len(types)} columns")
        self._fields = [
            field_encoder(kind, define, locate) for kind, define in zip(types, chosen, strict=True)
        ]

    def encode(self, rows: Iterable[Row]) -> bytes:
        """Return the rows, each as one message. Raises InvalidValueError."""
        parts: list[bytes] = []
        append = parts.append
        fields = self._fields
        for row in rows:
            append(_ROW)
            for (encode, null), value in zip(fields, row, strict=True):
                append(null if value is None else encode(value))
        return b"".join(parts)


def encode_returned(
    returned: Sequence[Sequence[Row]], types: Sequence[OracleType], locate: Locate
) -> bytes:
    """Return what RETURNING INTO brings: per row sent, per bind, the values of all rows touched."""
    fields = [_out_encoder(kind, locate) for kind in types]
    parts = []
    for rows in returned:
        parts.append(_ROW)
        for index, (encode, null) in enumerate(fields):
            parts.append(ub(len(rows)))
            kind = types[index]
            parts += (_returned_value(row[index], kind, encode, null) for row in rows)
    return b"".join(parts)


def _returned_value(value: Value, kind: OracleType, encode: Encoder, null: bytes) -> bytes:
    """Return a value behind which its length stands where the client's buffer is too small."""
    if isinstance(value, str) and kind.code in _SIZED and kind.size:
        data = value.encode(UTF16 if kind.national else "utf-8")
        if len(data) > kind.size:
            return bl(data[: kind.size]) + ub(len(data))
    return _out_value(value, encode, null)


def _out_encoder(kind: OracleType, locate: Locate) -> tuple[Encoder, bytes]:
    if kind.code in {TypeCode.ROWID, TypeCode.UROWID}:
        kind = OracleType(TypeCode.VARCHAR)
    if kind.code in _INLINE_TYPES:
        encode = encoder(kind)
        if encode is None:
            raise InvalidValueError(f"binds of type {kind.code.name} are not supported")
        return encode, NULL
    return field_encoder(kind, None, locate)


def _out_value(value: Value, encode: Encoder, null: bytes) -> bytes:
    return (null if value is None else encode(value)) + b"\x00"


_IN, _IN_OUT = 32, 48


def encode_out_binds(values: Row, types: Sequence[OracleType], locate: Locate) -> bytes:
    """Return the directions of a PL/SQL block's binds and the values that come out.

    None stands for a bind that only goes in.
    """
    count = len(values)
    directions = bytes(_IN if value is None else _IN_OUT for value in values)
    parts = [
        bytes((Message.IO_VECTOR, 0)),
        ub(count & 0xFF),
        ub(count >> 8),
        bytes(4),
        directions,
        _ROW,
    ]
    for value, kind in zip(values, types, strict=True):
        if value is not None:
            encode, null = _out_encoder(kind, locate)
            parts.append(_out_value(value, encode, null))
    return b"".join(parts)


def encode_row_counts(counts: Sequence[int]) -> bytes:
    """Return how many rows each row of an array DML touched."""
    return bytes((Message.PARAMETER, 0, 0, 0, 0)) + ub(len(counts)) + b"".join(map(ub, counts))
