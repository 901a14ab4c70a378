"""`flext schedule`: what a scheduler needs to run the project's schedules."""

from __future__ import annotations

import os
from pathlib import Path

import click

from flext_cli import meltano, project, schedules, settings
from flext_cli.errors import ProjectError

_ENVIRONMENT = click.option(
    "--environment",
    help="Meltano environment of the runs; default: MELTANO_ENVIRONMENT, else the project's.",
)


@click.group()
def schedule() -> None:
    """Write the schedules of meltano.yml for systemd or cron."""


@schedule.command(epilog="Example: flext schedule cron | crontab -")
@_ENVIRONMENT
def cron(environment: str | None) -> None:
    """Print the lines of a crontab, one per schedule.

    Each enters the workspace, runs the job and appends its log to .flext. While another run holds
    the pipeline a turn is skipped with exit code 0.
    """
    found, place = _given(environment)
    click.echo(schedules.crontab(found, place), nl=False)


@schedule.command(epilog="Example: flext schedule systemd --into ./units")
@_ENVIRONMENT
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the units into this folder, such as /etc/systemd/system, instead of printing them.",
)
def systemd(environment: str | None, into: Path | None) -> None:
    """Print a service and a timer per schedule, or write them into a folder.

    For units of the system add `User=` to the services, or use those of a user (systemctl --user).
    """
    found, place = _given(environment)
    units = list(schedules.units(found, place))
    if into is None:
        click.echo("\n".join(f"# {name}\n{text}" for name, text in units), nl=False)
        return
    try:
        into.mkdir(parents=True, exist_ok=True)
        for name, text in units:
            (into / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ProjectError(
            f"{into} cannot be written: {error.strerror or error}",
            remedy="name another folder, or run this with the rights to it",
        ) from error
    timers = [name for name, _ in units if name.endswith(".timer")]
    click.echo(f"wrote {len(units)} units into {into}; then:")
    click.echo("  systemctl daemon-reload")
    if timers:
        click.echo(f"  systemctl enable --now {' '.join(timers)}")


def _given(environment: str | None) -> tuple[list[schedules.Schedule], schedules.Place]:
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    chosen = found.environment(environment or environ.get("MELTANO_ENVIRONMENT"))
    listed = schedules.of(found)
    if not listed:
        raise ProjectError(
            f"there is no schedule in {found.root / project.FILE_NAME}",
            remedy="declare one under `schedules`, or `meltano schedule add`",
        )
    return listed, schedules.Place(found.root, meltano.executable("flext"), chosen)
