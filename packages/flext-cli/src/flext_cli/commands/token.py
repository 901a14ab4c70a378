"""`flext token`: who holds which pipeline of this workspace, and letting go of a lease by hand."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

import flext_coordination
from flext_cli import project
from flext_cli.errors import UnknownScopeError


@click.group()
def token() -> None:
    """Look at the leases in `.token`, or release one."""


@token.command(epilog="Example: flext token status --json")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def status(as_json: bool) -> None:
    """Show every scope of this workspace: who holds it, since when, until when."""
    workspace = project.workspace(Path.cwd(), os.environ)
    records = flext_coordination.read(workspace)
    if as_json:
        click.echo(json.dumps({"leases": [_shown(record) for record in records]}))
        return
    Console().print(table(records, str(workspace)))


def table(records: Sequence[flext_coordination.LeaseRecord], workspace: str) -> Table:
    """A scope's state with its lines below: who, since when, what happened last."""
    shown = Table(title=f"Leases in {workspace}", show_header=False, box=box.SIMPLE, pad_edge=False)
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for record in records:
        colour = "cyan" if record.state == "held" else "green"
        shown.add_row(f"[{colour}]{record.state}[/{colour}]", f"[bold]{record.scope}[/bold]")
        shown.add_row("", f"by {record.owner}, process {record.pid} on {record.host}")
        until = f" until {_time(record.expires_at)}" if record.state == "held" else ""
        shown.add_row("", f"since {_time(record.acquired_at)}{until} (UTC)")
        if record.events:
            shown.add_row("", f"last: {record.events[-1].text}")
    return shown


def _time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"


@token.command(epilog="Example: flext token history dev:tap-oracle-wms-full-to-target-oracle-full")
@click.argument("scope", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def history(scope: str | None, as_json: bool) -> None:
    """Show what happened last to the lease of a scope, or of all scopes, oldest first."""
    workspace = project.workspace(Path.cwd(), os.environ)
    records = [
        record
        for record in flext_coordination.read(workspace)
        if scope is None or record.scope == scope
    ]
    if scope is not None and not records:
        raise UnknownScopeError(
            f"the scope {scope} does not stand in {workspace}/.token",
            remedy="look at `flext token status` for the scopes there are",
        )
    events = sorted(
        ((each.at, record.scope, each.text) for record in records for each in record.events),
    )
    if as_json:
        shown = [{"at": at.isoformat(), "scope": name, "text": text} for at, name, text in events]
        click.echo(json.dumps({"events": shown}))
        return
    for at, name, text in events:
        click.echo(f"{at:%Y-%m-%d %H:%M:%S}  {name}  {text}")


@token.command(epilog="Example: flext token release dev:tap-oracle-wms-full-to-target-oracle-full")
@click.argument("scope")
def release(scope: str) -> None:
    """Release a scope whose run is known to be over, or must be stopped.

    A run that still holds it stops at its next heartbeat without committing.
    """
    workspace = project.workspace(Path.cwd(), os.environ)
    before = flext_coordination.force_release(workspace, scope, by=getpass.getuser())
    if before is None:
        raise UnknownScopeError(
            f"no run holds the scope {scope} in {workspace}",
            remedy="look at `flext token status` for the scopes there are",
        )
    click.echo(f"released {scope}, held by {before.owner} (process {before.pid} on {before.host})")


def _shown(record: flext_coordination.LeaseRecord) -> dict[str, object]:
    return {
        "scope": record.scope,
        "state": record.state,
        "owner": record.owner,
        "run_id": record.run_id,
        "host": record.host,
        "pid": record.pid,
        "fence": record.fence,
        "acquired_at": record.acquired_at.isoformat(),
        "expires_at": record.expires_at.isoformat(),
        "events": [{"at": each.at.isoformat(), "text": each.text} for each in record.events],
    }
