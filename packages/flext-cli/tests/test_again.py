"""Rows read again with a meltano of our own making: settings, scopes, leases, exit codes."""

import json
import os
import sys

import pytest

import flext_coordination
from flext_cli import again, meltano, project, refresh
from flext_cli.again import Place, Reading
from flext_cli.errors import AgainRefusedError, JobFailedError, LeaseTakenError
from flext_cli.progress import Progress

SCOPE = "dev:tap-changes-to-target-b"
YAML = """
default_environment: dev
environments: [{name: dev}]
plugins:
  extractors:
  - {name: tap-all, config: {sync_mode: full}}
  - {name: tap-changes, config: {sync_mode: incremental}}
  - {name: tap-item, config: {sync_mode: incremental, entities: [item]}}
  loaders:
  - {name: target-b}
  - {name: target-o, config: {load_method: overwrite}}
jobs:
- {name: full, tasks: [tap-all target-o]}
- {name: changes, tasks: [tap-changes target-b]}
- {name: item, tasks: [tap-item target-b]}
"""
MELTANO = """#!{python}
import json, os, sys
kept = ("TAP_", "TARGET_", "MELTANO_RUN", "FLEXT_SCOPE")
given = {{name: value for name, value in os.environ.items() if name.startswith(kept)}}
print(json.dumps({{"event": "given", "level": "info", "argv": sys.argv[1:], "given": given}}))
print(json.dumps({{"event": "StreamFailed reason=x", "level": "error", "stream": "item"}}))
sys.exit({code})
"""
END = {"HOST": "h", "SERVICE_NAME": "s", "USER": "u", "PASSWORD": "a-secret"}


class Watcher:
    def __init__(self):
        self.progress = Progress()
        self.lines = []

    def take(self, line):
        self.lines.append(line)
        self.progress.take(line, 0.0)

    @property
    def given(self):
        return json.loads(self.lines[0])


@pytest.fixture
def answers(tmp_path, monkeypatch):
    """Say with which exit code meltano ends."""
    command = tmp_path / "meltano"
    monkeypatch.setattr(meltano, "executable", lambda _name: command)

    def say(code):
        command.write_text(MELTANO.format(python=sys.executable, code=code), encoding="utf-8")
        command.chmod(0o755)

    return say


@pytest.fixture
def place(tmp_path, answers):
    (tmp_path / "meltano.yml").write_text(YAML, encoding="utf-8")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("FLEXT_", "MELTANO_"))}
    environ |= {f"FLEXT_TARGET_ORACLE_{name}": value for name, value in END.items()}
    answers(0)
    return Place(project.find(tmp_path, {}), "dev", environ)


def extractors(pairs):
    return [pair.extractor for pair in pairs]


def test_a_stream_of_its_own_comes_before_the_pair_for_all(place):
    assert extractors(again.pairs(place.project, "item")) == ["tap-item", "tap-changes", "tap-all"]
    assert extractors(again.pairs(place.project, "lpn")) == ["tap-changes", "tap-all"]
    assert again.choose(place.project, "item", "incremental").extractor == "tap-item"
    assert again.choose(place.project, "item", "full").extractor == "tap-all"


def test_a_stream_that_no_job_reads_is_refused(tmp_path):
    (tmp_path / "meltano.yml").write_text("plugins: {extractors: []}\njobs: []\n")
    with pytest.raises(AgainRefusedError, match="reads item"):
        again.pairs(project.find(tmp_path, {}), "item")


def test_the_pair_runs_for_one_stream_under_a_scope_of_its_own_without_its_state(place):
    watcher = Watcher()
    pair = again.choose(place.project, "lpn", "incremental")
    reading = Reading("lpn", "repair", {"ids_file": "/x"}, {"keep_newer": "false"})
    run_id = again.read(place, pair, reading, watcher)
    argv, given = watcher.given["argv"], watcher.given["given"]
    assert argv[-3:] == ["--no-state-update", "tap-changes", "target-b"]
    assert given == {
        "TAP_CHANGES_ENTITIES": '["lpn"]',
        "TAP_CHANGES_INCLUDE": "[]",
        "TAP_CHANGES_IDS_FILE": "/x",
        "TARGET_B_KEEP_NEWER": "false",
        "MELTANO_RUN_ID": run_id,
        "MELTANO_RUN_STATE_ID_SUFFIX": "repair",
        "FLEXT_SCOPE": f"{SCOPE}:repair",
    }
    assert "a-secret" not in str(argv)


@pytest.mark.parametrize(("purpose", "method"), [("backfill", "upsert"), ("refresh", None)])
def test_a_part_of_a_stream_is_no_load_to_overwrite_by(place, purpose, method):
    watcher = Watcher()
    again.read(
        place, again.choose(place.project, "lpn", "full"), Reading("lpn", purpose, {}), watcher
    )
    assert watcher.given["given"].get("TARGET_O_LOAD_METHOD") == method


def test_a_failed_run_passes_its_exit_code_and_its_trouble_on(place, answers):
    answers(3)
    pair = again.choose(place.project, "item", "incremental")
    with pytest.raises(
        JobFailedError, match="the backfill of item ended with exit code 3"
    ) as caught:
        again.read(place, pair, Reading("item", "backfill", {}), Watcher())
    assert (caught.value.exit_code, caught.value.details) == (3, "StreamFailed reason=x")


def test_a_second_one_of_its_kind_is_refused_at_once(place, tmp_path):
    pair = again.choose(place.project, "lpn", "incremental")
    scope, watcher = f"{SCOPE}:backfill", Watcher()
    with flext_coordination.acquire(tmp_path, scope, run_id="other", owner="somebody"):
        with pytest.raises(LeaseTakenError, match="somebody"):
            again.read(place, pair, Reading("lpn", "backfill", {}), watcher)
        again.read(place, pair, Reading("lpn", "repair", {}), watcher)
    assert len(watcher.lines) == 2


def test_held_pairs_are_kept_from_beginning_and_free_afterwards(place, tmp_path):
    some = again.pairs(place.project, "lpn")
    with again.holding(place, some, run_id="r", owner="a repair"):
        states = {lease.scope: lease.state for lease in flext_coordination.read(tmp_path)}
        assert states == {SCOPE: "held", "dev:tap-all-to-target-o": "held"}
    assert {lease.state for lease in flext_coordination.read(tmp_path)} == {"released"}


def test_a_pair_that_stays_at_work_is_named_and_none_is_kept(place, tmp_path):
    some = again.pairs(place.project, "lpn")
    with (
        flext_coordination.acquire(tmp_path, SCOPE, run_id="other", owner="somebody"),
        pytest.raises(LeaseTakenError, match="somebody"),
        again.holding(place, some, run_id="r", owner="a repair"),
    ):
        pytest.fail("the block ran")
    assert {lease.state for lease in flext_coordination.read(tmp_path)} == {"released"}


def test_only_the_taps_word_for_this_stream_says_that_a_load_is_complete():
    completion = refresh._Completion("item", Watcher())
    for line in (
        json.dumps({"event": "LoadCompleted records=1", "stream": "lpn", "level": "info"}),
        json.dumps({"event": "Said LoadCompleted", "stream": "item", "level": "info"}),
        "LoadCompleted item",
    ):
        completion.take(line + "\n")
    assert not completion.seen
    completion.take(json.dumps({"event": "LoadCompleted records=1", "stream": "item"}) + "\n")
    assert completion.seen
