"""Rows removed by key, for a repair: in one fenced transaction that no other scope runs beside.

Which rows, somebody compared and found; what is in doubt stays. Rows that are to be read again are
not this module's matter: they come as a load like any other, with keep_newer off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from flext_target_oracle import catalogue, clock, control_tables, fence, ledger
from flext_target_oracle.connection import Database, Session
from flext_target_oracle.errors import DeletesRefusedError
from flext_target_oracle.fence import Fence, Holder
from flext_target_oracle.ledger import Counts, Entry
from flext_target_oracle.settings import Settings
from flext_target_oracle.sql import identifiers, removal, types

_WHY = "a repair removes rows"


@dataclass(frozen=True)
class Doomed:
    """The rows to remove, by key.

    Attributes:
        unwritten: rows that no load has written.
        gone: rows that were loaded once and that the source shows no more; setting `on_missing`
            says what becomes of them.
        repeated: keys of which all rows but one go.
    """

    unwritten: Sequence[int] = field(default=())
    gone: Sequence[int] = field(default=())
    repeated: Sequence[int] = field(default=())


@dataclass(frozen=True)
class Removed:
    """How many rows went, and how many got the mark of deletion instead."""

    rows: int
    marked: int


def remove(
    database: Database, settings: Settings, holder: Holder, stream: str, key: str, doomed: Doomed
) -> Removed:
    """Remove rows of a stream's table, and note it in the ledger.

    A table whose keys were repeated had no primary key; it gets one, as far as `ddl` allows.

    Args:
        database: where.
        settings: the target's.
        holder: whose fence is taken.
        stream: its name.
        key: the table's key column, a number.
        doomed: the rows.

    Raises:
        DeletesRefusedError: they are more than `max_delete_percent` of the table; nothing went.
        FenceHeldError: another run holds the table.
        SchemaRefusedError: a right is missing; the message holds the DDL for a DBA.
        DatabaseError: the database refuses; nothing went.
    """
    table = identifiers.identifier(
        settings.table_prefix + stream, max_bytes=database.max_identifier_bytes
    )
    place, what = (settings.target_schema, table), f"stream {stream}: removing rows"
    with (
        database.session(f"remove {stream}") as session,
        _held(session, settings, holder, place) as taken,
    ):
        _check_share(session, settings, place, doomed, what)
        fence.step(session, taken, 1)
        removed = _remove(session, settings, place, key, doomed, what)
        counts = Counts(0, 0, 0, 0, 0.0, 0.0, deleted=removed.rows + removed.marked)
        ledger.write(session, Entry(taken, 1, stream, holder.run_id), counts, None)
        if doomed.repeated and settings.ddl:
            name = identifiers.identifier(f"PK_{table}", max_bytes=database.max_identifier_bytes)
            existing = catalogue.read_table(session, *place)
            if existing is not None and frozenset({key}) not in existing.keys:
                catalogue.run_ddl(session, [removal.add_key(*place, key, name)], what=what)
    return removed


@contextmanager
def _held(
    session: Session, settings: Settings, holder: Holder, place: tuple[str, str]
) -> Iterator[Fence]:
    """The table's fence, with every other scope kept out."""
    schema = settings.control_schema or catalogue.current_user(session)
    control_tables.ensure(session, schema, ddl=settings.ddl)
    taken = fence.take(session, schema=schema, table=".".join(place), holder=holder)
    try:
        fence.begin_exclusive(session, taken, _WHY)
        try:
            yield taken
        finally:
            session.rollback()
            fence.end_exclusive(session, taken)
    finally:
        fence.give_back(session, taken)


def _check_share(
    session: Session, settings: Settings, place: tuple[str, str], doomed: Doomed, what: str
) -> None:
    gone = len(doomed.gone) if settings.on_missing != "keep" else 0
    wanted = len(doomed.unwritten) + gone
    ((there,),) = session.query(removal.count(*place), what=what)
    if wanted * 100 > settings.max_delete_percent * there:
        raise DeletesRefusedError(
            f"{what}: {wanted} of the {there} rows of {'.'.join(place)} would go, more than"
            f" max_delete_percent ({settings.max_delete_percent}) allows; nothing was removed. Look"
            " whether the tap's user still sees all of the source, and whether the table holds rows"
            " of something else; then raise max_delete_percent"
        )


def _remove(
    session: Session,
    settings: Settings,
    place: tuple[str, str],
    key: str,
    doomed: Doomed,
    what: str,
) -> Removed:
    def each(
        statement: Callable[[str, str, str, int], str], keys: Sequence[int], *, twice: bool = False
    ) -> int:
        touched = 0
        for some in _batches(keys):
            binds = [*some, *some] if twice else list(some)
            touched += session.execute(statement(*place, key, len(some)), binds, what=what)
        return touched

    is_told = settings.add_record_metadata
    rows = each(removal.unwritten if is_told else removal.rows, doomed.unwritten)
    rows += each(removal.surplus, doomed.repeated, twice=True)
    if settings.on_missing == "hard":
        return Removed(rows + each(removal.rows, doomed.gone), 0)
    marked = 0
    if settings.on_missing == "soft":
        now = clock.utc_now()
        for some in _batches(doomed.gone):
            kinds = (types.TIMESTAMP, *[types.ColumnType("NUMBER")] * len(some))
            sql = removal.mark(*place, key, len(some))
            marked += session.execute(sql, [now, *some], what=what, types=kinds)
    return Removed(rows, marked)


def _batches(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(keys), removal.MOST_KEYS):
        yield keys[begin : begin + removal.MOST_KEYS]
