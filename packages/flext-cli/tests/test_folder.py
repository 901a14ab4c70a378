import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from flext_cli import project
from flext_cli.demo import folder

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def ours(tmp_path):
    (tmp_path / "meltano.yml").write_bytes((ROOT / "meltano.yml").read_bytes())
    return project.find(tmp_path, {})


def test_a_demo_is_a_project_run_from_this_environment(ours):
    place = folder.make(ours)
    assert place.root.parent == ours.root / ".flext" / "demo"
    assert project.find(place.root, {}).content == ours.content
    assert (place.root / ".venv").resolve() == Path(sys.prefix).resolve()


def test_settings_are_the_users_alone_and_go(ours):
    place = folder.make(ours)
    folder.write_settings(place, {"FLEXT_TARGET_ORACLE_PASSWORD": "a$b#c"})
    assert place.env_file.read_text() == "FLEXT_TARGET_ORACLE_PASSWORD='a$b#c'\n"
    assert stat.S_IMODE(place.env_file.stat().st_mode) == 0o600
    folder.clean(place)
    assert not place.env_file.exists()
    folder.clean(place)


def test_the_next_demo_removes_what_is_over_and_leaves_what_runs(ours):
    running, over = folder.make(ours), folder.make(ours)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    folder.write_pids(over, [ended.pid])
    folder.make(ours)
    assert running.root.exists()
    assert not over.root.exists()


def test_nothing_of_the_user_reaches_the_demo():
    environ = {
        "PATH": "/bin",
        "FLEXT_TARGET_ORACLE_SCHEMA": "MINE",
        "MELTANO_ENVIRONMENT": "prod",
        "TAP_ORACLE_WMS_PAGE_SIZE": "1",
        "TNS_ADMIN": "/etc",
        "MELTANOISE": "kept",
    }
    assert folder.environment(environ) == {"PATH": "/bin", "MELTANOISE": "kept"}
    assert os.environ.get("PATH")
