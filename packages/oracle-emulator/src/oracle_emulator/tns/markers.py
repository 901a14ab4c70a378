"""Markers: how a call is interrupted and how both sides get into step again."""

from __future__ import annotations

import enum

from oracle_emulator.tns.packets import FramingError, PacketType, encode_packet


class Marker(enum.IntEnum):
    """What a marker asks for."""

    BREAK = 1
    RESET = 2
    INTERRUPT = 3


def decode_marker(body: bytes) -> Marker:
    """Return what a MARKER packet asks for. Raises FramingError."""
    if len(body) != 3:
        raise FramingError(f"a marker of {len(body)} bytes")
    try:
        return Marker(body[2])
    except ValueError as error:
        raise FramingError(f"a marker of type {body[2]}") from error


def encode_marker(marker: Marker) -> bytes:
    """Return a MARKER packet."""
    return encode_packet(PacketType.MARKER, bytes((1, 0, marker)), large=True)
