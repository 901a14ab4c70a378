"""The household of the demo with real processes: ready lines, exit codes, nothing outlives it."""

import contextlib
import os
import signal
import subprocess
import sys

import psutil
import pytest

from flext_cli.demo.processes import Household, tail
from flext_cli.errors import EndError

READY = 'import time; print(\'{"ready": true, "port": 7}\', flush=True); time.sleep(600)'
SLEEP = "import time; time.sleep(600)"


@pytest.fixture
def household():
    with Household() as each:
        yield each


@pytest.fixture
def python(tmp_path):
    def command(code):
        return [sys.executable, "-c", code]

    return command


def ends(pids):
    processes = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):  # ended already, perhaps just now
            processes.append(psutil.Process(pid))
    return not psutil.wait_procs(processes, timeout=5)[1]


def test_ready_lines_come_by_name(household, python, tmp_path):
    children = [
        household.start(name, python(READY), os.environ, tmp_path / name) for name in ("a", "b")
    ]
    ready = household.await_ready(children)
    assert {name: line["port"] for name, line in ready.items()} == {"a": 7, "b": 7}
    household.close()
    assert ends([child.process.pid for child in children])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('no such port')", "a ended by itself"),
        ("print('hello', flush=True); import time; time.sleep(600)", "instead of its ready line"),
        ("print('{\"ready\": false}', flush=True); import time; time.sleep(600)", "instead of its"),
    ],
)
def test_whatever_is_not_ready_is_said_with_its_log(household, python, tmp_path, code, message):
    child = household.start("a", python(code), os.environ, tmp_path / "a.log")
    with pytest.raises(EndError, match=message) as caught:
        household.await_ready([child])
    assert str(tmp_path / "a.log") in caught.value.remedy
    if "sys.exit" in code:
        assert "no such port" in caught.value.details


@pytest.mark.parametrize("code", [0, 3])
def test_a_command_gives_its_exit_code_and_its_log(household, python, tmp_path, code):
    source = f"print('said'); raise SystemExit({code})"
    log = tmp_path / "job.log"
    assert household.run("job", python(source), os.environ, log, tmp_path) == code
    assert tail(log) == "said\n"


def test_an_end_that_dies_ends_the_command_too(household, python, tmp_path):
    others = set(psutil.Process().children(recursive=True))  # of other tests' fixtures
    end = household.start("end", python(READY), os.environ, tmp_path / "end")
    household.await_ready([end])
    killer = f"import os, time; os.kill({end.process.pid}, {int(signal.SIGKILL)}); time.sleep(600)"
    with pytest.raises(EndError, match=r"end ended by itself \(signal 9\)"):
        household.run("job", python(killer), os.environ, tmp_path / "job", tmp_path)
    ours = set(psutil.Process().children(recursive=True)) - others
    assert ours  # the command that killed it
    household.close()
    assert ends([child.pid for child in ours])


def test_a_holder_that_is_killed_leaves_no_command(tmp_path):
    source = f"""
import os, sys
from pathlib import Path
from flext_cli.demo.processes import Household
with Household() as household:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    command = [sys.executable, "-c", code]
    household.run("job", command, os.environ, Path({str(tmp_path / "job")!r}), Path("/"))
"""
    holder = subprocess.Popen([sys.executable, "-c", source])
    log = tmp_path / "job"
    try:
        pid = None
        while pid is None:
            assert holder.poll() is None
            if log.exists() and log.read_text().endswith("\n"):
                pid = int(log.read_text())
    finally:
        holder.kill()
        holder.wait()
    assert ends([pid])


def test_kept_children_stay(python, tmp_path):
    with Household() as household:
        child = household.start("a", python(READY), os.environ, tmp_path / "a")
        household.await_ready([child])
        pids = household.keep()
    assert pids == [child.process.pid]
    assert child.process.poll() is None
    household.close()
    assert child.process.returncode == -signal.SIGTERM


def test_a_long_log_is_shown_from_a_line_start(tmp_path):
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(5000)), encoding="utf-8")
    shown = tail(log)
    assert shown.startswith("line ")
    assert shown.endswith("line 4999\n")
    assert len(shown) < 6001
