"""For tests of programs that use a database: a real server process for as long as a block runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STOP_TIMEOUT_S = 20


class StartError(Exception):
    """The server ended before it was ready; the text is what it said."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where a server is, and how SYSTEM gets in."""

    pid: int
    port: int
    tcps_port: int
    admin_port: int
    service_name: str
    profile: str
    ca_file: Path
    wallet_location: Path
    system_password: str

    @property
    def dsn(self) -> str:
        """Return the connect string over TCP."""
        return f"tcp://localhost:{self.port}/{self.service_name}"

    @property
    def tcps_dsn(self) -> str:
        """Return the connect string over TLS; give `wallet_location` to `connect` too."""
        return f"tcps://localhost:{self.tcps_port}/{self.service_name}"


@contextmanager
def running_server(
    *,
    profile: str = "19c",
    service_name: str = "FREEPDB1",
    system_password: str = "oracle",  # noqa: S107  # of a server that lives as long as a test
    data_dir: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[RunningServer]:
    """Run a server in a process of its own. Raises StartError.

    `options` are more of the command's, such as `--fault` or `--sink`. The process ends with the
    block, and also when this process is killed.
    """
    command = [sys.executable, "-m", "oracle_emulator", "serve", "--parent-pid", str(os.getpid())]
    command += ["--profile", profile, "--service", service_name]
    if data_dir is not None:
        command += ["--data-dir", str(data_dir)]
    command += options
    environment = os.environ | {"ORACLE_EMULATOR_SYSTEM_PASSWORD": system_password}
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(  # noqa: S603  # our own module, by the running interpreter
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )
        try:
            yield _wait_until_ready(process, errors.fileno(), system_password)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _wait_until_ready(
    process: subprocess.Popen[str], errors: int, system_password: str
) -> RunningServer:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        process.wait()
        said = os.pread(errors, 65536, 0).decode(errors="replace").strip()
        raise StartError(f"oracle-emulator ended with code {process.returncode}: {said}")
    ready = json.loads(line)
    return RunningServer(
        pid=ready["pid"],
        port=ready["port"],
        tcps_port=ready["tcps_port"],
        admin_port=ready["admin_port"],
        service_name=ready["service_name"],
        profile=ready["profile"],
        ca_file=Path(ready["ca_file"]),
        wallet_location=Path(ready["wallet_location"]),
        system_password=system_password,
    )
