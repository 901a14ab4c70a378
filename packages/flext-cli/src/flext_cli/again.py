"""Rows of one stream read again beside the pipeline's course, by the pipeline's own tap and target.

Meltano starts both with the settings, the selection and the secrets of a pair that reads the
stream; what is different this once is laid over them as environment variables. The pair's state is
neither read nor written. What is read, and what follows from it, is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import flext_coordination
from flext_cli import clock, effective, job_run
from flext_cli.errors import AgainRefusedError, JobFailedError, LeaseTakenError
from flext_cli.handover import Pair
from flext_cli.progress import Progress
from flext_cli.project import Project
from flext_target_oracle import settings as target_settings

_RETRY_S = 1.0


@dataclass(frozen=True)
class Place:
    """Where it happens.

    Attributes:
        environment: of Meltano.
        environ: the variables of the processes.
        wait_s: how long runs that are at work are awaited.
    """

    project: Project
    environment: str
    environ: Mapping[str, str] = field(repr=False)
    wait_s: float = 0.0


class Watcher(Protocol):
    """Who looks at the run while it goes."""

    progress: Progress

    def take(self, line: str) -> None:
        """Take a line of the run's log."""


@dataclass(frozen=True)
class Reading:
    """What is read, and how this once differs from the pair's own course.

    Attributes:
        purpose: backfill, repair or refresh: what the scope ends in.
        tap: settings that differ.
        target: the same of the target.
    """

    stream: str
    purpose: str
    tap: Mapping[str, str]
    target: Mapping[str, str] = field(default_factory=dict)


def pairs(project: Project, stream: str) -> tuple[Pair, ...]:
    """The pairs of the project's jobs that may load the stream, those for it alone first.

    Raises:
        AgainRefusedError: there is none.
    """
    found = [
        pair
        for mode in ("incremental", "full")
        for pair in project.pairs(mode)
        if pair.streams is None or stream in pair.streams
    ]
    if not found:
        raise AgainRefusedError(
            f"no job of {project.root} runs an extractor that reads {stream}",
            remedy="take the pairs from the meltano.yml that comes with FLEXT, or add one",
        )
    return tuple(sorted(found, key=lambda pair: pair.streams is None))


def choose(project: Project, stream: str, sync_mode: str) -> Pair:
    """The pair whose settings are used: of this mode, and for the stream alone if there is one.

    Raises:
        AgainRefusedError: no pair reads the stream.
    """
    modes = {pair.extractor for pair in project.pairs(sync_mode)}
    found = pairs(project, stream)
    return next((pair for pair in found if pair.extractor in modes), found[0])


def target_of(place: Place, pair: Pair) -> target_settings.Settings:
    """The target's settings as Meltano gives them to the pair."""
    return target_settings.load(
        effective.of_target(place.project, pair, place.environment, place.environ)
    )


@contextmanager
def holding(place: Place, some: Sequence[Pair], *, run_id: str, owner: str) -> Iterator[None]:
    """Keep the runs of these pairs from beginning while the block runs; those at work are awaited.

    Raises:
        LeaseTakenError: one is still at work after `wait_s`.
        LeaseLostError: a lease was taken away meanwhile.
    """
    deadline_s = clock.monotonic_s() + place.wait_s
    with ExitStack() as leases:
        for pair in sorted(some, key=lambda each: each.extractor):
            while (lease := _lease(place, pair, run_id, owner, deadline_s)) is None:
                clock.pause(_RETRY_S)
            leases.enter_context(lease)
        yield


def _lease(
    place: Place, pair: Pair, run_id: str, owner: str, deadline_s: float
) -> flext_coordination.Lease | None:
    """A pair's lease, None while another run has it and there is time to wait."""
    workspace = place.project.workspace(place.environ)
    scope = pair.state_id(place.environment)
    try:
        return flext_coordination.acquire(workspace, scope, run_id=run_id, owner=owner)
    except flext_coordination.LeaseHeldError as held:
        if clock.monotonic_s() < deadline_s:
            return None
        raise LeaseTakenError(
            str(held), remedy="wait for that run to end, or give a longer --wait-s"
        ) from held


def read(place: Place, pair: Pair, reading: Reading, watcher: Watcher) -> str:
    """Run the pair for one stream; answers the run's id.

    Raises:
        LeaseTakenError: another one of this purpose is at work.
        JobFailedError: the run failed; the exit code is Meltano's.
    """
    purpose, target = reading.purpose, dict(reading.target)
    if purpose != "refresh" and target_of(place, pair).load_method == "overwrite":
        target["load_method"] = "upsert"  # these rows are a part, not a load
    tap = {"entities": json.dumps([reading.stream]), "include": "[]", **reading.tap}
    own = {**_variables(pair.extractor, tap), **_variables(pair.loader, target)}
    outcome = job_run.beside(
        place.project, pair, purpose, place.environment, {**place.environ, **own},
        take=watcher.take,
    )  # fmt: skip
    if isinstance(outcome, job_run.Skipped):
        raise LeaseTakenError(
            outcome.reason, remedy="wait for that run to end, or see `flext token`"
        )
    if outcome.exit_code:
        failure = JobFailedError(
            f"the {purpose} of {reading.stream} ended with exit code {outcome.exit_code}",
            remedy=f"`flext status --run {outcome.run_id}` shows which part failed; begin it again",
            details=watcher.progress.reason or "",
        )
        failure.exit_code = outcome.exit_code
        raise failure
    return outcome.run_id


def _variables(plugin: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as Meltano takes them above everything else: by the plugin's own name."""
    prefix = plugin.upper().replace("-", "_")
    return {f"{prefix}_{name.upper()}": value for name, value in settings.items()}
