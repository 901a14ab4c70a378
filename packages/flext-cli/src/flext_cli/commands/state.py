"""`flext state`: the tap's state as Meltano keeps it, seen and copied."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import click

import flext_coordination
from flext_cli import handover, meltano, project, settings
from flext_cli.errors import UnknownScopeError


@click.group()
def state() -> None:
    """Look at the states that Meltano keeps for this project, or copy one."""


@state.command(epilog="Example: flext state show dev:tap-oracle-wms-full-to-target-oracle-full")
@click.argument("state_id", required=False)
def show(state_id: str | None) -> None:
    """Print a state as the next run would get it, or all of them by id, as one JSON object."""
    states = _states()
    if state_id is None:
        found = {name: handover.merged(entry) for name, entry in sorted(states.items())}
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(json.dumps(handover.merged(_known(states, state_id)), indent=2))


@state.command(epilog="Example: flext state copy staging:a-to-b prod:a-to-b")
@click.argument("source")
@click.argument("destination")
def copy(source: str, destination: str) -> None:
    """Replace the state of DESTINATION by that of SOURCE; no run of DESTINATION may be under way.

    A state promises that what it covers is in the database it belongs to: copy it only together
    with the data.
    """
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    with flext_coordination.acquire(
        found.workspace(environ),
        destination,
        run_id=str(uuid.uuid4()),
        owner="flext state copy",
    ):
        entry = handover.merged(_known(_states(), source))
        written = {"completed": {"singer_state": entry}, "partial": {}}
        meltano.import_states(found.root, os.environ, {destination: written})
    count = len(entry.get("bookmarks") or {})
    click.echo(f"{destination} has the state of {source} now: bookmarks of {count} streams")


def _states() -> dict[str, dict[str, object]]:
    found = project.find(Path.cwd(), os.environ)
    return meltano.export_states(found.root, os.environ)


def _known(states: dict[str, dict[str, object]], state_id: str) -> dict[str, object]:
    if state_id not in states:
        names = ", ".join(sorted(states)) or "none"
        raise UnknownScopeError(
            f"Meltano keeps no state with the id {state_id}", remedy=f"there are: {names}"
        )
    return states[state_id]
