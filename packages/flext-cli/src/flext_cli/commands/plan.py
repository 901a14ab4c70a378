"""`flext plan`: what a job would make in Oracle, and how long its first load would take."""

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

from flext_cli import durations, ends, project
from flext_cli import plan as planning
from flext_cli.errors import UnhealthyError
from flext_cli.plan import Planned
from flext_observability import redaction


@click.command(epilog="Example: flext plan full-sync-job --ddl > for-the-dba.sql")
@click.argument("job", default="full-sync-job")
@click.option("--environment", help="Meltano environment; default: MELTANO_ENVIRONMENT, else the"
              " project's.")  # fmt: skip
@click.option("--ddl", "only_ddl", is_flag=True, help="Print the DDL alone, as a script.")
@click.option(
    "--estimate/--no-estimate",
    default=True,
    help="Whether the WMS is asked for a count and a page of each stream.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def plan(job: str, environment: str | None, only_ddl: bool, estimate: bool, as_json: bool) -> None:
    """Show the DDL that JOB would run in Oracle and how long a first load would take.

    Nothing is changed. The estimate is pages times the seconds of one page, divided by the requests
    in flight, as the WMS answers now; streams share these requests, so their times add up. Columns
    that `select` rules of meltano.yml leave out are shown all the same. The exit code is 1 where a
    stream would be refused.
    """
    found = project.find(Path.cwd(), os.environ)
    environ = ends.environment(found.root, os.environ)
    chosen = found.environment(environment or environ.get("MELTANO_ENVIRONMENT"))
    planned = list(planning.of_job(found, job, chosen, environ, estimate=estimate and not only_ddl))
    if as_json:
        shown = [dataclasses.asdict(each) for each in planned]
        click.echo(redaction.redact(json.dumps({"job": job, "streams": shown})))
    elif only_ddl:
        click.echo(script(planned), nl=False)
    else:
        Console().print(table(job, planned))
        click.echo(script(planned), nl=False)
    refused = [each for each in planned if each.trouble]
    if refused:
        raise UnhealthyError(
            f"{len(refused)} streams of {job} would fail: "
            + "; ".join(f"{each.stream}: {each.trouble}" for each in refused),
            remedy="see the messages; `flext doctor` looks further",
        )


def script(planned: Sequence[Planned]) -> str:
    """The DDL as a script for a DBA; a comment where there is none."""
    lines = []
    for each in planned:
        if each.ddl:
            lines.append(f"-- {each.stream or 'tables of FLEXT'}: {each.table}")
            lines += [f"{statement};" for statement in each.ddl]
    return "\n".join(lines or ["-- every table is there: a run needs no DDL"]) + "\n"


def table(job: str, planned: Sequence[Planned]) -> Table:
    """A line per stream."""
    shown = Table(
        title=f"What {job} would do", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    shown.add_column("stream, and where it is loaded", overflow="fold")
    for heading in ("DDL", "rows in the WMS", "first load"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for each in planned:
        rows = "" if each.rows is None else f"{each.rows:,}"
        seconds = "" if each.first_load_s is None else durations.text(each.first_load_s)
        shown.add_row(each.stream or "(our own tables)", str(len(each.ddl)), rows, seconds)
        if each.table:
            shown.add_row(f"  [dim]{escape(each.table)}[/dim]")
        if each.trouble:
            shown.add_row(f"[red]would fail: {escape(redaction.redact(each.trouble))}[/red]")
    total_s = sum(each.first_load_s or 0.0 for each in planned)
    if any(each.first_load_s is not None for each in planned):
        shown.caption = f"first load of all: about {durations.text(total_s)} as the WMS answers now"
    return shown
