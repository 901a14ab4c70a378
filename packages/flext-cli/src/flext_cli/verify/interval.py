"""One stretch of a comparison: the WMS's rows staged as Oracle should have them, and what differs.

A stretch is an interval of ids, or single ids. Which ones there are, and how many are worked on at
a time, is `run`'s matter. Nothing is held for longer than a few pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from flext_cli.errors import EndError
from flext_cli.verify import reading, sql
from flext_cli.verify.columns import Column, uncovered
from flext_cli.verify.differences import Difference, Kind, Report
from flext_cli.verify.rows import Rows, compiled
from flext_tap_oracle_wms.client import WmsClient
from flext_tap_oracle_wms.settings import Settings
from flext_target_oracle.connection import Database, Session
from flext_target_oracle.sql.types import ColumnType

CHUNK_ROWS = 5000
INSTANT = "mod_ts"
_SHOWN_VALUES = 20
#: What a value of a column's type is bound as, where that is another name.
_BINDS = {"CHAR": "VARCHAR2", "DATE": "TIMESTAMP", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP"}


@dataclass(frozen=True)
class Ends:
    """Where to read, and where the tables and our own staging are."""

    wms: WmsClient
    settings: Settings
    oracle: Database
    schema: str
    prefix: str
    control_schema: str


@dataclass(frozen=True)
class Wanted:
    """What to compare of a stream.

    Attributes:
        cutoff: rows that the WMS changed at or after it are not due yet; None: all are due.
        sample_rows: about how many rows to compare, spread over all; None: all.
        volatile: whether columns that change without mod_ts are compared too.
        days: for how many days back rows are counted per day.
        workers: intervals that are read at the same time.
        seed: decides which rows a sample has.
    """

    cutoff: datetime | None
    sample_rows: int | None = None
    volatile: bool = False
    days: int = 14
    workers: int = 4
    page_size: int = 500
    seed: int = 0


@dataclass(frozen=True)
class Job:
    """What every stretch of a stream shares."""

    ends: Ends
    listing: reading.Listing
    wanted: Wanted
    report: Report
    columns: Sequence[Column]
    every: Sequence[Column]
    stage: tuple[str, str]
    live: tuple[str, str]
    written: str
    deleted: str | None

    @cached_property
    def rows(self) -> Rows:
        """What makes rows to stage of a page's records; the last value says that they are due."""
        return compiled(self.columns, last=0)

    @cached_property
    def insert(self) -> str:
        """The statement that stages a row."""
        return sql.insert(*self.stage, self.columns)

    @cached_property
    def kinds(self) -> list[ColumnType]:
        """The types of its binds."""
        names = [_BINDS.get(column.type, column.type) for column in self.columns]
        return [*map(ColumnType, names), ColumnType("NUMBER")]

    @cached_property
    def key_at(self) -> int:
        """Where a staged row has its key."""
        return [column.name for column in self.columns].index(self.key)

    @property
    def key(self) -> str:
        """The column that tells rows apart."""
        return reading.KEY.upper()


def compare_interval(job: Job, above: int, up_to: int, one_page: bool) -> None:
    """Compare the rows with above < id <= up_to; with `one_page` only the first of them."""
    size = job.wanted.page_size
    staged = 0
    with job.ends.oracle.session(f"verify {job.report.stream}") as session:
        for page in reading.pages(job.listing, above=above, up_to=up_to, page_size=size):
            _stage(job, session, page)
            staged += len(page)
            last = int(page[-1][reading.KEY])
            if one_page:
                _settle(job, session, above, last)
                return
            del page  # not held while the next one comes
            if staged >= CHUNK_ROWS:
                _settle(job, session, above, last)
                above, staged = last, 0
        if not one_page:
            _settle(job, session, above, up_to)


def compare_ids(job: Job, ids: Sequence[int]) -> None:
    """Compare the rows of single ids, as many as one request asks for."""
    with job.ends.oracle.session(f"verify {job.report.stream}") as session:
        page = reading.rows(job.listing, ids)
        if page:
            _stage(job, session, page)
        _settle(job, session, *ids, listed=True)


def _stage(job: Job, session: Session, page: Sequence[dict[str, Any]]) -> None:
    """Stage a page as Oracle should have it; what is not due yet as a key without values."""
    cutoff, report = job.wanted.cutoff, job.report
    due = page if cutoff is None else [each for each in page if not _is_pending(each, cutoff)]
    rows = job.rows(due)
    pending = len(page) - len(due)
    if pending:
        rows += _keys_alone(job, page, due)
    refused = session.insert_many(job.insert, rows, job.kinds, what="staging rows")
    if refused:
        first = refused[0]
        raise EndError(
            f"{report.stream} {rows[first.row][job.key_at]} cannot be staged: {first.message}",
            remedy="leave that column out of the comparison by leaving out its type; report this",
        )
    report.read(rows=len(page), pending=pending, keys=_uncovered(job, page))


def _keys_alone(
    job: Job, page: Sequence[dict[str, Any]], due: Sequence[dict[str, Any]]
) -> list[tuple[Any, ...]]:
    left = {record[reading.KEY] for record in page} - {record[reading.KEY] for record in due}
    row: list[Any] = [None] * (len(job.columns) + 1)
    row[-1] = 1
    return [(*row[: job.key_at], key, *row[job.key_at + 1 :]) for key in sorted(left)]


def _uncovered(job: Job, page: Sequence[dict[str, Any]]) -> set[str]:
    """The keys of a page's records for which the table has no column; shapes repeat, so few are."""
    shapes = {tuple(record) for record in page}
    return {key for shape in shapes for key in uncovered(job.every, dict.fromkeys(shape))}


def _is_pending(record: dict[str, Any], cutoff: datetime) -> bool:
    changed = record.get(INSTANT)
    return isinstance(changed, str) and datetime.fromisoformat(changed) >= cutoff


def _settle(job: Job, session: Session, *ids: int, listed: bool = False) -> None:
    """Ask Oracle what differs, and empty the staging table.

    Args:
        job: the comparison.
        session: whose rows are staged.
        ids: the stretch: above which id and up to which, or (`listed`) the ids themselves.
        listed: whether they are.
    """
    binds = list(ids)
    within = sql.listed(len(ids)) if listed else sql.BETWEEN
    report, live, key = job.report, job.live, job.key
    names = [column.name for column in job.columns] + ([job.deleted] if job.deleted else [])
    for found, missing, flags in session.query(
        sql.changed(job.stage, live, key, job.columns, job.deleted), what="comparing rows"
    ):
        if missing:
            report.add(Difference(report.stream, int(found), "missing"))
            continue
        wrong = [name for name, flag in zip(names, flags, strict=True) if flag == "1"]
        shown = (
            _values(job, session, int(found), wrong) if report.shows_values(_SHOWN_VALUES) else ()
        )
        report.add(Difference(report.stream, int(found), "changed", tuple(wrong), shown))
    for found, _ in session.query(sql.repeated(live, key, within), binds, what="looking for twins"):
        report.add(Difference(report.stream, int(found), "duplicate"))
    unexpected = session.query(
        sql.unexpected(job.stage, live, key, within, written=job.written, deleted=job.deleted),
        binds,
        what="looking for rows without a counterpart",
    )
    session.rollback()
    _unexpected(job, [(int(found), bool(ours)) for found, ours in unexpected])


def _unexpected(job: Job, found: Sequence[tuple[int, bool]]) -> None:
    """Tell rows that are gone from the WMS from rows that were never there."""
    report = job.report
    if not found:
        return
    there = reading.still_there(job.listing, [key for key, _ in found])
    for key, ours in found:
        kind: Kind = "unlisted" if key in there else "gone" if ours else "extra"
        report.add(Difference(report.stream, key, kind))


def _values(
    job: Job, session: Session, key: int, names: Sequence[str]
) -> tuple[tuple[str, str | None, str | None], ...]:
    """What both sides hold in the columns that differ, as text."""
    found = []
    for column in job.columns:
        if column.name in names:
            rows = session.query(
                sql.pair(job.stage, job.live, job.key, column), [key], what="reading a difference"
            )
            found.append((column.name, *rows[0]))
    return tuple(found)
