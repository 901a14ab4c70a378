r"""Halves of characters: `\ud800` alone in a JSON text. Found and blotted out; nothing is decoded.

JSON's grammar allows them and writers write them, but they are no text: no character set has them,
and a strict reader takes the whole line for broken. Pure.
"""

from __future__ import annotations

import re

#: Each escape as a whole, so that none begins within another; a pair is one character.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL
)
_HALF = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_REPLACEMENT = rb"\ufffd"


def blotted(text: bytes) -> tuple[bytes, list[int]]:
    """Return JSON as long as it was, a replacement character for each half; and where they were."""
    places: list[int] = []

    def blot(match: re.Match[bytes]) -> bytes:
        if _HALF.fullmatch(match.group()) is None:
            return match.group()
        places.append(match.start())
        return _REPLACEMENT

    return _ESCAPE.sub(blot, text), places


def has_half(text: bytes) -> bool:
    """Whether there is one."""
    return bool(_HALF.search(text)) and bool(blotted(text)[1])
