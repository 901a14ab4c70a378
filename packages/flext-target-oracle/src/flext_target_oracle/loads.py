"""A stream's loads of a version: how one begins, where its batches go, and how it ends.

What is decided of a version is in `versions`, what the end does to the table in `completion`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from flext_observability import emit
from flext_target_oracle import catalogue, completion, events, fence, ledger, versions
from flext_target_oracle.clock import monotonic_s
from flext_target_oracle.connection import Session
from flext_target_oracle.delivery import Surroundings
from flext_target_oracle.errors import LoadRefusedError
from flext_target_oracle.ledger import Counts, Entry
from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql import statements
from flext_target_oracle.sql.plan import TablePlan
from flext_target_oracle.versions import Load

_T = TypeVar("_T")


class Transactions(Protocol):
    """What a load needs of its stream's loader."""

    @property
    def held(self) -> fence.Fence:
        """The fence of the table."""

    def once(
        self, number: int, work: Callable[[Session, Entry], Counts], *, exclusive: str = ""
    ) -> None:
        """Do something in one fenced transaction, exactly once in effect."""

    def persistently(self, work: Callable[[], _T]) -> _T:
        """Repeat work that may be repeated until the connection holds."""


class Loads:
    """The load that is under way, the table it ends in, and the plan that batches go by."""

    def __init__(self, shared: Surroundings, stream: str, transactions: Transactions) -> None:
        self._shared = shared
        self._stream = stream
        self._transactions = transactions
        self._load: Load | None = None
        self._live: TablePlan | None = None
        self._plan: TablePlan | None = None

    @property
    def live(self) -> TablePlan:
        """The stream's table."""
        if self._live is None:
            raise RuntimeError(f"stream {self._stream} was not prepared")
        return self._live

    @property
    def plan(self) -> TablePlan:
        """Where batches go: the table, or its shadow."""
        return self._plan or self.live

    @property
    def is_reportable(self) -> bool:
        """Whether STATE may say what was loaded: not while it would be lost with the run."""
        return self._load is None or self._load.shadow is None or self._survives(self._load)

    def use(self, live: TablePlan, shadow: TablePlan | None = None) -> None:
        """Take the table as it now is, and its shadow if there is one."""
        self._live, self._plan = live, shadow
        if shadow is None and self._load is not None:
            self._prepare_shadow(self._load)

    def open(self, number: int | None, version: int | None, seen_at: datetime) -> None:
        """Records of a version follow. No batch of the stream is under way.

        Args:
            number: its place among the stream's batches; None where nothing keeps note of it.
            version: None where the tap numbers none.
            seen_at: when the first of them was extracted, or came.

        Raises:
            LoadRefusedError: the version cannot go on, or could never be completed.
            DatabaseError: the database cannot be reached or refuses.
        """
        self._load, self._plan = None, None
        if number is None:
            return
        stream, held = self._transactions, self._transactions.held
        new = self._new(held, version, seen_at)
        known = stream.persistently(lambda: self._read(held))
        verdict, load = versions.decide(self._stream, known, new)
        if verdict == "begin":
            stream.persistently(lambda: self._make_shadow(load, is_new=True))
        left: list[str] = []

        def begin(session: Session, entry: Entry) -> Counts:
            fence.step(session, held, entry.sequence)
            if verdict == "begin" and known is not None and known.shadow is not None:
                left[:] = self._other_shadows(session, load.shadow or "")
            elif verdict == "done" and load.shadow is not None:  # a crash behind its end left it
                left[:] = self._other_shadows(session, "")
            if verdict == "begin":
                versions.begin(session, held, load, self._shared.holder.run_id)
            counts = Counts(0, 0, 0, 0, 0.0, 0.0)
            ledger.write(session, entry, counts, None)
            return counts

        stream.once(number, begin)
        stream.persistently(lambda: self._drop_shadows(left))
        if verdict in {"begin", "go on"}:
            self._load = load
            stream.persistently(lambda: self._prepare_shadow(load))

    def activate(self, number: int, version: int) -> None:
        """The version's records are all loaded: remove what it lacks, or bring its shadow in.

        Raises:
            DeletesRefusedError: more rows are gone than may be.
            LoadRefusedError: what is gone cannot be told.
            FenceHeldError: another scope is at work on the table.
            DatabaseError: nothing was removed or replaced.
        """
        if self._load is not None and self._load.version == version:
            self._end(number, self._load)
            return
        self._keep_turn(number)
        why = "it is complete already, or a newer version has begun"
        emit(events.VersionKept(self._stream, version, why))

    def end_of_input(self, number: int) -> bool:
        """All input is loaded: by setting, that completes a load whose records have no version.

        Returns:
            Whether STATE may say what was loaded.
        """
        load = self._load
        if load is None or load.shadow is None:
            return True
        if load.version is None and self._shared.settings.overwrite_on_eof:
            self._end(number, load)
        else:
            emit(events.ShadowKept(self._stream, load.version or 0))
        return self.is_reportable

    def _keep_turn(self, number: int) -> None:
        def nothing(session: Session, entry: Entry) -> Counts:
            fence.step(session, entry.fence, entry.sequence)
            counts = Counts(0, 0, 0, 0, 0.0, 0.0)
            ledger.write(session, entry, counts, None)
            return counts

        self._transactions.once(number, nothing)

    def _new(self, held: fence.Fence, version: int | None, seen_at: datetime) -> Load:
        settings, shadow = self._shared.settings, None
        if settings.load_method == "overwrite":
            if version is None and not settings.overwrite_on_eof:
                raise LoadRefusedError(
                    f"stream {self._stream}: load_method overwrite needs records with a version,"
                    " and ACTIVATE_VERSION after them, to know that a load is complete; for a tap"
                    " without them set overwrite_on_eof"
                )
            shadow = versions.shadow_name(held, version)
        tracked = plans.TABLE_VERSION in self.live.extras
        began_at = versions.not_before(version, seen_at)
        return Load(version, settings.load_method, tracked, shadow, began_at)

    def _read(self, held: fence.Fence) -> Load | None:
        with self._shared.database.session(f"versions of {self._stream}") as session:
            return versions.read(session, held)

    def _survives(self, load: Load) -> bool:
        """Whether another run may go on with the load's shadow."""
        return load.version is not None and bool(self.live.key)

    # shadows

    def _prepare_shadow(self, load: Load) -> None:
        if load.shadow is not None:
            self._plan = self._make_shadow(load, is_new=False)

    def _make_shadow(self, load: Load, *, is_new: bool) -> TablePlan | None:
        """Make the load's shadow as the table is."""
        if load.shadow is None:
            return None
        schema = self._transactions.held.schema
        wanted = completion.shadow_plan(self.live, schema, load)
        with self._shared.database.session(f"shadow of {self._stream}") as session:
            existing = catalogue.read_table(session, wanted.schema, wanted.table)
            if existing is None and not is_new:
                raise LoadRefusedError(
                    f"stream {self._stream}: {wanted.label}, into which version {load.version} was"
                    " being loaded, is gone; begin a new full load"
                )
            plan, changes = plans.settle(wanted, existing)
            ddl = [sql for change in changes for sql in statements.ddl(wanted, change)]
            catalogue.run_ddl(session, ddl, what=f"stream {self._stream}: making {plan.label}")
            catalogue.ensure_staging(session, plan, schema)
        return plan

    def _other_shadows(self, session: Session, kept: str) -> list[str]:
        """Return the shadows that may be dropped once this transaction is committed.

        It has passed the fence: a run that takes over waits for its end, so none of these is that
        run's own, whenever they are dropped.
        """
        held = self._transactions.held
        return catalogue.tables_like(session, held.schema, versions.shadow_prefix(held), {kept})

    def _drop_shadows(self, names: list[str]) -> None:
        if names:
            with self._shared.database.session(f"shadows of {self._stream}") as session:
                catalogue.drop_tables(session, self._transactions.held.schema, names)

    # the end

    def _end(self, number: int, load: Load) -> None:
        held, live, settings = self._transactions.held, self.live, self._shared.settings
        ended, left = completion.Ended(), list[str]()

        def work(session: Session, entry: Entry) -> Counts:
            nonlocal ended
            began_s = monotonic_s()
            fence.step(session, held, entry.sequence)
            current = versions.read(session, held) or load
            if current.shadow is None:
                ended = completion.remove_missing(session, held, live, current, settings)
            else:
                ended = completion.swap(session, held, live, current, settings)
                left[:] = self._other_shadows(session, "")
            received = ended.inserted + ended.updated
            counts = Counts(
                received, ended.inserted, ended.updated, 0, 0.0, 0.0, deleted=ended.removed
            )
            fence.prolong(session, held, monotonic_s() - began_s)
            ledger.write(session, entry, counts, None)
            return counts

        removes = load.shadow is not None or settings.on_missing != "keep"
        exclusive = f"completing a load of {live.label}" if removes else ""
        self._transactions.once(number, work, exclusive=exclusive)
        self._load, self._plan = None, None
        self._transactions.persistently(lambda: self._drop_shadows(left))
        version = load.version or 0
        if ended.why_kept:
            emit(events.VersionKept(self._stream, version, ended.why_kept))
        emit(events.LoadEnded(self._stream, version, ended.inserted, ended.updated, ended.removed))
