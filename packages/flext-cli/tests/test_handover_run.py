"""The order of things around a hand-over, with Meltano's states held in a dict."""

import shutil
from pathlib import Path

import pytest

import flext_coordination
from flext_cli import handover_run, meltano, project
from flext_cli.errors import HandOverRefusedError

ROOT = Path(__file__).resolve().parents[3]
FULL = "dev:tap-oracle-wms-full-to-target-oracle-full"
INCREMENTAL = "dev:tap-oracle-wms-incremental-to-target-oracle-incremental"
START = "2026-11-23T08:00:00.000000+00:00"


@pytest.fixture
def ours(tmp_path):
    shutil.copyfile(ROOT / "meltano.yml", tmp_path / "meltano.yml")
    return project.find(tmp_path, {})


@pytest.fixture
def states(monkeypatch):
    load = {"full_load": {"started_at": START, "completed_at": START}}
    held = {FULL: {"completed": {"singer_state": {"bookmarks": {"allocation": load}}}}}
    monkeypatch.setattr(meltano, "export_states", lambda *_: held)
    monkeypatch.setattr(meltano, "import_states", lambda _root, _environ, new: held.update(new))
    return held


def run(ours, wait_s=0.0):
    environ = {"MELTANO_PROJECT_ROOT": str(ours.root)}
    return handover_run.run(ours, "dev", environ, run_id="r", wait_s=wait_s)


def test_every_pair_that_reads_the_stream_goes_on_from_the_start(ours, states):
    moves = run(ours)
    assert {move.state_id for move in moves if move.changed} == set(states) - {FULL}
    assert len(states) == 3
    leases = flext_coordination.read(ours.root)
    assert len(leases) == 4
    assert {lease.state for lease in leases} == {"released"}


def test_a_pair_at_work_is_not_written_under_its_feet(ours, states):
    lease = flext_coordination.acquire(ours.root, INCREMENTAL, run_id="other", owner="a run")
    with pytest.raises(HandOverRefusedError, match="held by a run"):
        run(ours)
    assert set(states) == {FULL}
    lease.release("completed")
    assert run(ours)


def test_a_project_without_such_pairs_is_refused(tmp_path):
    (tmp_path / "meltano.yml").write_text("plugins: {extractors: []}\njobs: []\n")
    with pytest.raises(HandOverRefusedError, match="no job"):
        run(project.find(tmp_path, {}))
