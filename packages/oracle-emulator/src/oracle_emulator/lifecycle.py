"""The life of the process: everything that `serve` starts, in order, and its end."""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from oracle_emulator.admin import AdminServer
from oracle_emulator.certificates import Certificates, ensure_certificates
from oracle_emulator.engine.interface import Database
from oracle_emulator.profiles import PROFILES
from oracle_emulator.server import Ports, Server
from oracle_emulator.session.context import ServerContext
from oracle_emulator.session.faults import Fault, Faults

_PARENT_POLL_S = 0.5
PRODUCT = "oracle-emulator"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `serve` was asked for. Ports of 0 take any."""

    profile: str
    service_name: str
    port: int = 0
    tcps_port: int = 0
    admin_port: int = 0
    data_dir: Path | None = None
    parent_pid: int | None = None
    faults: tuple[Fault, ...] = ()
    sink: bool = False
    sink_keeps: re.Pattern[str] | None = None
    max_string_size: str = "STANDARD"
    templates: Path | None = None


# The second argument is a directory that is to be removed even when this process is killed.
OpenDatabase = Callable[[Settings, Path | None], Database]


def serve(settings: Settings, open_database: OpenDatabase) -> None:
    """Run the server in the foreground until a signal or the parent's end.

    Raises OSError when a port is taken.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        if settings.parent_pid is not None:
            watch_parent(settings.parent_pid, stop)
        base, temporary = settings.data_dir, None
        if base is None:
            made = tempfile.TemporaryDirectory(
                prefix="oracle-emulator-", ignore_cleanup_errors=True
            )
            base = temporary = Path(stack.enter_context(made))
        certificates = ensure_certificates(base / "tls")
        database = open_database(settings, temporary)
        stack.callback(database.close)
        context = ServerContext(
            database,
            PROFILES[settings.profile],
            settings.service_name,
            faults=Faults(settings.faults),
            sink=settings.sink,
            sink_keeps=settings.sink_keeps,
        )
        server = Server(context, certificates, Ports(settings.port, settings.tcps_port))
        server.start()
        stack.callback(server.stop)
        admin = AdminServer(context, settings.admin_port)
        admin.start()
        stack.callback(admin.stop)
        gc.freeze()  # what was made so far stays: collections need not look at it again
        announce(settings, server, admin, certificates)
        stop.wait()


def announce(
    settings: Settings, server: Server, admin: AdminServer, certificates: Certificates
) -> None:
    """Print the one line that says where everything is."""
    ready = {
        "ready": True,
        "product": PRODUCT,
        "pid": os.getpid(),
        "port": server.port,
        "tcps_port": server.tcps_port,
        "service_name": settings.service_name,
        "profile": settings.profile,
        "ca_file": str(certificates.ca_file),
        "wallet_location": str(certificates.wallet),
        "admin_port": admin.port,
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def watch_parent(pid: int, stop: threading.Event) -> None:
    """Set `stop` once a process is gone."""

    def watch() -> None:
        was_parent = os.getppid() == pid
        while not stop.wait(_PARENT_POLL_S):
            if (was_parent and os.getppid() != pid) or not is_alive(pid):
                stop.set()

    threading.Thread(target=watch, name="watching the parent", daemon=True).start()


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # without /proc the signal's answer counts
    return state not in {"Z", "X"}
