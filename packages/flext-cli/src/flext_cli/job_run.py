"""Running a job of the Meltano project under a run id of ours, on a leash.

Meltano refuses a pipeline whose last run seems alive until five minutes after that run's last sign
of life. Here the lease decides instead: whoever can take it knows that the run before is over, so
Meltano is told to go ahead (`--force`). Should another run come in between, its target finds the
lease taken, or ours does: two never load.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import flext_coordination
from flext_cli import meltano
from flext_cli.handover import Pair
from flext_cli.project import Project

_OWNER = "flext run"


@dataclass(frozen=True)
class Ended:
    """A run of a job that came to its end; the exit code is Meltano's."""

    run_id: str
    exit_code: int


@dataclass(frozen=True)
class Skipped:
    """A run that did not begin, since another one holds a scope of the job."""

    scope: str
    reason: str


def once(
    project: Project,
    job: str,
    environment: str,
    environ: Mapping[str, str],
    *,
    full_refresh: bool,
    take: Callable[[str], None],
) -> Ended | Skipped:
    """Run the job to its end; `take` gets each line of its log.

    Raises:
        ProjectError: there is no such job.
        MeltanoError: the command meltano is not there.
    """
    run_id = str(uuid.uuid4())
    workspace = project.workspace(environ)
    for pair in project.job(job):
        if (held := _held(workspace, pair.state_id(environment), run_id)) is not None:
            return held
    command = _meltano_run(environment)
    command += ["--full-refresh", job] if full_refresh else [job]
    return Ended(run_id, _leashed(project, command, {**environ, "MELTANO_RUN_ID": run_id}, take))


def beside(
    project: Project,
    pair: Pair,
    suffix: str,
    environment: str,
    environ: Mapping[str, str],
    *,
    take: Callable[[str], None],
) -> Ended | Skipped:
    """Run one pair beside its course: under a scope of its own, its state neither read nor written.

    Args:
        project: where.
        pair: an extractor and a loader.
        suffix: what the scope has behind the pair's own.
        environment: of Meltano.
        environ: of the processes; settings that differ this once stand in it.
        take: gets each line of the log.

    Raises:
        MeltanoError: the command meltano is not there.
    """
    run_id = str(uuid.uuid4())
    scope = f"{pair.state_id(environment)}:{suffix}"
    if (held := _held(project.workspace(environ), scope, run_id)) is not None:
        return held
    command = [*_meltano_run(environment), "--no-state-update", pair.extractor, pair.loader]
    own = {"MELTANO_RUN_ID": run_id, "MELTANO_RUN_STATE_ID_SUFFIX": suffix, "FLEXT_SCOPE": scope}
    return Ended(run_id, _leashed(project, command, {**environ, **own}, take))


def _held(workspace: Path, scope: str, run_id: str) -> Skipped | None:
    """Who holds a scope, None if it is free."""
    try:
        lease = flext_coordination.acquire(workspace, scope, run_id=run_id, owner=_OWNER)
    except flext_coordination.LeaseHeldError as held:
        return Skipped(scope, str(held))
    lease.release("handed to the job's target")
    return None


def _meltano_run(environment: str) -> list[str]:
    command = [str(meltano.executable("meltano")), "--environment", environment]
    return [*command, "--log-format", "json", "run", "--force"]


def _leashed(
    project: Project,
    command: list[str],
    environ: Mapping[str, str],
    take: Callable[[str], None],
) -> int:
    """Run a command that ends with this process; its log goes line by line to `take`."""
    process = subprocess.Popen(  # noqa: S603 -- meltano of our own environment and a declared job
        [sys.executable, "-m", "flext_cli.leash", *command],
        cwd=project.root,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    with process:
        try:
            for line in process.stdout or ():
                take(line)
        except BaseException:
            # A signal to this command: the job ends in order, within the leash's grace time.
            os.kill(process.pid, signal.SIGTERM)
            raise
    return process.returncode
