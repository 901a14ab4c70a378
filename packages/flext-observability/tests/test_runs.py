"""Run records: one row per run and component, by several processes at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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


def test_two_parts_of_one_component_in_a_run_both_stay(tmp_path: Path) -> None:
    """A job with two pairs runs the tap twice under one run id."""
    runs.start(tmp_path, "r1", "tap")
    runs.finish(tmp_path, "r1", "tap", exit_code=1, streams={})
    runs.start(tmp_path, "r1", "tap")
    assert [r.exit_code for r in runs.read(tmp_path)] == [None, 1]
    runs.finish(tmp_path, "r1", "tap", exit_code=0, streams={})
    assert [r.exit_code for r in runs.read(tmp_path)] == [0, 1]


@dataclass
class TurnedClock:
    """A clock that stands until it is turned."""

    at: datetime = datetime(2026, 3, 1, tzinfo=UTC)

    def turn(self, days: float) -> None:
        self.at += timedelta(days=days)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> TurnedClock:
    turned = TurnedClock()
    monkeypatch.setattr("flext_observability.clock.now", lambda: turned.at)
    return turned


def record_run(workspace: Path, clock: TurnedClock, run_id: str, *, code: int, job: str) -> None:
    """A run of `flext run`: a part of a tap, and the job as a whole."""
    began = clock.at
    runs.start(workspace, run_id, "tap")
    clock.turn(0.01)
    runs.finish(workspace, run_id, "tap", exit_code=code, streams={})
    runs.add(workspace, runs.RunRecord(run_id, "flext", began, clock.at, code, {}, job), days=14)


def ids(workspace: Path) -> list[str]:
    return sorted({r.run_id for r in runs.read(workspace, limit=1000)})


def test_runs_that_are_too_old_go_when_one_ends(
    tmp_path: Path, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEXT_RUNS_KEEP_DAYS", "3")
    for number in range(6):
        runs.start(tmp_path, f"r{number}", "tap")
        runs.finish(tmp_path, f"r{number}", "tap", exit_code=0, streams={})
        clock.turn(1)
    assert ids(tmp_path) == ["r2", "r3", "r4", "r5"]
    monkeypatch.setenv("FLEXT_RUNS_KEEP_DAYS", "0")
    clock.turn(1000)
    runs.start(tmp_path, "late", "tap")
    runs.finish(tmp_path, "late", "tap", exit_code=0, streams={})
    assert len(ids(tmp_path)) == 5


def test_a_run_that_has_not_ended_is_not_taken_away_under_its_feet(
    tmp_path: Path, clock: TurnedClock
) -> None:
    runs.start(tmp_path, "long", "tap")
    runs.start(tmp_path, "long", "target")
    runs.finish(tmp_path, "long", "target", exit_code=0, streams={})
    clock.turn(100)
    record_run(tmp_path, clock, "r1", code=0, job="a")
    runs.finish(tmp_path, "long", "tap", exit_code=0, streams={"s": {}})
    assert {r.exit_code for r in runs.read(tmp_path, run_id="long")} == {0}
    clock.turn(runs.UNENDED_KEPT_DAYS + 1)
    runs.start(tmp_path, "dead", "tap")
    clock.turn(runs.UNENDED_KEPT_DAYS + 1)
    record_run(tmp_path, clock, "r2", code=0, job="a")
    assert ids(tmp_path) == ["r2"]


def test_the_last_run_and_the_last_success_of_each_job_stay(
    tmp_path: Path, clock: TurnedClock
) -> None:
    for number, (job, code) in enumerate(
        [("a", 0), ("a", 0), ("a", 1), ("a", 1), ("b", 2), ("b", 2)]
    ):
        record_run(tmp_path, clock, f"r{number}", code=code, job=job)
        clock.turn(1)
    clock.turn(100)
    record_run(tmp_path, clock, "now", code=0, job="c")
    assert ids(tmp_path) == ["now", "r1", "r3", "r5"]
    jobs = runs.last_of_jobs(tmp_path)
    assert {job: each.last[0].run_id for job, each in jobs.items()} == {
        "a": "r3", "b": "r5", "c": "now",
    }  # fmt: skip
    assert {part.component for part in jobs["a"].last} == {"tap", "flext"}
    (success,) = (r for r in runs.read(tmp_path, run_id="r1") if r.component == "flext")
    assert (jobs["a"].succeeded_at, jobs["b"].succeeded_at) == (success.ended_at, None)


@pytest.mark.parametrize("text", ["-1", "soon", "1.5", "99999", "\u0661"])
def test_days_that_are_no_number_are_said_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("FLEXT_RUNS_KEEP_DAYS", text)
    with pytest.raises(runs.RunRecordError, match=r"FLEXT_RUNS_KEEP_DAYS is .* whole number"):
        runs.start(tmp_path, "r1", "tap")
    assert list(tmp_path.iterdir()) == []


def test_records_of_the_first_form_are_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".flext").mkdir()
    with closing(sqlite3.connect(tmp_path / ".flext" / "runs.db")) as db, db:
        db.execute(
            "CREATE TABLE runs (run_id TEXT NOT NULL, component TEXT NOT NULL, started_at TEXT NOT"
            " NULL, ended_at TEXT, exit_code INTEGER, streams TEXT NOT NULL DEFAULT '{}',"
            " PRIMARY KEY (run_id, component))"
        )
        moment = "2026-03-01T12:00:00+00:00"
        row = ("r1", "tap", moment, moment, 0, '{"s": {"counters": {"records": 3}}}')
        db.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)", row)
        db.execute("PRAGMA user_version = 1")
    (record,) = runs.read(tmp_path)
    at = datetime.fromisoformat(moment)
    streams = {"s": {"counters": {"records": 3}}}
    assert record == runs.RunRecord("r1", "tap", at, at, 0, streams, None)


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
