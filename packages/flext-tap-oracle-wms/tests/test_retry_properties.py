"""Retries: bounded in number and in patience, never against what the server asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

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
