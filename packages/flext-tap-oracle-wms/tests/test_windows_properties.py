"""Windows: together they leave nothing out, and the bookmark never goes back or past the end."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flext_tap_oracle_wms import windows
from flext_tap_oracle_wms.errors import ClockSkewError
from flext_tap_oracle_wms.windows import Lookbacks

BACK = Lookbacks(
    short=timedelta(minutes=5),
    deep=timedelta(hours=2),
    daily=timedelta(days=1),
    handover=timedelta(days=1),
)
instants = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis wants naive bounds


@given(
    st.none() | instants,
    st.none() | instants,
    instants,
    st.sampled_from(["short", "deep", "daily", "handover"]),
    st.integers(1, 400),
)
def test_windows_join_and_cover(bookmark, start_date, end, lookback, days):
    found = windows.plan(
        bookmark=bookmark,
        start_date=start_date,
        end=end,
        lookback=lookback,
        lookbacks=BACK,
        longest=timedelta(days=days),
    )
    if not found:
        assert bookmark is None
        assert start_date is not None
        assert start_date >= end
        return
    assert found[-1].end == (end if bookmark is None else max(end, bookmark))
    for earlier, later in itertools.pairwise(found):
        assert earlier.end == later.start
        assert earlier.end < later.end
    if bookmark is None:
        assert found[0].start == start_date
    else:
        assert found[0].start <= bookmark - BACK.short
        assert all(window.end >= bookmark for window in found)
    # A window and its look behind are at most that much longer than the limit.
    for window in found:
        if window.start is not None:
            assert window.end - window.start <= timedelta(days=days) + BACK.daily


def test_without_bookmark_and_start_date_the_whole_history_is_read():
    end = datetime(2026, 1, 1, tzinfo=UTC)
    (window,) = windows.plan(
        bookmark=None,
        start_date=None,
        end=end,
        lookback="short",
        lookbacks=BACK,
        longest=timedelta(days=1),
    )
    assert window.filters("mod_ts") == {"mod_ts__lt": "2026-01-01T00:00:00.000000+00:00"}


def test_filters_are_in_utc_with_microseconds():
    west = timezone(timedelta(hours=-3))
    window = windows.Window(
        datetime(2026, 1, 1, 9, 0, 0, 123, tzinfo=west),
        datetime(2026, 1, 1, 10, 0, tzinfo=west),
        "short",
    )
    assert window.filters("mod_ts") == {
        "mod_ts__gte": "2026-01-01T12:00:00.000123+00:00",
        "mod_ts__lt": "2026-01-01T13:00:00.000000+00:00",
    }


@given(instants, st.integers(-200, 200), st.integers(0, 120), st.integers(0, 600))
def test_a_window_ends_behind_both_clocks_or_not_at_all(local, skew_s, most_s, lag_s):
    server = local + timedelta(seconds=skew_s)
    given_ = {
        "server_now": server,
        "local_now": local,
        "max_skew": timedelta(seconds=most_s),
        "lag": timedelta(seconds=lag_s),
    }
    if abs(skew_s) > most_s:
        with pytest.raises(ClockSkewError, match="max_clock_skew_seconds"):
            windows.window_end(**given_)
        return
    end = windows.window_end(**given_)
    assert end <= min(server, local) - timedelta(seconds=lag_s)


@given(instants, st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_the_widest_look_behind_that_is_due_is_taken(now, deep_s, daily_s, handed_over):
    assume(daily_s >= deep_s)
    found = windows.choose_lookback(
        now=now,
        handed_over=handed_over,
        deep_at=now - timedelta(seconds=deep_s),
        daily_at=now - timedelta(seconds=daily_s),
    )
    if handed_over:
        assert found == "handover"
    elif daily_s >= 86400:
        assert found == "daily"
    else:
        assert found == ("deep" if deep_s >= 3600 else "short")


def test_the_first_window_after_a_bookmark_without_history_looks_back_a_day():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert (
        windows.choose_lookback(now=now, handed_over=False, deep_at=None, daily_at=None) == "daily"
    )


def test_a_history_is_cut_after_the_bookmark_so_that_each_window_moves_it():
    bookmark = datetime(2026, 1, 1, tzinfo=UTC)
    found = windows.plan(
        bookmark=bookmark,
        start_date=None,
        end=bookmark + timedelta(days=2, hours=12),
        lookback="short",
        lookbacks=BACK,
        longest=timedelta(days=1),
    )
    days = [(window.end - bookmark) / timedelta(days=1) for window in found]
    assert days == [1, 2, 2.5]


@pytest.mark.parametrize("kind", ["short", "deep", "daily", "handover"])
def test_the_beginning_of_time_is_not_passed(kind):
    bookmark = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    found = windows.plan(
        bookmark=bookmark,
        start_date=None,
        end=bookmark + timedelta(hours=1),
        lookback=kind,
        lookbacks=BACK,
        longest=timedelta(days=1),
    )
    assert found[0].start == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("deep_s", "daily_s", "kind"),
    [
        (3599, 86399, "short"),
        (3600, 86399, "deep"),
        (0, 86399, "short"),
        (0, 86400, "daily"),
        (3600, 86400, "daily"),
    ],
)
def test_a_look_behind_is_due_when_its_time_has_passed_whole(deep_s, daily_s, kind):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = windows.choose_lookback(
        now=now,
        handed_over=False,
        deep_at=now - timedelta(seconds=deep_s),
        daily_at=now - timedelta(seconds=daily_s),
    )
    assert found == kind


@pytest.mark.parametrize(
    ("kind", "back"),
    [
        ("none", timedelta(0)),
        ("short", BACK.short),
        ("deep", BACK.deep),
        ("daily", BACK.daily),
        ("handover", BACK.handover),
    ],
)
def test_a_window_begins_so_far_before_its_bookmark(kind, back):
    bookmark = datetime(2026, 1, 1, tzinfo=UTC)
    (found,) = windows.plan(
        bookmark=bookmark,
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        end=bookmark + timedelta(hours=1),
        lookback=kind,
        lookbacks=BACK,
        longest=timedelta(days=1),
    )
    assert found == windows.Window(bookmark - back, bookmark + timedelta(hours=1), kind)


def test_a_wider_look_is_never_shorter_than_the_short_one():
    long = timedelta(days=3)
    backs = Lookbacks(long, timedelta(hours=2), timedelta(days=1), timedelta(days=1))
    bookmark = datetime(2026, 1, 1, tzinfo=UTC)
    for kind in ("short", "deep", "daily", "handover"):
        found = windows.plan(
            bookmark=bookmark,
            start_date=None,
            end=bookmark + timedelta(hours=1),
            lookback=kind,
            lookbacks=backs,
            longest=timedelta(days=9),
        )
        assert found[0].start == bookmark - long


@pytest.mark.parametrize("ahead_s", [0, 1, 3600])
def test_a_start_date_at_the_end_or_after_it_leaves_no_window(ahead_s):
    end = datetime(2026, 1, 1, tzinfo=UTC)
    found = windows.plan(
        bookmark=None,
        start_date=end + timedelta(seconds=ahead_s),
        end=end,
        lookback="short",
        lookbacks=BACK,
        longest=timedelta(days=1),
    )
    assert found == []


def test_a_skew_at_the_limit_is_accepted_and_one_over_it_told():
    local = datetime(2026, 1, 1, tzinfo=UTC)
    for sign in (1, -1):
        given_ = {
            "local_now": local,
            "max_skew": timedelta(seconds=60),
            "lag": timedelta(seconds=30),
        }
        server = local + sign * timedelta(seconds=60)
        assert windows.window_end(server_now=server, **given_) == min(server, local) - timedelta(
            seconds=30
        )
        with pytest.raises(ClockSkewError, match=r"differ by 61 s.*\(60\)"):
            windows.window_end(server_now=server + sign * timedelta(seconds=1), **given_)
