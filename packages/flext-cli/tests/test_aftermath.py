"""What a run leaves behind: record, metrics, alerts; and that none of it changes how it ended."""

import json
import stat
from datetime import UTC, datetime, timedelta

import pytest

from flext_cli import aftermath, events, meltano, project, settings
from flext_cli.alerts import memory
from flext_cli.errors import MeltanoError
from flext_observability import runs
from flext_observability.testing import capture_events, clean_process

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
YAML = """
default_environment: dev
environments: [{name: dev}]
plugins:
  extractors:
  - {name: tap-a, config: {sync_mode: incremental}}
  - {name: tap-f, config: {sync_mode: full}}
  loaders: [{name: target-b}]
jobs:
- {name: load/all, tasks: [tap-a target-b]}
- {name: full, tasks: [tap-f target-b]}
"""


@pytest.fixture(autouse=True)
def _clean():
    with clean_process():
        yield


@pytest.fixture
def heard():
    with capture_events() as found:
        yield found


class Job:
    """A job whose runs end as they are told to; what its hook got is in `told`."""

    def __init__(self, root, desk):
        self.root, self.desk = root, desk
        self.number, self.now = 0, NOW
        self.environ = {
            "FLEXT_ALERT_WEBHOOK_URL": desk.url,
            "FLEXT_ALERT_WEBHOOK_CA_FILE": str(desk.ca_file),
        }
        (root / "meltano.yml").write_text(YAML, encoding="utf-8")

    def run(self, code=0, *, job="load/all", rejected=0, records=5, trouble=None):
        self.number += 1
        run_id = f"r{self.number}"
        tap = {"item": {"counters": {"records": records}, "timings": {}}}
        target = {"item": {"counters": {"rows_rejected": rejected}, "timings": {}}}
        for component, streams in (
            ("flext-tap-oracle-wms", tap), ("flext-target-oracle", target),
        ):  # fmt: skip
            runs.start(self.root, run_id, component)
            runs.finish(self.root, run_id, component, exit_code=code, streams=streams)
        over = aftermath.Over(run_id, code, datetime.now(UTC), 1.25, trouble)
        self.leave(over, job=job)
        return run_id

    def leave(self, over, *, job="load/all"):
        found = project.find(self.root, {})
        chosen = settings.load(self.environ, self.root)
        place = aftermath.Place(found, job, "dev", self.environ, chosen)
        self.now += timedelta(seconds=60)
        aftermath.leave(place, over, self.now)

    @property
    def told(self):
        """What was said since it was last asked: status and kind."""
        taken = [
            (each["status"], each["kind"])
            for _, _, body in self.desk.taken
            for each in body["alerts"]
        ]
        self.desk.taken.clear()
        return taken


@pytest.fixture
def job(tmp_path, desk):
    return Job(tmp_path, desk)


def test_the_record_has_the_job_and_the_seconds(job, tmp_path):
    run_id = job.run(3)
    (record,) = (r for r in runs.read(tmp_path, run_id=run_id) if r.component == "flext")
    assert (record.job, record.exit_code) == ("load/all", 3)
    assert (record.ended_at - record.started_at).total_seconds() == 1.25


def test_the_metrics_are_written_at_the_end_of_a_run(job, tmp_path):
    job.environ["FLEXT_METRICS_FILE"] = str(tmp_path / "flext.prom")
    job.run()
    text = (tmp_path / "flext.prom").read_text()
    assert 'flext_last_run_duration_seconds{job="load/all"} 1.25' in text
    job.run(2)
    assert 'flext_last_run_exit_code{job="load/all"} 2.0' in (tmp_path / "flext.prom").read_text()


def test_a_failure_is_told_once_and_its_end_too(job):
    job.run(1, trouble="RunFailed no listener at db:2484")
    ((_, _, body),) = job.desk.taken
    assert body["job"] == "load/all"
    assert body["run_id"] == "r1"
    assert "ended with exit code 1: RunFailed no listener" in body["text"]
    assert job.told == [("firing", "failure")]
    job.run(1)
    job.leave(None)  # a skipped turn says nothing of failures
    assert job.told == []
    job.run(0)
    assert job.told == [("resolved", "failure")]
    job.run(0)
    assert job.told == []


def test_a_failure_that_lasts_is_told_again(job):
    job.environ["FLEXT_ALERT_REPEAT_S"] = "150"
    for _ in range(6):
        job.run(1)
    assert job.told == [("firing", "failure")] * 2


def test_rejects_and_missing_data_are_told(job):
    job.environ |= {"FLEXT_ALERT_REJECTS": "2", "FLEXT_ALERT_NO_DATA_S": "100"}
    job.run(rejected=2)
    assert job.told == []
    job.run(rejected=3, records=0)
    assert job.told == [("firing", "rejects")]
    job.leave(None)
    assert job.told == [("firing", "no_data")]
    job.run()
    assert sorted(job.told) == [("resolved", "no_data"), ("resolved", "rejects")]


def states(bookmark):
    streams = {"item": {"replication_key_value": bookmark.isoformat()}}
    entry = {"completed": {"singer_state": {"bookmarks": streams}}, "partial": {}}
    return {"dev:tap-a-to-target-b": entry, "dev:tap-f-to-target-b": entry}


def test_lag_is_told_of_incremental_streams_even_where_turns_are_skipped(job, monkeypatch, heard):
    job.environ["FLEXT_ALERT_LAG_S"] = "300"
    monkeypatch.setattr(meltano, "export_states", lambda *_: states(NOW))
    job.run()
    assert job.told == []
    for _ in range(5):
        job.leave(None)
    assert job.told == [("firing", "lag")]
    # A full load's bookmark is as old as its last week.
    job.run(job="full")
    assert job.told == []

    def broken(*_):
        raise MeltanoError("no states", remedy="look")

    monkeypatch.setattr(meltano, "export_states", broken)
    job.run()
    assert job.told == []
    (lost,) = (each for each in heard if isinstance(each, events.AlertLost))
    assert (lost.hook, lost.reason) == ("lag", "no states; look")
    monkeypatch.setattr(meltano, "export_states", lambda *_: states(job.now))
    job.run()
    assert job.told == [("resolved", "lag")]


def test_a_hook_that_fails_is_reported_and_asked_again_by_the_next_run(job, heard):
    job.desk.answer = 500
    job.run(1)
    (lost,) = (each for each in heard if isinstance(each, events.AlertLost))
    assert (lost.hook, lost.job) == ("webhook", "load/all")
    assert "answered 500" in lost.reason
    assert "s3cr3t" not in lost.reason
    job.desk.answer = 204
    job.told  # noqa: B018 -- what the failing desk saw is not told
    job.run(1)
    assert job.told == [("firing", "failure")]
    assert any(isinstance(each, events.AlertSent) for each in heard)


def test_what_cannot_be_written_is_an_event(job, tmp_path, heard):
    job.environ["FLEXT_METRICS_FILE"] = str(tmp_path / "gone" / "flext.prom")
    (tmp_path / "gone").mkdir()
    found = settings.load(job.environ, tmp_path)
    (tmp_path / "gone").rmdir()
    place = aftermath.Place(project.find(tmp_path, {}), "full", "dev", job.environ, found)
    (tmp_path / ".flext").mkdir()
    (tmp_path / ".flext" / "alerts").write_text("in the way")
    aftermath.leave(place, aftermath.Over("r1", 1, NOW, 1.0, None), NOW)
    lost = [each for each in heard if isinstance(each, events.RecordLost)]
    assert "FLEXT_METRICS_FILE" in lost[0].reason
    (alert,) = (each for each in heard if isinstance(each, events.AlertLost))
    assert "alerts" in alert.reason


def test_what_was_told_is_kept_for_the_owner_alone_and_a_broken_file_is_named(job, tmp_path, heard):
    job.run(1)
    (path,) = (tmp_path / ".flext" / "alerts").iterdir()
    assert path.name == "load%2Fall.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = memory.read(tmp_path, "load/all")
    assert set(kept.firing) == {"failure"}
    memory.write(tmp_path, "load/all", kept)
    assert memory.read(tmp_path, "load/all") == kept
    for text in ("{", "[]", '{"firing": {"x": 1}, "data_at": null}', json.dumps({"firing": {}})):
        path.write_text(text)
        heard.clear()
        job.run(1)
        (lost,) = (each for each in heard if isinstance(each, events.AlertLost))
        assert "cannot be understood" in lost.reason
        assert path.read_text() == text
