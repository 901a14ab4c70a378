"""What the runs of this workspace did and how far each stream is: records in, values out. Pure.

The facts come from the run records, from `.token` and from Meltano's states; nothing here reads
or prints them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from flext_cli.handover import merged
from flext_observability.runs import RunRecord

Outcome = Literal["running", "succeeded", "failed", "died"]
TAP = "flext-tap-oracle-wms"
TARGET = "flext-target-oracle"
#: Under which name the record of `flext run` has why the run failed, beside what has no stream.
REASON = "reason"


@dataclass
class StreamFigures:
    """What one run did to one stream, as tap and target counted it themselves."""

    extracted: int = 0
    loaded: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    retries: int = 0
    errors: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Run:
    """One run with the parts that took part in it.

    Attributes:
        exit_codes: by component; None where the part has not ended, or died.
        streams: by stream; what belongs to none is left out.
        ended_at: when its last part ended, None while one has not.
        job: the job, where `flext run` ran it.
        reason: why it failed, where `flext run` saw it.
    """

    run_id: str
    started_at: datetime
    ended_at: datetime | None
    outcome: Outcome
    exit_codes: Mapping[str, int | None]
    streams: Mapping[str, StreamFigures] = field(default_factory=dict)
    job: str | None = None
    reason: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took, where it has ended."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class Place:
    """How far one stream of one pipeline is.

    Attributes:
        bookmark: all changes before it are loaded; None where there is none.
        lag_s: seconds from the bookmark to now.
        full_load: "completed", "under way" or None where the state knows of none.
    """

    state_id: str
    stream: str
    bookmark: str | None
    lag_s: float | None
    full_load: str | None


def runs(records: Iterable[RunRecord], held: frozenset[str]) -> list[Run]:
    """The runs of these records, newest first; `held` are the run ids that hold a lease now."""
    parts: dict[str, list[RunRecord]] = {}
    for record in records:
        parts.setdefault(record.run_id, []).append(record)
    found = [_run(run_id, each, held) for run_id, each in parts.items()]
    return sorted(found, key=lambda run: run.started_at, reverse=True)


def _run(run_id: str, parts: Sequence[RunRecord], held: frozenset[str]) -> Run:
    ended = [part.ended_at for part in parts if part.ended_at is not None]
    over = len(ended) == len(parts)
    return Run(
        run_id,
        started_at=min(part.started_at for part in parts),
        ended_at=max(ended) if over else None,
        outcome=_outcome(parts, over=over, is_held=run_id in held),
        exit_codes=_exit_codes(parts),
        job=next((part.job for part in parts if part.job is not None), None),
        streams=_streams(parts),
        reason=next((found for part in parts if (found := _reason(part))), None),
    )


def _reason(part: RunRecord) -> str | None:
    found = part.streams.get("") or {}
    text = found.get(REASON)
    return text if isinstance(text, str) and part.exit_code else None


def _exit_codes(parts: Sequence[RunRecord]) -> dict[str, int | None]:
    """By component; one that took part twice has the worse of its ends."""
    found: dict[str, int | None] = {}
    for part in sorted(parts, key=lambda part: part.component):
        before = found.get(part.component, 0)
        found[part.component] = part.exit_code if before == 0 else before
    return found


def _outcome(parts: Sequence[RunRecord], *, over: bool, is_held: bool) -> Outcome:
    if is_held:
        return "running"
    if not over:
        return "died"
    return "failed" if any(part.exit_code for part in parts) else "succeeded"


def _streams(parts: Sequence[RunRecord]) -> dict[str, StreamFigures]:
    figures: dict[str, StreamFigures] = {}
    for part in parts:
        for stream, values in part.streams.items():
            if not stream:
                continue
            found = figures.setdefault(stream, StreamFigures())
            counters = values.get("counters", {})
            found.retries += _sum(counters, "retries") + _sum(counters, "batch_retries")
            found.errors += _sum(counters, "errors")
            if part.component == TAP:
                found.extracted += int(counters.get("records", 0))
                timing = values.get("timings", {}).get("seconds", {})
                found.seconds += float(timing.get("seconds", 0.0))
            elif part.component == TARGET:
                found.loaded += int(counters.get("records", 0))
                found.inserted += int(counters.get("rows_inserted", 0))
                found.updated += int(counters.get("rows_updated", 0))
                found.unchanged += int(counters.get("rows_unchanged", 0))
                found.rejected += int(counters.get("rows_rejected", 0))
    return dict(sorted(figures.items()))


def _sum(counters: Mapping[str, Any], name: str) -> int:
    """A counter with all the values of its label."""
    return sum(
        int(value) for key, value in counters.items() if key == name or key.startswith(f"{name}.")
    )


def places(states: Mapping[str, Mapping[str, Any]], now: datetime) -> list[Place]:
    """How far each stream of each state is, by state id and stream."""
    return [
        _place(state_id, stream, bookmark, now)
        for state_id, entry in sorted(states.items())
        for stream, bookmark in sorted((merged(entry).get("bookmarks") or {}).items())
    ]


def _place(state_id: str, stream: str, bookmark: Mapping[str, Any], now: datetime) -> Place:
    value = bookmark.get("replication_key_value")
    load = bookmark.get("full_load") or {}
    full_load = None
    if load:
        full_load = "completed" if load.get("completed_at") else "under way"
    return Place(state_id, stream, value, _lag_s(value, now), full_load)


def _lag_s(bookmark: object, now: datetime) -> float | None:
    if not isinstance(bookmark, str):
        return None
    try:
        instant = datetime.fromisoformat(bookmark)
    except ValueError:
        return None
    return (now - instant).total_seconds() if instant.tzinfo else None
