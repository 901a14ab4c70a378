"""Copies of plugins' settings, secrets included, that a Meltano left which was killed.

Meltano writes them under `.meltano/run` for the time of a plugin and removes them itself, unless
nobody lets it. One is left over if it is older than each Meltano that runs in the project on this
machine, and than some minutes: what Meltanos of other machines are at cannot be seen from here.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import flext_coordination

_PATTERN = "run/*/*.config.json"
#: Meltano starts a plugin soon after it wrote its settings; from then on a lease says who works.
_YOUNG_S = 600.0
_PROC = Path("/proc")


def find(root: Path, workspace: Path, environ: Mapping[str, str], now_s: float) -> list[Path]:
    """The files that are left over; none where that cannot be known (no /proc, another host works).

    Args:
        root: the project's folder.
        workspace: whose leases tell of other machines.
        environ: FLEXT_HOST of it names this machine, as in the leases.
        now_s: the time of files, in seconds since 1970.
    """
    if not _PROC.is_dir() or _works_elsewhere(workspace, environ):
        return []
    files = sorted((root / ".meltano").glob(_PATTERN))
    if not files:
        return []
    before_s = min([now_s - _YOUNG_S, *_meltanos(root)])
    found = []
    for path in files:
        with suppress(FileNotFoundError):  # it was removed this moment, as it should be
            if path.stat().st_mtime < before_s:
                found.append(path)
    return found


def remove(paths: list[Path]) -> None:
    """Remove them."""
    for path in paths:
        path.unlink(missing_ok=True)


def _works_elsewhere(workspace: Path, environ: Mapping[str, str]) -> bool:
    here = environ.get("FLEXT_HOST", "").strip() or socket.gethostname()
    leases = flext_coordination.read(workspace)
    return any(lease.state == "held" and lease.host != here for lease in leases)


def _meltanos(root: Path) -> Iterator[float]:
    """When each Meltano began that runs in the project, in seconds since 1970."""
    for folder in _PROC.glob("[0-9]*"):
        # A process that has ended meanwhile, or that is another user's, tells nothing.
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")[:3]
            if not any(word.rpartition(b"/")[2] == b"meltano" for word in words):
                continue
            if (folder / "cwd").resolve().is_relative_to(root.resolve()):
                yield _began_s(folder)


def _began_s(folder: Path) -> float:
    # The name, in brackets, may hold anything; the 22nd field is the start in ticks since boot.
    fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    ticks = int(fields.split()[19])
    (boot,) = (
        line.split()[1]
        for line in (_PROC / "stat").read_text(encoding="utf-8").splitlines()
        if line.startswith("btime ")
    )
    # A second for the rounding of the boot's time.
    return int(boot) + ticks / os.sysconf("SC_CLK_TCK") - 1.0
