"""Time as the tap sees it: wall clock, monotonic seconds and pauses, replaceable in tests.

The only module that reads a clock or sleeps.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """Three ways of asking for time.

    Attributes:
        now: the wall clock, in UTC.
        monotonic_s: seconds that never go back, for durations.
        sleep: pauses the calling thread for that many seconds.
    """

    now: Callable[[], datetime] = _utc_now
    monotonic_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
