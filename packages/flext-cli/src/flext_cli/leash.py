"""A command on a leash: it ends when whoever started it is gone, however that went.

`python -m flext_cli.leash COMMAND …` runs the command in a process group of its own. Its standard
input is the leash: the starter holds the other end of that pipe, and when it closes (the starter
ended, kill -9 included) or SIGTERM or SIGINT arrives, the group gets SIGTERM and, after a grace
time, SIGKILL. The exit code is the command's. Standard library only, so that it starts fast.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_S = 2.5


def main(command: list[str]) -> int:
    """Run the command to its end, or to ours; answers its exit code (128 + signal)."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    child = subprocess.Popen(  # noqa: S603 -- the command is the caller's own
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )
    ended = threading.Event()
    threading.Thread(target=_until_released, args=(stop,), daemon=True).start()
    threading.Thread(target=_end_when, args=(stop, ended, child), daemon=True).start()
    code = child.wait()
    ended.set()
    _signal_group(child.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _until_released(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()


def _end_when(
    stop: threading.Event, ended: threading.Event, child: subprocess.Popen[bytes]
) -> None:
    stop.wait()
    _signal_group(child.pid, signal.SIGTERM)
    if not ended.wait(GRACE_S):
        _signal_group(child.pid, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


if __name__ == "__main__":
    # Threads may still wait on the leash; nothing is left to clean up, so the process ends
    # without them.
    os._exit(main(sys.argv[1:]))
