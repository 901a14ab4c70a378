"""`flext run`: one job of the Meltano project, watched; or again and again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from flext_cli import (
    aftermath,
    clock,
    durations,
    job_run,
    leftovers,
    project,
    settings,
    unfinished,
)
from flext_cli.demo import processes
from flext_cli.errors import JobFailedError, LeaseTakenError
from flext_cli.events import LeftoversRemoved, RefreshUnfinished, RunSkipped
from flext_cli.progress import Progress, Stream, masked, refused
from flext_cli.project import Project
from flext_observability import configure, emit, redaction, set_process_context

_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class _Duration(click.ParamType[float]):
    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|h)", str(value).strip())
        if not found or float(found[1]) <= 0:
            self.fail(f"{value!r} is no duration; write 60s, 5m or 1h", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


@click.command(epilog="Example: flext run incremental-sync-job --every 60s")
@click.argument("job")
@click.option("--environment", help="Meltano environment; default: MELTANO_ENVIRONMENT, else the"
              " project's.")  # fmt: skip
@click.option(
    "--every", "every_s", type=_Duration(), help="Begin again at this distance (60s, 5m)."
)
@click.option("--times", type=click.IntRange(min=1), help="With --every: stop after so many.")
@click.option("--full-refresh", is_flag=True, help="Read from the beginning, whatever the state.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per run on stdout.")
def run(
    job: str,
    environment: str | None,
    every_s: float | None,
    times: int | None,
    full_refresh: bool,
    as_json: bool,
) -> None:
    """Run JOB through Meltano and show what each stream does; the exit code is Meltano's.

    With --every it is the clock where no scheduler is: while another run holds the pipeline, a
    turn is skipped, which is no failure. A turn that fails is said, the next one begins all the
    same, and the command ends with exit code 1 where one has failed.
    """
    processes.stop_on_signals()
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    chosen = found.environment(environment or environ.get("MELTANO_ENVIRONMENT"))
    place = aftermath.Place(found, job, chosen, environ, settings.load(environ, found.root))
    configure("flext")
    # Its leases are looked for where its plugins keep them, which `.env` may say.
    variables = {**os.environ, "FLEXT_WORKSPACE": str(found.workspace(environ))}

    def turn() -> job_run.Ended | job_run.Skipped:
        _say_unfinished(found, job, chosen, environ)
        _remove_leftovers(found, environ)
        with _watching(job, as_json=as_json) as watched:
            began_at, began_s = clock.now(), clock.monotonic_s()
            outcome = job_run.once(
                found, job, chosen, variables, full_refresh=full_refresh, take=watched.take
            )
            seconds = round(clock.monotonic_s() - began_s, 3)
        _leave(place, outcome, began_at, seconds, watched.progress)
        _say(job, outcome, watched.progress, seconds, as_json=as_json)
        return outcome

    if every_s is None:
        _end(job, turn())
    elif _repeat(turn, every_s, times):
        raise JobFailedError(
            f"at least one run of {job} failed", remedy="`flext status` shows which"
        )


def _say_unfinished(found: Project, job: str, chosen: str, environ: Mapping[str, str]) -> None:
    """Say which streams of the job lack the end of a refresh; the run goes on all the same."""
    pairs = found.job(job)
    for each in unfinished.read(found.workspace(environ)):
        reads = any(pair.streams is None or each.stream in pair.streams for pair in pairs)
        if reads and each.environment == chosen:
            emit(RefreshUnfinished(job, each.environment, each.stream, each.begun_at, each.remedy))


def _remove_leftovers(found: Project, environ: Mapping[str, str]) -> None:
    left = leftovers.find(found.root, found.workspace(environ), environ, clock.now().timestamp())
    if left:
        leftovers.remove(left)
        emit(LeftoversRemoved(len(left), str(found.root / ".meltano" / "run")))


def _leave(
    place: aftermath.Place,
    outcome: job_run.Ended | job_run.Skipped,
    began_at: datetime,
    seconds: float,
    progress: Progress,
) -> None:
    if isinstance(outcome, job_run.Skipped):
        emit(RunSkipped(place.job, outcome.scope, outcome.reason))
        aftermath.leave(place, None, clock.now())
        return
    set_process_context(run_id=outcome.run_id)
    over = aftermath.Over(
        outcome.run_id, outcome.exit_code, began_at, seconds, trouble=progress.reason
    )
    aftermath.leave(place, over, clock.now())


def _repeat(
    turn: Callable[[], job_run.Ended | job_run.Skipped], every_s: float, times: int | None
) -> bool:
    """Take turns at a fixed distance; answers whether one has failed."""
    failed, taken = False, 0
    while True:
        began_s = clock.monotonic_s()
        outcome = turn()
        failed = failed or (isinstance(outcome, job_run.Ended) and outcome.exit_code != 0)
        taken += 1
        if taken == times:
            return failed
        # A turn that took longer than the distance is followed at once, not caught up with.
        clock.pause(max(0.0, began_s + every_s - clock.monotonic_s()))


def _end(job: str, outcome: job_run.Ended | job_run.Skipped) -> None:
    if isinstance(outcome, job_run.Skipped):
        raise LeaseTakenError(
            outcome.reason, remedy="wait for that run to end, or see `flext token`"
        )
    if outcome.exit_code:
        failure = JobFailedError(
            f"`meltano run {job}` ended with exit code {outcome.exit_code}",
            remedy=f"`flext status --run {outcome.run_id}` shows which part failed",
        )
        failure.exit_code = outcome.exit_code
        raise failure


def _say(
    job: str,
    outcome: job_run.Ended | job_run.Skipped,
    progress: Progress,
    seconds: float,
    *,
    as_json: bool,
) -> None:
    fields: Mapping[str, object]
    if isinstance(outcome, job_run.Skipped):
        fields = {"job": job, "outcome": "skipped", **asdict(outcome)}
    else:
        fields = {
            "job": job,
            "outcome": "failed" if outcome.exit_code else "succeeded",
            **asdict(outcome),
            "seconds": seconds,
            "reason": _reason(outcome, progress),
            "streams": {
                name: {
                    "loaded": each.loaded,
                    "changed": each.changed,
                    "rejected": each.rejected,
                    "retries": each.retries,
                }
                for name, each in sorted(progress.streams.items())
            },
        }
    if as_json:
        click.echo(json.dumps(fields))
    elif not isinstance(outcome, job_run.Skipped):  # a skipped turn is said by its event
        loaded = sum(each.loaded for each in progress.streams.values())
        rejected = sum(each.rejected for each in progress.streams.values())
        click.echo(
            f"{job} {fields['outcome']} in {seconds:.1f} s: {loaded} rows in"
            f" {len(progress.streams)} streams{refused(rejected)} (run {outcome.run_id})",
            err=True,
        )
        if reason := _reason(outcome, progress):
            click.echo(f"  because: {reason}", err=True)


def _reason(outcome: job_run.Ended, progress: Progress) -> str | None:
    """Why a run failed, as far as its log says."""
    if not outcome.exit_code or progress.reason is None:
        return None
    return redaction.redact(progress.reason)


class _Watched:
    """Takes the job's lines: into the figures, and to the screen as the place allows."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self.progress = Progress()
        self._show = show

    def take(self, line: str) -> None:
        shown = masked(line)
        self.progress.take(shown, clock.monotonic_s())
        self._show(shown)


@contextlib.contextmanager
def _watching(job: str, *, as_json: bool) -> Iterator[_Watched]:
    """On a terminal a table that lives, elsewhere the lines as they come, on stderr."""
    console = Console(stderr=True)
    if as_json or not console.is_terminal:
        yield _Watched(_pass_on)
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        watched = _Watched(
            lambda _line: live.update(table(job, watched.progress, clock.monotonic_s()))
        )
        yield watched


#: Commands that read rows again show themselves as a job does.
watching = _watching


def _pass_on(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()


def table(job: str, progress: Progress, now_s: float) -> Table:
    """The streams of a run as they are now, by the clock of `Progress.take`; fits 80 columns."""
    shown = Table(
        title=job, caption=escape(progress.trouble or ""), caption_style="yellow",
        box=box.SIMPLE_HEAD, pad_edge=False, padding=0,
    )  # fmt: skip
    shown.add_column("stream", overflow="fold", min_width=12)
    for heading in ("read", "in\nflight", "rows\nloaded", "changed", "rows/s"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("state", overflow="fold")
    for name, each in sorted(progress.streams.items()):
        rate = "" if each.rate is None else f"{each.rate:.0f}"
        # Loaded ones where the tap was quick.
        figures = (max(each.extracted, each.loaded), each.in_flight, each.loaded, each.changed)
        shown.add_row(name, *(str(n) for n in figures), rate, each.ended or _running(each, now_s))
        rare = {"rejected": each.rejected, "retries": each.retries}
        for what, count in rare.items():
            if count:
                shown.add_row(f"[yellow]  {count} {what}[/yellow]")
    return shown


def _running(stream: Stream, now_s: float) -> str:
    """How much of it is read, and how long the rest takes, as far as anybody knows."""
    if not stream.expected:
        return "running"
    share = f"{min(100, stream.extracted * 100 // stream.expected)} %"
    left_s = stream.left_s(now_s)
    return f"{share} read" if left_s is None else f"{share}, {durations.text(left_s)} left"
