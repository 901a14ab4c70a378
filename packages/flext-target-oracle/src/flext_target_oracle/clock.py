"""The one door to the clocks. Times are naive UTC, as the TIMESTAMP columns hold them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

monotonic_s = time.monotonic
process_s = time.process_time


def utc_now() -> datetime:
    """Return the current time in UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)
