"""Copies of settings that a killed Meltano left: found and removed, those of a living one never."""

import os
import shutil
import subprocess
import time

import pytest

import flext_coordination
from flext_cli import leftovers, project
from flext_cli.commands import run
from flext_cli.doctor import workspace

HOUR_S = 3600.0


@pytest.fixture
def root(tmp_path):
    (tmp_path / "meltano.yml").write_text("environments: []\n", encoding="utf-8")
    return tmp_path


def left(root, name="tap.0190.config.json", *, age_s=HOUR_S):
    folder = root / ".meltano" / "run" / "tap-oracle-wms-full"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text('{"password": "a-secret"}', encoding="utf-8")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def found(root):
    return leftovers.find(root, root, {}, time.time())


def test_a_run_removes_what_is_left_and_says_so_and_nothing_else(root, monkeypatch):
    events = []
    monkeypatch.setattr(run, "emit", events.append)
    old, young = left(root), left(root, "target.0191.config.json", age_s=1)
    other = left(root, "tap.properties.json")
    run._remove_leftovers(project.find(root, {}), {})
    assert [path.exists() for path in (old, young, other)] == [False, True, True]
    assert [each.files for each in events] == [1]
    run._remove_leftovers(project.find(root, {}), {})
    assert len(events) == 1


def test_doctor_warns_and_names_the_remedy_but_no_secret(root):
    left(root)
    (finding,) = workspace._leftovers(project.find(root, {}), {})
    assert (finding.level, "flext run" in finding.remedy) == ("warning", True)
    assert "tap.0190.config.json" in finding.text
    assert "a-secret" not in finding.text


def test_the_copy_of_a_meltano_that_runs_here_stays(root):
    path = left(root)
    program = root / "meltano"
    shutil.copyfile("/bin/sh", program)
    program.chmod(0o755)
    with subprocess.Popen(
        [program, "-c", "echo on; read line"], cwd=root,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == b"on\n"
        assert found(root) == [path]  # it is older than that Meltano
        os.utime(path, (time.time() + HOUR_S,) * 2)
        assert leftovers.find(root, root, {}, time.time() + 3 * HOUR_S) == []
        process.stdin.close()
    assert leftovers.find(root, root, {}, time.time() + 3 * HOUR_S) == [path]


def test_while_another_machine_works_nothing_is_judged(root):
    path = left(root)
    with flext_coordination.acquire(root, "a-scope", run_id="r", owner="flext run"):
        assert found(root) == [path]
        assert leftovers.find(root, root, {"FLEXT_HOST": "another"}, time.time()) == []
