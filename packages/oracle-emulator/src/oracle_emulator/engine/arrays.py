"""DML with its rows of binds: one by one, many at once, in bulk through COPY, and direct path.

Oracle's array DML is not atomic: rows before the failing one stay. Rows are sent many at a time;
only when that fails is the array halved until the row to blame is found, so that the usual case
costs nothing extra.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from oracle_emulator.engine import bulk, copying, diagnosis, names, text
from oracle_emulator.engine.bulk import Bulk
from oracle_emulator.engine.diagnosis import Situation
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import (
    Column,
    OracleError,
    Outcome,
    Row,
    RowError,
    Value,
)
from oracle_emulator.engine.translate.context import TableName, Translation

if TYPE_CHECKING:
    from oracle_emulator.engine.session import EngineSession

Apply = Callable[[Sequence[Row]], list[int]]


def execute(
    session: EngineSession,
    plan: Translation,
    rows: Sequence[Row],
    situation: Situation,
    *,
    batch_errors: bool,
    row_counts: bool,
) -> Outcome:
    """Run a DML once per row. Raises OracleError; rows before the failing one stay applied."""
    outcome = Outcome()
    single = _single(session, plan, outcome)
    if len(rows) <= 1 and not batch_errors:
        with session.statement(situation, begin=True):
            counts = single(rows or [()])
        outcome.row_count = sum(counts)
        outcome.row_counts = counts if row_counts else None
        return outcome
    work = bulk.insert(session, plan, rows)
    if work is None:
        work = Bulk(rows, single if row_counts or plan.returning else _many(session, plan))
    counts = _array(session, work, situation, outcome, batch_errors=batch_errors)
    outcome.row_count = sum(counts)
    outcome.row_counts = counts if row_counts else None
    return outcome


def _array(
    session: EngineSession,
    work: Bulk,
    situation: Situation,
    outcome: Outcome,
    *,
    batch_errors: bool,
) -> list[int]:
    started = not session.in_transaction
    if started:
        with session.diagnosed(situation):
            session.run.execute("BEGIN")
        session.in_transaction = True
    counts: list[int] = []
    pending = [(0, len(work.items))]
    while pending:
        low, high = pending.pop()
        returned = len(outcome.returned)
        try:
            with session.statement(situation, begin=False):
                done = work.apply(work.items[low:high])
        except OracleError as failed:
            del outcome.returned[returned:]
            if not _blames_a_row(failed) or (high - low == 1 and not batch_errors):
                if started and low == 0:
                    session.rollback()
                failed.rows_done = low if high - low == 1 else 0
                raise
            if high - low == 1:
                outcome.row_errors.append(RowError(low, failed.code, str(failed)))
                counts.append(0)
                continue
            middle = (low + high) // 2
            pending += [(middle, high), (low, middle)]
            continue
        counts += done
    return counts


def _blames_a_row(failed: OracleError) -> bool:
    cause = failed.__cause__
    return isinstance(cause, psycopg.Error) and diagnosis.is_data_error(cause)


def _single(session: EngineSession, plan: Translation, outcome: Outcome) -> Apply:
    """One statement per row, with what it returns."""

    def apply(rows: Sequence[Row]) -> list[int]:
        counts: list[int] = []
        for row in rows:
            cursor = session.run.execute(plan.sql.encode(), session.parameters(plan, row))
            counts.append(max(cursor.rowcount, 0))
            if plan.returning:
                outcome.returned.append(
                    [tuple(map(_returned, found)) for found in cursor.fetchall()]
                )
        return counts

    return apply


def _returned(value: Any) -> Value:
    return text.original(value) if isinstance(value, str) else value


def _many(session: EngineSession, plan: Translation) -> Apply:
    """The same statement for all rows in one go; only the total is known."""

    def apply(rows: Sequence[Row]) -> list[int]:
        if len(rows) == 1 or plan.bind_count == 0:
            return [
                max(
                    session.run.execute(plan.sql.encode(), session.parameters(plan, row)).rowcount,
                    0,
                )
                for row in rows
            ]
        with session.run.cursor() as cursor:
            cursor.executemany(
                plan.sql.encode(), [session.parameters(plan, row) or () for row in rows]
            )
            return [max(cursor.rowcount, 0), *([0] * (len(rows) - 1))]

    return apply


class DirectPathLoad:
    """A direct path load.

    The table is locked exclusively, the rows come in bulk, `finish` commits.
    """

    def __init__(self, session: EngineSession, table: TableName, columns: Sequence[str]) -> None:
        self._session = session
        self._situation = Situation(plan=Translation(inserts=True), private=session.private.names)
        info = session.database.catalogue.table(table)
        if info is None:
            raise error(942)
        found = [info.column(name) for name in columns]
        for name, column in zip(columns, found, strict=True):
            if column is None:
                raise error(904, names.shown(name))
        self.columns: tuple[Column, ...] = tuple(column for column in found if column is not None)
        session.check_target(Translation(inserts=True, target=table))
        private = session.private.physical(table)
        self._target = names.quote(*table) if private is None else f'pg_temp."{private}"'
        self._copy = copying.copy_statement(self._target, columns)
        with session.statement(self._situation, begin=True):
            session.run.execute(f"LOCK TABLE {self._target} IN EXCLUSIVE MODE NOWAIT")
            may = session.run.execute(
                "SELECT has_table_privilege($1::text::regclass, 'INSERT'), "
                "$1::text::regclass::oid::bigint",
                [self._target],
            ).fetchone()
            if may is None or not may[0]:
                raise error(1031)
            self._relid = int(may[1])
            self._limits: list[tuple[int, int]] = session.run.execute(
                "SELECT attnum, atttypmod FROM pg_attribute WHERE attrelid = $1::bigint::oid "
                "AND atttypid = 'pg_catalog.numeric'::regtype AND atttypmod <> -1 "
                "AND NOT attisdropped",
                [self._relid],
            ).fetchall()

    def load(self, rows: Sequence[Row]) -> None:
        """Append rows. Raises OracleError."""
        session, width = self._session, len(self.columns)
        lines = copying.copy_lines(rows, range(width), self.columns, [None] * width)
        with session.statement(self._situation, begin=True), self._numbers_as_sent():
            if lines is not None:
                copying.copy_text(session, self._copy, lines)
            else:
                converters = [copying.converter(column) for column in self.columns]
                copying.copy_rows(session, self._copy, rows, converters, None)

    @contextmanager
    def _numbers_as_sent(self) -> Iterator[None]:
        """Lift the precision of NUMBER columns while rows go in: direct path does not check it.

        The table is locked and the change is never committed, so nobody else sees it.
        """
        run = self._session.run
        numbers = [number for number, _limit in self._limits]
        limits = [limit for _number, limit in self._limits]
        change = (
            "UPDATE pg_attribute SET atttypmod = l FROM unnest($2::int[], $3::int[]) AS t (n, l) "
            "WHERE attrelid = $1 AND attnum = n"
        )
        run.execute("RESET ROLE")
        if numbers:
            run.execute(change, [self._relid, numbers, [-1] * len(numbers)])
        yield
        if numbers:
            run.execute(change, [self._relid, numbers, limits])
        run.execute(f"SET ROLE {names.quote(self._session.info.user)}")

    def finish(self) -> None:
        """Commit the load, and with it the session's transaction."""
        self._session.commit()

    def abort(self) -> None:
        """Throw away what was loaded."""
        self._session.rollback()
