"""LOB OP: reading, writing, measuring and making LOBs through their locators."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from oracle_emulator.codec.buffers import MalformedError, Reader, bl, ub
from oracle_emulator.ttc.constants import Message

LOCATOR_BYTES = 40
ARRAY_FLAG = 0x80000


class LobOp(enum.IntEnum):
    """What is to be done with a LOB."""

    LENGTH = 0x0001
    READ = 0x0002
    TRIM = 0x0020
    WRITE = 0x0040
    CREATE_TEMP = 0x0110
    FREE_TEMP = 0x0111
    CHUNK_SIZE = 0x4000
    OPEN = 0x8000
    CLOSE = 0x10000
    IS_OPEN = 0x11000


@dataclass(frozen=True, slots=True)
class LobRequest:
    """A LOB operation.

    Offsets count from 1; for CREATE_TEMP they carry the character set form and the type instead.

    `operation` stays a number where it is none of those above.
    """

    operation: int
    locator: bytes
    source_offset: int
    destination_offset: int
    amount: int | None
    data: bytes | None


def decode_lob(reader: Reader) -> LobRequest:
    """Return the request; its header was read already. Raises MalformedError."""
    reader.u8()
    locator_length = reader.ub()
    reader.u8()
    reader.ub()  # length of a destination's locator, or a duration
    reader.ub()
    reader.ub()
    has_charset = reader.u8()
    reader.raw(2)
    operation = reader.ub()
    reader.raw(2)
    source_offset, destination_offset = reader.ub(8), reader.ub(8)
    has_amount = reader.u8()
    reader.raw(6)
    if locator_length > 1 << 16:
        raise MalformedError(f"a locator of {locator_length} bytes")
    locator = reader.raw(locator_length)
    if has_charset:
        reader.ub()
    data = None
    if operation == LobOp.WRITE:
        if reader.u8() != Message.LOB_DATA:
            raise MalformedError("a LOB to be written without its data")
        data = reader.bl() or b""
    amount = reader.ub(8) if has_amount else None
    return LobRequest(operation, locator, source_offset, destination_offset, amount, data)


def encode_lob(
    request: LobRequest,
    locator: bytes,
    *,
    data: bytes | None = None,
    amount: int | None = None,
    is_open: bool = False,
) -> bytes:
    """Return the answer up to its end; `data` is what was read, None or empty for nothing."""
    parts = []
    if data:
        parts.append(bytes((Message.LOB_DATA,)) + bl(data))
    parts += (bytes((Message.PARAMETER,)), locator)
    if request.operation == LobOp.CREATE_TEMP:
        parts.append(b"\x00\x00")
    elif request.amount is not None:
        parts.append(ub(amount or 0))
    if request.operation == LobOp.IS_OPEN:
        parts.append(bytes((1 if is_open else 0,)))
    return b"".join(parts)
