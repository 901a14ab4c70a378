"""What `flext run` leaves behind: the run's record, the metrics' file, the alerts.

The run is over when this begins. What cannot be written here is an event, never silence, and never
another exit code than the run's own.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flext_cli import status
from flext_cli.alerts import run as alerts
from flext_cli.errors import ExportError, FlextError
from flext_cli.events import AlertLost, RecordLost
from flext_cli.project import Project
from flext_cli.settings import Settings
from flext_observability import emit, redaction, runs

COMPONENT = "flext"
_FILE_REMEDY = "make its folder, writable for this user, or set FLEXT_METRICS_FILE to another path"


@dataclass(frozen=True)
class Over:
    """A run that has ended: under which id, when it began, how long it took."""

    run_id: str
    exit_code: int
    began_at: datetime
    seconds: float
    trouble: str | None


@dataclass(frozen=True)
class Place:
    """Where the job belongs."""

    project: Project
    job: str
    environment: str
    environ: Mapping[str, str]
    settings: Settings


def leave(place: Place, over: Over | None, now: datetime) -> None:
    """Record the run, write the metrics, tell the alerts; `over` is None for a skipped turn."""
    workspace = place.project.workspace(place.environ)
    ended = None
    if over is not None:
        try:
            _record(workspace, place, over)
            if place.settings.metrics_file is not None:
                export(workspace, place.settings.metrics_file)
        except (runs.RunRecordError, ExportError) as error:
            remedy = f"; {error.remedy}" if isinstance(error, FlextError) else ""
            emit(RecordLost(place.job, f"{error}{remedy}"))
        ended = alerts.Ended(
            _run(workspace, place, over), over.run_id, over.exit_code, over.trouble
        )
    if place.settings.hooks.wanted:
        _alert(place, ended, now)


def _record(workspace: Path, place: Place, over: Over) -> None:
    record = runs.RunRecord(
        over.run_id,
        COMPONENT,
        started_at=over.began_at,
        ended_at=over.began_at + timedelta(seconds=over.seconds),
        exit_code=over.exit_code,
        streams=_reason(over),
        job=place.job,
    )
    runs.add(workspace, record, days=place.settings.keep_days)


def _reason(over: Over) -> dict[str, object]:
    """Why it failed, for `flext status`."""
    if not over.exit_code or not over.trouble:
        return {}
    return {"": {status.REASON: redaction.redact(over.trouble)}}


def export(workspace: Path, path: Path) -> None:
    """Write the metrics of all jobs' last runs, one writer after the other.

    Raises:
        ExportError, RunRecordError: the file cannot be written, the records cannot be read.
    """
    from flext_observability import textfile  # here, since most runs export nothing

    try:
        with _alone(workspace):
            textfile.write(path, runs.last_of_jobs(workspace))
    except textfile.TextfileError as error:
        raise ExportError(str(error), remedy=_FILE_REMEDY) from error


@contextmanager
def _alone(workspace: Path) -> Iterator[None]:
    """Two that end at once must not let the older view of the records win."""
    path = workspace / ".flext" / "metrics.lock"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {error.strerror or error}",
            remedy="make the folder writable for this user",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # the kernel's lock goes with it


def _run(workspace: Path, place: Place, over: Over) -> status.Run | None:
    """The run as `flext status` shows it; None where the records cannot be read."""
    try:
        found = status.runs(runs.read(workspace, run_id=over.run_id), frozenset())
    except runs.RunRecordError as error:
        emit(RecordLost(place.job, str(error)))
        return None
    return found[0] if found else None


def _alert(place: Place, ended: alerts.Ended | None, now: datetime) -> None:
    try:
        alerts.look(
            place.project,
            place.job,
            place.environment,
            place.environ,
            place.settings,
            ended=ended,
            now=now,
        )
    except FlextError as error:
        emit(AlertLost("memory", place.job, f"{error}; {error.remedy}"))
