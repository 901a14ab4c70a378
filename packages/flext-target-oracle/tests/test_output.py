"""docs/specs/delivery.md §3: a STATE line is written whole, or the run ends saying so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

#: Writes one long state while signals arrive, to a pipe that is read slowly.
WRITER = """
import os, signal, sys
from flext_target_oracle.output import write_state
caught = []
signal.signal(signal.SIGUSR1, lambda *_: caught.append(1))
if sys.argv[1] == "nonblocking":
    os.set_blocking(1, False)
sys.stderr.write("ready\\n")
sys.stderr.flush()
write_state({"bookmarks": {"s": "x" * 1_000_000}})
sys.exit(0 if caught else 3)
"""
GONE = """
import sys
from flext_target_oracle.errors import StateUnwrittenError
from flext_target_oracle.output import write_state
sys.stdin.read()
try:
    write_state({"bookmarks": {}})
except StateUnwrittenError as error:
    sys.stderr.write(str(error))
    sys.exit(7)
"""


@pytest.mark.parametrize("mode", ["blocking", "nonblocking"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_line_is_whole_whatever_signals_arrive(mode: str, unbuffered: str) -> None:
    environ = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        got = b""
        while chunk := os.read(process.stdout.fileno(), 16_384):
            got += chunk
            if len(got) < 500_000:  # what is left does not fit the pipe: it is still writing
                process.send_signal(signal.SIGUSR1)
    assert process.returncode == 0
    assert json.loads(got) == {"bookmarks": {"s": "x" * 1_000_000}}
    assert got.count(b"\n") == 1


def test_a_reader_that_is_gone_is_an_error_and_nothing_else_is_said() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", GONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.close()
        said = process.stderr.read().decode()
    assert process.returncode == 7
    assert said.startswith("a STATE line could not be written to stdout")
    assert "BrokenPipeError" not in said


def test_lines_of_several_threads_stay_apart(capfd: pytest.CaptureFixture[str]) -> None:
    from flext_target_oracle.output import write_state

    gate = threading.Lock()  # as the run has one around its writing

    def write(number: int) -> None:
        for _ in range(50):
            with gate:
                write_state({"n": number})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = capfd.readouterr().out.splitlines()
    assert sorted(json.loads(line)["n"] for line in lines) == sorted(list(range(4)) * 50)
