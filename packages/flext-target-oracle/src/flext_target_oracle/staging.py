"""How a batch's rows come into staging: by array insert, or by direct path where that pays and can.

Array insert goes into the private table, within the batch's transaction. Direct path commits by
itself, before that transaction begins, into a plain table of the stream and scope; `claim` makes
sure within the transaction that the table holds this batch and nothing else. Where direct path
fails, or somebody else was at the table, array insert does it (docs/specs/delivery.md §10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flext_observability import emit
from flext_target_oracle import catalogue, events
from flext_target_oracle.connection import Session
from flext_target_oracle.delivery import Delivery, Surroundings
from flext_target_oracle.errors import ConnectionLostError, DatabaseError, DirectPathError
from flext_target_oracle.fence import Fence
from flext_target_oracle.ledger import Entry
from flext_target_oracle.rows import Reject
from flext_target_oracle.settings import Settings
from flext_target_oracle.sql import staging as sql
from flext_target_oracle.sql.plan import TablePlan

Row = tuple[Any, ...]
#: How many rows a call of a direct path load carries.
CHUNK_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Staged:
    """Where a batch's rows are.

    Attributes:
        refused: those that Oracle did not take.
        plain_table: that holds them; None for the private one.
        batch_id: which they carry there.
        rows: how many they are there.
    """

    refused: list[Reject]
    plain_table: str | None = None
    batch_id: str = ""
    rows: int = 0


def by_array_insert(
    session: Session, delivery: Delivery, entry: Entry, rows: list[Row]
) -> list[Reject]:
    """Insert rows into the private table; return the refusal of those that Oracle did not take."""
    if not rows:
        return []
    plan = delivery.plan
    kinds = [kind for _, kind in sql.columns(plan)]
    what = f"stream {entry.stream}: staging batch {entry.sequence}"
    refused = session.insert_many(sql.insert(plan, entry.fence.schema), rows, kinds, what=what)
    return [delivery.reject(rows[each.row], each.code, each.message) for each in refused]


def claim(session: Session, staged: Staged, entry: Entry) -> None:
    """Lock the plain table for the transaction, and make sure that it holds the batch alone.

    The fence was passed, so no newer run is at work: whoever was at the table is an older one that
    does not know yet, or what a lost connection left.

    Raises:
        DirectPathError: it does not, or another session has it.
    """
    if staged.plain_table is None:
        return
    schema, table = entry.fence.schema, staged.plain_table
    what = f"stream {entry.stream}: reading batch {entry.sequence} from {schema}.{table}"
    try:
        session.execute(sql.lock(schema, table), what=what)
        found = session.query(sql.count(schema, table), [staged.batch_id], what=what)[0]
    except ConnectionLostError:
        raise
    except DatabaseError as error:
        raise DirectPathError(str(error), code=error.code) from error
    if tuple(int(number) for number in found) != (staged.rows, staged.rows):
        raise DirectPathError(
            f"{what}: {staged.rows} rows were put there, and {found[1]} of {found[0]} are its own:"
            " another session is at the table"
        )


def direct_tables(settings: Settings, plan: TablePlan, table: str, scope: str) -> list[str]:
    """Return the plain staging tables of a plan by slot; none if none of its batches needs one.

    They are used where our own tables are in the session's schema alone: TRUNCATE elsewhere would
    need an ANY privilege.

    Args:
        settings: of the target.
        plan: of the table.
        table: as the fence names it.
        scope: the fence's.
    """
    if not 0 < settings.direct_path_rows <= settings.batch_size or not sql.suits_direct_path(plan):
        return []
    return [sql.plain_table(table, scope, plan, slot) for slot in range(sql.SLOTS)]


class DirectPath:
    """A stream's plain staging tables: whether they are used, and for which batches."""

    def __init__(self, shared: Surroundings, stream: str) -> None:
        self._shared = shared
        self._stream = stream
        self._ready: set[str] = set()
        self._is_left = False

    def missing(self, session: Session, plan: TablePlan, held: Fence) -> list[str]:
        """Return the DDL of the plain tables that a plan's batches may need and are not there."""
        return [
            sql.create_plain(plan, held.schema, table)
            for table in self._tables(plan, held)
            if table not in self._ready and not catalogue.exists(session, held.schema, table)
        ]

    def is_ready(self, plan: TablePlan, held: Fence) -> bool:
        """Whether the plan's plain tables are there; so they are where it needs none."""
        return self._ready.issuperset(self._tables(plan, held))

    def prepare(self, session: Session, plan: TablePlan, held: Fence) -> None:
        """Make the plain tables that a plan's batches may need, and drop those of other shapes.

        Raises:
            DatabaseError: the database refuses.
        """
        tables = self._tables(plan, held)
        what = f"stream {self._stream}: making its staging tables"
        for statement in self.missing(session, plan, held):
            catalogue.create_once(session, statement, what=what)
        if self._shared.settings.ddl:
            prefix = sql.plain_prefix(held.table, held.scope)
            others = catalogue.tables_like(session, held.schema, prefix, {*tables, *self._ready})
            catalogue.drop_tables(session, held.schema, others)
        self._ready.update(tables)

    def suits(self, delivery: Delivery, held: Fence) -> bool:
        """Whether a batch goes by direct path."""
        least = self._shared.settings.direct_path_rows
        if self._is_left or not least or len(delivery.rows) < least:
            return False
        return self._ready.issuperset(self._tables(delivery.plan, held) or {""})

    def stage(self, session: Session, delivery: Delivery, entry: Entry) -> Staged:
        """Load a batch's rows into the plain table that is its own by now; commits.

        Raises:
            DirectPathError: it cannot be done so; array insert may.
            ConnectionLostError: the connection went; it may be begun again.
        """
        plan, schema = delivery.plan, entry.fence.schema
        table = self._tables(plan, entry.fence)[entry.sequence % sql.SLOTS]
        batch_id = f"{entry.fence.number}.{entry.sequence}"
        names = [name for name, _ in sql.direct_columns(plan)]
        rows = [(*row, batch_id) for row in delivery.rows]
        what = f"stream {entry.stream}: loading batch {entry.sequence} into {schema}.{table}"
        try:
            session.execute(sql.truncate(schema, table), what=what)
            session.load_directly(schema, table, names, rows, chunk_rows=CHUNK_ROWS, what=what)
        except ConnectionLostError:
            raise
        except DatabaseError as error:
            raise DirectPathError(str(error), code=error.code) from error
        return Staged([], table, batch_id, len(rows))

    def left(self, error: DirectPathError, sequence: int) -> None:
        """Take note that a batch could not go by direct path; no later one of the run tries."""
        self._is_left = True
        emit(events.DirectPathRefused(self._stream, sequence, error.code, str(error)))

    def _tables(self, plan: TablePlan, held: Fence) -> list[str]:
        """The tables of a plan by slot; none if none of its batches goes by direct path."""
        account = self._shared.account
        if account is None or not account.owns_staging:
            return []
        return direct_tables(self._shared.settings, plan, held.table, held.scope)
