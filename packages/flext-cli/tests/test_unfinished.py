"""The mark of a refresh: there while it is at work and unread, left by one that does not end."""

import os
import signal
import subprocess
import sys

import pytest

from flext_cli import unfinished
from flext_cli.commands import run
from flext_cli.errors import ProjectError
from flext_cli.project import Project
from flext_cli.unfinished import Refresh

MARK = Refresh("dev", "item", "2026-01-02T03:04:05+00:00")
KILLED = """
import os, pathlib, signal, sys
from flext_cli import unfinished
with unfinished.marked(pathlib.Path(sys.argv[1]), unfinished.Refresh(*sys.argv[2:])):
    os.kill(os.getpid(), signal.SIGKILL)
"""
CONTENT = {
    "plugins": {
        "extractors": [{"name": "tap", "config": {"entities": ["item"]}}, {"name": "other",
                        "config": {"entities": ["lpn"]}}],
        "loaders": [{"name": "target"}],
    },
    "jobs": [{"name": "items", "tasks": ["tap target"]},
             {"name": "lpns", "tasks": ["other target"]}],
}  # fmt: skip


def test_one_that_ends_leaves_nothing_and_one_at_work_is_not_said(tmp_path):
    with unfinished.marked(tmp_path, MARK):
        assert unfinished.read(tmp_path) == []
    assert unfinished.read(tmp_path) == []
    assert list((tmp_path / ".flext" / "refresh").iterdir()) == []


def test_one_that_fails_is_said_until_it_is_repeated(tmp_path):
    with pytest.raises(KeyError), unfinished.marked(tmp_path, MARK):
        raise KeyError
    assert unfinished.read(tmp_path) == [MARK]
    with unfinished.marked(tmp_path, MARK):
        pass
    assert unfinished.read(tmp_path) == []


def test_one_that_is_killed_is_said_until_it_is_forgotten(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path), MARK.environment, MARK.stream]
    done = subprocess.run([*command, MARK.begun_at], check=False)
    assert done.returncode == -signal.SIGKILL
    assert unfinished.read(tmp_path) == [MARK]
    assert "flext refresh item --environment dev" in MARK.remedy
    assert unfinished.forget(tmp_path, "dev", "item")
    assert not unfinished.forget(tmp_path, "dev", "item")
    assert unfinished.read(tmp_path) == []


@pytest.mark.parametrize(
    ("job", "environment", "said"), [("items", "dev", 1), ("items", "prod", 0), ("lpns", "dev", 0)]
)
def test_a_run_of_the_stream_says_it(tmp_path, monkeypatch, job, environment, said):
    with pytest.raises(KeyError), unfinished.marked(tmp_path, MARK):
        raise KeyError
    events = []
    monkeypatch.setattr(run, "emit", events.append)
    run._say_unfinished(Project(tmp_path, CONTENT), job, environment, {})
    assert [(each.refreshed, each.level) for each in events] == [("item", "WARNING")] * said


def test_a_mark_that_cannot_be_read_or_written_is_named(tmp_path):
    folder = tmp_path / ".flext" / "refresh"
    folder.mkdir(parents=True)
    (folder / "dev.item.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"dev\.item\.json is no mark"):
        unfinished.read(tmp_path)
    (folder / "dev.lpn.json").mkdir()
    with (
        pytest.raises(ProjectError, match=r"dev\.lpn\.json cannot be written"),
        unfinished.marked(tmp_path, Refresh("dev", "lpn", "")),
    ):
        os.abort()
