"""Refreshes that began and did not end: a mark in the workspace for each, kept until one does.

A refresh that is killed leaves bookmarks that promise more than its table may hold. Its mark stays,
so that every later run, `flext status` and `flext doctor` say so, until the stream is refreshed.
While a refresh is at work it has its mark locked: the kernel lets go of that whatever ends it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from flext_cli.errors import ProjectError


@dataclass(frozen=True)
class Refresh:
    """A refresh that has begun; `begun_at` is ISO 8601."""

    environment: str
    stream: str
    begun_at: str

    def __str__(self) -> str:
        return (
            f"the refresh of {self.stream} in {self.environment} that began at {self.begun_at}"
            " did not end: rows it was to bring back may be missing"
        )

    @property
    def remedy(self) -> str:
        """What to do about it."""
        again = f"flext refresh {self.stream} --environment {self.environment}"
        return f"`{again}`; where `flext verify {self.stream}` agrees, `{again} --forget` will do"


@contextmanager
def marked(workspace: Path, refresh: Refresh) -> Iterator[None]:
    """Mark a refresh while the block runs, and for longer where it does not come to its end.

    Raises:
        ProjectError: the mark cannot be written.
    """
    path = _path(workspace, refresh.environment, refresh.stream)
    try:
        descriptor = _write(path, refresh)
    except OSError as error:
        raise ProjectError(
            f"{path} cannot be written: {error.strerror}",
            remedy="make room, and the folder writable for this user: a refresh is marked there",
        ) from error
    try:
        yield
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)  # the kernel's lock goes with it


def forget(workspace: Path, environment: str, stream: str) -> bool:
    """Take the mark away; answers whether there was one."""
    path = _path(workspace, environment, stream)
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def read(workspace: Path) -> list[Refresh]:
    """Those that did not end and are not at work.

    Raises:
        ProjectError: a mark cannot be read.
    """
    found = []
    for path in sorted((workspace / ".flext" / "refresh").glob("*.json")):
        with suppress(FileNotFoundError), path.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # it is at work
            found.append(_mark(path, file.read()))
    return found


def _mark(path: Path, text: str) -> Refresh:
    try:
        return Refresh(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise ProjectError(
            f"{path} is no mark of a refresh",
            remedy="repeat the refresh of the stream in its name, or remove the file",
        ) from error


def _write(path: Path, refresh: Refresh) -> int:
    """Write it, so that it outlives this process and the machine's power; answers the lock."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, json.dumps(asdict(refresh)).encode())
        os.fsync(descriptor)
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _path(workspace: Path, environment: str, stream: str) -> Path:
    name = ".".join(quote(part, safe="") for part in (environment, stream))
    return workspace / ".flext" / "refresh" / f"{name}.json"
