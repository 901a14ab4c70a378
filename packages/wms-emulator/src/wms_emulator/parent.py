"""Ends the emulator when the process that wanted it is gone, however it went."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

_LOOK_EVERY_S = 0.5


def alive(pid: int, *, was_parent: bool) -> bool:
    """Whether a process still runs; one that ended but was not waited for does not."""
    if was_parent:
        return os.getppid() == pid
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True  # no such file system here: the signal's answer stands
    return text.rpartition(")")[2].split()[0] not in {"Z", "X"}


async def watch_parent(pid: int, stop: asyncio.Event) -> None:
    """Set `stop` once the process is gone."""
    was_parent = os.getppid() == pid
    while alive(pid, was_parent=was_parent):
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_EVERY_S)
            return
    stop.set()
