"""What `flext status` shows, as tables that fit a terminal of 80 columns. Nothing is read here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich import box
from rich.markup import escape
from rich.table import Table

from flext_cli import durations
from flext_cli.ledger import TableLine
from flext_cli.status import Place, Run, StreamFigures

_COLOURS = {"succeeded": "green", "running": "cyan", "failed": "red", "died": "red"}


def runs_table(found: Sequence[Run]) -> Table:
    """The runs, a line per stream; what is rare stands below the stream's name."""
    table = _table()
    table.add_column("run", no_wrap=True)
    table.add_column("stream", overflow="fold")
    for heading in ("seconds", "read", "inserted", "updated", "same"):
        table.add_column(heading, justify="right", no_wrap=True)
    for run in found:
        table.add_section()
        for head, row in itertools.zip_longest(_head(run), _lines(run)):
            table.add_row(head or "", *(row or ()))
    return table


def _head(run: Run) -> Iterator[str]:
    colour = _COLOURS[run.outcome]
    yield f"{run.run_id[:8]} [{colour}]{run.outcome}[/{colour}]"
    yield f"{run.started_at:%Y-%m-%d %H:%M}"
    if run.job is not None:
        yield run.job


def _lines(run: Run) -> Iterator[tuple[str, ...]]:
    whole = _seconds(run.seconds)
    if not run.streams:
        yield ("–", whole)
    for name, each in run.streams.items():
        figures = (each.extracted, each.inserted, each.updated, each.unchanged)
        # No separators: seven digits four times leave the names their room.
        yield (name, _seconds(each.seconds), *(str(n) for n in figures))
        yield from ((f"[yellow]  {rare}[/yellow]",) for rare in _rare(each))
    if run.streams and run.seconds is not None:
        yield ("(the whole run)", whole)


def failures(found: Sequence[Run]) -> Iterator[str]:
    """A sentence for each run that failed: which parts, and why, where `flext run` saw it."""
    for run in found:
        if run.outcome == "failed":
            codes = (
                f"{part} with exit code {code}" for part, code in run.exit_codes.items() if code
            )
            yield f"{run.run_id[:8]}: {', '.join(codes)} ended" + (
                f"; {run.reason}" if run.reason else ""
            )


def _rare(each: StreamFigures) -> list[str]:
    some = {"rejected": each.rejected, "retries": each.retries, "errors": each.errors}
    return [f"{count:,} {what}" for what, count in some.items() if count]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def places_tables(places: Sequence[Place]) -> Iterator[tuple[str, Table]]:
    """How far each stream is, a title and a table for each state of Meltano."""
    for state_id, some in itertools.groupby(places, lambda each: each.state_id):
        table = _table()
        for heading in ("stream", "bookmark (UTC)", "lag", "full load"):
            table.add_column(heading, overflow="fold")
        for place in some:
            lag = "" if place.lag_s is None else durations.text(place.lag_s)
            table.add_row(place.stream, _instant(place.bookmark), lag, place.full_load or "–")
        yield f"State {state_id}", table


def oracle_tables(lines: Sequence[TableLine], days: float) -> Iterator[tuple[str, Table]]:
    """What Oracle holds and its ledger has of so many days, a title and a table for each scope."""
    for scope, some in itertools.groupby(sorted(lines, key=_by_scope), lambda each: each.scope):
        table = _table()
        for heading in ("table", "bookmark (UTC)", "last commit (UTC)"):
            table.add_column(heading, overflow="fold")
        for heading in ("received", "changed"):
            table.add_column(heading, justify="right", no_wrap=True)
        for line in some:
            counts = (line.received, line.inserted + line.updated)
            table.add_row(
                line.table, _instant(line.bookmark), _time(line.committed_at),
                *(f"{n:,}" for n in counts),
            )  # fmt: skip
            for note in _notes(line):
                table.add_row(f"  [yellow]{escape(note)}[/yellow]")
        yield f"Oracle, scope {scope}, its ledger of {days:g} days", table


def _instant(bookmark: str | None) -> str:
    """A bookmark to the second, in UTC where it is an instant."""
    try:
        moment = datetime.fromisoformat(bookmark or "")
    except ValueError:
        return bookmark or "–"
    return _time(moment.astimezone(UTC) if moment.tzinfo else moment)


def _time(moment: datetime | None) -> str:
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _by_scope(line: TableLine) -> tuple[str, str]:
    return line.scope, line.table


def _notes(line: TableLine) -> Iterator[str]:
    if line.holder is not None:
        yield f"held by {line.holder}"
    if line.rejected:
        yield f"{line.rejected:,} rejected"


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
