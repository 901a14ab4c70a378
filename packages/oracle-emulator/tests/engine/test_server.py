"""The embedded server: nothing of it survives its owner, and nothing listens on a port."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from oracle_emulator.engine import server

SCRIPT = """
import sys
from oracle_emulator.engine import server
started = server.start(None)
watchdog = started.process.pid
print(started.run_dir, watchdog, flush=True)
sys.stdin.read()
"""


def test_everything_dies_with_a_killed_owner() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdin is not None
    assert owner.stdout is not None
    with owner.stdin, owner.stdout:
        run_dir, watchdog_pid = owner.stdout.readline().split()
        watchdog = psutil.Process(int(watchdog_pid))
        family = [watchdog, *watchdog.children(recursive=True)]
        assert any(process.name() == "postgres" for process in family)
        # One client in the middle of a statement must not hold the server up.
        with psycopg.connect(f"postgresql://postgres@/postgres?host={run_dir}") as busy:
            busy.execute("SELECT 1")
            os.kill(owner.pid, signal.SIGKILL)
            owner.wait()
            _gone, alive = psutil.wait_procs(family, timeout=5)
            assert alive == []
            select.select([busy.pgconn.socket], [], [], 5)
            with pytest.raises(psycopg.OperationalError):
                busy.execute("SELECT 1")
    assert not Path(run_dir).exists()


def test_stop_leaves_nothing_and_a_kept_directory_keeps_its_rows(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        for directory in (tmp_path, *tmp_path.parents):
            if (
                directory.owner() == "root"
                and directory != Path("/")
                and not directory.stat().st_mode & 0o001
            ):
                directory.chmod(directory.stat().st_mode | 0o011)
    data = tmp_path / "data"
    for expected in ([], [(1,)]):
        started = server.start(data)
        family = psutil.Process(started.process.pid).children(recursive=True)
        with psycopg.connect(started.uri, autocommit=True) as run:
            assert run.execute(
                "SELECT setting FROM pg_settings WHERE name = 'listen_addresses'"
            ).fetchall() == [("",)]
            exists = run.execute("SELECT to_regclass('kept') IS NOT NULL").fetchone()
            assert exists == (bool(expected),)
            if expected:
                assert run.execute("SELECT * FROM kept").fetchall() == expected
            else:
                run.execute("CREATE TABLE kept AS SELECT 1 AS a")
        started.stop()
        assert not started.run_dir.exists()
        assert psutil.wait_procs(family, timeout=5)[1] == []


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").touch()
    with pytest.raises(server.ServerError):
        server.start(tmp_path / "data")
