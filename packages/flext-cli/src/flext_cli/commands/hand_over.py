"""`flext hand-over`: after a completed full load, let the incremental jobs go on from its start."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from flext_cli import handover, handover_run, project, settings
from flext_observability import run_id_from_env


@click.command(name="hand-over", epilog="Example: flext hand-over --environment prod")
@click.option(
    "--environment", help="Meltano environment; default: MELTANO_ENVIRONMENT, else the project's."
)
@click.option(
    "--wait-s",
    default=300.0,
    show_default=True,
    help="Seconds to wait for an incremental run to end.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def hand_over(environment: str | None, wait_s: float, as_json: bool) -> None:
    """Set each incremental bookmark to the start of the completed full load.

    Never backwards: a bookmark that is already later stays. `full-sync-job` runs this as its
    second task.
    """
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    moves = handover_run.run(
        found,
        found.environment(environment or environ.get("MELTANO_ENVIRONMENT")),
        environ,
        run_id=run_id_from_env(os.environ),
        wait_s=wait_s,
    )
    if as_json:
        click.echo(json.dumps({"moves": [_shown(move) for move in moves]}))
        return
    console = Console(stderr=True)
    if console.is_terminal:
        console.print(_table(moves))
        return
    for move in moves:
        click.echo(f"{move.state_id}: {move.stream} {_outcome(move)}", err=True)


def _shown(move: handover.Move) -> dict[str, object]:
    return {
        "state_id": move.state_id,
        "stream": move.stream,
        "before": move.before,
        "after": move.after,
        "changed": move.changed,
    }


def _table(moves: list[handover.Move]) -> Table:
    table = Table(title="Hand-over from full to incremental")
    for heading in ("state", "stream", "before", "bookmark"):
        table.add_column(heading, overflow="fold")
    for move in moves:
        table.add_row(
            move.state_id,
            move.stream,
            move.before or "none",
            _outcome(move),
        )
    return table


def _outcome(move: handover.Move) -> str:
    return f"goes on from {move.after}" if move.changed else f"stays at {move.after}"
