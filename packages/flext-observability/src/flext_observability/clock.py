"""The wall clock of this package, in one place so that tests can put another in.

Nothing else lives here; durations are measured by whoever does the work and arrive in events.
"""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present time, in UTC."""
    return datetime.now(UTC)
