"""The clocks of this package, in one place so that tests can put others in."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

#: Returns the present time, aware of its zone.
Clock: TypeAlias = Callable[[], datetime]


def now() -> datetime:
    """Return the present time, in UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Return seconds that no clock correction moves."""
    return time.monotonic()
