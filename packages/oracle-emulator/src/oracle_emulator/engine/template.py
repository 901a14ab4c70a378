"""A data directory that was made once, from which temporary servers start: a copy of some MB.

Making one (initdb, then Oracle's catalogue in it) takes a second of processor time, copying it a
tenth of that. Templates lie in a directory that is given by name, never in a place that is guessed,
and that nobody but its owner may write to; each is named by what it was made of, so those of
another release are left alone. Nothing in one is secret: users get their passwords at each start.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

_UNFINISHED = "unfinished-"


class TemplateError(Exception):
    """The directory cannot hold templates; the text says why and what to do."""


def name_of(*parts: bytes) -> str:
    """The name of a template that is made of these."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:32]


def ensure(directory: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return the template of that name; when there is none, `make` makes it in a place it is given.

    That place is a directory that is not there yet, in one that is removed afterwards and that
    whoever knows its name may enter: run by root, PostgreSQL is another user's process.

    Of several processes at once one makes it and the others wait. It is there as a whole or not at
    all; what a killed process left is removed by the next one that makes a template.

    Raises:
        TemplateError: others may write to the directory, or it cannot be made.
    """
    _secure(directory)
    template = directory / name
    if template.is_dir():
        return template
    with (directory / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if template.is_dir():
            return template
        _remove_leftovers(directory)
        with tempfile.TemporaryDirectory(prefix="oracle-emulator-") as workshop:
            Path(workshop).chmod(0o711)
            unfinished = directory / f"{_UNFINISHED}{name}"
            unfinished.symlink_to(workshop)
            make(Path(workshop) / "data")
            copied = directory / f"{_UNFINISHED}copy"
            copy(Path(workshop) / "data", copied, None)
        copied.rename(template)
        unfinished.unlink()
    return template


def _remove_leftovers(directory: Path) -> None:
    """Remove what a maker left that was killed, its workshop too."""
    for left in directory.glob(f"{_UNFINISHED}*"):
        if left.is_symlink():
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(left.readlink())
            left.unlink()
        else:
            shutil.rmtree(left)


def copy(source: Path, target: Path, owner: tuple[int, int] | None) -> None:
    """Copy a data directory to one that is not there yet, for that user and group (None: us)."""
    shutil.copytree(source, target, symlinks=True, copy_function=shutil.copy)
    if owner is not None:
        for place, _, names in os.walk(target):
            for name in ("", *names):
                os.chown(f"{place}/{name}", *owner, follow_symlinks=False)


def _secure(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise TemplateError(f"no directory for templates can be made: {error}") from error
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or writable:
        raise TemplateError(
            f"{directory} cannot hold templates: give a directory (no link to one) that belongs to "
            "you and that nobody else may write to"
        )
