"""Binds: their descriptions (OAC) and their rows.

A row stands after a ROW DATA byte; outside of PL/SQL the values of types declared longer than the
client's longest string stand after all the others. Locators come out as `LobReference`: whose
content they are is the session's matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oracle_emulator.codec.buffers import MalformedError, Reader
from oracle_emulator.codec.values import Decoder, decoder
from oracle_emulator.engine.interface import OracleType, TypeCode, Value
from oracle_emulator.ttc.constants import Message
from oracle_emulator.ttc.protocol import LONG_THRESHOLD_BYTES

_ARRAY_FLAG = 0x40
_NATIONAL_FORM = 2
_OAC_ID_FIELD_VERSION = 8
_OBJECT = 109
_BFILE = 114
_VECTOR = 127
LOCATOR_TYPES = frozenset({TypeCode.CLOB, TypeCode.BLOB, _BFILE})
_QUASILOCATOR_TYPES = frozenset({TypeCode.JSON, _VECTOR})
_BOOLEAN_NULL_ESCAPE = 253
_ALIASES = {3: TypeCode.NUMBER}  # a native integer travels as a NUMBER


@dataclass(frozen=True, slots=True)
class LobReference:
    """A locator bound as a value."""

    locator: bytes


BindValue = Value | LobReference
BindRow = list[BindValue]


@dataclass(frozen=True, slots=True)
class BindInfo:
    """How one bind, or one column to be fetched, is described by the client."""

    code: int
    size: int
    array: bool
    national: bool

    @property
    def type(self) -> OracleType | None:
        """Return the type; None for one that the engine does not know."""
        code = _ALIASES.get(self.code, self.code)
        if code not in TypeCode.__members__.values():
            return None
        return OracleType(TypeCode(code), self.size, national=self.national)


def decode_bind_info(reader: Reader, field_version: int) -> BindInfo:
    """Return one description."""
    code, flags = reader.u8(), reader.u8()
    reader.raw(2)
    size = reader.ub()
    reader.ub()  # most elements of an array
    reader.ub(8)  # flags
    reader.bl2()  # type's identifier
    reader.ub()  # version
    reader.ub(2)  # character set
    form = reader.u8()
    reader.ub()  # LOB prefetch
    if field_version >= _OAC_ID_FIELD_VERSION:
        reader.ub()
    return BindInfo(code, size, bool(flags & _ARRAY_FLAG), form == _NATIONAL_FORM)


@dataclass(slots=True)
class _Field:
    """Where a bind's value belongs, and how it is read."""

    index: int
    info: BindInfo
    decode: Decoder | None


class RowDecoder:
    """Decodes the rows of one request.

    `problem` is the first value that its type could not hold, or the first type that is not
    supported: the row is read to its end all the same, since the stream has to stay in step.
    """

    def __init__(self, infos: Sequence[BindInfo], *, plsql: bool) -> None:
        self.problem: str | None = None
        self._count = len(infos)
        order = range(len(infos)) if plsql else wire_order(infos)
        self._fields = [_field(index, infos[index]) for index in order]

    def decode(self, reader: Reader) -> BindRow:
        """Return the next row. Raises IncompleteError (position undefined) and MalformedError."""
        if reader.u8() != Message.ROW_DATA:
            raise MalformedError("no row of binds where one is due")
        row: BindRow = [None] * self._count
        for field in self._fields:
            row[field.index] = self._decode_field(field, reader)
        return row

    def _value(self, field: _Field, decode: Decoder, data: bytes) -> Value:
        try:
            return decode(data)
        except ValueError as error:
            self._report(f"bind {field.index + 1}: {error}")
            return None

    def _report(self, problem: str) -> None:
        if self.problem is None:
            self.problem = problem

    def _decode_field(self, field: _Field, reader: Reader) -> BindValue:
        info = field.info
        if info.array:
            for _ in range(reader.ub()):
                reader.bl()
            self._report("PL/SQL arrays are not supported")
            return None
        if info.code in LOCATOR_TYPES:
            locator = reader.bl2()
            return LobReference(locator) if locator else None
        if field.decode is not None:
            if info.code == TypeCode.BOOLEAN and reader.u8() == _BOOLEAN_NULL_ESCAPE:
                reader.u8()
                return None
            if info.code == TypeCode.BOOLEAN:
                reader.position -= 1
            data = reader.bl()
            return None if data is None else self._value(field, field.decode, data)
        _skip_unsupported(info.code, reader)
        self._report(f"binds of type {info.code} are not supported")
        return None


def _field(index: int, info: BindInfo) -> _Field:
    kind = info.type
    return _Field(index, info, decoder(kind) if kind is not None else None)


def is_plain(info: BindInfo) -> bool:
    """Tell whether a bind's values are bytes behind a length byte, and nothing else."""
    kind = info.type
    return (
        kind is not None
        and decoder(kind) is not None
        and not info.array
        and info.code != TypeCode.BOOLEAN
    )


def wire_order(infos: Sequence[BindInfo]) -> list[int]:
    """Return the order in which the values of a row outside of PL/SQL stand: long ones last."""
    return sorted(range(len(infos)), key=lambda index: infos[index].size > LONG_THRESHOLD_BYTES)


def _skip_unsupported(code: int, reader: Reader) -> None:
    """Read over a value of a type that is not supported, so that what follows can be read."""
    if code == TypeCode.CURSOR:
        if reader.ub():
            reader.ub()
    elif code in _QUASILOCATOR_TYPES:
        if reader.bl2() is not None:
            reader.bl()
    elif code == _OBJECT:
        for _ in range(3):
            reader.bl2()
        reader.ub(2)
        length = reader.ub()
        reader.ub()
        if length:
            reader.bl()
    else:
        reader.bl()
