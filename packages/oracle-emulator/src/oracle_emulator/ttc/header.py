"""The head of every message from the client."""

from __future__ import annotations

from dataclasses import dataclass

from oracle_emulator.codec.buffers import MalformedError, Reader, ub
from oracle_emulator.ttc.constants import TOKEN_FIELD_VERSION, Function, Message

_WITH_FUNCTION = frozenset({Message.FUNCTION, Message.PIGGYBACK, Message.ONE_WAY})


@dataclass(frozen=True, slots=True)
class Header:
    """What is asked for. `token` is not zero in a pipeline and comes back with the answer."""

    message: Message
    function: Function | None = None
    token: int = 0


def decode_header(reader: Reader, field_version: int) -> Header:
    """Return the next message's head. Raises MalformedError for messages that no client sends."""
    code = reader.u8()
    try:
        message = Message(code)
    except ValueError as error:
        raise MalformedError(f"a message of type {code}") from error
    if message not in _WITH_FUNCTION:
        return Header(message)
    code = reader.u8()
    reader.u8()  # sequence number
    token = reader.ub(8) if field_version >= TOKEN_FIELD_VERSION else 0
    try:
        return Header(message, Function(code), token)
    except ValueError as error:
        raise MalformedError(f"a function with code {code}") from error


def encode_token(token: int) -> bytes:
    """Return the message that puts a response to its request; nothing outside of pipelines."""
    return bytes((Message.TOKEN,)) + ub(token) if token else b""
