"""One stream compared from end to end. Read `compare`, the rest is in the order it calls it.

The ids that both ends have are cut into intervals, several of which are worked on at a time. Of
each, the WMS's rows are staged in Oracle as they should look, and Oracle says which differ from the
live ones. Nothing is held for longer than a few pages.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flext_cli import clock
from flext_cli.errors import EndError
from flext_cli.verify import reading, sql
from flext_cli.verify.columns import Column, arrange, uncovered
from flext_cli.verify.differences import Bucket, Difference, Kind, Report
from flext_tap_oracle_wms.client import WmsClient
from flext_target_oracle.connection import Database, Session
from flext_target_oracle.sql.types import ColumnType

_CHUNK_ROWS = 5000
_SHOWN_VALUES = 20
_INSTANT = "mod_ts"
_WRITTEN, _DELETED = "_SDC_BATCHED_AT", "_SDC_DELETED_AT"


@dataclass(frozen=True)
class Ends:
    """Where to read, and where the tables and our own staging are."""

    wms: WmsClient
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
class _Job:
    """What every interval of a stream shares."""

    ends: Ends
    wanted: Wanted
    report: Report
    columns: Sequence[Column]
    every: Sequence[Column]
    stage: tuple[str, str]
    live: tuple[str, str]
    written: str
    deleted: str | None

    @property
    def key(self) -> str:
        return reading.KEY.upper()


def compare(ends: Ends, stream: str, wanted: Wanted, note: Callable[[Difference], None]) -> Report:
    """Compare a stream; every difference goes to `note` as it is found, the sums are returned.

    Raises:
        EndError: the table is not there, or the WMS answers out of order.
        TapError, TargetError: an end does not answer.
    """
    table = ends.prefix + stream.upper()
    types = reading.types(ends.wms, stream)
    with ends.oracle.session(f"verify {stream}") as session:
        live = reading.live_columns(session, ends.schema, table)
        if not live:
            raise EndError(
                f"there is no table {ends.schema}.{table}, or this user may not read it",
                remedy=f"load {stream} first, or check settings schema and table_prefix",
            )
        names = {column.name for column in live}
        place = (ends.schema, table)
        report = Report(stream, note)
        if reading.KEY.upper() not in names or reading.KEY not in types:
            _count_only(ends, session, stream, place, report)
            return report
        low, high, report.oracle_rows = _span(session, place)
        arranged = arrange(live, types)
        every = [c for c in arranged if wanted.volatile or not c.volatile]
        lengths = {column.name: column.length_bytes for column in live}
        columns = [c for c in every if _comparable(c, lengths[c.name])]
        report.not_compared = tuple(sorted({c.name for c in every} - {c.name for c in columns}))
        stage = (ends.control_schema, sql.stage_name(table, columns))
        _make_stage(session, stage, columns)
        if _INSTANT in types and _INSTANT.upper() in names:
            _count_days(ends.wms, session, stream, place, wanted, report)
    seen = reading.span(ends.wms, stream)
    ids = [each for each in (low, high, *(seen or ())) if each is not None]
    if not ids:
        return report
    deleted = _DELETED if _DELETED in names else None
    written = _WRITTEN if _WRITTEN in names else reading.KEY.upper()
    job = _Job(ends, wanted, report, columns, arranged, stage, place, written, deleted)
    with ThreadPoolExecutor(max_workers=wanted.workers, thread_name_prefix="verify") as pool:
        # Exceptions of any interval come out here.
        for _ in pool.map(
            lambda each: _interval(job, *each), _intervals(job, min(ids) - 1, max(ids))
        ):
            pass
    return report


def _comparable(column: Column, length_bytes: int) -> bool:
    if column.type in {"VARCHAR2", "CHAR"} and length_bytes > sql.TEXT_BYTES:
        return False
    return column.type in sql.STAGED


def _span(session: Session, live: tuple[str, str]) -> tuple[int | None, int | None, int]:
    ((low, high, rows),) = session.query(
        sql.span(live, reading.KEY.upper()), what=f"reading the keys of {live[1]}"
    )
    return (None, None, 0) if low is None else (int(low), int(high), int(rows))


def _make_stage(session: Session, stage: tuple[str, str], columns: Sequence[Column]) -> None:
    """Make the staging table; it stays for the next comparison of the same columns."""
    if session.query(
        "SELECT 1 FROM ALL_TABLES WHERE OWNER = :1 AND TABLE_NAME = :2",
        list(stage),
        what="looking for the staging table",
    ):
        return
    session.execute(sql.create_stage(*stage, columns), what="making the staging table")


def _count_only(
    ends: Ends, session: Session, stream: str, live: tuple[str, str], report: Report
) -> None:
    """A stream without key: its rows can be counted, not told apart."""
    report.wms_rows = reading.count(ends.wms, stream, {})
    ((rows,),) = session.query(
        f"SELECT COUNT(*) FROM {sql.quoted(*live)}", what=f"counting {live[1]}"
    )
    report.oracle_rows = int(rows)
    report.keyless = True


def _count_days(
    wms: WmsClient,
    session: Session,
    stream: str,
    live: tuple[str, str],
    wanted: Wanted,
    report: Report,
) -> None:
    """Count both ends per day of the last days, up to the cutoff."""
    end = wanted.cutoff or clock.now()
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [midnight - timedelta(days=day) for day in reversed(range(wanted.days))]
    stamp = ColumnType("TIMESTAMP", precision=6)
    for begin, until in zip(begins, [*begins[1:], end], strict=True):
        if begin >= until:
            continue
        naive = [moment.astimezone(UTC).replace(tzinfo=None) for moment in (begin, until)]
        ((have,),) = session.query(
            sql.count_between(live, _INSTANT.upper()), naive, what="counting", types=[stamp, stamp]
        )
        there = reading.count(wms, stream, reading.between(_INSTANT, begin, until))
        report.buckets.append(Bucket(f"{begin:%Y-%m-%d}", there, int(have)))


def _intervals(job: _Job, above: int, up_to: int) -> Iterator[tuple[int, int, bool]]:
    """The intervals of ids to work on: all, or as many single pages as the sample needs."""
    wanted, width = job.wanted, up_to - above
    if wanted.sample_rows is None:
        parts = max(1, min(wanted.workers * 4, job.report.oracle_rows // _CHUNK_ROWS))
        edges = [above + width * part // parts for part in range(parts + 1)]
        yield from ((low, high, False) for low, high in itertools.pairwise(edges))
        return
    # Spread evenly, each somewhere in its part, which the seed decides.
    chance = random.Random(wanted.seed)  # noqa: S311 -- which rows are looked at is no secret
    parts = max(1, -(-wanted.sample_rows // wanted.page_size))
    for part in range(parts):
        low, high = above + width * part // parts, above + width * (part + 1) // parts
        yield chance.randint(low, max(low, high - 1)), high, True


def _interval(job: _Job, above: int, up_to: int, one_page: bool) -> None:
    """Compare the rows with above < id <= up_to; with `one_page` only the first of them."""
    wms, size = job.ends.wms, job.wanted.page_size
    staged = 0
    with job.ends.oracle.session(f"verify {job.report.stream}") as session:
        for page in reading.pages(wms, job.report.stream, above=above, up_to=up_to, page_size=size):
            _stage(job, session, page)
            staged += len(page)
            last = int(page[-1][reading.KEY])
            if one_page:
                _settle(job, session, above, last)
                return
            if staged >= _CHUNK_ROWS:
                _settle(job, session, above, last)
                above, staged = last, 0
        if not one_page:
            _settle(job, session, above, up_to)


def _stage(job: _Job, session: Session, page: Sequence[dict[str, Any]]) -> None:
    """Stage a page as Oracle should have it; what is not due yet as a key without values."""
    columns, cutoff = job.columns, job.wanted.cutoff
    values = [column.value for column in columns]
    texts = [at for at, column in enumerate(columns) if column.type in {"VARCHAR2", "CHAR"}]
    key_at = [column.name for column in columns].index(job.key)
    rows: list[tuple[Any, ...]] = []
    keys: set[str] = set()
    pending = 0
    seen: frozenset[str] = frozenset()
    for record in page:
        if not (seen >= record.keys()):
            keys |= uncovered(job.every, record)
            seen |= record.keys()
        if cutoff is not None and _is_pending(record, cutoff):
            row: list[Any] = [None] * len(columns)
            row[key_at] = record[reading.KEY]
            rows.append((*row, 1))
            pending += 1
            continue
        row = [value(record) for value in values]
        for at in texts:
            row[at] = _fitting(row[at])
        rows.append((*row, 0))
    kinds = [ColumnType(_bind(column.type)) for column in columns]
    refused = session.insert_many(
        sql.insert(*job.stage, columns), rows, [*kinds, ColumnType("NUMBER")], what="staging rows"
    )
    if refused:
        first = refused[0]
        raise EndError(
            f"{job.report.stream} {rows[first.row][key_at]} cannot be staged: {first.message}",
            remedy="leave that column out of the comparison by leaving out its type; report this",
        )
    job.report.read(rows=len(page), pending=pending, keys=keys)


def _is_pending(record: dict[str, Any], cutoff: datetime) -> bool:
    changed = record.get(_INSTANT)
    return isinstance(changed, str) and datetime.fromisoformat(changed) >= cutoff


def _fitting(value: Any) -> Any:
    """A text that cannot be stored whole is staged so that it equals nothing that is stored."""
    if value.__class__ is not str or len(value) * 4 <= sql.TEXT_BYTES:
        return value
    if len(value.encode("utf-8", "surrogatepass")) <= sql.TEXT_BYTES:
        return value
    return f"{value[:900]}… ({len(value)} characters in the WMS)"


def _bind(kind: str) -> str:
    if kind in {"VARCHAR2", "CHAR"}:
        return "VARCHAR2"
    return "TIMESTAMP" if kind in {"DATE", "TIMESTAMP WITH TIME ZONE"} else kind


def _settle(job: _Job, session: Session, above: int, up_to: int) -> None:
    """Ask Oracle what differs among above < id <= up_to, and empty the staging table."""
    report, live, key = job.report, job.live, job.key
    names = [column.name for column in job.columns]
    for found, missing, flags in session.query(
        sql.changed(job.stage, live, key, job.columns), what="comparing rows"
    ):
        if missing:
            report.add(Difference(report.stream, int(found), "missing"))
            continue
        wrong = [name for name, flag in zip(names, flags, strict=True) if flag == "1"]
        shown = (
            _values(job, session, int(found), wrong) if report.shows_values(_SHOWN_VALUES) else ()
        )
        report.add(Difference(report.stream, int(found), "changed", tuple(wrong), shown))
    for found, _ in session.query(
        sql.repeated(live, key), [above, up_to], what="looking for twins"
    ):
        report.add(Difference(report.stream, int(found), "duplicate"))
    unexpected = session.query(
        sql.unexpected(job.stage, live, key, written=job.written, deleted=job.deleted),
        [above, up_to],
        what="looking for rows without a counterpart",
    )
    session.rollback()
    _unexpected(job, [(int(found), bool(ours)) for found, ours in unexpected])


def _unexpected(job: _Job, found: Sequence[tuple[int, bool]]) -> None:
    """Tell rows that are gone from the WMS from rows that were never there."""
    report = job.report
    if not found:
        return
    there = reading.still_there(job.ends.wms, report.stream, [key for key, _ in found])
    for key, ours in found:
        kind: Kind = "unlisted" if key in there else "gone" if ours else "extra"
        report.add(Difference(report.stream, key, kind))


def _values(
    job: _Job, session: Session, key: int, names: Sequence[str]
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
