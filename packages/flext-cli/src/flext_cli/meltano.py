"""Meltano's own command, as a process: the one place that calls it for state.

Whatever backend holds the state, the command knows it; a run inside a run (the utility plugin)
works, since nothing here needs Meltano's process or database directly.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flext_cli.errors import MeltanoError

_TIMEOUT_S = 120.0


def executable(name: str) -> Path:
    """A command installed beside this interpreter, else the one on the PATH.

    Raises:
        MeltanoError: there is none.
    """
    beside = Path(sys.executable).parent / name
    if beside.exists():
        return beside
    found = shutil.which(name)
    if found is None:
        raise MeltanoError(
            f"the command {name} is not installed beside {sys.executable} nor on the PATH",
            remedy="run `make setup` in the FLEXT workspace",
        )
    return Path(found)


def export_states(root: Path, environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """All states that Meltano holds, by state id.

    Raises:
        MeltanoError: the command failed or answered something else.
    """
    answer = _state_command(root, environ, ["export"], given="")
    try:
        states = json.loads(answer)
    except json.JSONDecodeError as error:
        raise MeltanoError(
            "`meltano state export` answered no JSON",
            remedy="run it by hand and look",
            details=answer,
        ) from error
    if not isinstance(states, dict):
        raise MeltanoError(
            "`meltano state export` answered no object", remedy="run it by hand and look"
        )
    return states


def import_states(
    root: Path, environ: Mapping[str, str], states: Mapping[str, Mapping[str, Any]]
) -> None:
    """Replace the states of these ids.

    Raises:
        MeltanoError: the command failed.
    """
    _state_command(root, environ, ["import", "-"], given=json.dumps(states))


def _state_command(
    root: Path, environ: Mapping[str, str], arguments: list[str], *, given: str
) -> str:
    command = [str(executable("meltano")), "state", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 -- our own environment's meltano, arguments are constants
            command,
            cwd=root,
            env=dict(environ),
            input=given,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MeltanoError(
            f"`meltano state {arguments[0]}` did not end within {_TIMEOUT_S:.0f} s",
            remedy="look whether another process holds Meltano's database",
        ) from error
    if done.returncode:
        raise MeltanoError(
            f"`meltano state {arguments[0]}` ended with exit code {done.returncode}",
            remedy="run it by hand in the workspace and look",
            details=done.stderr[-2000:],
        )
    return done.stdout
