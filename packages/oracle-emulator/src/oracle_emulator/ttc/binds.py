"""Binds: their descriptions (OAC) and their rows.

A row stands after a ROW DATA byte; outside of PL/SQL the values of types declared longer than the
client's longest string stand after all the others. Locators come out as `LobReference`: whose
content they are is the session's matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oracle_emulator.codec.buffers import SHORT_MAX, IncompleteError, MalformedError, Reader
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
_ROW_DATA = int(Message.ROW_DATA)
_ROW_MARK = bytes((_ROW_DATA,))
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
    plain: bool  # bytes behind a length byte, and nothing else


class RowDecoder:
    """Decodes the rows of one request.

    `problem` is the first value that its type could not hold, or the first type that is not
    supported: the row is read to its end all the same, since the stream has to stay in step.
    """

    def __init__(self, infos: Sequence[BindInfo], *, plsql: bool) -> None:
        self.problem: str | None = None
        self._count = len(infos)
        fields = [_field(index, info) for index, info in enumerate(infos)]
        if plsql:
            self._fields = fields
        else:
            late = [field for field in fields if field.info.size > LONG_THRESHOLD_BYTES]
            self._fields = [field for field in fields if field not in late] + late
        self._simple = [
            (field.index, field.decode)
            for field in self._fields
            if field.decode is not None and field.plain
        ]
        if len(self._simple) < len(self._fields):
            self._simple = []

    def decode(self, reader: Reader) -> BindRow:
        """Return the next row. Raises IncompleteError (position undefined) and MalformedError."""
        if self._simple:
            start = reader.position
            try:
                return self._decode_simple(reader)
            except ValueError:  # a bad value, or one that is cut off: look closer
                reader.position = start
        if reader.u8() != Message.ROW_DATA:
            raise MalformedError("no row of binds where one is due")
        row: BindRow = [None] * self._count
        for field in self._fields:
            row[field.index] = self._decode_field(field, reader)
        return row

    def _decode_simple(self, reader: Reader) -> BindRow:
        """Return a row of plain values; the fast way, which bulk loads take."""
        data = reader.data
        position = reader.position
        if data[position : position + 1] != _ROW_MARK:
            if position >= len(data):
                raise IncompleteError(1)
            raise MalformedError("no row of binds where one is due")
        position += 1
        row: BindRow = [None] * self._count
        try:
            for index, decode in self._simple:
                length = data[position]
                start = position + 1
                position = start + length
                if length:
                    if length > SHORT_MAX:
                        raise ValueError("a value that is not short")
                    row[index] = decode(data[start:position])
        except IndexError:
            raise IncompleteError(1) from None
        if position > len(data):  # the last values were cut off
            raise IncompleteError(position - len(data))
        reader.position = position
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


class RowSkipper:
    """Reads over rows of plain values without looking at them, for a server that keeps nothing."""

    def __init__(self, infos: Sequence[BindInfo]) -> None:
        self.can_skip = all(_field(0, info).plain for info in infos)
        self._columns = range(len(infos))

    def skip(self, reader: Reader, count: int) -> int:
        """Pass over up to `count` rows, as many as are there as a whole; return how many.

        Raises MalformedError.
        """
        data = reader.data
        size = len(data)
        columns = self._columns
        start = reader.position  # of the row that is being read
        done = 0
        try:
            while done < count:
                if data[start] != _ROW_DATA:
                    raise MalformedError("no row of binds where one is due")
                position = start + 1
                for _ in columns:
                    length = data[position]
                    if length > SHORT_MAX:
                        reader.position = position
                        reader.bl()
                        position = reader.position
                    else:
                        position += length + 1
                if position > size:
                    break
                start = position
                done += 1
        except (IndexError, IncompleteError):
            pass  # the rest of this row is still to come
        reader.position = start
        return done


def _field(index: int, info: BindInfo) -> _Field:
    kind = info.type
    decode = decoder(kind) if kind is not None else None
    plain = decode is not None and not info.array and info.code != TypeCode.BOOLEAN
    return _Field(index, info, decode, plain)


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
