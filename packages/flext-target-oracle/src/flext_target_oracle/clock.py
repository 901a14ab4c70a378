"""The one door to the clocks. Times are naive UTC, as the TIMESTAMP columns hold them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

monotonic_s = time.monotonic
process_s = time.process_time
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_MILLISECOND = timedelta(milliseconds=1)


def epoch_ms(moment: datetime) -> int:
    """Return naive UTC as whole milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def utc_now() -> datetime:
    """Return the current time in UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)
