"""`flext verify`: what the WMS holds against what Oracle holds, row by row, with proof."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.table import Table

from flext_cli import clock, ends, meltano, project, settings
from flext_cli.errors import DifferenceError
from flext_cli.handover import merged
from flext_cli.project import Project
from flext_cli.verify import run
from flext_cli.verify.differences import WRONG, Difference, Report

_SHOWN = 10


@click.command(epilog="Example: flext verify allocation --sample 10000")
@click.argument("streams", nargs=-1)
@click.option("--environment", help="Meltano environment; default: MELTANO_ENVIRONMENT, else the"
              " project's.")  # fmt: skip
@click.option("--sample", "sample_rows", type=click.IntRange(min=1), help="Compare about so"
              " many rows per stream, spread over all, instead of all.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Which rows a sample has: another"
              " number, other rows.")  # fmt: skip
@click.option("--volatile", is_flag=True, help="Compare keys of relations and counts of sets too:"
              " they change in the WMS without mod_ts.")  # fmt: skip
@click.option("--days", default=14, show_default=True, type=click.IntRange(0, 400),
              help="Count rows per day of so many last days.")  # fmt: skip
@click.option("--since-bookmark/--everything", default=True, show_default=True,
              help="Whether rows changed after the stream's bookmark are not due yet.")  # fmt: skip
@click.option("--workers", default=4, show_default=True, type=click.IntRange(1, 8),
              help="Requests in flight.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def verify(
    streams: tuple[str, ...],
    environment: str | None,
    since_bookmark: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Compare the WMS with Oracle: every row and column of STREAMS, or of the tap's entities.

    The WMS's rows are converted by rules that tap and target do not share, staged in Oracle, and
    compared there. Differences are printed and written to .flext/verify as JSON lines. Exit code 1
    where a row is missing, differs, is there twice or is extra; rows that are gone from the WMS
    (purged, or no more visible to the user) are told apart and no failure.
    """
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    cutoffs = _bookmarks(found, environ, environment) if since_bookmark else {}
    reports: list[Report] = []
    with ends.opened(environ, workers=how["workers"]) as both, _writing(found.root) as (path, note):
        for stream in streams or both.entities:
            wanted = run.Wanted(cutoff=cutoffs.get(stream), page_size=both.page_size, **how)
            reports.append(run.compare(both.ends, stream, wanted, note))
    if as_json:
        click.echo(json.dumps({"streams": [_shown(each) for each in reports], "file": str(path)}))
    else:
        Console().print(table(reports))
        _print_first(note.first)
    wrong = [each.stream for each in reports if not each.agrees]
    if wrong:
        raise DifferenceError(
            f"{', '.join(wrong)}: Oracle does not hold what the WMS holds",
            remedy=f"{path} names every row; `flext-tap-oracle-wms` with sync_mode backfill reads"
            " those changed in a time again",
        )


class _Notes:
    """Takes differences from several threads: all into the file, the first ones for the screen."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.first: list[Difference] = []

    def __call__(self, difference: Difference) -> None:
        line = json.dumps(asdict(difference), ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")
            if len(self.first) < _SHOWN and difference.kind in WRONG:
                self.first.append(difference)


@contextlib.contextmanager
def _writing(root: Path) -> Iterator[tuple[Path, _Notes]]:
    folder = root / ".flext" / "verify"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{clock.now():%Y%m%dT%H%M%S%f}.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yield path, _Notes(file)


def _bookmarks(
    found: Project, environ: Mapping[str, str], environment: str | None
) -> dict[str, datetime]:
    """The bookmark of each stream in the incremental pairs: what lies before it is due."""
    chosen = found.environment(environment or environ.get("MELTANO_ENVIRONMENT"))
    states = meltano.export_states(found.root, environ)
    bookmarks: dict[str, datetime] = {}
    for pair in found.pairs("incremental"):
        held = merged(states.get(pair.state_id(chosen))).get("bookmarks") or {}
        for stream, bookmark in held.items():
            value = bookmark.get("replication_key_value")
            if value:
                instant = datetime.fromisoformat(value)
                bookmarks[stream] = max(instant, bookmarks.get(stream, instant))
    return bookmarks


def _shown(report: Report) -> dict[str, object]:
    return {
        "stream": report.stream,
        "agrees": report.agrees,
        "wms_rows": report.wms_rows,
        "oracle_rows": report.oracle_rows,
        "compared": report.compared,
        "pending": report.pending,
        **report.counts,
        "columns_not_in_oracle": sorted(report.uncovered),
        "columns_not_compared": list(report.not_compared),
        "days": [{**asdict(each), "lacks": each.lacks} for each in report.buckets],
    }


def table(reports: list[Report]) -> Table:
    """The sums, a line per stream."""
    shown = Table(title="WMS and Oracle")
    shown.add_column("stream")
    for heading in ("WMS rows", "Oracle rows", "compared", "pending", *WRONG, "gone"):
        shown.add_column(heading, justify="right")
    shown.add_column("agrees")
    for each in reports:
        sums = (each.wms_rows, each.oracle_rows, each.compared, each.pending)
        counts = (each.counts[kind] for kind in (*WRONG, "gone"))
        verdict = "[green]yes[/green]" if each.agrees else "[red]no[/red]"
        shown.add_row(each.stream, *(f"{n:,}" for n in (*sums, *counts)), verdict)
    return shown


def _print_first(differences: list[Difference]) -> None:
    for each in differences:
        click.echo(f"{each.stream} {each.key}: {each.kind}", err=True)
        for column, expected, actual in each.values:
            click.echo(f"    {column}: the WMS has {expected!r}, Oracle {actual!r}", err=True)
