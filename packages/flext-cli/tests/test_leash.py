"""The leash with real processes: what is on it ends with whoever holds it."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
child.wait()
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("0", flush=True)
time.sleep(600)
"""


@pytest.fixture
def leashed():
    started = []

    def start(code):
        process = subprocess.Popen(
            [sys.executable, "-m", "flext_cli.leash", sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=10)


def family(process):
    grandchild = int(process.stdout.readline())
    return [psutil.Process(pid) for pid in psutil.pids() if pid == grandchild] + psutil.Process(
        process.pid
    ).children(recursive=True)


def all_gone(processes):
    _, alive = psutil.wait_procs(processes, timeout=5)
    return not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("code", ["raise SystemExit(0)", "raise SystemExit(7)"])
def test_the_exit_code_is_the_commands(leashed, code):
    assert leashed(code).wait(timeout=20) == int(code[-2])


def test_letting_go_ends_children_of_children(leashed):
    process = leashed(CHILD)
    processes = family(process)
    assert len(processes) >= 2
    process.stdin.close()
    assert process.wait(timeout=10) == 128 + signal.SIGTERM
    assert all_gone(processes)


def test_sigterm_ends_them_too(leashed):
    process = leashed(CHILD)
    processes = family(process)
    process.terminate()
    assert process.wait(timeout=10) == 128 + signal.SIGTERM
    assert all_gone(processes)


def test_what_ignores_sigterm_is_killed(leashed):
    process = leashed(STUBBORN)
    processes = family(process)
    process.stdin.close()
    assert process.wait(timeout=10) == 128 + signal.SIGKILL
    assert all_gone(processes)


def test_a_command_that_kills_itself_counts_as_failed(leashed):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert leashed(code).wait(timeout=20) == 128 + signal.SIGKILL
    assert os.getpid() > 0
