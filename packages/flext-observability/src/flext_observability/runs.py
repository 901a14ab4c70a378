"""One row per part of a run in `<workspace>/.flext/runs.db`: what a run did.

`flext status` and the exporter of metrics read it. SQLite in WAL mode, 0600; the tap, the target
and `flext` write at the same time, each its own row. Old runs go when one ends.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flext_observability import clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BUSY_TIMEOUT_S = 30.0
KEEP_DAYS_NAME = "FLEXT_RUNS_KEEP_DAYS"
DEFAULT_KEEP_DAYS = 14
#: A run that has not ended may still be at work, however short records are kept.
UNENDED_KEPT_DAYS = 365
_SCHEMA_VERSION = 2
_CREATE = (
    """
CREATE TABLE runs (
    run_id TEXT NOT NULL,
    component TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    exit_code INTEGER,
    job TEXT,
    streams TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, component, started_at, pid)
)
""",
    "CREATE INDEX runs_by_start ON runs (started_at)",
    # The last run of each job, and its last success, without reading all rows.
    "CREATE INDEX runs_by_job ON runs (job, exit_code, started_at, run_id) WHERE job IS NOT NULL",
)
_COLUMNS = "run_id, component, started_at, ended_at, exit_code, streams, job"


class RunRecordError(Exception):
    """The run records cannot be read or written; the message names the file and the remedy."""


@dataclass(frozen=True)
class RunRecord:
    """What one component did in one run; a job with several pairs has several of each.

    Attributes:
        streams: the metrics snapshot, by stream ("" for what belongs to none).
        ended_at: None while it runs, or if it died.
        job: the job of the Meltano project, where the component knows it: `flext run` does.
    """

    run_id: str
    component: str
    started_at: datetime
    ended_at: datetime | None
    exit_code: int | None
    streams: dict[str, Any]
    job: str | None = None


def start(workspace: Path, run_id: str, component: str) -> None:
    """Record that this process began its part of a run.

    Raises:
        RunRecordError: the file cannot be written, or FLEXT_RUNS_KEEP_DAYS is no number of days.
    """
    keep_days(os.environ)  # said before the work, not after it
    with _open(workspace) as db:
        db.execute(
            "INSERT INTO runs (run_id, component, pid, started_at) VALUES (?, ?, ?, ?)",
            (run_id, component, os.getpid(), clock.now().isoformat()),
        )


def finish(
    workspace: Path,
    run_id: str,
    component: str,
    *,
    exit_code: int,
    streams: Mapping[str, Any],
) -> None:
    """Record how this process's part ended and what it counted; runs that are too old go.

    Raises:
        RunRecordError: the part was never started, or the file cannot be written.
    """
    text = json.dumps(streams, sort_keys=True)
    with _open(workspace) as db:
        changed = db.execute(
            "UPDATE runs SET ended_at = ?, exit_code = ?, streams = ?"
            " WHERE run_id = ? AND component = ? AND pid = ? AND ended_at IS NULL",
            (clock.now().isoformat(), exit_code, text, run_id, component, os.getpid()),
        ).rowcount
        if changed != 1:
            raise RunRecordError(f"run {run_id} of {component} was never started in {workspace}")
        _prune(db, keep_days(os.environ))


def add(workspace: Path, record: RunRecord, *, days: int) -> None:
    """Record a part that is over, at once; runs that ended more than `days` ago go, 0 keeps all.

    Raises:
        RunRecordError: the file cannot be written.
    """
    ended = record.ended_at.isoformat() if record.ended_at else None
    with _open(workspace) as db:
        db.execute(
            f"INSERT INTO runs ({_COLUMNS}, pid) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (record.run_id, record.component, record.started_at.isoformat(), ended,
             record.exit_code, json.dumps(record.streams, sort_keys=True), record.job,
             os.getpid()),
        )  # fmt: skip
        _prune(db, days)


def keep_days(environ: Mapping[str, str]) -> int:
    """Return how many days runs are kept, 0 for ever: FLEXT_RUNS_KEEP_DAYS, else 14.

    Raises:
        RunRecordError: it is no such number.
    """
    text = environ.get(KEEP_DAYS_NAME, "").strip() or str(DEFAULT_KEEP_DAYS)
    # Not more than a century: dates before the calendar's first cannot be written.
    if not (text.isascii() and text.isdecimal() and int(text) <= 36_500):
        raise RunRecordError(
            f"{KEEP_DAYS_NAME} is {text!r}; write a whole number of days, 0 to keep all run records"
        )
    return int(text)


def _prune(db: sqlite3.Connection, days: int) -> None:
    """Remove whole runs that ended long ago; each job's last run and last success stay."""
    if not days:
        return
    now = clock.now()
    ended_before = (now - timedelta(days=days)).isoformat()
    begun_before = (now - timedelta(days=max(days, UNENDED_KEPT_DAYS))).isoformat()
    old = [
        row[0]
        for row in db.execute(
            "SELECT run_id FROM runs WHERE run_id IN"
            " (SELECT run_id FROM runs WHERE started_at < :ended_before)"
            " GROUP BY run_id HAVING MAX(COALESCE(ended_at, '9')) < :ended_before"
            " OR MAX(started_at) < :begun_before",
            {"ended_before": ended_before, "begun_before": begun_before},
        )
    ]
    if old:
        kept = {run_id for ids in _last_ids(db).values() for run_id in ids}
        db.executemany(
            "DELETE FROM runs WHERE run_id = ?", [(each,) for each in old if each not in kept]
        )


def _last_ids(db: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return, by job, the run ids of its last run and of its last success, if it had one."""
    found: dict[str, tuple[str, ...]] = {}
    for only in ("", "AND exit_code = 0"):
        # SQLite gives the other columns of the row that has the maximum.
        for job, run_id, _ in db.execute(
            f"SELECT job, run_id, MAX(started_at) FROM runs WHERE job IS NOT NULL {only}"
            " GROUP BY job"
        ):
            found[job] = (*found.get(job, ()), run_id)
    return found


@dataclass(frozen=True)
class JobRuns:
    """The last run of a job with all its parts, and when it last succeeded."""

    last: tuple[RunRecord, ...]
    succeeded_at: datetime | None


def last_of_jobs(workspace: Path) -> dict[str, JobRuns]:
    """Return the last run of each job that `flext run` has run, by job.

    Raises:
        RunRecordError: the file cannot be read.
    """
    if not _path(workspace).exists():
        return {}
    with _open(workspace) as db:
        found = {}
        for job, ids in sorted(_last_ids(db).items()):
            parts = [_records(db, "WHERE run_id = ?", (run_id,)) for run_id in ids]
            success = next((each for each in parts[-1] if each.job and each.exit_code == 0), None)
            found[job] = JobRuns(tuple(parts[0]), success.ended_at if success else None)
        return found


def read(workspace: Path, *, run_id: str | None = None, limit: int = 100) -> list[RunRecord]:
    """Return the newest records first, of one run or of all.

    Raises:
        RunRecordError: the file cannot be read.
    """
    if not _path(workspace).exists():
        return []
    where, values = ("WHERE run_id = ?", (run_id,)) if run_id is not None else ("", ())
    with _open(workspace) as db:
        return _records(
            db, f"{where} ORDER BY started_at DESC, component LIMIT ?", (*values, limit)
        )


def _records(db: sqlite3.Connection, rest: str, values: tuple[object, ...]) -> list[RunRecord]:
    return [
        RunRecord(
            run_id=row[0],
            component=row[1],
            started_at=datetime.fromisoformat(row[2]),
            ended_at=datetime.fromisoformat(row[3]) if row[3] else None,
            exit_code=row[4],
            streams=json.loads(row[5]),
            job=row[6],
        )
        for row in db.execute(f"SELECT {_COLUMNS} FROM runs {rest}", values)
    ]


def _path(workspace: Path) -> Path:
    return workspace / ".flext" / "runs.db"


@contextmanager
def _open(workspace: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection in one transaction that is committed at the end."""
    path = _path(workspace)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made before SQLite opens it, so that it (and the files beside it, which take its mode)
        # is never readable by others, not even for a moment.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")
            _migrate(db, path)
            yield db
            db.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise RunRecordError(
            f"run records: {path}: {error}; make the folder writable, or name another workspace"
            " by FLEXT_WORKSPACE"
        ) from error


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > _SCHEMA_VERSION:
        raise RunRecordError(f"run records: {path} was made by a newer FLEXT; update this one")
    if version == _SCHEMA_VERSION:
        return
    if version == 1:
        db.execute("ALTER TABLE runs RENAME TO runs_1")
    for statement in _CREATE:
        db.execute(statement)
    if version == 1:
        # Its rows had no process and no job.
        columns = "run_id, component, started_at, ended_at, exit_code, streams"
        db.execute(f"INSERT INTO runs ({columns}, pid) SELECT {columns}, 0 FROM runs_1")
        db.execute("DROP TABLE runs_1")
    db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
