"""The file itself: `.token` read, and changed under `.token.lock` by an atomic replacement.

The only place that touches these files; both are readable by their owner alone.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from flext_coordination.errors import TokenFileError
from flext_coordination.token_text import REMEDY, format_records, parse_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flext_coordination.records import LeaseRecord

NAME = ".token"
LOCK_NAME = ".token.lock"
LOCK_TIMEOUT_S = 30.0
MAX_FILE_BYTES = 1_048_576
MODE = 0o600


def read(workspace: Path) -> list[LeaseRecord]:
    """Return the records of the workspace's file, none if there is no file.

    Needs no lock: the file is only ever replaced as a whole.

    Raises:
        TokenFileError: it cannot be read or understood.
    """
    path = workspace / NAME
    with _explained(path):
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return []
    try:
        return parse_records(_decode(raw))
    except TokenFileError as error:
        raise error.at(path) from None


def _decode(raw: bytes) -> str:
    if len(raw) > MAX_FILE_BYTES:
        raise TokenFileError(f"the file is larger than {MAX_FILE_BYTES} bytes", REMEDY)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TokenFileError("this is not UTF-8", REMEDY, line=line) from None


def change(workspace: Path, decide: Callable[[dict[str, LeaseRecord]], list[LeaseRecord]]) -> None:
    """Replace the file by what `decide` makes of its records (by scope), nobody in between.

    Whatever `decide` raises leaves the file as it was.

    Raises:
        TokenFileError: the file cannot be locked, read, understood or written.
    """
    with _locked(workspace):
        records = {record.scope: record for record in read(workspace)}
        _replace(workspace / NAME, format_records(decide(records)))


@contextmanager
def _locked(workspace: Path) -> Iterator[None]:
    path = workspace / LOCK_NAME
    # A lock of the kernel only: it goes with its process, kill -9 included. A soft lock would stay.
    lock = FileLock(
        path, timeout=LOCK_TIMEOUT_S, mode=MODE, fallback_to_soft=False, preserve_lock_file=True
    )
    try:
        with _explained(path):
            workspace.stat()  # the lock would make a folder that is not there
            lock.acquire()
    except Timeout:
        raise TokenFileError(
            f"{path}: another process has kept it locked for {LOCK_TIMEOUT_S:.0f} s",
            "find it (`fuser .token.lock`) and end it if it is stuck",
        ) from None
    try:
        yield
    finally:
        lock.release()


def _replace(path: Path, text: str) -> None:
    """Put the text in the file's place, so that a crash leaves the old text or the new."""
    temporary = path.with_name(f"{NAME}.tmp")
    with _explained(path):
        try:
            temporary.unlink(missing_ok=True)  # left by a process that died here
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, MODE), "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn an operating system error into one that names the file and the remedy."""
    try:
        yield
    except Timeout:
        raise  # an OSError too, but not the file's fault
    except (OSError, NotImplementedError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise TokenFileError(f"{path}: {reason}", _remedy(error)) from error


def _remedy(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    if number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "free space on that disk and run again; the file is as it was"
    if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "make the workspace writable for this user, or name another by FLEXT_WORKSPACE"
    if number in {errno.ENOENT, errno.ENOTDIR}:
        return "the workspace must be an existing folder; FLEXT_WORKSPACE names it"
    return "the workspace must lie on a file system that can lock and replace files"
