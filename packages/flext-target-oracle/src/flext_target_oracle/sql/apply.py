"""What brings staged rows into a table, by load method, and what removes rows that are gone.

Each function returns the SQL of docs/specs/target-sql.md §7 and §8, built from a plan. A source is
the text of a query whose columns are named as the table's. Nothing is executed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql.identifiers import qualified, quoted
from flext_target_oracle.sql.plan import TablePlan

#: A statement of hundreds of columns is not written anew for each batch.
TEXTS_KEPT = 256
#: Columns that say whether a row is there, not what is in it: where they are ours, and not of the
#: stream, MERGE leaves them to `presence`.
PRESENCE = frozenset({plans.TABLE_VERSION, plans.DELETED_AT})


@lru_cache(TEXTS_KEPT)
def staged(plan: TablePlan, control_schema: str, staging_table: str | None = None) -> str:
    """Return the staged rows as a source: one per key, or one per version where each is kept.

    They are in the private staging table, if no other is named.

    The newest wins. Where nothing guards the table against older rows, and where each version is
    kept, the order of arrival alone decides, so that batches may be cut anywhere.
    """
    names = _carried(plan)
    table = qualified(control_schema, staging_table or plan.staging_table)
    if not plan.key:
        return f"SELECT {_names(names)} FROM {table}"
    partition = ", ".join(f"G.{quoted(name)}" for name in plan.identity)
    position = f"G.{quoted(plans.POSITION)}"
    if plan.append:
        ranks = [f"{position} ASC"]
    elif not plan.guarded:
        ranks = [f"{position} DESC"]
    else:
        ranked = (*plan.order, plans.EXTRACTED_AT)
        ranks = [f"G.{quoted(name)} DESC NULLS LAST" for name in ranked] + [f"{position} DESC"]
    return (
        f"SELECT {_names(names)} FROM (SELECT G.*, ROW_NUMBER() OVER (PARTITION BY {partition}"
        f" ORDER BY {', '.join(ranks)}) AS {quoted(plans.ROW_NUMBER)} FROM {table} G)"
        f" WHERE {quoted(plans.ROW_NUMBER)} = 1"
    )


def shadow(plan: TablePlan, control_schema: str, table: str) -> str:
    """Return the rows of a shadow table as a source."""
    return f"SELECT {_names(_carried(plan))} FROM {qualified(control_schema, table)}"


@lru_cache(TEXTS_KEPT)
def census(plan: TablePlan, source: str, *, by_key: bool) -> str:
    """Return the query for what a merge is about to do (upsert).

    One row: how many rows of the source have a key that the table lacks, and how many differ from
    their row in the table and are older than it. `by_key` as in `apply`.
    """
    absent = f"T.{quoted(plan.key[0])} IS NULL"
    guard, changed = plan.guarded and _not_older(plan), _changed(plan)
    stale = "0"
    if guard and changed:  # the guard may be unknown, never wrongly true: so it is asked for itself
        stale = f"CASE WHEN {absent} THEN 0 WHEN {guard} THEN 0 WHEN {changed} THEN 1 ELSE 0 END"
    return (
        f"SELECT {_hint(plan, by_key=by_key)}NVL(SUM(CASE WHEN {absent} THEN 1 ELSE 0 END), 0),"
        f" NVL(SUM({stale}), 0)"
        f" FROM ({source}) N LEFT JOIN {plan.qualified} T ON ({_same_key(plan)})"
    )


@lru_cache(TEXTS_KEPT)
def apply(plan: TablePlan, source: str, *, by_key: bool) -> str:
    """Return the one statement that brings a source into the table.

    Bind: the version, if the table has it (`binds`).

    Args:
        plan: of the table.
        source: the rows.
        by_key: whether each row is to be looked up by the key's index: for a batch, whose cost then
            grows with the batch alone. Without a hint the plan would be the one that was made while
            the table was empty or small: a full scan for every batch from then on.
    """
    if plan.key and not plan.append:
        return _merge(plan, source, by_key=by_key)
    names = _inserted(plan)
    insert = f"INSERT INTO {plan.qualified} ({_names(names)}) SELECT {_values(plan, names)}"
    if not plan.key:
        return f"{insert} FROM ({source}) N"
    same = " AND ".join(
        f"T.{quoted(name)} = N.{quoted(name)}" if name in plan.key else _equals(name)
        for name in plan.identity
    )
    hint = f"/*+ NO_UNNEST {_index(plan)} */ " if by_key else ""
    there = f"SELECT {hint}1 FROM {plan.qualified} T WHERE {same}"
    return f"{insert} FROM ({source}) N WHERE NOT EXISTS ({there})"


def binds(plan: TablePlan, version: int | None) -> list[int | None]:
    """Return what `apply` binds."""
    return [version] if plans.TABLE_VERSION in plan.extras else []


def presence(plan: TablePlan, source: str, version: int | None) -> tuple[str, list[int]] | None:
    """Return the update that takes note of rows seen, and its binds; None if nothing keeps note.

    A row that was seen is not deleted, and has the version it was seen in, whatever the guard or
    the skip made of its columns.
    """
    tracks = plans.TABLE_VERSION in plan.extras and version is not None
    marks = plans.DELETED_AT in plan.extras
    if not plan.key or plan.append or not (tracks or marks):
        return None
    column, deleted = f"T.{quoted(plans.TABLE_VERSION)}", f"T.{quoted(plans.DELETED_AT)}"
    sets, stale, values = [], [], []
    if tracks and version is not None:
        sets.append(f"{column} = CASE WHEN {column} > :1 THEN {column} ELSE :2 END")
        stale.append(f"{column} < :3 OR {column} IS NULL")
        values = [version] * 3
    if marks:
        sets.append(f"{deleted} = NULL")
        stale.append(f"{deleted} IS NOT NULL")
    keys = ", ".join(f"T.{quoted(name)}" for name in plan.key)
    sql = (
        f"UPDATE {plan.qualified} T SET {', '.join(sets)} WHERE ({' OR '.join(stale)})"
        f" AND ({keys}) IN (SELECT {', '.join(f'N.{quoted(n)}' for n in plan.key)}"
        f" FROM ({source}) N)"
    )
    return sql, values


def count_missing(plan: TablePlan) -> str:
    """Return the query for how many rows an activated version lacks, and how many there are.

    Binds: version, the instant before which rows were batched. Rows that carry the mark of
    deletion already count for neither. NULL is the oldest.
    """
    there = f" WHERE T.{quoted(plans.DELETED_AT)} IS NULL" if _marks(plan) else ""
    return (
        f"SELECT COUNT(CASE WHEN {_missing(1)} THEN 1 END), COUNT(*) FROM {plan.qualified} T{there}"
    )


def delete_missing(plan: TablePlan) -> str:
    """Return the removal of rows an activated version lacks; binds: version, instant."""
    return f"DELETE FROM {plan.qualified} T WHERE {_missing(1)}"


def mark_missing(plan: TablePlan) -> str:
    """Return the marking of rows an activated version lacks; binds: now, version, instant."""
    deleted = quoted(plans.DELETED_AT)
    return (
        f"UPDATE {plan.qualified} T SET T.{deleted} = :1"
        f" WHERE T.{deleted} IS NULL AND {_missing(2)}"
    )


def delete_absent(plan: TablePlan, control_schema: str, table: str) -> str:
    """Return the removal of rows that a shadow lacks; bind: the shadow's start."""
    sql = f"DELETE FROM {plan.qualified} T WHERE {_batched(1)}"
    if not plan.key:
        return sql
    same = " AND ".join(f"S.{quoted(name)} = T.{quoted(name)}" for name in plan.key)
    held = qualified(control_schema, table)
    return f"{sql} AND NOT EXISTS (SELECT 1 FROM {held} S WHERE {same})"


def count_emptied(plan: TablePlan, control_schema: str, table: str) -> str:
    """Return the query for what an empty shadow would remove; bind: the shadow's start.

    One row: how many rows would go, and how many there are; of a shadow that has rows, 0 and 0.
    """
    return (
        f"SELECT COUNT(CASE WHEN {_batched(1)} THEN 1 END), COUNT(*) FROM {plan.qualified} T"
        f" WHERE NOT EXISTS (SELECT 1 FROM {qualified(control_schema, table)})"
    )


def _marks(plan: TablePlan) -> bool:
    return plans.DELETED_AT in plan.extras


def _missing(first: int) -> str:
    version = f"T.{quoted(plans.TABLE_VERSION)}"
    return f"({version} < :{first} OR {version} IS NULL) AND {_batched(first + 1)}"


def _batched(bind: int) -> str:
    """Whether a row was batched before an instant; NULL is the oldest."""
    batched = f"T.{quoted(plans.BATCHED_AT)}"
    return f"({batched} < :{bind} OR {batched} IS NULL)"


def _carried(plan: TablePlan) -> list[str]:
    """The table's columns that each row brings with it."""
    ours = PRESENCE.intersection(plan.extras)
    return [name for name, _ in plan.stored if name not in ours]


def _inserted(plan: TablePlan) -> list[str]:
    tracks = plans.TABLE_VERSION in plan.extras
    return _carried(plan) + [plans.TABLE_VERSION] * tracks


def _values(plan: TablePlan, names: Iterable[str]) -> str:
    bound = {plans.TABLE_VERSION}.intersection(plan.extras)
    return ", ".join(":1" if name in bound else f"N.{quoted(name)}" for name in names)


def _hint(plan: TablePlan, *, by_key: bool) -> str:
    """The rows that come lead, each looks its like up in the index."""
    return f"/*+ LEADING(N) USE_NL(T) {_index(plan)} */ " if by_key else ""


def _index(plan: TablePlan) -> str:
    # By its columns: what the index is called is the owner's matter.
    return f"INDEX(T ({_names(plan.identity)}))"


def _merge(plan: TablePlan, source: str, *, by_key: bool) -> str:
    hint = _hint(plan, by_key=by_key)
    text = f"MERGE {hint}INTO {plan.qualified} T USING ({source}) N ON ({_same_key(plan)})"
    if changed := _changed(plan):
        assigned = ", ".join(
            f"T.{quoted(name)} = N.{quoted(name)}"
            for name in _carried(plan)
            if name not in plan.key
        )
        text += f" WHEN MATCHED THEN UPDATE SET {assigned} WHERE ({changed})"
        if plan.guarded and (guard := _not_older(plan)):
            text += f" AND {guard}"
    names = _inserted(plan)
    return f"{text} WHEN NOT MATCHED THEN INSERT ({_names(names)}) VALUES ({_values(plan, names)})"


def _changed(plan: TablePlan) -> str:
    """The content that comes differs from the stored one; empty for a table of keys only."""
    business = [column for column in plan.columns if not column.is_key]
    # LOBs last: comparing them costs the most.
    ordered = sorted(business, key=lambda column: column.type.name == "CLOB")
    return " OR ".join(_differs(each.name, is_lob=each.type.name == "CLOB") for each in ordered)


def _same_key(plan: TablePlan) -> str:
    return " AND ".join(f"T.{quoted(name)} = N.{quoted(name)}" for name in plan.key)


def _equals(name: str) -> str:
    """Equal, NULL to NULL too, in a form that an index can serve."""
    old, new = f"T.{quoted(name)}", f"N.{quoted(name)}"
    return f"({old} = {new} OR ({old} IS NULL AND {new} IS NULL))"


def _differs(name: str, *, is_lob: bool) -> str:
    column = quoted(name)
    if not is_lob:
        return f"DECODE(T.{column}, N.{column}, 0, 1) = 1"
    # DBMS_LOB.COMPARE of a NULL is NULL, so NULLs are named.
    return (
        f"NVL(DBMS_LOB.COMPARE(T.{column}, N.{column}), 0) <> 0"
        f" OR (T.{column} IS NULL AND N.{column} IS NOT NULL)"
        f" OR (T.{column} IS NOT NULL AND N.{column} IS NULL)"
    )


def _not_older(plan: TablePlan) -> str:
    """The guard: the row that comes is not older than the stored one; NULL is the oldest."""
    order = [*plan.order, *([plans.EXTRACTED_AT] if plan.metadata else [])]
    guard = ""
    for name in reversed(order):
        new, old = f"N.{quoted(name)}", f"T.{quoted(name)}"
        newer = f"{new} > {old} OR ({old} IS NULL AND {new} IS NOT NULL)"
        tie = f"({new} = {old} OR ({old} IS NULL AND {new} IS NULL))"
        guard = f"({newer} OR ({tie} AND {guard}))" if guard else f"({newer} OR {tie})"
    return guard


def _names(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)
