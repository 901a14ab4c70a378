"""AUTH, both steps: a user name and key/value pairs there, key/value pairs back.

What they mean is `session.logon`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from oracle_emulator.codec.buffers import Reader, text2, ub
from oracle_emulator.ttc.constants import Message


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """One step of a logon."""

    user: str
    mode: int
    pairs: dict[str, str]
    contexts: dict[str, dict[str, str]] = field(default_factory=dict)  # by namespace


def decode_auth(reader: Reader) -> AuthRequest:
    """Return the request; its header was read already."""
    has_user = reader.u8()
    reader.ub()  # length of the name
    mode = reader.ub()
    reader.u8()
    count = reader.ub()
    reader.raw(2)
    user = reader.text() if has_user else ""
    pairs: dict[str, str] = {}
    contexts: dict[str, dict[str, str]] = {}
    for _ in range(count):
        key = reader.text2().rstrip("\x00")
        pairs[key] = reader.text2()
        reader.ub()  # flags
        if key == "AUTH_APPCTX_VALUE":  # the last of three that belong together
            values = contexts.setdefault(pairs.get("AUTH_APPCTX_NSPACE", "").rstrip("\x00"), {})
            values[pairs.get("AUTH_APPCTX_ATTR", "").rstrip("\x00")] = pairs[key].rstrip("\x00")
    return AuthRequest(user, mode, pairs, contexts)


def encode_auth(pairs: Iterable[tuple[str, str, int]]) -> bytes:
    """Return the answer: (key, value, flags) each."""
    parts = [text2(key) + text2(value) + ub(flags) for key, value, flags in pairs]
    return bytes((Message.PARAMETER,)) + ub(len(parts)) + b"".join(parts)
