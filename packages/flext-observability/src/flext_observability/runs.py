"""One row per run and component in `<workspace>/.flext/runs.db`: what a run did.

`flext status` reads it. SQLite in WAL mode, 0600; the tap, the target and `flext` write at the
same time, each its own row.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flext_observability import clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BUSY_TIMEOUT_S = 30.0
_SCHEMA_VERSION = 1
_CREATE = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT NOT NULL,
    component TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    exit_code INTEGER,
    streams TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, component)
)
"""


class RunRecordError(Exception):
    """The run records cannot be read or written; the message names the file and the remedy."""


@dataclass(frozen=True)
class RunRecord:
    """What one component did in one run.

    Attributes:
        streams: the metrics snapshot, by stream ("" for what belongs to none).
        ended_at: None while it runs, or if it died.
    """

    run_id: str
    component: str
    started_at: datetime
    ended_at: datetime | None
    exit_code: int | None
    streams: dict[str, Any]


def start(workspace: Path, run_id: str, component: str) -> None:
    """Record that a component began its part of a run; a restart under the same id begins anew.

    Raises:
        RunRecordError: the file cannot be written.
    """
    with _open(workspace) as db:
        db.execute(
            "INSERT OR REPLACE INTO runs (run_id, component, started_at) VALUES (?, ?, ?)",
            (run_id, component, clock.now().isoformat()),
        )


def finish(
    workspace: Path,
    run_id: str,
    component: str,
    *,
    exit_code: int,
    streams: Mapping[str, Any],
) -> None:
    """Record how the part ended and what it counted.

    Raises:
        RunRecordError: the part was never started, or the file cannot be written.
    """
    text = json.dumps(streams, sort_keys=True)
    with _open(workspace) as db:
        changed = db.execute(
            "UPDATE runs SET ended_at = ?, exit_code = ?, streams = ?"
            " WHERE run_id = ? AND component = ?",
            (clock.now().isoformat(), exit_code, text, run_id, component),
        ).rowcount
    if changed != 1:
        raise RunRecordError(f"run {run_id} of {component} was never started in {workspace}")


def read(workspace: Path, *, run_id: str | None = None, limit: int = 100) -> list[RunRecord]:
    """Return the newest records first, of one run or of all.

    Raises:
        RunRecordError: the file cannot be read.
    """
    if not _path(workspace).exists():
        return []
    where, values = ("WHERE run_id = ?", (run_id,)) if run_id is not None else ("", ())
    with _open(workspace) as db:
        rows = db.execute(
            "SELECT run_id, component, started_at, ended_at, exit_code, streams FROM runs"
            f" {where} ORDER BY started_at DESC, component LIMIT ?",
            (*values, limit),
        ).fetchall()
    return [
        RunRecord(
            run_id=row[0],
            component=row[1],
            started_at=datetime.fromisoformat(row[2]),
            ended_at=datetime.fromisoformat(row[3]) if row[3] else None,
            exit_code=row[4],
            streams=json.loads(row[5]),
        )
        for row in rows
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
    if version < _SCHEMA_VERSION:
        db.execute(_CREATE)
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
