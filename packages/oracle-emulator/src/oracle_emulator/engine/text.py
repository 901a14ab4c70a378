"""U+0000 in text.

PostgreSQL cannot store it and Oracle can, so it is stored as another character, reversibly.

U+FDD0 (a noncharacter, which no text should hold) stands for U+0000; U+FDD1 before a character
means that character itself, which is needed only for the two. Nearly every text is unchanged.
"""

from __future__ import annotations

import re

NUL_MARK = "\ufdd0"
ESCAPE = "\ufdd1"
_TO_ESCAPE = re.compile("[\x00\ufdd0\ufdd1]")
_ESCAPED = re.compile("\ufdd1(.)|\ufdd0", re.DOTALL)


def stored(text: str) -> str:
    """The form in which a text is kept."""
    if _TO_ESCAPE.search(text) is None:
        return text
    return _TO_ESCAPE.sub(lambda m: NUL_MARK if m.group() == "\x00" else ESCAPE + m.group(), text)


def original(text: str) -> str:
    """The text whose stored form this is."""
    if NUL_MARK not in text and ESCAPE not in text:
        return text
    return _ESCAPED.sub(lambda m: m.group(1) or "\x00", text)
