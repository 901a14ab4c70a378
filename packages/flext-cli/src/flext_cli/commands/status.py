"""`flext status`: the last runs, and how far each stream is."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import click
from rich.console import Console

import flext_coordination
from flext_cli import clock, ends, ledger, meltano, project, status, unfinished
from flext_cli.commands import status_tables as shown
from flext_cli.errors import ProjectError, SettingsRefusedError
from flext_observability import redaction, runs


@click.command(name="status", epilog="Example: flext status --limit 3")
@click.option("--run", "run_id", help="Show this run only.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--bookmarks/--no-bookmarks",
    default=True,
    help="Whether to ask Meltano how far each stream is (takes some seconds).",
)
@click.option(
    "--oracle/--no-oracle",
    default=True,
    help="Whether to ask Oracle what it holds: who loads, what was committed lately.",
)
@click.option(
    "--days",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="What is lately, in Oracle's ledger.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def show_status(
    run_id: str | None, limit: int, bookmarks: bool, oracle: bool, days: float, as_json: bool
) -> None:
    """Show the last runs of this workspace, the place of each stream, and what Oracle says.

    A run that holds no lease and has not ended has died. The lag is the time from a stream's
    bookmark to now: changes older than it are loaded.
    """
    workspace = project.workspace(Path.cwd(), os.environ)
    held = frozenset(
        lease.run_id for lease in flext_coordination.read(workspace) if lease.state == "held"
    )
    # Each run has a record per component.
    found = status.runs(runs.read(workspace, run_id=run_id, limit=limit * 4), held)[:limit]
    places = _places() if bookmarks else []
    tables, trouble = _tables(days) if oracle else ([], None)
    left = unfinished.read(workspace)
    if as_json:
        answer = {
            "runs": [_run(run) for run in found],
            "streams": _plain(places),
            "oracle": {"tables": [_table(each) for each in tables], "trouble": trouble},
            "unfinished_refreshes": [dataclasses.asdict(each) for each in left],
        }
        click.echo(redaction.redact(json.dumps(answer)))
        return
    console = Console()
    for title, table in (
        (f"Runs in {workspace}", shown.runs_table(found)),
        *shown.places_tables(places),
        *shown.oracle_tables(tables, days),
    ):
        console.print(title, style="bold", highlight=False)
        console.print(table)
    for failure in shown.failures(found):
        click.echo(redaction.redact(failure), err=True)
    for each in left:
        click.echo(f"{each}; {each.remedy}", err=True)
    if trouble is not None:
        click.echo(f"Oracle was not asked: {redaction.redact(trouble)}", err=True)


def _places() -> list[status.Place]:
    found = project.find(Path.cwd(), os.environ)
    return status.places(meltano.export_states(found.root, os.environ), clock.now())


def _tables(days: float) -> tuple[list[ledger.TableLine], str | None]:
    """What Oracle says, or why it says nothing: the rest is worth showing all the same."""
    try:
        found = project.find(Path.cwd(), os.environ)
        environ = ends.environment(found.root, os.environ)
        with ends.oracle_side(environ, run_id="flext-status") as side:
            return ledger.tables(side, days=days), None
    except (ProjectError, SettingsRefusedError) as error:
        return [], str(error)


def _table(line: ledger.TableLine) -> dict[str, object]:
    committed = line.committed_at
    return {
        **dataclasses.asdict(line),
        "committed_at": None if committed is None else f"{committed.isoformat()}+00:00",
    }


def _plain(places: list[status.Place]) -> list[dict[str, object]]:
    return [dataclasses.asdict(place) for place in places]


def _run(run: status.Run) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "job": run.job,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "seconds": run.seconds,
        "outcome": run.outcome,
        "exit_codes": dict(run.exit_codes),
        "reason": run.reason,
        "streams": {name: dataclasses.asdict(each) for name, each in run.streams.items()},
    }
