"""The use case: a stream's table is made ready, and batch after batch takes effect exactly once.

One StreamLoader serves one stream; its calls come one after another (see `lanes`). Read `prepare`
and `load`, the rest is in the order they call it. docs/specs/delivery.md says what each crash
leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from flext_observability import emit
from flext_target_oracle import catalogue, events, fence, ledger
from flext_target_oracle.clock import monotonic_s
from flext_target_oracle.connection import Session
from flext_target_oracle.delivery import Account, Batch, Delivery, Surroundings
from flext_target_oracle.errors import ConnectionLostError, ContendedError, DatabaseError
from flext_target_oracle.ledger import Counts
from flext_target_oracle.rows import Reject, RowReader
from flext_target_oracle.sql import identifiers, statements
from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql.plan import StreamSchema, TablePlan
from flext_target_oracle.values import Rules

_T = TypeVar("_T")
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


class StreamLoader:
    """One stream's way into its table; holds its plan, its fence and the batch sequence."""

    def __init__(self, shared: Surroundings, stream: str) -> None:
        self._shared = shared
        self._stream = stream
        self._fence: fence.Fence | None = None
        self._sequence = 0
        self._plan: TablePlan | None = None
        self._reader: RowReader | None = None
        self._undeclared: set[str] = set()

    def prepare(self, source: StreamSchema) -> None:
        """Make the table as the schema needs it, and hold its fence.

        Raises:
            SchemaRefusedError: the table cannot hold the stream.
            DatabaseError: the database cannot be reached or refuses.
        """
        self._persistently(lambda: self._prepare(source))

    def load(self, batch: Batch) -> None:
        """Bring a batch into the table and commit, exactly once in effect.

        Raises:
            RowRefusedError: more rows are refused than allowed; nothing of the batch is in.
            FenceLostError: another run has taken over; nothing of the batch is in.
            DatabaseError: the database cannot be reached or refuses; nothing of the batch is in.
        """
        began_s = monotonic_s()
        delivery = self._read(batch)
        self._sequence += 1
        counts, commit_s = self._deliver(delivery, self._sequence)
        for reject in delivery.refused:
            emit(events.RowRejected(self._stream, reject.column, reject.code))
        emit(
            events.BatchCommitted(
                stream=self._stream,
                sequence=self._sequence,
                rows_received=counts.received,
                rows_inserted=counts.inserted,
                rows_updated=counts.updated,
                rows_unchanged=counts.unchanged,
                rows_rejected=counts.rejected,
                seconds=monotonic_s() - began_s,
                stage_seconds=counts.stage_s,
                apply_seconds=counts.apply_s,
                commit_seconds=commit_s,
            )
        )

    # prepare

    def _prepare(self, source: StreamSchema) -> None:
        shared = self._shared
        account = self._account()
        wanted = self._wanted(source, account)
        with shared.database.session(f"prepare {self._stream}") as session:
            self._take_fence(session, wanted.label, account.control_schema)
            existing = catalogue.read_table(session, wanted.schema, wanted.table)
            plan, changes = plans.settle(wanted, existing)
            ddl = [sql for change in changes for sql in statements.ddl(wanted, change)]
            catalogue.run_ddl(session, ddl, what=f"stream {self._stream}: making {plan.label}")
            catalogue.ensure_staging(session, plan, account.control_schema)
        self._use(plan, account)
        emit(events.StreamPrepared(self._stream, plan.label, len(plan.stored), len(ddl)))

    def _account(self) -> Account:
        """Look at the database and make our own tables, once in a run."""
        shared = self._shared
        with shared.lock:
            if shared.account is None:
                with shared.database.session("prepare account") as session:
                    schema = shared.settings.control_schema or catalogue.current_user(session)
                    catalogue.ensure_control_tables(session, schema)
                    rules = Rules(
                        rounding=shared.settings.inexact_number == "round",
                        codec=catalogue.codec(session),
                    )
                limit = shared.database.max_identifier_bytes
                shared.account = Account(schema, rules, limit)
            return shared.account

    def _wanted(self, source: StreamSchema, account: Account) -> TablePlan:
        settings = self._shared.settings
        limit = account.max_identifier_bytes
        return plans.wanted(
            source,
            schema=settings.target_schema,
            table=identifiers.identifier(settings.table_prefix + source.stream, max_bytes=limit),
            append=settings.load_method == "append-only" or not source.key_properties,
            metadata=settings.add_record_metadata,
            max_bytes=limit,
        )

    def _take_fence(self, session: Session, table: str, control_schema: str) -> None:
        if self._fence is not None:
            return
        shared = self._shared
        self._fence = taken = fence.take(
            session,
            schema=control_schema,
            table=table,
            scope=shared.scope,
            run_id=shared.run_id,
            owner=shared.owner,
        )
        shared.fence_taken(taken.number)
        emit(events.FenceTaken(self._stream, table, taken.number, taken.run_before))

    def _use(self, plan: TablePlan, account: Account) -> None:
        self._plan = plan
        to_clob = self._shared.settings.on_overflow == "clob"
        self._reader = RowReader(plan, account.rules, to_clob=to_clob)

    # load

    def _read(self, batch: Batch) -> Delivery:
        """Turn records into binds; a text that overflows its column widens the column first."""
        while True:
            plan, reader = self._ready()
            rows = reader.read(batch.raw)
            for name in sorted(rows.undeclared - self._undeclared):
                emit(events.PropertyIgnored(self._stream, name))
            self._undeclared |= rows.undeclared
            if not rows.overflowing:
                break
            self._persistently(partial(self._widen, sorted(rows.overflowing)))
        found = rows.rows
        if plan.append and plan.key and not plan.order:
            # Without an order the whole row is its version: repeats within the batch are one.
            width = len(plan.columns)
            found = list({row[:width]: row for row in found}.values())
        return Delivery(batch, plan, found, rows.rejects)

    def _ready(self) -> tuple[TablePlan, RowReader]:
        if self._plan is None or self._reader is None:
            raise RuntimeError(f"stream {self._stream} was not prepared")
        return self._plan, self._reader

    def _widen(self, columns: Sequence[str]) -> None:
        plan, _ = self._ready()
        account = self._account()
        what = f"stream {self._stream}: making a CLOB of "
        with self._shared.database.session(f"widen {self._stream}") as session:
            # Where an earlier try stopped between two steps, the catalogue says so.
            existing = catalogue.read_table(session, plan.schema, plan.table)
            plan, changes = plans.settle(plan, existing)
            for change in changes:
                catalogue.run_ddl(session, statements.ddl(plan, change), what=what + "a column")
            narrow = {column.name for column in plan.columns if column.type.name == "VARCHAR2"}
            for name in columns:
                if name in narrow:
                    catalogue.run_ddl(
                        session, statements.column_to_clob(plan, name), what=what + name
                    )
                    emit(events.ColumnWidened(self._stream, name))
            plan = plans.to_clob(plan, columns)
            catalogue.ensure_staging(session, plan, account.control_schema)
        self._use(plan, account)

    def _deliver(self, delivery: Delivery, sequence: int) -> tuple[Counts, float]:
        """Run the batch's transaction until it is known to have taken effect."""
        shared = self._shared
        for attempt in range(1, shared.settings.max_retries + 2):
            counts: Counts | None = None
            began_s = monotonic_s()
            try:
                with shared.database.session(f"load {self._stream}") as session:
                    counts = self._transaction(session, delivery, sequence)
                    began_s = monotonic_s()
                    session.commit()
                return counts, monotonic_s() - began_s
            except ConnectionLostError as error:
                committed = self._persistently(lambda: self._ask_fence(sequence))
                emit(events.DoubtSettled(self._stream, sequence, committed))
                if committed and counts is not None:
                    return counts, monotonic_s() - began_s
                self._pause(attempt, error)
            except ContendedError as error:
                self._pause(attempt, error)
            emit(events.BatchRetried(self._stream, sequence, attempt, ""))
        raise AssertionError("the last attempt returns or raises")

    def _transaction(self, session: Session, delivery: Delivery, sequence: int) -> Counts:
        """Everything of a batch but its COMMIT; nothing waits for anything else in between."""
        held, schema = self._held()
        plan, total = delivery.plan, len(delivery.batch.raw.records)
        began_s = monotonic_s()
        rejects = [*delivery.rejects, *self._stage(session, delivery, schema)]
        staged_s = monotonic_s()
        delivery.refuse(rejects, self._shared)
        fence.step(session, held, sequence)
        inserted = updated = 0
        what = f"stream {self._stream}: applying batch {sequence} (rolled back)"
        if len(rejects) < total:
            merges = bool(plan.key) and not plan.append
            if merges:
                count = statements.count_new(plan, schema)
                inserted = int(session.query(count, what=what)[0][0])
            touched = session.execute(statements.apply(plan, schema), what=what)
            inserted, updated = (inserted, touched - inserted) if merges else (touched, 0)
        counts = Counts(
            total, inserted, updated, len(rejects), staged_s - began_s, monotonic_s() - staged_s
        )
        entry = ledger.Entry(held, sequence, self._stream, self._shared.run_id)
        ledger.write_rejects(session, entry, rejects)
        ledger.write(session, entry, counts, delivery.batch.bookmark)
        return counts

    def _held(self) -> tuple[fence.Fence, str]:
        if self._fence is None:
            raise RuntimeError(f"stream {self._stream} was not prepared")
        return self._fence, self._fence.schema

    def _stage(self, session: Session, delivery: Delivery, schema: str) -> list[Reject]:
        if not delivery.rows:
            return []
        plan = delivery.plan
        kinds = [kind for _, kind in statements.staged(plan)]
        what = f"stream {self._stream}: staging a batch"
        refused = session.insert_many(
            statements.stage(plan, schema), delivery.rows, kinds, what=what
        )
        return [delivery.reject(error) for error in refused]

    # what may be tried again

    def _ask_fence(self, sequence: int) -> bool:
        held, _ = self._held()
        with self._shared.database.session(f"settle {self._stream}") as session:
            return fence.was_committed(session, held, sequence)

    def _persistently(self, work: Callable[[], _T]) -> _T:
        """Repeat work that may be repeated until the connection holds."""
        for attempt in range(1, self._shared.settings.max_retries + 2):
            try:
                return work()
            except (ConnectionLostError, ContendedError) as error:
                self._pause(attempt, error)
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, attempt: int, error: DatabaseError) -> None:
        """Wait before another try but the first; raise the error where there is none left."""
        if attempt > self._shared.settings.max_retries or self._shared.stopping.is_set():
            raise error
        if attempt > 1:
            self._shared.stopping.wait(min(_FIRST_PAUSE_S * 2 ** (attempt - 2), _LONGEST_PAUSE_S))
