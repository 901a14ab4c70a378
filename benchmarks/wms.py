"""What the tap's benchmarks share: an emulator in its own process, and a tap's run measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USERNAME = "tap_user"
PASSWORD = "emulator"  # the emulator's documented one; it protects nothing
TAP = (sys.executable, "-m", "flext_tap_oracle_wms")
BASELINE = (sys.executable, "-m", "benchmarks.baselines.reststream_tap")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took: CPU and wall seconds, and its largest size."""

    cpu_s: float
    wall_s: float
    peak_mib: float


@contextmanager
def emulator(rows: Mapping[str, int], *, plain: bool) -> Iterator[dict[str, Any]]:
    """Run an emulator while the block runs; gives its ready line."""
    options = [f"--rows={name}={count}" for name, count in rows.items()]
    command = [sys.executable, "-m", "wms_emulator", "serve", f"--parent-pid={os.getpid()}"]
    more = ["--plain", *options] if plain else options
    process = subprocess.Popen([*command, *more], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=30)


def admin(ready: Mapping[str, Any], path: str, body: object) -> None:
    """Post to the emulator's admin API."""
    url = f"http://127.0.0.1:{ready['admin_port']}{path}"
    request = urllib.request.Request(url, data=json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def run(command: Sequence[str], ready: Mapping[str, Any], out: Path, **settings: object) -> Usage:
    """Run a tap to its end, its stdout in a file, and return what it took.

    The folder of the file is its workspace, so that runs beside each other share a cache.
    """
    config = {"base_url": ready["base_url"], "username": USERNAME, "password": PASSWORD}
    if ready.get("ca_file"):
        config["ca_file"] = ready["ca_file"]
    path = out.with_suffix(".config")
    path.write_text(json.dumps(config | settings))
    environ = {**os.environ, "FLEXT_WORKSPACE": str(out.parent), "LOGLEVEL": "WARNING"}
    # Python compiles a module once, not at each start, unless a machine says otherwise.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    started_s = time.monotonic()
    with out.open("wb") as lines:
        process = subprocess.Popen([*command, "--config", str(path)], stdout=lines, env=environ)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[-1]} ended with {process.returncode}")
    return Usage(
        usage.ru_utime + usage.ru_stime, time.monotonic() - started_s, usage.ru_maxrss / 1024
    )
