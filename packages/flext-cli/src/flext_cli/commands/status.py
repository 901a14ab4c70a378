"""`flext status`: the last runs, and how far each stream is."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

import flext_coordination
from flext_cli import clock, durations, ends, ledger, meltano, project, status
from flext_cli.errors import ProjectError, SettingsRefusedError
from flext_observability import redaction, runs

_COLOURS = {"succeeded": "green", "running": "cyan", "failed": "red", "died": "red"}


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
    if as_json:
        shown = {
            "runs": [_run(run) for run in found],
            "streams": _plain(places),
            "oracle": {"tables": [_table(each) for each in tables], "trouble": trouble},
        }
        click.echo(redaction.redact(json.dumps(shown)))
        return
    console = Console()
    console.print(_runs_table(found, str(workspace)))
    if places:
        console.print(_places_table(places))
    if tables:
        console.print(_oracle_table(tables, days))
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
        "streams": {name: dataclasses.asdict(each) for name, each in run.streams.items()},
    }


def _runs_table(found: list[status.Run], workspace: str) -> Table:
    table = Table(title=f"Runs in {workspace}")
    for heading in ("run", "started", "outcome", "stream"):
        table.add_column(heading, overflow="fold")
    for heading in (
        "seconds", "extracted", "inserted", "updated", "unchanged", "rejected", "retries", "errors",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for run in found:
        colour = _COLOURS[run.outcome]
        head = (
            run.run_id[:8],
            f"{run.started_at:%Y-%m-%d %H:%M:%S}",
            f"[{colour}]{run.outcome}[/{colour}]",
        )
        if not run.streams:
            table.add_row(*head, "–", _seconds(run.seconds))
        for name, each in run.streams.items():
            figures = (each.extracted, each.inserted, each.updated, each.unchanged)
            rest = (each.rejected, each.retries, each.errors)
            row = (name, _seconds(each.seconds), *(str(n) for n in (*figures, *rest)))
            table.add_row(*head, *row)
            head = ("", "", "")
    return table


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _places_table(places: list[status.Place]) -> Table:
    table = Table(title="Streams")
    for heading in ("state", "stream", "bookmark", "lag", "full load"):
        table.add_column(heading, overflow="fold")
    for place in places:
        lag = "" if place.lag_s is None else durations.text(place.lag_s)
        table.add_row(
            place.state_id, place.stream, place.bookmark or "–", lag, place.full_load or "–"
        )
    return table


def _oracle_table(lines: list[ledger.TableLine], days: float) -> Table:
    table = Table(title=f"Oracle, and its ledger of {days:g} days")
    for heading in ("table", "scope", "held by", "bookmark", "last commit (UTC)"):
        table.add_column(heading, overflow="fold")
    for heading in ("batches", "received", "inserted", "updated", "rejected"):
        table.add_column(heading, justify="right")
    for line in lines:
        committed = line.committed_at
        counts = (line.batches, line.received, line.inserted, line.updated, line.rejected)
        table.add_row(
            line.table, line.scope, line.holder or "–", line.bookmark or "–",
            "–" if committed is None else f"{committed:%Y-%m-%d %H:%M:%S}",
            *(f"{n:,}" for n in counts),
        )  # fmt: skip
    return table
