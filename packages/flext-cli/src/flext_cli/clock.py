"""Time, for this package: the only module that reads a clock or sleeps."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Seconds of a clock that only goes forward, for measuring durations."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Let time pass, where another process holds something and no event can be waited for."""
    time.sleep(seconds)
