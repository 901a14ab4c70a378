"""The demo's own Meltano project: meltano.yml, a filled `.env` and the logs.

It keeps the user's `.env`, state, lease and run records out of the demo, and the demo out of
them. Files only.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flext_cli import clock
from flext_cli.project import FILE_NAME, Project

_OURS = re.compile(
    r"(FLEXT|MELTANO|TAP_ORACLE_WMS|TARGET_ORACLE|WMS_EMULATOR|ORACLE_EMULATOR|SINGER_SDK)_"
)
#: What emulators start from changes how fast they do alone.
_FASTER = {"ORACLE_EMULATOR_TEMPLATES", "WMS_EMULATOR_TEMPLATES"}
_PIDS = "pids"


@dataclass(frozen=True)
class Folder:
    """Where one demo lives."""

    root: Path

    def log(self, name: str) -> Path:
        """The log of one child process."""
        return self.root / f"{name}.log"

    @property
    def env_file(self) -> Path:
        """The settings and passwords of this demo, readable by the user alone."""
        return self.root / ".env"


def make(project: Project) -> Folder:
    """A new folder for one demo; those of demos that are over are removed."""
    parent = project.root / ".flext" / "demo"
    parent.mkdir(parents=True, exist_ok=True)
    for old in parent.iterdir():
        if old.is_dir() and not _alive(old):
            shutil.rmtree(old)
    root = parent / f"{clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    root.mkdir(mode=0o700)
    write_pids(Folder(root), [os.getpid()])
    return furnish(root, project)


def furnish(root: Path, project: Project) -> Folder:
    """Make an empty folder a Meltano project like `project`, run from this environment."""
    shutil.copyfile(project.root / FILE_NAME, root / FILE_NAME)
    (root / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return Folder(root)


def write_settings(folder: Folder, settings: Mapping[str, str]) -> None:
    """Fill the `.env` of the demo's project, as a user would, before anybody else can read it."""
    descriptor = os.open(folder.env_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name}='{value}'\n" for name, value in settings.items())


def write_pids(folder: Folder, pids: list[int]) -> None:
    """Note whose folder this is: as long as one of them lives, no other demo removes it."""
    (folder.root / _PIDS).write_text(" ".join(map(str, pids)), encoding="ascii")


def clean(folder: Folder) -> None:
    """Remove what should not stay after the demo: the passwords. Logs stay until the next one."""
    with contextlib.suppress(FileNotFoundError):
        folder.env_file.unlink()


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without any setting of ours or of Meltano."""
    kept = {
        name: value for name, value in environ.items() if name in _FASTER or not _OURS.match(name)
    }
    kept.pop("TNS_ADMIN", None)
    return kept


def _alive(root: Path) -> bool:
    try:
        pids = (root / _PIDS).read_text(encoding="ascii").split()
    except FileNotFoundError:
        return False
    return any(_exists(int(pid)) for pid in pids)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
