"""Retries: bounded in number and in patience, never against what the server asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_tap_oracle_wms import retry

policies = st.builds(
    retry.Policy,
    max_retries=st.integers(0, 50),
    base_delay_s=st.floats(0.01, 10),
    max_delay_s=st.floats(0.01, 120),
    max_retry_after_s=st.floats(0, 600),
)


@given(policies, st.integers(1, 5000), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_a_pause_is_within_the_policy(policy, attempt, lot, asked):
    def uniform(low: float, high: float) -> float:
        return low + (high - low) * lot

    found = retry.delay_s(policy, attempt, uniform, asked)
    if attempt > policy.max_retries:
        assert found is None
        return
    assert found is not None
    assert 0 < found <= max(policy.max_delay_s, policy.max_retry_after_s) * (1 + 1e-9)
    if asked is not None:
        assert found >= min(asked, policy.max_retry_after_s)


@given(policies, st.integers(1, 49))
def test_pauses_do_not_shrink_from_try_to_try(policy, attempt):
    def highest(_low: float, high: float) -> float:
        return high

    first, second = (retry.delay_s(policy, n, highest) for n in (attempt, attempt + 1))
    assert first is None or second is None or second >= first


@given(st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)), st.integers(-9999, 9999))  # noqa: DTZ001 -- hypothesis wants naive bounds
def test_a_date_in_retry_after_is_the_seconds_until_then(now, seconds):
    now = now.replace(tzinfo=UTC, microsecond=0)
    text = format_datetime(now + timedelta(seconds=seconds), usegmt=True)
    assert retry.parse_retry_after(text, now) == max(0, seconds)


@given(st.integers(0, 10**8))
def test_seconds_in_retry_after_are_taken(seconds):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry.parse_retry_after(f" {seconds} ", now) == seconds


@given(st.text())
def test_any_header_is_read_or_ignored(text):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = retry.parse_retry_after(text, now)
    assert found is None or found >= 0
    retry.parse_http_date(text)


def test_the_policy_when_nothing_is_said():
    found = retry.Policy()
    assert (found.max_retries, found.base_delay_s) == (5, 1.0)
    assert (found.max_delay_s, found.max_retry_after_s) == (60.0, 300.0)


def lowest(low: float, _high: float) -> float:
    return low


@pytest.mark.parametrize(
    ("attempt", "pause_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (50, 30.0)]
)
def test_half_of_a_pause_is_fixed_and_it_doubles_up_to_its_limit(attempt, pause_s):
    assert retry.delay_s(retry.Policy(max_retries=50), attempt, lowest) == pause_s


@pytest.mark.parametrize("max_retries", [0, 1, 9])
@pytest.mark.parametrize(("asked", "pause_s"), [(None, 0.5), (0.1, 0.5), (7, 7), (9999, 300)])
def test_a_failure_that_is_not_counted_pauses_like_a_first_one(max_retries, asked, pause_s):
    policy = retry.Policy(max_retries=max_retries)
    assert retry.first_delay_s(policy, lowest, asked) == pause_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("999999999", 999999999),
        ("9999999999", None),  # three centuries: nonsense
        ("-1", None),
        ("1.5", None),
        ("\u0663", None),  # a digit, though not one of HTTP's
        ("", None),
        (None, None),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0),
    ],
)
def test_what_retry_after_asks_for(text, seconds):
    assert retry.parse_retry_after(text, datetime(2026, 1, 1, tzinfo=UTC)) == seconds


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("Thu, 01 Jan 2026 12:00:00 GMT", 12),
        ("Thu, 01 Jan 2026 12:00:00 +0200", 10),
        ("Thu, 01 Jan 2026 12:00:00 -0000", 12),  # no zone: RFC 9110 has only UTC
    ],
)
def test_a_date_is_in_utc_wherever_the_tap_runs(monkeypatch, zone, text, hour):
    import time

    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        found = retry.parse_http_date(text)
    time.tzset()
    assert found == datetime(2026, 1, 1, hour, tzinfo=UTC)
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", [None, "", "yesterday", "Thu, 99 Jan 2026 12:00:00 GMT"])
def test_what_is_no_date_is_none(text):
    assert retry.parse_http_date(text) is None
