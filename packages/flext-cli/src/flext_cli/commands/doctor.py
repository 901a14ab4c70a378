"""`flext doctor`: look at everything a run needs, and say what to do about what is wrong."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flext_cli import project, settings
from flext_cli.doctor import findings, oracle_checks, pipeline, wms_checks, workspace
from flext_cli.errors import UnhealthyError
from flext_cli.project import Project
from flext_observability import redaction

_MARKS = {
    "ok": "[green]ok[/green]",
    "warning": "[yellow]warning[/yellow]",
    "error": "[red]error[/red]",
}


@click.command(epilog="Example: flext doctor --json")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def doctor(as_json: bool) -> None:
    """Look at the workspace, the WMS, Oracle and the pipeline; change nothing.

    Each finding that is not ok names its remedy. The exit code is 1 where one would stop a run.
    """
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    seen = []
    console = Console()
    for finding in _findings(found, environ):
        seen.append(finding)
        if not as_json and console.is_terminal:
            Console(stderr=True).print(f"{_MARKS[finding.level]} {finding.about}: {finding.check}")
    if as_json:
        shown = [dataclasses.asdict(finding) for finding in seen]
        click.echo(redaction.redact(json.dumps({"findings": shown})))
    else:
        console.print(table(seen))
    if findings.worst(seen) == "error":
        count = sum(finding.level == "error" for finding in seen)
        raise UnhealthyError(
            f"{count} of {len(seen)} checks failed", remedy="follow the remedies above, then again"
        )


def _findings(found: Project, environ: Mapping[str, str]) -> Iterator[findings.Finding]:
    yield from workspace.check(found, environ)
    yield from wms_checks.check(environ)
    yield from oracle_checks.check(environ)
    yield from pipeline.check(found, environ)


def table(seen: list[findings.Finding]) -> Table:
    """The findings, worst first within their part as they came."""
    shown = Table(title="flext doctor", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("", no_wrap=True)
    shown.add_column("part and check", overflow="fold", max_width=28)
    shown.add_column("what was seen, and what to do", overflow="fold")
    for each in seen:
        text, remedy = (escape(redaction.redact(words)) for words in (each.text, each.remedy))
        shown.add_row(_MARKS[each.level], f"{each.about}: {each.check}", text)
        if remedy:
            shown.add_row("", "", f"[bold]→ {remedy}[/bold]")
    return shown
