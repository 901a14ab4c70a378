"""The processes the demo starts, and that none of them outlives it.

Every child has a session of its own. Emulators end themselves when the demo is gone
(`--parent-pid`); Meltano runs on a leash (`flext_cli.leash`). So a kill -9 of the demo leaves
nothing behind, and every other way out passes `Household.close`.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any, Self

from flext_cli import clock
from flext_cli.errors import EndError, StopRequestedError

READY_TIMEOUT_S = 120.0
GRACE_S = 3.0
_LOG_TAIL_BYTES = 6000


@dataclass(frozen=True)
class Child:
    """A started process and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(frozen=True)
class _Ready:
    child: Child
    line: bytes


@dataclass(frozen=True)
class _Ended:
    child: Child
    code: int


class Household:
    """The children of one demo: started here, watched together, ended together."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._events: queue.SimpleQueue[_Ready | _Ended] = queue.SimpleQueue()
        self._kept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._kept:
            self.close()

    def start(self, name: str, argv: Sequence[str], environ: Mapping[str, str], log: Path) -> Child:
        """Start an emulator; `await_ready` gives its ready line."""
        child = self._start(name, argv, environ, log, stdin=subprocess.DEVNULL)
        threading.Thread(target=self._read_ready, args=(child,), daemon=True).start()
        return child

    def await_ready(self, children: Sequence[Child]) -> dict[str, dict[str, Any]]:
        """The ready lines of these children, by name.

        Raises:
            EndError: one ended instead, said something else, or said nothing for too long.
        """
        ready: dict[str, dict[str, Any]] = {}
        deadline_s = clock.monotonic_s() + READY_TIMEOUT_S
        while len(ready) < len(children):
            try:
                event = self._events.get(timeout=max(0.0, deadline_s - clock.monotonic_s()))
            except queue.Empty:
                late = ", ".join(child.name for child in children if child.name not in ready)
                raise EndError(
                    f"{late} was not ready within {READY_TIMEOUT_S:.0f} s",
                    remedy=f"look at the logs in {children[0].log.parent}",
                ) from None
            if isinstance(event, _Ready) and event.line:
                ready[event.child.name] = _ready_line(event.child, event.line)
            elif isinstance(event, _Ended):
                raise _gone(event.child, event.code)
        return ready

    def run(
        self, name: str, argv: Sequence[str], environ: Mapping[str, str], log: Path, cwd: Path
    ) -> int:
        """Run a command on a leash to its end; answers its exit code.

        Raises:
            EndError: another child ended meanwhile; the command is ended too.
        """
        leashed = [sys.executable, "-m", "flext_cli.leash", *argv]
        child = self._start(name, leashed, environ, log, stdin=subprocess.PIPE, cwd=cwd)
        while True:
            event = self._events.get()
            if isinstance(event, _Ended):
                if event.child is child:
                    return event.code
                raise _gone(event.child, event.code)

    def keep(self) -> list[int]:
        """Leave the children running; answers the process ids."""
        self._kept = True
        return [child.process.pid for child in self._running()]

    def close(self) -> None:
        """End all children: SIGTERM to all at once, SIGKILL to whole sessions for what remains."""
        running = self._running()
        for child in running:
            with contextlib.suppress(ProcessLookupError):  # ended just now
                child.process.terminate()
        deadline_s = clock.monotonic_s() + GRACE_S
        for child in running:
            with contextlib.suppress(subprocess.TimeoutExpired):  # SIGKILL comes next
                child.process.wait(timeout=max(0.0, deadline_s - clock.monotonic_s()))
        for child in self._children:
            # Its group is gone, or (PermissionError) what is left of it is being reaped.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
            for pipe in (child.process.stdin, child.process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):  # nobody reads the rest
                        pipe.close()

    def _running(self) -> list[Child]:
        return [child for child in self._children if child.process.poll() is None]

    def _start(
        self,
        name: str,
        argv: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        *,
        stdin: int,
        cwd: Path | None = None,
    ) -> Child:
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 -- our own commands, nothing from outside in the arguments
                list(argv),
                env=dict(environ),
                cwd=cwd,
                stdin=stdin,
                stdout=subprocess.PIPE if stdin == subprocess.DEVNULL else output,
                stderr=output,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        threading.Thread(target=self._await_end, args=(child,), daemon=True).start()
        return child

    def _await_end(self, child: Child) -> None:
        self._events.put(_Ended(child, child.process.wait()))

    def _read_ready(self, child: Child) -> None:
        output: IO[bytes] | None = child.process.stdout
        if output is not None:
            self._events.put(_Ready(child, output.readline()))


def tail(log: Path) -> str:
    """The end of a log, in whole lines."""
    if not log.exists():
        return ""
    content = log.read_bytes()
    end = content[-_LOG_TAIL_BYTES:].decode("utf-8", "replace")
    return end if len(content) <= _LOG_TAIL_BYTES else end.partition("\n")[2]


def stop_on_signals() -> None:
    """Let the first SIGINT, SIGTERM or SIGHUP raise StopRequestedError; ignore later ones."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise StopRequestedError(number)

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stop)


def _ready_line(child: Child, line: bytes) -> dict[str, Any]:
    try:
        ready = json.loads(line)
    except json.JSONDecodeError:
        ready = None
    if not isinstance(ready, dict) or ready.get("ready") is not True:
        raise EndError(
            f"{child.name} said {line[:200]!r} instead of its ready line",
            remedy=f"look at {child.log}",
            details=tail(child.log),
        )
    return ready


def _gone(child: Child, code: int) -> EndError:
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return EndError(
        f"{child.name} ended by itself ({how})",
        remedy=f"its whole log is {child.log}",
        details=tail(child.log),
    )
