"""ROWID: 18 characters of base 64 in text, four numbers on the wire."""

from __future__ import annotations

from typing import NamedTuple

from oracle_emulator.codec.buffers import Reader, ub

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGITS = {character: number for number, character in enumerate(_ALPHABET)}
_WIDTHS = (6, 3, 6, 3)
_LIMITS = (1 << 32, 1 << 16, 1 << 32, 1 << 16)


class Rowid(NamedTuple):
    """A physical row identifier."""

    object_number: int
    partition: int
    block: int
    slot: int


NONE = Rowid(0, 0, 0, 0)


def parse_rowid(text: str | None) -> Rowid:
    """Return a ROWID from its text; the empty one for text that is none."""
    if text is None or len(text) != sum(_WIDTHS) or not all(c in _DIGITS for c in text):
        return NONE
    numbers = []
    start = 0
    for width in _WIDTHS:
        number = 0
        for character in text[start : start + width]:
            number = number * 64 + _DIGITS[character]
        numbers.append(number)
        start += width
    if any(number >= limit for number, limit in zip(numbers, _LIMITS, strict=True)):
        return NONE
    return Rowid(*numbers)


def format_rowid(rowid: Rowid) -> str:
    """Return the text of a ROWID."""
    parts = []
    for number, width in zip(rowid, _WIDTHS, strict=True):
        parts.append(
            "".join(_ALPHABET[(number >> (6 * place)) & 63] for place in reversed(range(width)))
        )
    return "".join(parts)


def encode_rowid(rowid: Rowid) -> bytes:
    """Return a ROWID as the fields of a message."""
    return (
        ub(rowid.object_number) + ub(rowid.partition) + b"\x00" + ub(rowid.block) + ub(rowid.slot)
    )


def decode_rowid(reader: Reader) -> Rowid:
    """Return a ROWID from the fields of a message."""
    object_number, partition = reader.ub(4), reader.ub(2)
    reader.u8()
    return Rowid(object_number, partition, reader.ub(4), reader.ub(2))
