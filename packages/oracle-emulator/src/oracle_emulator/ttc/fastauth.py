"""FAST AUTH: PROTOCOL, DATA TYPES and the first step of the logon in one request."""

from __future__ import annotations

from dataclasses import dataclass

from oracle_emulator.codec.buffers import MalformedError, Reader
from oracle_emulator.ttc.auth import AuthRequest, decode_auth
from oracle_emulator.ttc.constants import Function, Message
from oracle_emulator.ttc.datatypes import DataTypes, decode_data_types
from oracle_emulator.ttc.header import decode_header
from oracle_emulator.ttc.protocol import decode_protocol


@dataclass(frozen=True, slots=True)
class FastAuth:
    """The parts of the request."""

    data_types: DataTypes
    auth: AuthRequest


def decode_fast_auth(reader: Reader) -> FastAuth:
    """Return the request; its message type was read already. Raises MalformedError."""
    reader.raw(3)
    _expect(reader, Message.PROTOCOL)
    decode_protocol(reader)
    reader.raw(5)  # character sets, unused
    field_version = reader.u8()  # the version that this message itself is written with
    _expect(reader, Message.DATA_TYPES)
    data_types = decode_data_types(reader)
    header = decode_header(reader, field_version)
    if header.function is not Function.AUTH_PHASE_ONE:
        raise MalformedError("fast authentication without its logon")
    return FastAuth(data_types, decode_auth(reader))


def _expect(reader: Reader, message: Message) -> None:
    code = reader.u8()
    if code != message:
        raise MalformedError(f"a message of type {code} where {message.name} is due")
