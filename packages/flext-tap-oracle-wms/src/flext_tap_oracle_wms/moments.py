"""Instants as people write them in settings: ISO 8601, or an expression such as today-7d. Pure.

`now`, `today` and `yesterday` are in UTC; after them any number of steps: +1h, -30min, -2w.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EXPRESSION = re.compile(r"(now|today|yesterday)((?:\s*[+-]\s*\d{1,6}\s*(?:min|h|d|w))*)")
_STEP = re.compile(r"([+-])\s*(\d{1,6})\s*(min|h|d|w)")
_UNITS = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def resolve(text: str, now: datetime) -> datetime:
    """Return the instant, in UTC, that a text means at a present.

    Raises:
        ValueError: with what is wrong, in words for whoever wrote the text.
    """
    found = _EXPRESSION.fullmatch(text.strip().lower())
    if found is None:
        return _absolute(text)
    word, steps = found.groups()
    instant = now.astimezone(UTC)
    if word != "now":
        instant = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if word == "yesterday":
            instant -= timedelta(days=1)
        for sign, amount, unit in _STEP.findall(steps):
            step = int(amount) * _UNITS[unit]
            instant = instant + step if sign == "+" else instant - step
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the calendar") from None
    return instant


def _absolute(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is no ISO 8601 time and no expression such as today-7d or now-2h"
        ) from None
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} needs an offset from UTC, such as 2026-01-31T00:00:00+00:00")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the calendar") from None
