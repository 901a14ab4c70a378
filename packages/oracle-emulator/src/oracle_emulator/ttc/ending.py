"""How a response ends: STATUS, or ERROR (also sent for success), and the newer end mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from oracle_emulator.codec.buffers import bl, sb, ub
from oracle_emulator.codec.rowids import NONE, Rowid, encode_rowid
from oracle_emulator.engine.interface import RowError
from oracle_emulator.ttc.constants import Message

_EXTENDED_FIELD_VERSION = 14
_MAX_POSITION = 0x7FFF
_WARNING = 0x20

END_OF_RESPONSE = bytes((Message.END_OF_RESPONSE,))


def encode_status(call_status: int) -> bytes:
    """Return the end of a call without a cursor."""
    return bytes((Message.STATUS,)) + ub(call_status) + ub(0)


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a call that uses a cursor: error 0 is success, 1403 the end of a result set."""

    call_status: int = 0
    code: int = 0
    text: str = ""  # with its ORA- prefix
    cursor: int = 0
    row_count: int = 0
    position: int = 0
    rowid: Rowid = NONE
    warning: bool = False
    row_errors: Sequence[RowError] = field(default_factory=tuple)


def encode_ending(ending: Ending, field_version: int) -> bytes:
    """Return the ERROR message."""
    parts = [
        bytes((Message.ERROR,)),
        ub(ending.call_status),
        ub(0),  # end to end sequence number
        ub(min(ending.row_count, 0xFFFF_FFFF)),
        ub(ending.code if ending.code <= 0xFFFF else 0),
        b"\x00\x00",
        ub(ending.cursor),
        sb(min(ending.position, _MAX_POSITION)),
        bytes(5),
        bytes((_WARNING if ending.warning else 0,)),
        encode_rowid(ending.rowid),
        b"\x00",  # operating system's error
        b"\x00\x00",  # statement and call number
        b"\x00\x00\x00",  # padding, successful iterations, logical rowid
        _row_errors(ending.row_errors),
        ub(ending.code),
        ub(ending.row_count),
    ]
    if field_version >= _EXTENDED_FIELD_VERSION:
        parts.append(b"\x00\x00")
    if ending.code:
        parts.append(bl(f"{ending.text}\n".encode()))
    return b"".join(parts)


def _row_errors(errors: Sequence[RowError]) -> bytes:
    """Return the codes, offsets and messages of the rows that failed."""
    if not errors:
        return b"\x00\x00\x00"
    count = ub(len(errors))
    parts = [count, b"\x00", *(ub(error.code) for error in errors)]
    parts += [count, b"\x00", *(ub(error.offset) for error in errors)]
    parts += [count, b"\x00"]
    for error in errors:
        data = f"{error.message}\n".encode()
        parts += (ub(len(data)), bl(data), b"\x00\x00")
    return b"".join(parts)
