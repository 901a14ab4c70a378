"""Run records: one row per run and component, by several processes at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from flext_observability import metrics, runs

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys
from pathlib import Path
from flext_observability import runs
workspace, component = Path(sys.argv[1]), sys.argv[2]
sys.stdin.readline()
for number in range(40):
    runs.start(workspace, f"run-{number}", component)
    streams = {"s": {"counters": {"n": number}}}
    runs.finish(workspace, f"run-{number}", component, exit_code=0, streams=streams)
"""


def test_a_part_of_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    runs.start(tmp_path, "r1", "tap")
    runs.start(tmp_path, "r1", "target")
    streams: dict[str, metrics.StreamMetrics] = {"item": {"counters": {"rows": 3}, "timings": {}}}
    runs.finish(tmp_path, "r1", "tap", exit_code=2, streams=streams)
    tap, target = sorted(runs.read(tmp_path, run_id="r1"), key=lambda r: r.component)
    assert (tap.component, tap.exit_code, tap.streams) == ("tap", 2, streams)
    assert tap.ended_at is not None
    assert tap.started_at <= tap.ended_at
    assert (target.component, target.exit_code, target.ended_at, target.streams) == (
        "target", None, None, {},
    )  # fmt: skip


def test_a_restart_under_the_same_id_begins_anew(tmp_path: Path) -> None:
    runs.start(tmp_path, "r1", "tap")
    runs.finish(tmp_path, "r1", "tap", exit_code=1, streams={})
    runs.start(tmp_path, "r1", "tap")
    (record,) = runs.read(tmp_path)
    assert (record.exit_code, record.ended_at) == (None, None)


def test_the_newest_come_first_and_not_more_than_asked(tmp_path: Path) -> None:
    for number in range(5):
        runs.start(tmp_path, f"r{number}", "tap")
    assert [r.run_id for r in runs.read(tmp_path, limit=2)] == ["r4", "r3"]


def test_no_file_is_no_records_and_reading_makes_none(tmp_path: Path) -> None:
    assert runs.read(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name], stdin=subprocess.PIPE, text=True
        )
        for name in ("tap", "target")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=90)
    assert [writer.returncode for writer in writers] == [0, 0]
    records = runs.read(tmp_path, limit=1000)
    assert len(records) == 80
    assert all(r.streams["s"]["counters"]["n"] == int(r.run_id[4:]) for r in records)


def test_the_file_and_those_beside_it_are_the_owners_alone(tmp_path: Path) -> None:
    runs.start(tmp_path, "r1", "tap")
    folder = tmp_path / ".flext"
    with closing(sqlite3.connect(folder / "runs.db")) as db:
        db.execute("SELECT count(*) FROM runs").fetchone()
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert set(modes) == {"runs.db", "runs.db-wal", "runs.db-shm"}
    assert set(modes.values()) == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_finishing_what_never_started_is_an_error(tmp_path: Path) -> None:
    runs.start(tmp_path, "r1", "tap")
    with pytest.raises(runs.RunRecordError, match="run r2 of tap was never started"):
        runs.finish(tmp_path, "r2", "tap", exit_code=0, streams={})


def test_a_workspace_that_cannot_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    not_a_folder = tmp_path / "file"
    not_a_folder.touch()
    with pytest.raises(runs.RunRecordError, match=r"file/\.flext/runs\.db: .*FLEXT_WORKSPACE"):
        runs.start(not_a_folder, "r1", "tap")


def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path) -> None:
    runs.start(tmp_path, "r1", "tap")
    path = tmp_path / ".flext" / "runs.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(runs.RunRecordError, match=r"runs\.db: file is not a database"):
        runs.read(tmp_path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    runs.start(tmp_path, "r1", "tap")
    with closing(sqlite3.connect(tmp_path / ".flext" / "runs.db")) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(runs.RunRecordError, match="made by a newer FLEXT"):
        runs.read(tmp_path)
