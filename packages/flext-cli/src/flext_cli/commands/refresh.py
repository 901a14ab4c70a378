"""`flext refresh`: read one stream whole again, for a database that was set back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from flext_cli import clock, project, settings, unfinished
from flext_cli import refresh as refreshing
from flext_cli.again import Place
from flext_cli.commands.backfill import ENTITY, figures, told
from flext_cli.commands.run import watching
from flext_cli.demo import processes


@click.command(epilog="Example: flext refresh allocation")
@click.argument("stream", type=ENTITY)
@click.option("--environment", help="Meltano environment; default: MELTANO_ENVIRONMENT, else the"
              " project's.")  # fmt: skip
@click.option("--wait-s", default=300.0, show_default=True, help="Seconds to wait for a run of the"
              " stream to end.")  # fmt: skip
@click.option("--forget", is_flag=True, help="Read nothing: say that a refresh that did not end is"
              " not wanted any more.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def refresh(
    stream: str, environment: str | None, wait_s: float, forget: bool, as_json: bool
) -> None:
    """Read all of STREAM again, older or not, and let its bookmarks count again.

    This is what a message about a database that was set back asks for: rows before the bookmark may
    be missing, and no run would read them again. Runs of the stream wait meanwhile. Bookmarks stay
    as they are; the database accepts them again once the last row is loaded, not before. Rows that
    the WMS shows no more become what on_missing says. A refresh that does not end is said by every
    `flext run` of the stream, by `flext status` and by `flext doctor`, until one does.
    """
    processes.stop_on_signals()
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    chosen = found.environment(environment or environ.get("MELTANO_ENVIRONMENT"))
    if forget:
        there = unfinished.forget(found.workspace(environ), chosen, stream)
        said = {"stream": stream, "environment": chosen, "forgotten": there}
        text = "is forgotten" if there else "is not known: nothing to forget"
        click.echo(
            json.dumps(said) if as_json else f"the unfinished refresh of {stream} {text}",
            err=not as_json,
        )
        return
    began_s = clock.monotonic_s()
    with watching(f"refresh of {stream}", as_json=as_json) as watched:
        done = refreshing.run(Place(found, chosen, environ, wait_s), stream, watched)
    shown = {
        "stream": stream,
        "environment": chosen,
        "run_id": done.run_id,
        "seconds": round(clock.monotonic_s() - began_s, 3),
        **figures(watched.progress, stream),
        "scopes": list(done.scopes),
    }
    click.echo(json.dumps(shown) if as_json else told("refreshed", shown), err=not as_json)
