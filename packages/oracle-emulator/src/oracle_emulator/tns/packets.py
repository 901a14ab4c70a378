"""Framing: bytes to packets and payloads to packets.

Knows lengths, types and data flags; nothing of TTC.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

HEADER_BYTES = 8
DATA_FLAGS_BYTES = 2
LARGE_LENGTH_VERSION = 315
MAX_PACKET_BYTES = 1 << 22

FLAG_EOF = 0x0040
FLAG_END_OF_RESPONSE = 0x2000


class PacketType(enum.IntEnum):
    """The packet types that a server meets."""

    CONNECT = 1
    ACCEPT = 2
    REFUSE = 4
    REDIRECT = 5
    DATA = 6
    RESEND = 11
    MARKER = 12
    ATTENTION = 13
    CONTROL = 14


class FramingError(Exception):
    """Bytes that are no packet: the connection must be closed."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet without its header."""

    type: PacketType
    body: bytes

    def data_flags(self) -> int:
        """Return the flags of a DATA packet."""
        return int.from_bytes(self.body[:DATA_FLAGS_BYTES], "big")

    def payload(self) -> bytes:
        """Return what a DATA packet carries."""
        return self.body[DATA_FLAGS_BYTES:]


class PacketDecoder:
    """Bytes in any portions become packets.

    `large` is set once a version was agreed that has 4-byte lengths.
    """

    def __init__(self) -> None:
        self.large = False
        self._rest: list[bytes] = []  # of a packet that is not all there
        self._missing = 0

    def feed(self, data: bytes) -> list[Packet]:
        """Take bytes and return the packets that they complete. Raises FramingError."""
        self._missing -= len(data)
        if self._missing > 0:
            self._rest.append(data)
            return []
        if self._rest:
            data = b"".join((*self._rest, data))
        packets = []
        start = 0
        while (length := self._length(data, start)) <= len(data) - start:
            packets.append(
                Packet(_kind(data[start + 4]), data[start + HEADER_BYTES : start + length])
            )
            start += length
        self._rest = [data[start:]] if start < len(data) else []
        self._missing = length - (len(data) - start)
        return packets

    def _length(self, data: bytes, start: int) -> int:
        """Return how long the packet that begins at `start` is, or its header if that is cut."""
        if len(data) - start < HEADER_BYTES:
            return HEADER_BYTES
        length = int.from_bytes(data[start : start + (4 if self.large else 2)], "big")
        if not HEADER_BYTES <= length <= MAX_PACKET_BYTES:
            raise FramingError(f"a packet of {length} bytes")
        _kind(data[start + 4])
        return length


def _kind(code: int) -> PacketType:
    kind = _KINDS.get(code)
    if kind is None:
        raise FramingError(f"a packet of type {code}")
    return kind


_KINDS = {kind.value: kind for kind in PacketType}


def encode_packet(kind: PacketType, body: bytes, *, large: bool) -> bytes:
    """Return one packet."""
    length = len(body) + HEADER_BYTES
    head = length.to_bytes(4, "big") if large else length.to_bytes(2, "big") + b"\x00\x00"
    return head + bytes((kind, 0, 0, 0)) + body


def encode_data(payload: bytes, sdu: int, *, end_of_response: bool = False) -> bytes:
    """Return a response as DATA packets of at most `sdu` bytes, the last one marked on demand."""
    room = sdu - HEADER_BYTES - DATA_FLAGS_BYTES
    packets = []
    for start in range(0, len(payload), room):
        last = start + room >= len(payload)
        flags = FLAG_END_OF_RESPONSE if last and end_of_response else 0
        body = flags.to_bytes(2, "big") + payload[start : start + room]
        packets.append(encode_packet(PacketType.DATA, body, large=True))
    return b"".join(packets)
