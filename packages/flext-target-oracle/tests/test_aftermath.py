"""A target that failed under Meltano leaves its input readable, and nothing else."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from flext_target_oracle.aftermath import leave_input_readable
os.read(0, 10)
leave_input_readable(os.environ)
sys.exit(1)
"""
MUCH = b"x" * 1_000_000  # more than a pipe holds


@pytest.fixture
def failed():
    def start(**environ):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MELTANO_")}
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**kept, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


def test_the_writer_is_not_broken_and_the_outputs_are_closed(failed):
    process = failed(MELTANO_LOADER_NAME="target-oracle")
    output, errors = process.communicate(MUCH, timeout=60)
    assert process.returncode == 1
    assert (output, errors) == (b"", b"")


def test_outside_meltano_the_writer_learns_of_it(failed):
    with failed() as process:
        process.stdin.write(MUCH[:10])
        process.stdin.flush()
        process.wait(timeout=60)
        with pytest.raises(BrokenPipeError):
            os.write(process.stdin.fileno(), MUCH)
    assert process.returncode == 1
