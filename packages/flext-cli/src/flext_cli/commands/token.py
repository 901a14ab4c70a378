"""`flext token`: who holds which pipeline of this workspace, and letting go of a lease by hand."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path

import click
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
    table = Table(title=f"Leases in {workspace}")
    for heading in ("scope", "state", "owner", "process", "since", "until", "last event"):
        table.add_column(heading, overflow="fold")
    for record in records:
        table.add_row(
            record.scope,
            record.state,
            record.owner,
            f"{record.pid} on {record.host}",
            f"{record.acquired_at:%Y-%m-%d %H:%M:%S}",
            f"{record.expires_at:%Y-%m-%d %H:%M:%S}",
            record.events[-1].text if record.events else "",
        )
    Console().print(table)


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
