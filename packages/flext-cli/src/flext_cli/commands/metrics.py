"""`flext metrics`: the metrics of the last run of each job, for Prometheus."""

from __future__ import annotations

import os
from pathlib import Path

import click

from flext_cli import aftermath, project, settings
from flext_cli.errors import SettingsRefusedError
from flext_observability import runs


@click.command(epilog="Example: flext metrics --write")
@click.option(
    "--write", is_flag=True, help="Write them to the file of FLEXT_METRICS_FILE, as runs do."
)
def metrics(write: bool) -> None:
    """Print what the last run of each job did, in Prometheus's text format.

    `flext run` writes the same to FLEXT_METRICS_FILE at its end, for node_exporter's textfile
    collector. The figures are those of the run records; runs of plain `meltano run` have no job
    and are left out.
    """
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    workspace = found.workspace(environ)
    if not write:
        from flext_observability import textfile  # here, since it loads the library

        click.echo(textfile.render(runs.last_of_jobs(workspace)), nl=False)
        return
    path = settings.load(environ, found.root).metrics_file
    if path is None:
        raise SettingsRefusedError(
            "FLEXT_METRICS_FILE is not set", remedy="set it in .env, or leave --write out"
        )
    aftermath.export(workspace, path)
    click.echo(f"wrote {path}")
