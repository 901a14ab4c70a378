"""One stream compared from end to end. Read `compare`, the rest is in the order it calls it.

The ids that both ends have are cut into intervals, several of which are worked on at a time: see
`interval`. A repair compares the ids that it read again, and no others (`compare_ids`).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from typing import TypeVar

from flext_cli import clock
from flext_cli.errors import EndError
from flext_cli.verify import interval, reading, sql
from flext_cli.verify.columns import Column, arrange
from flext_cli.verify.differences import Bucket, Difference, Report
from flext_cli.verify.interval import INSTANT, Ends, Job, Wanted
from flext_cli.verify.rows import TEXT_BYTES
from flext_target_oracle.connection import Session
from flext_target_oracle.sql.types import ColumnType

_T = TypeVar("_T")
_WRITTEN, _DELETED = "_SDC_BATCHED_AT", "_SDC_DELETED_AT"


def compare(ends: Ends, stream: str, wanted: Wanted, note: Callable[[Difference], None]) -> Report:
    """Compare a stream; every difference goes to `note` as it is found, the sums are returned.

    Raises:
        EndError: the table is not there, or the WMS answers out of order.
        TapError, TargetError: an end does not answer.
    """
    report = Report(stream, note)
    listing = reading.listing(ends.wms, ends.settings, stream, clock.now())
    job = _job(ends, listing, wanted, report)
    with ends.oracle.session(f"verify {stream}") as session:
        if job is None:
            _count_only(ends, listing, session, report)
            return report
        low, high, report.oracle_rows = _span(session, job.live)
        if _has_days(job):
            _count_days(job, session)
    seen = reading.span(listing)
    ids = [each for each in (low, high, *(seen or ())) if each is not None]
    if ids:
        intervals = _intervals(job, min(ids) - 1, max(ids))
        _work(wanted, lambda each: interval.compare_interval(job, *each), intervals)
    return report


def compare_ids(
    ends: Ends,
    stream: str,
    ids: Sequence[int],
    wanted: Wanted,
    note: Callable[[Difference], None],
) -> Report:
    """Compare the rows of these ids alone; the report's sums are of them.

    Raises:
        EndError, TapError, TargetError: as `compare`; a stream without key has no ids to go by.
    """
    report = Report(stream, note)
    listing = reading.listing(ends.wms, ends.settings, stream, clock.now())
    job = _job(ends, listing, wanted, report)
    if job is None:
        raise EndError(
            f"{stream} has no column {reading.KEY.upper()} to tell rows by",
            remedy=f"run `flext refresh {stream}`",
        )
    step = reading.IDS_PER_REQUEST
    parts = (ids[begin : begin + step] for begin in range(0, len(ids), step))
    _work(wanted, lambda some: interval.compare_ids(job, some), parts)
    return report


def _work(wanted: Wanted, work: Callable[[_T], None], parts: Iterable[_T]) -> None:
    with ThreadPoolExecutor(max_workers=wanted.workers, thread_name_prefix="verify") as pool:
        for _ in pool.map(work, parts):
            pass  # exceptions of any part come out here


def _job(ends: Ends, listing: reading.Listing, wanted: Wanted, report: Report) -> Job | None:
    """What to compare of the stream's table; nothing where it has no key."""
    stream = report.stream
    place = (ends.schema, ends.prefix + stream.upper())
    types = listing.types
    with ends.oracle.session(f"verify {stream}") as session:
        live = reading.live_columns(session, *place)
        if not live:
            raise EndError(
                f"there is no table {'.'.join(place)}, or this user may not read it",
                remedy=f"load {stream} first, or check settings schema and table_prefix",
            )
        names = {column.name for column in live}
        if reading.KEY.upper() not in names or reading.KEY not in types:
            return None
        arranged = arrange(live, types)
        every = [c for c in arranged if wanted.volatile or not c.volatile]
        lengths = {column.name: column.length_bytes for column in live}
        columns = [c for c in every if _comparable(c, lengths[c.name])]
        report.not_compared = tuple(sorted({c.name for c in every} - {c.name for c in columns}))
        stage = (ends.control_schema, sql.stage_name(place[1], columns))
        _make_stage(session, stage, columns)
    deleted = _DELETED if _DELETED in names else None
    written = _WRITTEN if _WRITTEN in names else reading.KEY.upper()
    return Job(ends, listing, wanted, report, columns, arranged, stage, place, written, deleted)


def _comparable(column: Column, length_bytes: int) -> bool:
    if column.type in {"VARCHAR2", "CHAR"} and length_bytes > TEXT_BYTES:
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


def _count_only(ends: Ends, listing: reading.Listing, session: Session, report: Report) -> None:
    """A stream without key: its rows can be counted, not told apart."""
    table = ends.prefix + report.stream.upper()
    report.wms_rows = reading.count(listing, {})
    ((rows,),) = session.query(
        f"SELECT COUNT(*) FROM {sql.quoted(ends.schema, table)}", what=f"counting {table}"
    )
    report.oracle_rows = int(rows)
    report.keyless = True


def _has_days(job: Job) -> bool:
    """Whether rows can be counted per day: a filter of the user's own by the instant forbids it."""
    return (
        INSTANT in job.listing.types
        and any(column.name == INSTANT.upper() for column in job.every)
        and not any(name.split("__")[0] == INSTANT for name in job.listing.params)
    )


def _count_days(job: Job, session: Session) -> None:
    """Count both ends per day of the last days, up to the cutoff."""
    wanted, report = job.wanted, job.report
    end = wanted.cutoff or clock.now()
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [midnight - timedelta(days=day) for day in reversed(range(wanted.days))]
    stamp = ColumnType("TIMESTAMP", precision=6)
    for begin, until in itertools.pairwise([*begins, end]):
        if begin >= until:
            continue
        naive = [moment.astimezone(UTC).replace(tzinfo=None) for moment in (begin, until)]
        ((have,),) = session.query(
            sql.count_between(job.live, INSTANT.upper()),
            naive,
            what="counting",
            types=[stamp, stamp],
        )
        there = reading.count(job.listing, reading.between(INSTANT, begin, until))
        report.buckets.append(Bucket(f"{begin:%Y-%m-%d}", there, int(have)))


def _intervals(job: Job, above: int, up_to: int) -> Iterator[tuple[int, int, bool]]:
    """The intervals of ids to work on: all, or as many single pages as the sample needs."""
    wanted, width = job.wanted, up_to - above
    if wanted.sample_rows is None:
        parts = max(1, min(wanted.workers * 4, job.report.oracle_rows // interval.CHUNK_ROWS))
        edges = [above + width * part // parts for part in range(parts + 1)]
        yield from ((low, high, False) for low, high in itertools.pairwise(edges))
        return
    # Spread evenly, each somewhere in its part, which the seed decides.
    chance = random.Random(wanted.seed)  # noqa: S311 -- which rows are looked at is no secret
    parts = max(1, -(-wanted.sample_rows // wanted.page_size))
    for part in range(parts):
        low, high = above + width * part // parts, above + width * (part + 1) // parts
        yield chance.randint(low, max(low, high - 1)), high, True
