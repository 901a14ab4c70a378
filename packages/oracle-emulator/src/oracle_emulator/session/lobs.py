"""LOBs that a client knows by locator: temporary ones to be written, fetched ones to be read.

CLOBs are kept as UTF-16, in which their lengths and offsets count. Fetched LOBs are copies: the
oldest are given up when they exceed a limit, and reading one of those fails with ORA-22275.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from oracle_emulator.codec.values import UTF16
from oracle_emulator.engine.interface import OracleError, OracleType, TypeCode
from oracle_emulator.ttc.lob import LOCATOR_BYTES

FETCHED_LIMIT_BYTES = 256 * 1024 * 1024

_BLOB_FLAG = 0x01
_INITIALIZED_FLAG = 0x08
_VARIABLE_WIDTH_FLAG = 0x80
_TEMPORARY_FLAG = 0x01
_NUMBER = slice(10, 18)


@dataclass(slots=True)
class Lob:
    """The content of a LOB; `unit_bytes` is the width of what its offsets count."""

    unit_bytes: int
    temporary: bool
    data: bytearray = field(default_factory=bytearray)
    is_open: bool = False

    def length(self) -> int:
        """Return the length in characters or bytes."""
        return len(self.data) // self.unit_bytes

    def read(self, offset: int, amount: int) -> bytes:
        """Return up to `amount` units from the one numbered `offset`, counted from 1."""
        start = (offset - 1) * self.unit_bytes
        return bytes(self.data[start : start + amount * self.unit_bytes])

    def write(self, offset: int, data: bytes) -> None:
        """Overwrite from a unit on; a gap before it is filled with blanks or zeros."""
        start = (offset - 1) * self.unit_bytes
        if start > len(self.data):
            filler = b"\x00 " if self.unit_bytes == 2 else b"\x00"
            self.data += filler * ((start - len(self.data)) // self.unit_bytes)
        self.data[start : start + len(data)] = data

    def trim(self, length: int) -> None:
        """Cut to a length. Raises OracleError (ORA-22926) when it is shorter already."""
        if length > self.length():
            raise OracleError(
                22926, "specified trim length is greater than current LOB value's length"
            )
        del self.data[length * self.unit_bytes :]

    def value(self) -> str | bytes | None:
        """Return the content as a value; None when it is empty."""
        if not self.data:
            return None
        if self.unit_bytes == 1:
            return bytes(self.data)
        try:
            return self.data.decode(UTF16)
        except UnicodeDecodeError as error:
            raise OracleError(
                1482, "unsupported character set: a CLOB with half a character"
            ) from error


class LobStore:
    """The LOBs of one client by locator."""

    def __init__(self, fetched_limit_bytes: int = FETCHED_LIMIT_BYTES) -> None:
        self._lobs: OrderedDict[int, Lob] = OrderedDict()
        self._last = 0
        self._fetched_bytes = 0
        self._limit_bytes = fetched_limit_bytes

    def locate(self, value: str | bytes, kind: OracleType) -> tuple[bytes, int]:
        """Keep a fetched value; return its locator and its length."""
        is_blob = kind.code is TypeCode.BLOB
        if isinstance(value, bytes) != is_blob:
            raise OracleError(932, "inconsistent datatypes: a LOB of the other kind")
        data = value if isinstance(value, bytes) else value.encode(UTF16)
        lob = Lob(1 if is_blob else 2, temporary=False, data=bytearray(data))
        locator = self._add(lob)
        self._fetched_bytes += len(data)
        self._shrink()
        return locator, lob.length()

    def create(self, *, blob: bool) -> bytes:
        """Make an empty temporary LOB; return its locator."""
        return self._add(Lob(1 if blob else 2, temporary=True))

    def get(self, locator: bytes) -> Lob:
        """Return a LOB. Raises OracleError (ORA-22275)."""
        lob = self._lobs.get(_number(locator))
        if lob is None:
            raise OracleError(22275, "invalid LOB locator specified")
        return lob

    def free(self, locator: bytes) -> None:
        """Forget a LOB, if it is known."""
        lob = self._lobs.pop(_number(locator), None)
        if lob is not None and not lob.temporary:
            self._fetched_bytes -= len(lob.data)

    def _add(self, lob: Lob) -> bytes:
        self._last += 1
        self._lobs[self._last] = lob
        locator = bytearray(LOCATOR_BYTES)
        locator[0:2] = (LOCATOR_BYTES - 2).to_bytes(2, "big")
        locator[3] = 1
        locator[4] = _BLOB_FLAG if lob.unit_bytes == 1 else 0
        locator[5] = _INITIALIZED_FLAG
        locator[6] = 0 if lob.unit_bytes == 1 else _VARIABLE_WIDTH_FLAG
        locator[7] = _TEMPORARY_FLAG if lob.temporary else 0
        locator[_NUMBER] = self._last.to_bytes(8, "big")
        return bytes(locator)

    def _shrink(self) -> None:
        """Give up the oldest fetched LOBs until the rest is within the limit; the newest stays."""
        if self._fetched_bytes <= self._limit_bytes:
            return
        for number, lob in list(self._lobs.items())[:-1]:
            if self._fetched_bytes <= self._limit_bytes:
                return
            if not lob.temporary:
                del self._lobs[number]
                self._fetched_bytes -= len(lob.data)


def _number(locator: bytes) -> int:
    return int.from_bytes(locator[_NUMBER], "big")
