"""The process that stands between us and PostgreSQL.

It runs the server and ends it when we are gone.

Run as a script (`python -I watchdog.py …`), so it may import nothing but the standard library. Its
standard input is a pipe whose other end only the emulator's process holds: when that process ends,
however it ends, the pipe closes, and the server is stopped: by SIGINT (fast shutdown, nothing
committed is lost) when its data are kept, by SIGQUIT (at once) when they are thrown away.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

PATIENCE_S = 1.5


def _end_of_pipe(ended: threading.Event) -> None:
    while os.read(0, 64):
        pass
    ended.set()


def _notice_exit(server: subprocess.Popen[bytes], ended: threading.Event) -> None:
    server.wait()
    ended.set()


def main(run_dir: str, beside: str, uid: int, stop: signal.Signals, command: list[str]) -> int:
    """Run `command` until it ends or standard input closes; then remove `run_dir` and `beside`.

    Returns the server's exit code.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a terminal's Ctrl-C is for the emulator, not for us
    server = subprocess.Popen(  # noqa: S603 - the command comes from our own process
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        restore_signals=True,
        user=uid if uid >= 0 else None,
        group=Path(run_dir).stat().st_gid if uid >= 0 else None,
        extra_groups=[] if uid >= 0 else None,
        preexec_fn=_default_signals,  # noqa: PLW1509 - no thread runs yet
    )
    ended = threading.Event()
    threading.Thread(target=_end_of_pipe, args=(ended,), daemon=True).start()
    threading.Thread(target=_notice_exit, args=(server, ended), daemon=True).start()
    ended.wait()
    if server.poll() is None:
        for number in (stop, signal.SIGQUIT, signal.SIGKILL):
            server.send_signal(number)
            try:
                server.wait(PATIENCE_S)
                break
            except subprocess.TimeoutExpired:
                continue
    code = server.wait()
    for directory in filter(None, (run_dir, beside)):
        shutil.rmtree(directory, ignore_errors=True)
    return code


def _default_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    _, first, second, account, end_by, *words = sys.argv
    sys.exit(main(first, second, int(account), signal.Signals["SIG" + end_by], words))
