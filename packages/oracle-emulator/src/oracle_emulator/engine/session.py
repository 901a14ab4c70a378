"""One connected user: transactions, the execution of statements, and what a session remembers.

A transaction begins with the first statement that needs one. Within it every statement runs under a
savepoint, so that a failed one leaves no trace (statement-level rollback); a query outside of it
leaves no PostgreSQL transaction behind.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from oracle_emulator.engine import arrays, byhand, diagnosis, names, plsql, results, types
from oracle_emulator.engine.catalogue import TableInfo
from oracle_emulator.engine.control import Control
from oracle_emulator.engine.ddl import parser
from oracle_emulator.engine.diagnosis import Situation
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import (
    Column,
    Kind,
    OracleType,
    Outcome,
    Row,
    SessionInfo,
    Statement,
    TypeCode,
)
from oracle_emulator.engine.temporary import PrivateTables
from oracle_emulator.engine.translate.context import Context, TableName, Translation

if TYPE_CHECKING:
    from oracle_emulator.engine.database import EngineDatabase

DDL_PATIENCE_S = (
    0.3  # a DDL waits so long even with DDL_LOCK_TIMEOUT 0: other sessions' queries end within it
)


class EngineSession:
    """See the module. Not thread-safe, except for `cancel`."""

    def __init__(
        self, database: EngineDatabase, info: SessionInfo, run: psycopg.Connection[Any]
    ) -> None:
        self.database = database
        self.info = info
        self.run = run
        self.in_transaction = False
        self.schema = info.user
        self.private = PrivateTables(self)
        self.control = Control(self)
        self.savepoints: list[str] = []
        self.appended: set[TableName] = set()  # loaded by INSERT /*+ APPEND */, not committed
        self._closed = threading.Event()
        self._was_cancelled = False  # which may reach PostgreSQL late
        self.control.begin()

    # ---- the interface
    # ----------------------------------------------------------------------------------------

    def scan(self, sql: str) -> Statement:
        """Classify a text and find its placeholders without judging it."""
        return self.database.library.statement(sql)

    def execute(
        self,
        statement: Statement,
        rows: Sequence[Row],
        types: Sequence[OracleType],
        *,
        batch_errors: bool = False,
        row_counts: bool = False,
        describe_only: bool = False,
    ) -> Outcome:
        """Run a statement once per row of binds. Raises OracleError."""
        if self._closed.is_set():
            raise error(1012)
        if statement.kind is Kind.PLSQL:
            return plsql.execute(self, statement, rows, types)
        if statement.kind in {Kind.DDL, Kind.OTHER}:
            if not describe_only:
                byhand.execute(self, statement)
            else:
                parser.parse(statement.text, self.database.capabilities)
            return Outcome()
        plan = self.plan(statement, types)
        situation = self._situation(statement.text, plan)
        if self.appended & (plan.tables | {plan.target}):
            raise error(12838)
        if describe_only:
            return self._describe_only(plan, situation)
        if statement.kind is Kind.QUERY:
            return self._query(plan, rows[0] if rows else (), situation)
        self.check_target(plan)
        outcome = arrays.execute(
            self, plan, rows, situation, batch_errors=batch_errors, row_counts=row_counts
        )
        if plan.appends and plan.target is not None:
            self.appended.add(plan.target)
        return outcome

    def direct_path(
        self, schema: str | None, table: str, columns: Sequence[str]
    ) -> arrays.DirectPathLoad:
        """Open a direct path load. Raises OracleError (54 when the table is locked)."""
        return arrays.DirectPathLoad(self, (schema or self.schema, table), columns)

    def commit(self) -> None:
        """End the transaction and keep its changes."""
        if self.in_transaction:
            try:
                with self.diagnosed(Situation()):
                    self.run.execute("COMMIT")
            finally:
                self.ended()
            self.private.committed()
            self.control.committed()

    def rollback(self) -> None:
        """End the transaction and undo its changes."""
        if self.in_transaction:
            try:
                with self.diagnosed(Situation()):
                    self.run.execute("ROLLBACK")
            finally:
                self.ended()
            self.private.rolled_back()
            self.control.rolled_back()

    def ended(self) -> None:
        """Note that the transaction is over."""
        self.in_transaction = False
        self.savepoints.clear()
        self.appended.clear()

    def set_attributes(self, attributes: dict[str, str]) -> None:
        """Take MODULE, ACTION, CLIENT_IDENTIFIER, CLIENT_INFO, CURRENT_SCHEMA."""
        self.control.set_attributes(attributes)

    def cancel(self) -> None:
        """Make the statement that is running fail with ORA-01013."""
        self._was_cancelled = True  # first: either this sees the end, or the end sees this
        if not self._closed.is_set():
            self.run.cancel_safe(timeout=5.0)

    def close(self) -> None:
        """Roll back and end."""
        if not self._closed.is_set():
            self._closed.set()
            self.database.closed(self, is_reusable=not self._was_cancelled)

    # ---- planning
    # ---------------------------------------------------------------------------------------------

    def plan(self, statement: Statement, binds: Sequence[OracleType]) -> Translation:
        """The translation of a query or DML; not to be changed, since sessions share it."""
        version = self.database.catalogue.version
        return self.database.library.plan(statement, self.context(binds), version)

    def context(self, binds: Sequence[OracleType]) -> Context:
        """What a translation must know of this session."""
        return Context(
            self.schema,
            binds,
            self.private.physical,
            self.database.catalogue.synonym,
            self._columns,
            self._generated,
            self.database.capabilities,
        )

    def _columns(self, name: TableName) -> Mapping[str, Column]:
        info = self.database.catalogue.table(name)
        return {} if info is None else {column.name: column for column in info.columns.values()}

    def _generated(self, name: TableName) -> frozenset[str]:
        info = self.database.catalogue.table(name)
        return frozenset() if info is None else info.generated

    def _situation(self, text: str, plan: Translation) -> Situation:
        named = self.database.capabilities.named_errors
        return Situation(
            text, plan, self.private.names, self.sees, self.schema, named, self._char_column
        )

    def _char_column(self, table: TableName, size: int) -> str:
        sized = [
            name
            for name, column in self._columns(table).items()
            if column.type.code is TypeCode.CHAR and column.type.size == size
        ]
        return f" {names.shown(*table, sized[0])}" if len(sized) == 1 else ""

    def sees(self, name: TableName) -> bool:
        """Whether the user holds any privilege on a table."""
        info = self.database.catalogue.table(name)
        if info is None:
            return False
        with self.database.administrator() as run:
            row = run.execute(
                "SELECT has_table_privilege($1, $2::oid, 'SELECT, INSERT, UPDATE, DELETE')",
                [names.physical(self.info.user), info.relid],
            ).fetchone()
        return row is not None and bool(row[0])

    def table(self, relid: int) -> TableInfo | None:
        """A table by its oid, the session's own table standing for the global temporary one."""
        return self.database.catalogue.relation(self.private.definition(relid))

    def check_target(self, plan: Translation) -> None:
        """Raise ORA-01950 when rows are to be put where the owner has no quota."""
        if not plan.inserts or plan.target is None:
            return
        info = self.database.catalogue.table(plan.target)
        if (
            info is not None
            and info.duration is None
            and not self.database.catalogue.has_quota(plan.target[0])
        ):
            raise error(1950, "USERS")

    # ---- running
    # ----------------------------------------------------------------------------------------------

    @contextmanager
    def diagnosed(self, situation: Situation) -> Iterator[None]:
        """Turn PostgreSQL's errors into Oracle's."""
        try:
            yield
        except psycopg.Error as failed:
            raise diagnosis.diagnose(failed, situation) from failed

    @contextmanager
    def statement(self, situation: Situation, *, begin: bool) -> Iterator[None]:
        """Run one statement.

        In a transaction when there is one or `begin`, undone as a whole when it fails.
        """
        started = begin and not self.in_transaction
        if not started and not self.in_transaction:
            with self.diagnosed(situation):
                yield
            return
        with self.diagnosed(situation):
            self.run.execute("BEGIN" if started else "SAVEPOINT s")
            self.in_transaction = True
            try:
                yield
            except BaseException:
                self._undo(whole=started)
                raise
            if not started:
                self.run.execute("RELEASE s")

    def _undo(self, *, whole: bool) -> None:
        if self.run.closed:
            self.in_transaction = False
            return
        if whole:
            self.run.execute("ROLLBACK")
            self.ended()
            self.private.rolled_back()
        else:
            self.run.execute("ROLLBACK TO s")
            self.run.execute("RELEASE s")
        self.control.rolled_back()

    def _query(self, plan: Translation, binds: Row, situation: Situation) -> Outcome:
        cursor = self.run.cursor()
        catalogue, tables = self.database.catalogue, plan.tables - plan.private.keys()
        emptied = catalogue.times_emptied(tables)
        with self.statement(situation, begin=plan.locks):
            if plan.wait_s:
                self.run.execute(f"SET LOCAL lock_timeout = {int(plan.wait_s * 1000)}")
            cursor.execute(plan.sql.encode(), self.parameters(plan, binds))
            if plan.wait_s:
                self.run.execute("SET LOCAL lock_timeout = 0")
        described = self.describe(cursor.pgresult, plan)
        result = results.ResultSet(
            cursor, described, lambda: catalogue.times_emptied(tables) == emptied
        )
        return Outcome(row_count=0, cursor=result)

    def parameters(self, plan: Translation, binds: Row) -> list[Any] | None:
        """The binds as PostgreSQL takes them. Raises ORA-01008 when some are missing."""
        if len(binds) < plan.bind_count:
            raise error(1008)
        return [types.for_storage(value) for value in binds[: plan.bind_count]] or None

    def describe(
        self, result: psycopg.pq.abc.PGresult | None, plan: Translation
    ) -> tuple[Column, ...]:
        """The columns of a result."""
        if result is None:
            raise error(24338)
        return results.columns(result, plan, self.database.type_names, self.table)

    def _describe_only(self, plan: Translation, situation: Situation) -> Outcome:
        with self.statement(situation, begin=False):
            described = self.prepared(plan)
        return Outcome(cursor=results.Described(described)) if described else Outcome()

    def resolve(self, name: tuple[str | None, str]) -> TableName:
        """Owner and name of a possibly unqualified name."""
        return name[0] or self.schema, name[1]

    def prepared(self, plan: Translation) -> tuple[Column, ...]:
        """The columns that a statement would return, without running it."""
        pgconn = self.run.pgconn
        for result in (pgconn.prepare(b"", plan.sql.encode()), pgconn.describe_prepared(b"")):
            if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(result, encoding="utf-8")
        return self.describe(result, plan)
