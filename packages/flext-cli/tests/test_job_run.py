"""A job of a project with a meltano of our own making: scopes, exit codes, skipped turns."""

import json
import os
import sys

import pytest

import flext_coordination
from flext_cli import job_run, meltano, project
from flext_cli.errors import ProjectError

SCOPE = "dev:tap-a-to-target-b"
YAML = """
default_environment: dev
environments: [{name: dev}]
plugins:
  extractors: [{name: tap-a}]
  loaders: [{name: target-b}]
jobs:
- {name: load, tasks: [tap-a target-b, "flext:hand-over"]}
"""
MELTANO = """#!{python}
import json, os, sys
print(json.dumps({{"event": "given", "argv": sys.argv[1:], "id": os.environ["MELTANO_RUN_ID"]}}))
print("no json", file=sys.stderr)
sys.exit({code})
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "meltano.yml").write_text(YAML, encoding="utf-8")
    environ = {key: value for key, value in os.environ.items() if not key.startswith("FLEXT_")}
    environ.pop("MELTANO_PROJECT_ROOT", None)

    def once(code=0, *, job="load", full_refresh=False):
        command = tmp_path / "meltano"
        command.write_text(MELTANO.format(python=sys.executable, code=code), encoding="utf-8")
        command.chmod(0o755)
        monkeypatch.setattr(meltano, "executable", lambda _name: command)
        lines = []
        found = project.find(tmp_path, {})
        outcome = job_run.once(
            found, job, "dev", environ, full_refresh=full_refresh, take=lines.append
        )
        return outcome, lines

    return once


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_and_the_run_id_are_passed_on(run, code):
    outcome, lines = run(code)
    assert isinstance(outcome, job_run.Ended)
    assert outcome.exit_code == code
    given = json.loads(next(line for line in lines if line.startswith("{")))
    assert given["id"] == outcome.run_id
    assert given["argv"][-1] == "load"
    assert "--force" in given["argv"]
    assert "--full-refresh" not in given["argv"]
    assert "no json\n" in lines


def test_a_full_refresh_is_asked_of_meltano(run):
    _, lines = run(full_refresh=True)
    assert '"--full-refresh", "load"' in lines[0] + lines[-1]


def test_a_held_scope_skips_the_run(run, tmp_path):
    with flext_coordination.acquire(tmp_path, SCOPE, run_id="other", owner="somebody"):
        outcome, lines = run()
    assert isinstance(outcome, job_run.Skipped)
    assert outcome.scope == SCOPE
    assert "somebody" in outcome.reason
    assert lines == []


def test_the_scope_is_free_for_the_target(run, tmp_path):
    run()
    (record,) = flext_coordination.read(tmp_path)
    assert (record.scope, record.state) == (SCOPE, "released")


def test_a_job_that_is_not_declared_is_named(run):
    with pytest.raises(ProjectError, match="no job 'unload'"):
        run(job="unload")
