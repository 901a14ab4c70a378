"""Which failures are tried again, and after how long. Pure: no clock, no request.

Retried: 409, 429 (as long as Retry-After asks), 500, 502, 503, 504, timeouts, broken
connections, cut or non-JSON bodies. All else would fail the same way again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RETRIED_STATUSES = frozenset({409, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Policy:
    """How often and how patiently.

    Attributes:
        max_retries: attempts after the first one.
        base_delay_s: upper bound of the first pause; it doubles with every attempt.
        max_delay_s: no pause of our own choice is longer.
        max_retry_after_s: a server that asks for more is not waited for longer than this.
    """

    max_retries: int = 5
    base_delay_s: float = 1.0
    max_delay_s: float = 60.0
    max_retry_after_s: float = 300.0


def delay_s(
    policy: Policy,
    attempt: int,
    uniform: Callable[[float, float], float],
    retry_after_s: float | None = None,
) -> float | None:
    """Return the pause before the next try, None when there is none.

    Args:
        policy: the limits.
        attempt: how many tries have failed, 1 after the first.
        uniform: a random number between its two arguments, so that many clients spread out.
        retry_after_s: what the server asked for; never undercut up to the policy's limit.
    """
    if attempt > policy.max_retries:
        return None
    # The exponent is bounded: 2.0**1024 overflows.
    ceiling = min(policy.max_delay_s, policy.base_delay_s * 2.0 ** min(attempt - 1, 30))
    # Half fixed, half random: spread out, yet never at once.
    own = uniform(ceiling / 2, ceiling)
    if retry_after_s is None:
        return own
    return max(own, min(retry_after_s, policy.max_retry_after_s))


def first_delay_s(
    policy: Policy,
    uniform: Callable[[float, float], float],
    retry_after_s: float | None = None,
) -> float:
    """Return the pause after a failure that is not counted against the tries."""
    pause_s = delay_s(replace(policy, max_retries=1), 1, uniform, retry_after_s)
    return policy.base_delay_s if pause_s is None else pause_s


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for; None for none or nonsense."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) <= 9 else None
    instant = parse_http_date(text)
    return None if instant is None else max(0.0, (instant - now).total_seconds())


def parse_http_date(text: str | None) -> datetime | None:
    """Return an HTTP date (RFC 9110) in UTC, None where the text is none."""
    if text is None:
        return None
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
