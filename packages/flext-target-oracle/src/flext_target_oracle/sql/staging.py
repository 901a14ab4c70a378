"""Where a batch's rows wait for the apply: the two kinds of staging table and the ways into them.

The private one (array insert) forgets its rows at COMMIT. The plain one (direct path, which commits
by itself) keeps them until it is truncated, so each of its rows says whose it is. Nothing is
executed here (docs/specs/target-sql.md §6, docs/specs/delivery.md §10).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql import types
from flext_target_oracle.sql.identifiers import qualified, quoted
from flext_target_oracle.sql.plan import TablePlan
from flext_target_oracle.sql.types import ColumnType

#: A stream's plain staging tables: one is filled while the other is applied.
SLOTS = 2
#: Types whose values direct path stores as array insert would; others it would not convert.
_DIRECT = frozenset({"NUMBER", "VARCHAR2", "CLOB", "DATE", "TIMESTAMP"})


def columns(plan: TablePlan) -> tuple[tuple[str, ColumnType], ...]:
    """Return the columns of a staged row, in the order of its binds."""
    number = ColumnType("NUMBER")
    own = tuple(
        (column.name, number if column.type.name == "NUMBER" else column.type)
        for column in plan.columns
    )
    times = tuple((name, types.TIMESTAMP) for name in plans.METADATA)
    extras = tuple((name, plans.EXTRAS[name]) for name in plan.extras if name in plans.STAGED)
    position = (plans.POSITION, ColumnType("NUMBER", precision=18, scale=0))
    return (*own, *times, *extras, position)


def create_private(plan: TablePlan, control_schema: str) -> str:
    """Return the private staging table: rows vanish at COMMIT, no other session sees them."""
    lines = [f"{quoted(name)} {kind.ddl()}" for name, kind in columns(plan)]
    table = qualified(control_schema, plan.staging_table)
    listed = ",\n  ".join(lines)
    return f"CREATE GLOBAL TEMPORARY TABLE {table} (\n  {listed}) ON COMMIT DELETE ROWS"


@lru_cache(256)  # not written anew for each batch
def insert(plan: TablePlan, control_schema: str) -> str:
    """Return the array insert into the private staging table."""
    names = [name for name, _ in columns(plan)]
    binds = ", ".join(f":{number}" for number in range(1, len(names) + 1))
    table = qualified(control_schema, plan.staging_table)
    return f"INSERT INTO {table} ({_names(names)}) VALUES ({binds})"


# direct path


def suits_direct_path(plan: TablePlan) -> bool:
    """Whether direct path would store every column's values as array insert does."""
    return all(kind.name in _DIRECT for _, kind in columns(plan))


def plain_prefix(table: str, scope: str) -> str:
    """Return what the names of a table's plain staging tables begin with; other scopes have others.

    Args:
        table: as the fence names it.
        scope: the fence's.
    """
    return f"FLEXT_S_{_hash((table, scope), 10)}_"


def plain_table(table: str, scope: str, plan: TablePlan, slot: int) -> str:
    """Return the name of a plain staging table; rows of another shape have another one.

    A shadow's batches use those of its table.
    """
    return f"{plain_prefix(table, scope)}{_hash(direct_columns(plan), 8)}_{slot}"


def direct_columns(plan: TablePlan) -> tuple[tuple[str, ColumnType], ...]:
    """Return the columns of a plain staging table.

    Texts have all room there is: what the table's own column holds was judged before, and a limit
    in characters would be one in bytes here.
    """
    wide = [
        (name, types.text() if kind.name == "VARCHAR2" else kind) for name, kind in columns(plan)
    ]
    return (*wide, (plans.BATCH, types.text(64)))


def create_plain(plan: TablePlan, control_schema: str, table: str) -> str:
    """Return a plain staging table: no index, no constraint, logged like any other."""
    lines = [f"{quoted(name)} {kind.ddl()}" for name, kind in direct_columns(plan)]
    return f"CREATE TABLE {qualified(control_schema, table)} (\n  " + ",\n  ".join(lines) + ")"


def truncate(control_schema: str, table: str) -> str:
    """Return the TRUNCATE before a direct path load, which never fills space that was used."""
    return f"TRUNCATE TABLE {qualified(control_schema, table)} REUSE STORAGE"


def lock(control_schema: str, table: str) -> str:
    """Return the lock under which a plain staging table is applied."""
    return f"LOCK TABLE {qualified(control_schema, table)} IN EXCLUSIVE MODE NOWAIT"


def count(control_schema: str, table: str) -> str:
    """Return the query for how many rows there are, and how many of a batch; bind: its id."""
    ours = f"COUNT(CASE WHEN {quoted(plans.BATCH)} = :1 THEN 1 END)"
    return f"SELECT COUNT(*), {ours} FROM {qualified(control_schema, table)}"


def _hash(what: Sequence[object], length: int) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:length].upper()


def _names(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)
