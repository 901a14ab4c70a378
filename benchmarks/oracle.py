"""What the target's benchmarks share: an emulator with an account, and a target's run measured."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oracledb

from benchmarks.wms import Usage
from oracle_emulator.testing import RunningServer, running_server

TARGET = (sys.executable, "-m", "flext_target_oracle")
BASELINE = (sys.executable, "-m", "benchmarks.baselines.sqlsink_target")
FAST_BASELINE = (*BASELINE, "--msgspec")
#: The target reads these tables again; a sink that lost them would stop it, as it should.
CONTROL_TABLES = r"FLEXT_(FENCE|LEDGER|LOADS|VERSION|REJECTS)\b"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of an emulator."""

    server: RunningServer
    user: str
    password: str

    @property
    def settings(self) -> dict[str, Any]:
        """How both targets reach it."""
        return {
            "host": "localhost",
            "port": self.server.port,
            "service_name": self.server.service_name,
            "user": self.user,
            "password": self.password,
        }

    def connect(self) -> oracledb.Connection:
        """Return a connection of the benchmark's own."""
        dsn = self.server.dsn
        return oracledb.connect(user=self.user, password=self.password, dsn=dsn)

    def rows_sent(self, table: str) -> int:
        """Return how many rows INSERT statements into tables of that name brought."""
        with urllib.request.urlopen(self._statistics("GET"), timeout=60) as answer:
            counted = json.load(answer)["statements"]
        return sum(
            each["rows_received"]
            for each in counted
            if each["sql"].upper().startswith("INSERT") and table in each["sql"].upper()
        )

    def forget_statistics(self) -> None:
        """Let the server count from zero."""
        urllib.request.urlopen(self._statistics("DELETE"), timeout=60).close()

    def _statistics(self, method: str) -> urllib.request.Request:
        address = f"http://127.0.0.1:{self.server.admin_port}/statistics"
        return urllib.request.Request(address, method=method)


@contextmanager
def account(*, sink: bool) -> Iterator[Account]:
    """Run an emulator with one user while the block runs; a sink keeps no rows."""
    options = ["--sink-keep", CONTROL_TABLES] if sink else []
    with running_server(options=options) as server:
        found = Account(server, "OIC", f"p{secrets.token_hex(8)}")
        system = {"user": "system", "password": server.system_password, "dsn": server.dsn}
        with oracledb.connect(**system) as connection, connection.cursor() as cursor:
            cursor.execute(
                f'CREATE USER {found.user} IDENTIFIED BY "{found.password}"'
                " DEFAULT TABLESPACE USERS QUOTA UNLIMITED ON USERS"
            )
            cursor.execute(f"GRANT CREATE SESSION, CREATE TABLE TO {found.user}")
        yield found


def run(
    command: Sequence[str], account: Account, lines: Path, folder: Path, **settings: object
) -> Usage:
    """Run a target on a file of messages to its end, and return what it took.

    Raises:
        RuntimeError: it ended with another code than 0; the end of its log is in the message.
    """
    config = folder / "config.json"
    config.write_text(json.dumps(account.settings | settings))
    environ = {**os.environ, "FLEXT_WORKSPACE": str(folder)}
    # Python compiles a module once, not at each start, unless a machine says otherwise.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    log, out = folder / "log", folder / "out"
    started_s = time.monotonic()
    with lines.open("rb") as source, out.open("wb") as states, log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "--config", str(config)],
            stdin=source,
            stdout=states,
            stderr=errors,
            env=environ,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[2]} ended with {process.returncode}: {_end_of(log)}")
    if not out.read_bytes().endswith(b"\n"):
        raise RuntimeError(f"{command[2]} wrote no STATE")
    return Usage(
        usage.ru_utime + usage.ru_stime, time.monotonic() - started_s, usage.ru_maxrss / 1024
    )


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-1000:]
