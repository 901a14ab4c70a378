"""The use case: a stream's table is made ready, and batch after batch takes effect exactly once.

One StreamLoader serves one stream. `prepare` is alone (see `lanes`); several `load` run side by
side and take effect in the order of their numbers (see `turns`). Read these two, the rest is in the
order they call it; a batch's transaction is in `applying`. docs/specs/delivery.md says what each
crash leaves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from flext_observability import emit
from flext_target_oracle import (
    account,
    applying,
    catalogue,
    continuity,
    events,
    fence,
    preparing,
    staging,
)
from flext_target_oracle.clock import monotonic_s, utc_now
from flext_target_oracle.connection import Session
from flext_target_oracle.continuity import Beginning, Remembered
from flext_target_oracle.delivery import Batch, Delivery, Surroundings
from flext_target_oracle.errors import (
    ConnectionLostError,
    ContendedError,
    DirectPathError,
    RowDataError,
)
from flext_target_oracle.ledger import Counts, Entry
from flext_target_oracle.loads import Loads
from flext_target_oracle.rows import RowReader
from flext_target_oracle.sql import statements
from flext_target_oracle.sql.plan import StreamSchema, TablePlan
from flext_target_oracle.sql.staging import SLOTS
from flext_target_oracle.staging import DirectPath, Staged
from flext_target_oracle.turns import EarlierFailedError, Turns

_T = TypeVar("_T")
_DUPLICATE = "ORA-00001"


class StreamLoader:
    """One stream's way into its table; holds its plan, its fence and whose turn it is."""

    def __init__(self, shared: Surroundings, stream: str) -> None:
        self._shared = shared
        self._stream = stream
        self._turns = Turns()
        self._fence: fence.Fence | None = None
        self._loads = Loads(shared, stream, self)
        self._direct = DirectPath(shared, stream)
        self._reader: RowReader | None = None
        self._undeclared: set[str] = set()
        self._is_in_step = False
        self._told: str | None = None  # the last bookmark that the fence row was given
        #: Held over a transaction that tells one: else the later of two to commit need not be the
        #: later to say here what the row holds.
        self._telling = threading.Lock()

    def prepare(self, source: StreamSchema, beginning: Beginning) -> None:
        """Make the table as the schema needs it, and hold its fence. Nothing else is at work.

        Args:
            source: the stream.
            beginning: what the tap said it begins from; of the first call.

        Raises:
            StreamOutOfStepError: the database does not hold what the tap begins from.
            SchemaRefusedError: the table cannot hold the stream.
            FenceHeldError: another run has the table.
            DatabaseError: the database cannot be reached or refuses.
        """
        self.persistently(lambda: self._prepare(source, beginning))

    def open(self, number: int | None, version: int | None, seen_at: datetime) -> None:
        """Records of a version follow, see `Loads.open`. Nothing else is at work."""
        self._loads.open(number, version, seen_at)
        self._use_plan()

    def activate(self, number: int, version: int) -> None:
        """The version's records are loaded, see `Loads.activate`. Nothing else is at work."""
        self._loads.activate(number, version)
        self._use_plan()

    def end_of_input(self, number: int) -> bool:
        """All input is loaded, see `Loads.end_of_input`. Nothing else is at work."""
        return self._loads.end_of_input(number)

    def load(self, batch: Batch) -> bool:
        """Bring a batch into the table and commit, exactly once in effect.

        Returns:
            Whether STATE may say so; False if a batch before it failed, whose error says why, and
            while its rows would be lost with the run.

        Raises:
            RowRefusedError: more rows are refused than allowed; nothing of the batch is in.
            FenceLostError: another run has taken over; nothing of the batch is in.
            DatabaseError: the database cannot be reached or refuses; nothing of the batch is in.
        """
        began_s = monotonic_s()
        try:
            delivery, counts = self._deliver(batch)
        except EarlierFailedError:
            return False
        except BaseException:
            self._turns.fail(batch.number)
            raise
        self._turns.done(batch.number)
        delivery.announce(counts, monotonic_s() - began_s)
        return self._loads.is_reportable

    def tell(self, bookmark: str) -> None:
        """Let the database know a bookmark before it leaves in a STATE line, unless it does.

        Raises:
            FenceLostError: another run has taken over.
            DatabaseError: the database cannot be reached or refuses.
        """
        if self._fence is None:
            return

        def write() -> None:
            with self._shared.database.session(f"bookmark {self._stream}") as session:
                fence.remember_bookmark(session, self.held, bookmark)

        with self._telling:
            if bookmark != self._told:
                self.persistently(write)
                self._told = bookmark

    def once(
        self, number: int, work: Callable[[Session, Entry], Counts], *, exclusive: str = ""
    ) -> None:
        """Do something else in one fenced transaction, exactly once in effect.

        What the work found out it keeps itself: where only the fence knows that it was committed,
        it never returned.

        Args:
            number: its place among the stream's batches; those before it are committed first.
            work: is given a session and what it is about; it passes the fence (`fence.step`), ends
                by `ledger.write`, which commits, and may be begun again.
            exclusive: why no other scope may use the table meanwhile; empty if they may.

        Raises:
            EarlierFailedError: a batch before it failed.
            FenceHeldError: another scope is at work on the table.
            FenceLostError, DatabaseError: as `load`.
        """
        self._turns.wait(number)
        try:
            with self._alone(exclusive):
                self._settled(number, lambda session: work(session, self._entry(number)))
        except BaseException:
            self._turns.fail(number)
            raise
        self._turns.done(number)

    def _alone(self, why: str) -> AbstractContextManager[None]:
        """Keep other scopes out of the table; nothing to do without reason, or in such a load."""
        if not why or not self._shared.settings.keep_newer:
            return nullcontext()
        database = self._shared.database
        return fence.exclusive(database, self.held, why, persistently=self.persistently)

    # prepare

    def _prepare(self, source: StreamSchema, beginning: Beginning) -> None:
        shared = self._shared
        known = account.learn(shared)
        wanted = preparing.wanted(source, shared.settings, known.max_identifier_bytes)
        with shared.database.session(f"prepare {self._stream}") as session:
            if not shared.settings.ddl:
                place = fence.Fence(known.control_schema, wanted.label, shared.holder.scope, 0)
                plan, needed = preparing.needed(session, wanted, place.schema)
                needed += self._direct.missing(session, plan, place)
                preparing.leave_to_dba(self._stream, [*known.missing_ddl, *needed])
            taken = self._take_fence(session, wanted.label, known.control_schema)
            table_id = catalogue.table_id(session, wanted.schema, wanted.table)
            if not self._is_in_step:
                remembered = Remembered(taken.table_id, taken.bookmark)
                continuity.check(self._stream, wanted.label, beginning, remembered, table_id)
            plan, statements_run = preparing.make_table(session, wanted, known.control_schema)
            if table_id is None:
                table_id = catalogue.table_id(session, wanted.schema, wanted.table)
            if not self._is_in_step and table_id != taken.table_id:
                fence.remember_table(session, taken, table_id)
            self._is_in_step = True
        self._loads.use(plan)
        self._use_plan()
        emit(events.StreamPrepared(self._stream, plan.label, len(plan.stored), statements_run))

    def _take_fence(self, session: Session, table: str, control_schema: str) -> fence.Fence:
        if self._fence is not None:
            return self._fence
        shared = self._shared
        self._fence = taken = fence.take(
            session,
            schema=control_schema,
            table=table,
            holder=shared.holder,
            keep_days=shared.settings.ledger_keep_days,
        )
        shared.fence_taken(taken)
        if not shared.settings.keep_newer:  # what others bring meanwhile would be overwritten
            fence.begin_exclusive(session, taken, "a load with keep_newer off")
        self._told = taken.bookmark
        emit(events.FenceTaken(self._stream, table, taken.number, taken.run_before))
        return taken

    def _use_plan(self) -> None:
        plan, rules = self._loads.plan, account.learn(self._shared).rules
        self.persistently(lambda: self._make_plain_staging(plan))
        to_clob = self._shared.settings.on_overflow == "clob"
        self._reader = RowReader(plan, rules, to_clob=to_clob)

    def _make_plain_staging(self, plan: TablePlan) -> None:
        if self._direct.is_ready(plan, self.held):
            return
        with self._shared.database.session(f"staging of {self._stream}") as session:
            self._direct.prepare(session, plan, self.held)

    # load

    def _deliver(self, batch: Batch) -> tuple[Delivery, Counts]:
        """Read, stage, wait for the turn, apply; again from the reading if the columns changed."""
        delivery = self._read(batch)
        while True:
            try:
                counts = self._settled(batch.number, partial(self._attempt, delivery))
            except DirectPathError as error:
                delivery.way = "array"
                self._direct.left(error, batch.number)
                continue
            except (RowDataError, ContendedError) as error:
                is_contended = isinstance(error, ContendedError)
                if is_contended and (delivery.way == "careful" or error.code != _DUPLICATE):
                    raise
                # A key in the way: no session lasts that long, so a unique index it is.
                delivery.way = "careful"
                continue
            if counts is None and delivery.counts is None:
                delivery = self._read(batch)
                continue
            counts = counts or delivery.counts
            if counts is None:
                raise RuntimeError(f"batch {batch.number} was committed without being counted")
            return delivery, counts

    def _attempt(self, delivery: Delivery, session: Session) -> Counts | None:
        """Do it all in a session; None if a batch before this one changed the columns."""
        number = delivery.batch.number
        entry = self._entry(number)
        began_s = monotonic_s()
        match delivery.way:
            case "direct":
                self._turns.wait_for(number - SLOTS)  # its plain table is free then
                staged = self._direct.stage(session, delivery, entry)
            case "array":
                refused = staging.by_array_insert(session, delivery, entry, delivery.rows)
                staged = Staged(refused)
            case "careful":
                staged = Staged([])
        staged_s = monotonic_s() - began_s
        self._turns.wait(number)
        if delivery.plan is not self._ready().plan:
            return None
        covered = self._shared.bookmark_of(self._stream, delivery.batch.end)
        with self._telling:
            delivery.tell = None if covered == self._told else covered
            if delivery.way == "careful":
                counts = applying.apply_carefully(session, delivery, entry, self._shared)
            else:
                counts = applying.apply(
                    session, delivery, entry, self._shared, staged=staged, staged_s=staged_s
                )
            # A connection lost at COMMIT leaves it as it was: told once more does no harm.
            self._told = delivery.tell or self._told
        return counts

    def _settled(self, number: int, attempt: Callable[[Session], Counts | None]) -> Counts | None:
        """Try a transaction until it is known to have taken effect.

        Returns:
            What it returned; None also where only the fence knows that it took effect.
        """
        patience = self._shared.patience()
        while True:
            try:
                with self._shared.database.session(f"load {self._stream}") as session:
                    return attempt(session)
            except ConnectionLostError as error:
                if self._turns.has_come(number):
                    committed = self.persistently(partial(self._ask_fence, number))
                    emit(events.DoubtSettled(self._stream, number, committed))
                    if committed:
                        return None
                code = error.code
                patience.bear(error)
            except ContendedError as error:
                code = error.code
                patience.bear(error)
            emit(events.BatchRetried(self._stream, number, patience.tries, code))

    def _read(self, batch: Batch) -> Delivery:
        """Turn records into binds; a text that overflows its column widens the column first."""
        while True:
            reader = self._ready()
            rows = reader.read(batch.raw)
            for name in sorted(rows.undeclared - self._undeclared):
                emit(events.PropertyIgnored(self._stream, name))
            self._undeclared |= rows.undeclared
            if not rows.overflowing:
                break
            self._turns.wait(batch.number)
            if reader is self._ready():
                self.persistently(partial(self._widen, sorted(rows.overflowing)))
        delivery = Delivery(batch, reader.plan, rows.rows, rows.rejects)
        ahead = account.learn(self._shared).clock_ahead
        skew = timedelta(seconds=self._shared.settings.max_clock_skew_s)
        delivery.refuse_ahead(utc_now() + ahead + skew)
        if self._direct.suits(delivery, self.held):
            delivery.way = "direct"
        return delivery

    def _widen(self, columns: Sequence[str]) -> None:
        live, plan = self._loads.live, self._loads.plan
        if not self._shared.settings.ddl:
            steps = [sql for name in columns for sql in statements.column_to_clob(live, name)]
            preparing.leave_to_dba(self._stream, steps)
        with self._alone(f"making CLOBs in {live.label}"):
            live_now = self._widened(live, columns)
            shadow = None if plan is live else self._widened(plan, columns)
        self._loads.use(live_now, shadow)
        self._use_plan()

    def _widened(self, plan: TablePlan, columns: Sequence[str]) -> TablePlan:
        with self._shared.database.session(f"widen {self._stream}") as session:
            return preparing.widen(session, plan, columns, self.held.schema)

    def _ready(self) -> RowReader:
        if self._reader is None:
            raise RuntimeError(f"stream {self._stream} was not prepared")
        return self._reader

    @property
    def held(self) -> fence.Fence:
        """The fence of the stream's table."""
        if self._fence is None:
            raise RuntimeError(f"stream {self._stream} was not prepared")
        return self._fence

    def _entry(self, number: int) -> Entry:
        return Entry(self.held, number, self._stream, self._shared.holder.run_id)

    # what may be tried again

    def _ask_fence(self, number: int) -> bool:
        with self._shared.database.session(f"settle {self._stream}") as session:
            return fence.was_committed(session, self.held, number)

    def persistently(self, work: Callable[[], _T]) -> _T:
        """Repeat work that may be repeated until the connection holds."""
        patience = self._shared.patience()
        while True:
            try:
                return work()
            except (ConnectionLostError, ContendedError) as error:
                patience.bear(error)
