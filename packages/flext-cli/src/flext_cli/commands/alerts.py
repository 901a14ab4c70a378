"""`flext alerts`: look now whether something is wrong, or try the hooks."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from flext_cli import clock, project, settings
from flext_cli.alerts import run as looking
from flext_cli.errors import AlertError, SettingsRefusedError
from flext_cli.project import Project
from flext_cli.settings import Settings
from flext_observability import configure


@click.group()
def alerts() -> None:
    """Tell a command or a webhook what is wrong; `flext run` does so at the end of each run."""


@alerts.command(epilog="Example: flext alerts check incremental-sync-job")
@click.argument("jobs", nargs=-1, required=True)
@click.option("--environment", help="Meltano environment; default: MELTANO_ENVIRONMENT, else the"
              " project's.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def check(jobs: Sequence[str], environment: str | None, as_json: bool) -> None:
    """Look at lag and missing data of JOBS now, tell the hooks what is new.

    For a scheduler of its own: it also sees that no run takes place at all. The exit code is 1
    where something is wrong, or a hook did not take it.
    """
    found, environ, chosen = _given()
    wanted = found.environment(environment or environ.get("MELTANO_ENVIRONMENT"))
    seen = {
        job: looking.look(found, job, wanted, environ, chosen, ended=None, now=clock.now())
        for job in jobs
    }
    if as_json:
        shown = {job: [asdict(each) for each in looked.found] for job, looked in seen.items()}
        click.echo(json.dumps({"wrong": shown}))
    else:
        for job, looked in seen.items():
            for each in looked.found:
                click.echo(f"{each.kind}: {each.text}")
            if not looked.found:
                click.echo(f"{job}: nothing is wrong")
    _end({hook: why for each in seen.values() for hook, why in each.lost.items()})
    if any(each.found for each in seen.values()):
        raise AlertError(
            "something is wrong, as said above", remedy="`flext status` shows runs and places"
        )


@alerts.command(name="test", epilog="Example: flext alerts test")
def try_hooks() -> None:
    """Send a test message through each hook that is set, and say whether it arrived."""
    _, environ, chosen = _given()
    alert = {
        "status": "firing", "kind": "test", "stream": None, "text": "a test by `flext alerts test`",
        "value": None, "limit": None, "since": clock.now().isoformat(),
    }  # fmt: skip
    message = looking.message("test", "test", [alert], clock.now())
    _end(looking.tell(chosen.hooks, "test", message, environ))
    click.echo("every hook took it")


def _given() -> tuple[Project, dict[str, str], Settings]:
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    chosen = settings.load(environ, found.root)
    if not chosen.hooks.wanted:
        raise SettingsRefusedError(
            "no hook is set",
            remedy="set FLEXT_ALERT_COMMAND or FLEXT_ALERT_WEBHOOK_URL in .env",
        )
    configure("flext")
    return found, environ, chosen


def _end(lost: dict[str, str]) -> None:
    if lost:
        raise AlertError(
            "; ".join(f"{hook}: {why}" for hook, why in sorted(lost.items())),
            remedy="correct what the message names, then `flext alerts test`",
        )
