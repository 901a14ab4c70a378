"""Carrying out a hand-over: leases, states from Meltano, states back.

What is decided is in `handover.py`; this is the order of things around it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import flext_coordination
from flext_cli import clock, handover, meltano
from flext_cli.errors import HandOverRefusedError
from flext_cli.project import Project

_OWNER = "flext hand-over"
_RETRY_S = 1.0


def run(
    project: Project,
    environment: str,
    environ: Mapping[str, str],
    *,
    run_id: str | None,
    wait_s: float,
) -> list[handover.Move]:
    """Move the incremental bookmarks of this environment; answers what was moved and what was kept.

    The leases of all incremental pairs are held from reading to writing: a run in between would
    otherwise have its newer bookmark overwritten.

    Raises:
        HandOverRefusedError: nothing is completed, or a pair stays in use for longer than `wait_s`.
        MeltanoError: Meltano did not give or take the states.
    """
    full = project.pairs("full")
    incremental = project.pairs("incremental")
    if not full or not incremental:
        raise HandOverRefusedError(
            f"no job of {project.root} runs an extractor in sync_mode full, or none incremental",
            remedy="take both pairs from the meltano.yml that comes with FLEXT",
        )
    environ = {**environ, "MELTANO_ENVIRONMENT": environment}
    workspace = project.workspace(environ)
    run_id = run_id or str(uuid.uuid4())
    with ExitStack() as leases:
        for pair in incremental:
            leases.enter_context(
                _lease(workspace, pair.state_id(environment), run_id=run_id, wait_s=wait_s)
            )
        states = meltano.export_states(project.root, environ)
        moves = handover.plan(states, environment=environment, full=full, incremental=incremental)
        changed = handover.apply(states, moves)
        if changed:
            meltano.import_states(project.root, environ, changed)
    return moves


def _lease(workspace: Path, scope: str, *, run_id: str, wait_s: float) -> flext_coordination.Lease:
    """The lease of a pair, waiting for a run that holds it to end."""
    deadline_s = clock.monotonic_s() + wait_s
    while True:
        try:
            return flext_coordination.acquire(workspace, scope, run_id=run_id, owner=_OWNER)
        except flext_coordination.LeaseHeldError as held:
            if clock.monotonic_s() >= deadline_s:
                raise HandOverRefusedError(
                    str(held), remedy="wait for that run to end, then run `flext hand-over`"
                ) from held
        clock.pause(_RETRY_S)
