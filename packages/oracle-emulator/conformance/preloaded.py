"""Runs pytest again and again, each time in a fork of one process that has imported what it needs.

Loaded by the interpreter of the suite's own environment, in the suite's directory. Standard input
brings one run a line, as JSON: the arguments for pytest, changes of the environment, the file for
what it prints, and the seconds that it may take. Standard output says of each whether it hung.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
from typing import Any

_HEAVY = "pytest anyio oracledb numpy pandas pyarrow"


def run(wanted: dict[str, Any]) -> bool:
    """Run pytest once; return whether it had to be ended."""
    child = os.fork()
    if child == 0:
        _pytest(wanted)
    os.setpgid(child, child)  # on both sides: whoever comes first
    descriptor = os.pidfd_open(child)
    try:
        ended, _, _ = select.select([descriptor], [], [], wanted["timeout_s"])
        if not ended:
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    finally:
        os.close(descriptor)
    return not ended


def _pytest(wanted: dict[str, Any]) -> None:
    """Be the child: a group of its own, whose output goes to the file."""
    code = 1
    try:
        os.setpgid(0, 0)
        log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.environ.update(wanted["environment"])
        code = int(importlib.import_module("pytest").main(wanted["arguments"]))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def main() -> None:
    """Serve until standard input ends."""
    for name in os.environ.get("CONFORMANCE_PRELOAD", _HEAVY).split():
        importlib.import_module(name)
    for line in sys.stdin:
        sys.stdout.write(json.dumps({"hung": run(json.loads(line))}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
