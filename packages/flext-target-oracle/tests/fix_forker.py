"""Processes of the target by fork from one that has imported everything: they start at once.

Each is a process of its own, in a session of its own, with nothing open but its files, and may be
killed; what it runs is the command's `main`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SERVER = """
import json, os, sys
import flext_target_oracle.parquet, flext_target_oracle.run
from flext_target_oracle.__main__ import main
for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.environ.update(order["environ"])
        given = os.open(order["given"], os.O_RDONLY)
        said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(given, 0), os.dup2(said, 1)
        sys.stdin, sys.stdout = open(0), open(1, "w")
        sys.argv = ["flext-target-oracle", "--config=ENV"]
        main()
    print(pid, flush=True)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@dataclass
class Forked:
    """A process of the target."""

    pid: int
    pidfd: int
    server: subprocess.Popen[str]
    said: Path

    def is_over(self) -> bool:
        """Whether it ended."""
        return bool(select.select([self.pidfd], [], [], 0)[0])

    def kill(self) -> int:
        """End it if it has not ended, by SIGKILL; return its exit code, negative for a signal."""
        with suppress(ProcessLookupError):  # it ended
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        assert self.server.stdout is not None
        code = int(self.server.stdout.readline())
        os.close(self.pidfd)
        return code


@dataclass
class Forker:
    """Starts processes, one at a time."""

    server: subprocess.Popen[str]
    place: Path

    def start(self, text: str, environ: dict[str, str]) -> Forked:
        """Start the target with this input and, besides ours, this environment."""
        given, said = self.place / "given", self.place / "said"
        given.write_text(text)
        order = {"environ": environ, "given": str(given), "said": str(said)}
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        pid = int(self.server.stdout.readline())
        return Forked(pid, os.pidfd_open(pid), self.server, said)


@contextmanager
def forking(place: Path) -> Iterator[Any]:
    """A server of processes for as long as the block runs."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        yield Forker(server, place)
