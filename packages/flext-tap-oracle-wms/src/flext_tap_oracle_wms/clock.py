"""Time and chance as the tap sees them, replaceable in tests.

The only module that reads a clock, sleeps or draws lots.
"""

from __future__ import annotations

import random
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
    """Ways of asking for time, and for a lot.

    Attributes:
        now: the wall clock, in UTC.
        monotonic_s: seconds that never go back, for durations.
        sleep: pauses the calling thread for that many seconds.
        uniform: a number between two, so that many clients spread their pauses.
    """

    now: Callable[[], datetime] = _utc_now
    monotonic_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform
