"""Reading and writing the primitive fields of a TTC message.

`ub` is an integer with a length byte; `bl` is bytes with a length byte (chunked above 252 bytes);
`bl2` is a `bl` behind its total length. What a field means belongs to the messages, not here.
"""

from __future__ import annotations

SHORT_MAX = 252
CHUNKED = 254
NULL_INDICATOR = 255
CHUNK_BYTES = 32767


class IncompleteError(Exception):
    """The input ends before the field does; `missing` is how many bytes are wanted at least."""

    def __init__(self, missing: int) -> None:
        super().__init__(f"{missing} more bytes wanted")
        self.missing = missing


class MalformedError(Exception):
    """The input is not what the protocol allows here; the stream cannot be followed any further."""


class Reader:
    """A position in bytes that may still grow.

    A failed read leaves the position undefined: the caller sets it back.
    """

    __slots__ = ("data", "position")

    def __init__(self, data: bytes = b"") -> None:
        self.data = data
        self.position = 0

    def remaining(self) -> int:
        """Return how many bytes are unread."""
        return len(self.data) - self.position

    def raw(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        start = self.position
        end = start + count
        if end > len(self.data):
            raise IncompleteError(end - len(self.data))
        self.position = end
        return self.data[start:end]

    def u8(self) -> int:
        """Return one byte."""
        position = self.position
        if position >= len(self.data):
            raise IncompleteError(1)
        self.position = position + 1
        return self.data[position]

    def u16be(self) -> int:
        """Return a fixed-width big-endian number of two bytes."""
        return int.from_bytes(self.raw(2), "big")

    def u16le(self) -> int:
        """Return a fixed-width little-endian number of two bytes."""
        return int.from_bytes(self.raw(2), "little")

    def ub(self, width: int = 4) -> int:
        """Return an unsigned number of at most `width` bytes."""
        length = self.u8()
        if length > width:
            raise MalformedError(f"an integer of {length} bytes where {width} are allowed")
        return int.from_bytes(self.raw(length), "big")

    def sb(self, width: int = 4) -> int:
        """Return a signed number of at most `width` bytes."""
        length = self.u8()
        if length & 0x7F > width:
            raise MalformedError(f"an integer of {length & 0x7F} bytes where {width} are allowed")
        magnitude = int.from_bytes(self.raw(length & 0x7F), "big")
        return -magnitude if length & 0x80 else magnitude

    def bl(self) -> bytes | None:
        """Return bytes behind a length byte; None for NULL."""
        length = self.u8()
        if length in {0, NULL_INDICATOR}:
            return None
        if length <= SHORT_MAX:
            return self.raw(length)
        if length != CHUNKED:
            raise MalformedError(f"length byte {length} where bytes are expected")
        return self._chunks()

    def _chunks(self) -> bytes:
        """Return chunked bytes; no piece is copied before all are there: retries cost little."""
        pieces: list[tuple[int, int]] = []
        while size := self.ub(4):
            start = self.position
            if start + size > len(self.data):
                raise IncompleteError(start + size - len(self.data))
            self.position = start + size
            pieces.append((start, start + size))
        return b"".join(self.data[start:end] for start, end in pieces)

    def bl2(self) -> bytes | None:
        """Return bytes behind their total length; None for none."""
        return self.bl() if self.ub(4) else None

    def text(self) -> str:
        """Return UTF-8 text behind a length byte; empty for NULL."""
        return as_text(self.bl())

    def text2(self) -> str:
        """Return UTF-8 text behind its total length; empty for none."""
        return as_text(self.bl2())


def as_text(data: bytes | None) -> str:
    """Return UTF-8 bytes of the client as text. Raises MalformedError when they are not UTF-8."""
    try:
        return (data or b"").decode()
    except UnicodeDecodeError as error:
        raise MalformedError("text that is not UTF-8") from error


def ub(value: int) -> bytes:
    """Return an unsigned number in its shortest form."""
    if value == 0:
        return b"\x00"
    if value < 0x100:
        return bytes((1, value))
    for width in (2, 4, 8):
        if value < 1 << (8 * width):
            return bytes((width,)) + value.to_bytes(width, "big")
    raise MalformedError(f"{value} does not fit into 8 bytes")


def sb(value: int) -> bytes:
    """Return a signed number in its shortest form."""
    if value >= 0:
        return ub(value)
    magnitude = ub(-value)
    return bytes((magnitude[0] | 0x80,)) + magnitude[1:]


_LENGTHS = [bytes((length,)) for length in range(SHORT_MAX + 1)]


def bl(data: bytes | None) -> bytes:
    """Return bytes behind a length byte; NULL for None and for no bytes."""
    if not data:
        return b"\x00"
    if len(data) <= SHORT_MAX:
        return _LENGTHS[len(data)] + data
    parts = [bytes((CHUNKED,))]
    for start in range(0, len(data), CHUNK_BYTES):
        chunk = data[start : start + CHUNK_BYTES]
        parts += (ub(len(chunk)), chunk)
    parts.append(b"\x00")
    return b"".join(parts)


def bl2(data: bytes | None) -> bytes:
    """Return bytes behind their total length."""
    return ub(len(data)) + bl(data) if data else b"\x00"


def text2(text: str) -> bytes:
    """Return text as UTF-8 behind its total length."""
    return bl2(text.encode())
