"""Which stretch of modification times an incremental run reads. Pure: times in, times out.

A window [start, end) is fixed before its first request. Its end stays behind the present by the
safety lag, its start goes back before the bookmark by a lookback, since rows may be committed
later than the time they carry. start None means: from the beginning of all time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from flext_tap_oracle_wms.errors import ClockSkewError

Lookback: TypeAlias = Literal["none", "short", "deep", "daily", "handover"]
DEEP_EVERY = timedelta(hours=1)
DAILY_EVERY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """A stretch of modification times: start inclusive, end exclusive, both in UTC."""

    start: datetime | None
    end: datetime
    lookback: Lookback

    def filters(self, key: str) -> dict[str, str]:
        """Return the API's filters for it, in UTC with microseconds."""
        found = {} if self.start is None else {f"{key}__gte": instant_text(self.start)}
        return found | {f"{key}__lt": instant_text(self.end)}


@dataclass(frozen=True)
class Lookbacks:
    """How far each kind of look behind goes."""

    short: timedelta
    deep: timedelta
    daily: timedelta
    handover: timedelta


def instant_text(instant: datetime) -> str:
    """Return an instant in UTC with microseconds and offset, as filters and state hold it."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def choose_lookback(
    *,
    now: datetime,
    handed_over: bool,
    deep_at: datetime | None,
    daily_at: datetime | None,
) -> Lookback:
    """Return which look behind is due: the widest whose turn it is.

    Args:
        now: the end of the window to come.
        handed_over: whether the bookmark comes from a full load and no window followed yet.
        deep_at: end of the last window that looked back deeply, None if none did.
        daily_at: the same for the daily one.
    """
    if handed_over:
        return "handover"
    if daily_at is None or now - daily_at >= DAILY_EVERY:
        return "daily"
    if deep_at is None or now - deep_at >= DEEP_EVERY:
        return "deep"
    return "short"


def window_end(
    *, server_now: datetime, local_now: datetime, max_skew: timedelta, lag: timedelta
) -> datetime:
    """Return where a window that begins now may end: behind both clocks by the lag.

    Raises:
        ClockSkewError: the clocks differ by more than max_skew.
    """
    skew = abs(server_now - local_now)
    if skew > max_skew:
        raise ClockSkewError(
            f"the clock of the WMS ({instant_text(server_now)}) and of this machine "
            f"({instant_text(local_now)}) differ by {skew.total_seconds():.0f} s, more than "
            f"max_clock_skew_seconds ({max_skew.total_seconds():.0f}): correct the clock, "
            "or rows near the window's end could be lost"
        )
    return min(server_now, local_now) - lag


def plan(
    *,
    bookmark: datetime | None,
    start_date: datetime | None,
    end: datetime,
    lookback: Lookback,
    lookbacks: Lookbacks,
    longest: timedelta,
) -> list[Window]:
    """Return the windows from the bookmark to the end, oldest first; empty if none is due.

    Without a bookmark the first begins at start_date, or at the beginning of all time: history
    is never left out unasked. No window ends before the bookmark, so none moves it back.
    """
    kind: Lookback
    if bookmark is None:
        start, kind = start_date, "none"
    else:
        back = {"none": timedelta(0)} | {
            "short": lookbacks.short,
            "deep": max(lookbacks.short, lookbacks.deep),
            "daily": max(lookbacks.short, lookbacks.deep, lookbacks.daily),
            "handover": max(lookbacks.short, lookbacks.handover),
        }
        kind = lookback
        start = max(_EPOCH, bookmark - min(back[kind], bookmark - _EPOCH))
        end = max(end, bookmark)
    if start is None:
        return [Window(None, end, "none")]
    if start >= end:
        return []
    floor = start if bookmark is None else bookmark
    windows = []
    # The cuts lie after the bookmark, so that each drained window moves it forwards.
    while end - max(start, floor) > longest:
        middle = max(start, floor) + longest
        windows.append(Window(start, middle, kind))
        start = middle
    windows.append(Window(start, end, kind))
    return windows
