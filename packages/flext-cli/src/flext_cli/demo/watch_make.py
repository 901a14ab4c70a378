"""Noticing that `make` was stopped: it waits for its commands after SIGINT without telling them.

A Ctrl-C reaches the whole foreground group, but a signal sent to make alone does not reach us.
After SIGINT make puts that signal back to its default while it waits, which Linux shows in /proc;
and make being gone altogether shows everywhere.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path

_PERIOD_S = 0.25
_SIGINT_BIT = 1 << (signal.SIGINT - 1)


def watch(environ: Mapping[str, str]) -> None:
    """When make is our parent, end ourselves by SIGTERM as soon as it was told to stop."""
    if "MAKELEVEL" not in environ:
        return
    parent = os.getppid()
    if _catches_sigint(parent):
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    never = threading.Event()
    while os.getppid() == parent and _catches_sigint(parent):
        never.wait(_PERIOD_S)
    os.kill(os.getpid(), signal.SIGTERM)


def _catches_sigint(process: int) -> bool:
    """Whether the process has a handler for SIGINT; False also where the system does not say."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return False
    for line in status.splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) & _SIGINT_BIT)
    return False
