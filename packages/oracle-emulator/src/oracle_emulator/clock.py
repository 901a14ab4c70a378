"""The present time, for what is made at run time. The engine's SYSDATE is PostgreSQL's matter."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)
