"""What is wrong with a job now, and what of it has to be said. Pure.

Facts come in as values; files, hooks and clocks are elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flext_cli.settings import Limits
from flext_cli.status import Place, Run

_TROUBLE_CHARS = 500

Kind = Literal["failure", "lag", "rejects", "no_data"]


@dataclass(frozen=True)
class Facts:
    """What is known of a job now.

    Attributes:
        run: the run that has just ended; None where a turn was skipped or nothing was run.
        exit_code: that of the run.
        trouble: the last thing its log said that was worse than a hint.
        places: the incremental streams' places; None where they were not looked at.
        data_at: when a run of the job last read a record; None where it is not known.
    """

    job: str
    run: Run | None
    exit_code: int | None
    trouble: str | None
    places: tuple[Place, ...] | None
    data_at: datetime | None


@dataclass(frozen=True)
class Condition:
    """One thing that is wrong; `value` is beyond `limit`, in the unit of its kind."""

    kind: Kind
    stream: str
    text: str
    value: float
    limit: float

    @property
    def key(self) -> str:
        """What makes it the same condition the next time."""
        return f"{self.kind} {self.stream}".rstrip()


@dataclass(frozen=True)
class Firing:
    """A condition that somebody was told of: since when it is there, and when they were told."""

    since: datetime
    sent_at: datetime
    text: str


@dataclass(frozen=True)
class Changes:
    """What has to be said, and what is remembered once it was said."""

    begun: Mapping[str, Condition]
    resolved: Mapping[str, Firing]
    after: Mapping[str, Firing]

    @property
    def any(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.begun or self.resolved)


def find(facts: Facts, limits: Limits, now: datetime) -> list[Condition]:
    """Return what is wrong, in a stable order."""
    return [
        *_failure(facts), *_lag(facts, limits), *_rejects(facts, limits),
        *_no_data(facts, limits, now),
    ]  # fmt: skip


def unseen(facts: Facts) -> frozenset[Kind]:
    """Return the kinds that these facts say nothing of: what fires of them goes on."""
    kinds: set[Kind] = set()
    if facts.run is None:
        kinds |= {"failure", "rejects"}
    if facts.places is None:
        kinds |= {"lag"}
    return frozenset(kinds)


def changes(
    found: Iterable[Condition],
    before: Mapping[str, Firing],
    *,
    unseen: frozenset[Kind],
    repeat_s: float,
    now: datetime,
) -> Changes:
    """Return what of the conditions is new or due again, and what is over."""
    conditions = {each.key: each for each in found}
    begun = {
        key: each
        for key, each in conditions.items()
        if key not in before or _is_due(before[key], repeat_s, now)
    }
    resolved = {
        key: each
        for key, each in before.items()
        if key not in conditions and key.partition(" ")[0] not in unseen
    }
    after = {key: each for key, each in before.items() if key not in resolved}
    for key, condition in begun.items():
        since = before[key].since if key in before else now
        after[key] = Firing(since, now, condition.text)
    return Changes(begun, resolved, after)


def _is_due(told: Firing, repeat_s: float, now: datetime) -> bool:
    # A clock that was set back must not silence an alert.
    return repeat_s > 0 and abs((now - told.sent_at).total_seconds()) >= repeat_s


def _failure(facts: Facts) -> Iterator[Condition]:
    if facts.exit_code:
        text = f"a run of {facts.job} ended with exit code {facts.exit_code}"
        if facts.trouble:
            text += f": {facts.trouble[:_TROUBLE_CHARS]}"
        yield Condition("failure", "", text, facts.exit_code, 0)


def _lag(facts: Facts, limits: Limits) -> Iterator[Condition]:
    if limits.lag_s is None:
        return
    # A stream with two places is as far as the one that is less behind.
    behind: dict[str, float] = {}
    for place in facts.places or ():
        if place.lag_s is not None:
            behind[place.stream] = min(place.lag_s, behind.get(place.stream, place.lag_s))
    for stream, lag_s in sorted(behind.items()):
        if lag_s > limits.lag_s:
            text = f"{stream} of {facts.job} is {lag_s:.0f} s behind, more than {limits.lag_s} s"
            yield Condition("lag", stream, text, round(lag_s, 1), limits.lag_s)


def _rejects(facts: Facts, limits: Limits) -> Iterator[Condition]:
    if limits.rejects is None or facts.run is None:
        return
    for stream, figures in sorted(facts.run.streams.items()):
        if figures.rejected > limits.rejects:
            text = (
                f"a run of {facts.job} rejected {figures.rejected} rows of {stream}, more than"
                f" {limits.rejects}; they are in FLEXT_REJECTS"
            )
            yield Condition("rejects", stream, text, figures.rejected, limits.rejects)


def _no_data(facts: Facts, limits: Limits, now: datetime) -> Iterator[Condition]:
    if limits.no_data_s is None or facts.data_at is None:
        return
    silent_s = (now - facts.data_at).total_seconds()
    if silent_s > limits.no_data_s:
        text = (
            f"no run of {facts.job} has read a record for {silent_s:.0f} s, more than"
            f" {limits.no_data_s} s"
        )
        yield Condition("no_data", "", text, round(silent_s, 1), limits.no_data_s)
