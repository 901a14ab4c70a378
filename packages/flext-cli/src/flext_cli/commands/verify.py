"""`flext verify`: what the WMS holds against what Oracle holds, row by row, with proof."""

from __future__ import annotations

import contextlib
import gc
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

from flext_cli import clock, courses, ends, meltano, project, settings
from flext_cli import repair as mending
from flext_cli.again import Place
from flext_cli.commands.run import watching
from flext_cli.demo import processes
from flext_cli.errors import DifferenceError
from flext_cli.handover import merged
from flext_cli.project import Project
from flext_cli.repair import Repaired
from flext_cli.verify import run
from flext_cli.verify.differences import WRONG, Difference, Kind, Report
from flext_cli.verify.interval import Wanted

_SHOWN = 10
#: Sums that are shown only where there are some.
_RARE = ("pending", "duplicate", "extra", "unlisted", "gone")


@click.command(epilog="Example: flext verify allocation --repair")
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
@click.option("--repair", is_flag=True, help="Mend what differs: read exactly these rows again,"
              " remove what nobody loaded, then look at them once more.")  # fmt: skip
@click.option("--wait-s", default=300.0, show_default=True, help="With --repair: seconds to wait"
              " for a run of the stream to end.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def verify(
    streams: tuple[str, ...],
    environment: str | None,
    since_bookmark: bool,
    repair: bool,
    wait_s: float,
    as_json: bool,
    **how: Any,
) -> None:
    """Compare the WMS with Oracle: every row and column of STREAMS, or of all that jobs read.

    What the tap's filters, facilities and companies leave out is not expected in Oracle; the table
    is the one that the pipeline loads, by meltano.yml and `.env`.

    The WMS's rows are converted by rules that tap and target do not share, staged in Oracle, and
    compared there. Differences are printed and written to .flext/verify as JSON lines. Exit code 1
    where a row is missing, differs, is there twice or is extra; rows that are gone from the WMS
    (purged, or no more visible to the user) are told apart and no failure.

    With --repair exactly the differing rows are read again by the pipeline's own tap and target,
    older or not; rows that no load has written are removed (at most max_delete_percent of the
    table), of rows that are there twice one stays, rows gone from the WMS become what on_missing
    says. Runs of the stream wait meanwhile. Exit code 0 then means that these rows are equal now.
    """
    if repair and how["sample_rows"] is not None:
        raise click.UsageError("--repair needs all rows: leave --sample out")
    if repair:
        processes.stop_on_signals()
    found = project.find(Path.cwd(), os.environ)
    environ = settings.environment(found.root, os.environ)
    chosen = found.environment(environment or environ.get("MELTANO_ENVIRONMENT"))
    cutoffs = _bookmarks(found, environ, chosen) if since_bookmark else {}
    _collect_seldom()
    reports: list[Report] = []
    repaired: list[Repaired] = []
    place = Place(found, chosen, environ, wait_s)
    with _writing(found.root, keeps=repair) as (path, note):
        for course in courses.of_streams(place, streams):
            with ends.opened(course.tap, course.target, workers=how["workers"]) as both:
                for stream in course.streams:
                    wanted = Wanted(cutoffs.get(stream), page_size=both.page_size, **how)
                    reports.append(run.compare(both.ends, stream, wanted, note))
                    if repair:
                        repaired += _mended(place, both, reports[-1], note, how, as_json=as_json)
    if as_json:
        shown: dict[str, object] = {"streams": [_shown(each) for each in reports]}
        if repair:
            shown["repairs"] = [_shown_repair(each) for each in repaired]
        click.echo(json.dumps({**shown, "file": str(path)}))
    else:
        Console().print(table(reports))
        for report in reports:
            _print_remarks(report)
        _print_first(note.first)
        for each in repaired:
            _print_repair(each)
    _end(reports, repaired if repair else None, path)


def _collect_seldom() -> None:
    """Let pages pass without a look for cycles at every 700 records: they have none."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _mended(
    place: Place,
    both: ends.Opened,
    report: Report,
    note: _Notes,
    how: Mapping[str, Any],
    *,
    as_json: bool,
) -> list[Repaired]:
    """Repair a stream where there is something to mend."""
    stream = report.stream
    found = note.found.pop(stream, {})
    if report.keyless or not mending.has_work(found):
        return []
    with watching(f"repair of {stream}", as_json=as_json) as watched:
        done = mending.run(place, both, stream, found, how["volatile"], note, watched)
    note.found.pop(stream, None)
    return [done]


def _is_well(report: Report, after: Report | None) -> bool:
    """Whether a stream agrees, or does after its repair; a column that is lacking stays so."""
    return report.agrees if after is None else after.agrees and not report.uncovered


def _end(reports: list[Report], repaired: list[Repaired] | None, path: Path) -> None:
    """Return if all is well.

    Raises:
        DifferenceError: it is not.
    """
    after = {each.stream: each.after for each in repaired or ()}
    wrong = [each.stream for each in reports if not _is_well(each, after.get(each.stream))]
    if not wrong:
        return
    remedy = f"{path} names each row that was found; `flext verify --repair` mends them"
    if repaired is not None:
        remedy = f"{path} names what is left; `flext refresh STREAM` reads all of a stream again"
    raise DifferenceError(
        f"{', '.join(wrong)}: Oracle does not hold what the WMS holds", remedy=remedy
    )


class _Notes:
    """Takes differences from several threads: all into the file, the first ones for the screen.

    Attributes:
        found: the ids by stream and kind, where they are kept for a repair.
    """

    def __init__(self, file: IO[str], *, keeps: bool) -> None:
        self._file = file
        self._keeps = keeps
        self._lock = threading.Lock()
        self.first: list[Difference] = []
        self.found: dict[str, dict[Kind, list[int]]] = {}

    def __call__(self, difference: Difference) -> None:
        line = json.dumps(asdict(difference), ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")
            if self._keeps:
                kinds = self.found.setdefault(difference.stream, {})
                kinds.setdefault(difference.kind, []).append(difference.key)
            if len(self.first) < _SHOWN and difference.kind in WRONG:
                self.first.append(difference)


@contextlib.contextmanager
def _writing(root: Path, *, keeps: bool) -> Iterator[tuple[Path, _Notes]]:
    folder = root / ".flext" / "verify"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{clock.now():%Y%m%dT%H%M%S%f}.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yield path, _Notes(file, keeps=keeps)


def _bookmarks(found: Project, environ: Mapping[str, str], chosen: str) -> dict[str, datetime]:
    """The bookmark of each stream in the incremental pairs: what lies before it is due."""
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


def _shown_repair(repaired: Repaired) -> dict[str, object]:
    return {
        "stream": repaired.stream,
        "read_again": repaired.read,
        "removed": repaired.removed.rows,
        "marked_deleted": repaired.removed.marked,
        "run_id": repaired.run_id,
        "agrees": repaired.after.agrees,
        "pending": repaired.after.pending,
        **repaired.after.counts,
    }


def _print_repair(repaired: Repaired) -> None:
    left = repaired.after.wrong
    click.echo(
        f"{repaired.stream}: {repaired.read} rows read again, {repaired.removed.rows} removed,"
        f" {repaired.removed.marked} marked as deleted; "
        + (f"{left} still wrong" if left else "these rows are equal now"),
        err=True,
    )


def table(reports: list[Report]) -> Table:
    """The sums, a line per stream; of the rarer ones those that some stream has, to fit a page."""
    shown = Table(title="WMS and Oracle")
    shown.add_column("stream", overflow="fold")
    sums: dict[str, list[int]] = {
        "WMS rows": [each.wms_rows for each in reports],
        "Oracle rows": [each.oracle_rows for each in reports],
        "compared": [each.compared for each in reports],
        "pending": [each.pending for each in reports],
        **{kind: [each.counts[kind] for each in reports] for kind in (*WRONG, "gone")},
    }
    kept = {name: column for name, column in sums.items() if name not in _RARE or any(column)}
    for name in kept:
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("agrees")
    for each, *row in zip(reports, *kept.values(), strict=True):
        verdict = "[green]yes[/green]" if each.agrees else "[red]no[/red]"
        shown.add_row(each.stream, *(f"{n:,}" for n in row), verdict)
    return shown


def _print_remarks(report: Report) -> None:
    """Say what is wrong or left out without being one row's difference."""
    remarks = [
        f"on {day.day} (UTC) the WMS counts {day.wms_rows} rows, Oracle {day.oracle_rows}"
        for day in report.lacking
    ]
    if report.uncovered:
        remarks.append(f"the table has no column for {', '.join(sorted(report.uncovered))}")
    if report.not_compared:
        remarks.append(f"not compared: {', '.join(report.not_compared)}")
    if report.keyless:
        remarks.append("without a key its rows were only counted")
    for remark in remarks:
        click.echo(f"{report.stream}: {remark}", err=True)


def _print_first(differences: list[Difference]) -> None:
    for each in differences:
        click.echo(f"{each.stream} {each.key}: {each.kind}", err=True)
        for column, expected, actual in each.values:
            click.echo(f"    {column}: the WMS has {expected!r}, Oracle {actual!r}", err=True)
