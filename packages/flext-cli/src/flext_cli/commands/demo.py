"""`flext demo`: the whole pipeline on emulators of both ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
from rich.console import Console

from flext_cli import project
from flext_cli.demo import processes, report, run, watch_make
from flext_cli.errors import DifferenceError


@click.command(epilog="Example: flext demo --rows 500")
@click.option("--keep", is_flag=True, help="Leave the emulators running and say how to reach them.")
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=2000,
    show_default=True,
    help="Rows of allocation to begin with; the other streams follow in proportion.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def demo(keep: bool, rows: int, as_json: bool) -> None:
    """Load everything, change data, load what changed, and compare both ends.

    Starts wms-emulator (HTTPS) and oracle-emulator (TCPS), runs full-sync-job and
    incremental-sync-job through Meltano in a project of its own under .flext/demo, and ends with
    exit code 1 if one value differs.
    """
    processes.stop_on_signals()
    watch_make.watch(os.environ)
    console = Console(stderr=True)
    found = project.find(Path.cwd(), os.environ)
    outcome = run.run(
        found, rows=rows, keep=keep, say=lambda text: console.print(f"• {text}", soft_wrap=True)
    )
    if as_json:
        click.echo(json.dumps(report.as_json(outcome)))
    else:
        Console().print(report.table(outcome))
    if outcome.kept:
        click.echo(report.kept(outcome.kept), err=True)
    difference = outcome.result.first_difference
    if difference:
        raise DifferenceError(
            f"both ends differ; the first difference: {difference}",
            remedy="the logs of this demo are in .flext/demo",
        )
