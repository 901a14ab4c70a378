"""Cursors of sequenced pages, in the manner of keyset paging by one field.

A cursor is base64 of a query string with up to three keys: `p`, the value of the FIRST ordering
field after which the page starts; `o`, how many rows to leave out there, because rows may share
that value; `r=1` for walking backwards. Reading cuts `o` at 1000: with many more rows than that of
one value the walk cannot get past them, as it may be on a real server. Pure.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

OFFSET_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page starts."""

    position: str | None = None
    offset: int = 0
    reverse: bool = False


START = Cursor()


def encode(cursor: Cursor) -> str:
    """The cursor as clients carry it."""
    parts: dict[str, str] = {}
    if cursor.offset:
        parts["o"] = str(cursor.offset)
    if cursor.reverse:
        parts["r"] = "1"
    if cursor.position is not None:
        parts["p"] = cursor.position
    return b64encode(urlencode(parts).encode()).decode()


def decode(text: str) -> Cursor:
    """The cursor that `encode` wrote.

    Raises:
        ValueError: it is none.
    """
    try:
        plain = b64decode(text.encode(), validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("invalid cursor") from error
    parts = parse_qs(plain, keep_blank_values=True)
    offset = parts.get("o", ["0"])[0]
    if not offset.isascii() or not offset.isdigit() or len(offset) > 18:
        raise ValueError("invalid cursor")
    position = parts["p"][0] if "p" in parts else None
    return Cursor(position, min(int(offset), OFFSET_LIMIT), parts.get("r", ["0"])[0] == "1")


@dataclass(frozen=True, slots=True)
class Window:
    """One page as read: positions of its rows in list order, and of the row behind its far end.

    `beyond` means something only if `more`; with a reverse cursor the far end is the first row.
    """

    cursor: Cursor
    positions: Sequence[str | None]
    more: bool
    beyond: str | None
    page_size: int


def _mark(positions: Sequence[str | None], neighbour: str | None) -> tuple[int, str | None, bool]:
    """The nearest position that differs from what lies beyond, and how many rows stand between."""
    for skipped, position in enumerate(positions):
        if position != neighbour:
            return skipped, position, True
        neighbour = position
    return len(positions), None, False


def _away(window: Window, inward: Sequence[str | None], *, reverse: bool) -> Cursor:
    """The cursor beyond the end whose rows, nearest first, are `inward`."""
    cursor = window.cursor
    onward = cursor.reverse is reverse  # walking on, not turning round
    neighbour = window.beyond if onward else cursor.position
    if not onward and cursor.offset and inward:
        neighbour = inward[0]  # an offset cursor starts among equals: its position is not the next
    offset, position, found = _mark(inward, neighbour)
    if found:
        return Cursor(position, offset, reverse)
    if onward:
        return Cursor(cursor.position, cursor.offset + window.page_size, reverse)
    return Cursor(cursor.position, 0, reverse)


def next_cursor(window: Window) -> Cursor | None:
    """The cursor of the page after this one, or None at the end."""
    started = window.cursor.position is not None or window.cursor.offset > 0
    if not (started if window.cursor.reverse else window.more):
        return None
    return _away(window, window.positions[::-1], reverse=False)


def previous_cursor(window: Window) -> Cursor | None:
    """The cursor of the page before this one, or None at the start."""
    started = window.cursor.position is not None or window.cursor.offset > 0
    if not (window.more if window.cursor.reverse else started):
        return None
    return _away(window, window.positions, reverse=True)
