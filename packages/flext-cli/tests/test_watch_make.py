"""make with a command that watches it: a signal to make alone ends both."""

import shutil
import signal
import subprocess
import sys

import psutil
import pytest

CODE = """
import os, time
from flext_cli.demo import watch_make
watch_make.watch(os.environ)
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def make(tmp_path):
    if shutil.which("make") is None:
        pytest.skip("no make on this machine, so nothing to watch")
    (tmp_path / "code.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "Makefile").write_text(f"demo:\n\t@exec {sys.executable} code.py\n")
    process = subprocess.Popen(
        ["make", "demo"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield process
    process.stdout.close()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_make_alone_ends_its_command(make, number):
    if number is not signal.SIGTERM and not sys.platform.startswith("linux"):
        pytest.skip("only Linux shows what a process does with a signal")
    command = psutil.Process(int(make.stdout.readline()))
    make.send_signal(number)
    command.wait(timeout=5)
    assert make.wait(timeout=5) != 0


def test_without_make_nothing_is_watched():
    code = "from flext_cli.demo import watch_make; watch_make.watch({}); import threading;"
    code += "raise SystemExit(threading.active_count() - 1)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
