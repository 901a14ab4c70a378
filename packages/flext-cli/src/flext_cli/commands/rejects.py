"""`flext rejects`: the rows that Oracle could not take, kept with their reasons."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from flext_cli import ends, ledger, project
from flext_observability import redaction
from flext_target_oracle.overview import Refused


@click.group()
def rejects() -> None:
    """Look at the rows that were refused."""


@rejects.command(name="list", epilog="Example: flext rejects list --stream item --records")
@click.option("--stream", help="Of this stream only.")
@click.option("--run", "run_id", help="Of this run only.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--records", is_flag=True, help="Print the records as they came, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per row.")
def list_rejects(
    stream: str | None, run_id: str | None, limit: int, records: bool, as_json: bool
) -> None:
    """List refused rows, the newest first: when, which stream and key, which column, why.

    A row stays until it is mended in the WMS and comes again, which leaves this entry as history.
    """
    found = project.find(Path.cwd(), os.environ)
    environ = ends.environment(found.root, os.environ)
    with ends.oracle_side(environ, run_id="flext-rejects") as oracle:
        refused = ledger.rejects(oracle, stream=stream, run_id=run_id, limit=limit)
    if as_json:
        for each in refused:
            fields = dataclasses.asdict(each)
            fields["rejected_at"] = f"{each.rejected_at.isoformat()}+00:00"
            click.echo(redaction.redact(json.dumps(fields)))
        return
    if not refused:
        click.echo("no row was refused")
        return
    Console().print(table(refused))
    if records:
        for each in refused:
            click.echo(f"{each.reject_id} {each.record}")


def table(refused: Sequence[Refused]) -> Table:
    """A line per row."""
    shown = Table(title=f"{len(refused)} refused rows")
    for heading in ("refused at (UTC)", "stream", "column", "code", "why"):
        shown.add_column(heading, overflow="fold")
    for each in refused:
        when = f"{each.rejected_at:%Y-%m-%d %H:%M:%S}"
        why = redaction.redact(each.message)
        shown.add_row(when, each.stream, each.column or "", each.code, why)
    return shown
