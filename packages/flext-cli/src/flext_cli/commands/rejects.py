"""`flext rejects`: the rows that Oracle could not take, kept with their reasons."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flext_cli import ends, ledger, project
from flext_cli import replay as sending
from flext_cli.errors import DifferenceError, ProjectError
from flext_cli.handover import Pair
from flext_cli.project import Project
from flext_observability import redaction
from flext_target_oracle.overview import Refused


@click.group()
def rejects() -> None:
    """Look at the rows that were refused, or send them through the target again."""


@rejects.command(name="list", epilog="Example: flext rejects list --stream item --records")
@click.option("--stream", help="Of this stream only.")
@click.option("--run", "run_id", help="Of this run only.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--records", is_flag=True, help="Print the records as they came, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per row.")
def list_rejects(
    stream: str | None, run_id: str | None, limit: int, records: bool, as_json: bool
) -> None:
    """List refused rows, the newest first: when, which stream, which column, why.

    A row stays listed until it is replayed; one that was mended in the WMS comes by itself.
    """
    found = project.find(Path.cwd(), os.environ)
    environ = ends.environment(found.root, os.environ)
    with ends.oracle_side(environ, run_id="flext-rejects") as oracle:
        refused = ledger.rejects(oracle, stream=stream, run_id=run_id, limit=limit)
    if as_json:
        for each in refused:
            fields = dataclasses.asdict(each)
            for name in ("rejected_at", "extracted_at"):
                fields[name] = None if fields[name] is None else f"{fields[name].isoformat()}+00:00"
            click.echo(redaction.redact(json.dumps(fields)))
        return
    if not refused:
        click.echo("no row was refused")
        return
    Console().print(table(refused))
    if records:
        for each in refused:
            click.echo(f"{each.reject_id} {each.record}")


@rejects.command(epilog="Example: flext rejects replay --stream item")
@click.option("--stream", help="Of this stream only.")
@click.option("--run", "run_id", help="Of this run only.")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1, 100_000),
              help="So many rows at most, the newest.")  # fmt: skip
@click.option("--environment", help="Meltano environment; default: MELTANO_ENVIRONMENT, else the"
              " project's.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per stream.")
def replay(
    stream: str | None, run_id: str | None, limit: int, environment: str | None, as_json: bool
) -> None:
    """Send refused rows through the target again, once the reason is gone.

    Widen the column, change the setting, then replay: each row goes in as it came, and with the
    time at which it was read, so that it never overwrites what came later. Rows that are in leave
    the list; what is refused again stays in it with the reason of today, and the exit code is 1.
    """
    found = project.find(Path.cwd(), os.environ)
    environ = ends.environment(found.root, os.environ)
    chosen = found.environment(environment or environ.get("MELTANO_ENVIRONMENT"))
    with ends.oracle_side(environ, run_id="flext-rejects") as oracle:
        listed = ledger.rejects(oracle, stream=stream, run_id=run_id, limit=limit)
        ours = [row for row in listed if row.table == ledger.table_of(oracle, row.stream)]
    sendable = [row for row in ours if sending.is_json(row.record)]
    left = len(listed) - len(sendable)
    for name in sorted({row.stream for row in sendable}):
        rows = [row for row in sendable if row.stream == name]
        done = sending.run(found, _pair(found, name), chosen, environ, rows)
        left += done.refused
        if as_json:
            click.echo(json.dumps({"stream": name, **dataclasses.asdict(done)}))
        else:
            click.echo(f"{name}: {done.loaded} rows loaded, {done.refused} refused again")
    if not listed and not as_json:
        click.echo("no row was refused")
    if left:
        raise DifferenceError(
            f"{left} of {len(listed)} rows are still refused",
            remedy="`flext rejects list` says why; rows of other tables or that are no JSON stay",
        )


def _pair(found: Project, stream: str) -> Pair:
    """The pair whose settings are used: an incremental one that reads the stream, else any."""
    pairs = [*found.pairs("incremental"), *found.pairs("full")]
    fitting = [pair for pair in pairs if pair.streams is None or stream in pair.streams]
    if not fitting:
        raise ProjectError(
            f"no job of {found.root} reads {stream}", remedy="add one to meltano.yml"
        )
    return fitting[0]


def table(refused: Sequence[Refused]) -> Table:
    """A line per row."""
    shown = Table(
        title=f"{len(refused)} refused rows", box=box.SIMPLE_HEAD, pad_edge=False, padding=0
    )
    shown.add_column("refused at (UTC)", no_wrap=True)
    shown.add_column("stream, column", overflow="fold", max_width=24)
    shown.add_column("why", overflow="fold")
    for each in refused:
        when = f"{each.rejected_at:%Y-%m-%d %H:%M:%S}"
        where = each.stream if each.column is None else f"{each.stream}, {each.column}"
        shown.add_row(when, where, escape(redaction.redact(f"{each.code}: {each.message}")))
    return shown
