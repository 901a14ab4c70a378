"""`flext backfill`: read what changed in a stretch of time again, beside the bookmark's course."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from flext_cli import again, clock, project, settings
from flext_cli.again import Place, Reading
from flext_cli.commands.run import watching
from flext_cli.demo import processes
from flext_cli.progress import Progress, refused
from flext_tap_oracle_wms import moments


class _Entity(click.ParamType[str]):
    name = "stream"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(value)):
            self.fail(f"{value!r} is no entity of the WMS; write it as order_hdr", param, ctx)
        return str(value)


class _Moment(click.ParamType[str]):
    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            moments.resolve(str(value), clock.now())
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


ENTITY = _Entity()
_MOMENT = _Moment()


@click.command(epilog="Example: flext backfill order_hdr --from today-7d --to today")
@click.argument("stream", type=ENTITY)
@click.option("--from", "start", type=_MOMENT, required=True, help="Where it begins: ISO 8601 with"
              " offset, or an expression such as today-7d.")  # fmt: skip
@click.option("--to", "end", type=_MOMENT, default="now", show_default=True, help="Where it ends,"
              " in the same forms; what changed then or later is left out.")  # fmt: skip
@click.option("--environment", help="Meltano environment; default: MELTANO_ENVIRONMENT, else the"
              " project's.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def backfill(stream: str, start: str, end: str, environment: str | None, as_json: bool) -> None:
    """Read the rows of STREAM that changed between two times again, and load them.

    It runs beside the pipeline: its scope is the stream's own pair with :backfill behind it, no
    bookmark moves, and a row that is newer in Oracle stays. One that is cut begins anew.
    """
    now = clock.now()
    first, last = (moments.resolve(text, now) for text in (start, end))
    if first >= last:
        raise click.UsageError(f"--from {start} lies at or after --to {end}: swap them")
    processes.stop_on_signals()
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    chosen = found.environment(environment or environ.get("MELTANO_ENVIRONMENT"))
    pair = again.choose(found, stream, "incremental")
    stretch = {"start_date": _text(first), "end_date": _text(last)}
    reading = Reading(stream, "backfill", {"sync_mode": "backfill", **stretch})
    began_s = clock.monotonic_s()
    with watching(f"backfill of {stream}", as_json=as_json) as watched:
        run_id = again.read(Place(found, chosen, environ), pair, reading, watched)
    shown = {
        "stream": stream,
        "environment": chosen,
        "run_id": run_id,
        "from": stretch["start_date"],
        "to": stretch["end_date"],
        "seconds": round(clock.monotonic_s() - began_s, 3),
        **figures(watched.progress, stream),
    }
    click.echo(json.dumps(shown) if as_json else told("backfilled", shown), err=not as_json)


def figures(progress: Progress, stream: str) -> dict[str, int]:
    """What the run did to the stream."""
    found = progress.streams.get(stream)
    if found is None:
        return {"loaded": 0, "changed": 0, "rejected": 0}
    return {"loaded": found.loaded, "changed": found.changed, "rejected": found.rejected}


def told(done: str, shown: Mapping[str, Any]) -> str:
    """The same in a sentence."""
    return (
        f"{done} {shown['stream']} in {shown['seconds']:.1f} s: {shown['loaded']} rows read,"
        f" {shown['changed']} of them changed{refused(shown['rejected'])}"
        f" (run {shown['run_id']})"
    )


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
