"""Which process on which machine: what a lease says of its holder, and whether it is gone.

The only reader of the process table.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flext_coordination.records import LeaseRecord


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be mistaken for a later one with its pid.

    Attributes:
        key: the machine's boot, the pid namespace and the start tick where the system tells
            them (no clock correction moves those), else the start time.
    """

    host: str
    pid: int
    started_at: datetime
    key: str


def current(environ: Mapping[str, str], *, host: str | None = None) -> ProcessIdentity:
    """Return this process; the host is `host`, else FLEXT_HOST, else the machine's name."""
    pid = os.getpid()
    return ProcessIdentity(
        host=host or environ.get("FLEXT_HOST", "").strip() or socket.gethostname() or "unknown",
        pid=pid,
        started_at=datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC),
        key=_space() + _start(pid),
    )


def is_gone(held: LeaseRecord, here: ProcessIdentity) -> bool:
    """Say whether the holder's process has surely ended.

    Only a process of the same host, boot and pid namespace can be judged; of any other the answer
    is False, and its lease is left to expire. A stopped process is not gone.
    """
    space = _space()
    if held.host != here.host or not held.process_key.startswith(space):
        return False
    try:
        if psutil.Process(held.pid).status() == psutil.STATUS_ZOMBIE:
            return True
        return space + _start(held.pid) != held.process_key
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _space() -> str:
    """Return what two processes must share for their pids to be comparable."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return "pid:"
    return f"{boot}:{namespace}:"


def _start(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"{psutil.Process(pid).create_time():.2f}"
    # The name in parentheses may hold anything, blanks and parentheses too; starttime is the 22nd.
    return stat.rpartition(")")[2].split()[19]
