"""The statements on target and staging tables, built from a plan (docs/specs/target-sql.md).

Values are binds; names pass through `identifiers.quoted`. Nothing is executed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql import types
from flext_target_oracle.sql.identifiers import identifier, qualified, quoted
from flext_target_oracle.sql.plan import Change, TablePlan
from flext_target_oracle.sql.types import ColumnType

SESSION = (
    "ALTER SESSION SET TIME_ZONE = '+00:00'",
    "ALTER SESSION SET DDL_LOCK_TIMEOUT = 30",
    "ALTER SESSION DISABLE PARALLEL DML",
)
WHO = "SELECT SYS_CONTEXT('USERENV','SESSION_USER') FROM DUAL"
CHARSET = "SELECT VALUE FROM NLS_DATABASE_PARAMETERS WHERE PARAMETER = 'NLS_CHARACTERSET'"
COLUMNS = (
    "SELECT COLUMN_NAME, DATA_TYPE, DATA_LENGTH, CHAR_LENGTH, CHAR_USED, DATA_PRECISION,"
    " DATA_SCALE, NULLABLE, COLUMN_ID FROM ALL_TAB_COLUMNS WHERE OWNER = :1 AND TABLE_NAME = :2"
    " ORDER BY COLUMN_ID"
)
CONSTRAINTS = (
    "SELECT C.CONSTRAINT_NAME, C.CONSTRAINT_TYPE, CC.COLUMN_NAME, CC.POSITION"
    " FROM ALL_CONSTRAINTS C JOIN ALL_CONS_COLUMNS CC"
    " ON CC.OWNER = C.OWNER AND CC.CONSTRAINT_NAME = C.CONSTRAINT_NAME"
    " WHERE C.OWNER = :1 AND C.TABLE_NAME = :2 AND C.CONSTRAINT_TYPE IN ('P', 'U')"
    " ORDER BY C.CONSTRAINT_NAME, CC.POSITION"
)
TABLES = (
    "SELECT TABLE_NAME, TEMPORARY, DURATION FROM ALL_TABLES WHERE OWNER = :1 AND TABLE_NAME = :2"
)
SAVEPOINT = 'SAVEPOINT "FLEXT_B"'
ROLLBACK_TO_SAVEPOINT = 'ROLLBACK TO SAVEPOINT "FLEXT_B"'
USERS = "SELECT USERNAME FROM ALL_USERS WHERE USERNAME = :1"


def ddl(plan: TablePlan, change: Change) -> list[str]:
    """Return the statements that carry a change out, in order."""
    if change.kind == "create":
        return create_table(plan)
    if change.kind == "add":
        return [add_columns(plan, change.columns)]
    names = [name for name, _ in change.columns]
    if change.kind == "finish_clob":
        return [_rename(plan, plans.clob_name(name), name) for name in names]
    return [_drop(plan, plans.clob_name(name)) for name in names]


def create_table(plan: TablePlan) -> list[str]:
    """Return CREATE TABLE, and the index by which append-only finds what it has."""
    keys = set(plan.key)
    lines = [
        f"{quoted(name)} {kind.ddl()}{' NOT NULL' if name in keys else ''}"
        for name, kind in plan.stored
    ]
    if plan.key and not plan.append:
        name = quoted(plans.key_constraint(plan))
        lines.append(f"CONSTRAINT {name} PRIMARY KEY ({_names(plan.key)})")
    created = [f"CREATE TABLE {plan.qualified} (\n  " + ",\n  ".join(lines) + ")"]
    if plan.key and plan.append:
        index = qualified(plan.schema, identifier(f"IX_{plan.table}"))
        over = _names(dict.fromkeys([*plan.key, *plan.order]))
        created.append(f"CREATE INDEX {index} ON {plan.qualified} ({over})")
    return created


def add_columns(plan: TablePlan, columns: Sequence[tuple[str, ColumnType]]) -> str:
    """Return the ALTER TABLE that adds columns, nullable."""
    listed = ", ".join(f"{quoted(name)} {kind.ddl()}" for name, kind in columns)
    return f"ALTER TABLE {plan.qualified} ADD ({listed})"


def column_to_clob(plan: TablePlan, column: str) -> list[str]:
    """Return the steps that make a VARCHAR2 column a CLOB: add, copy, drop, rename.

    Each DDL commits. After a stop between two steps the catalogue tells which one is next, see
    `plan.settle`.
    """
    copy = plans.clob_name(column)
    fill = f"UPDATE {plan.qualified} SET {quoted(copy)} = {quoted(column)}"
    return [
        add_columns(plan, [(copy, types.CLOB)]),
        f"{fill} WHERE {quoted(column)} IS NOT NULL",
        _drop(plan, column),
        _rename(plan, copy, column),
    ]


def _rename(plan: TablePlan, old: str, new: str) -> str:
    return f"ALTER TABLE {plan.qualified} RENAME COLUMN {quoted(old)} TO {quoted(new)}"


def _drop(plan: TablePlan, column: str) -> str:
    return f"ALTER TABLE {plan.qualified} DROP COLUMN {quoted(column)}"


def create_staging(plan: TablePlan, control_schema: str) -> str:
    """Return the private staging table: rows vanish at COMMIT, no other session sees them."""
    lines = [f"{quoted(name)} {kind.ddl()}" for name, kind in staged(plan)]
    table = qualified(control_schema, plan.staging_table)
    listed = ",\n  ".join(lines)
    return f"CREATE GLOBAL TEMPORARY TABLE {table} (\n  {listed}) ON COMMIT DELETE ROWS"


def staged(plan: TablePlan) -> tuple[tuple[str, ColumnType], ...]:
    """Return the columns of a staged row, in the order of its binds."""
    number = ColumnType("NUMBER")
    own = tuple(
        (column.name, number if column.type.name == "NUMBER" else column.type)
        for column in plan.columns
    )
    times = tuple((name, types.TIMESTAMP) for name in plans.METADATA)
    return (*own, *times, (plans.POSITION, ColumnType("NUMBER", precision=18, scale=0)))


def stage(plan: TablePlan, control_schema: str) -> str:
    """Return the array insert into the staging table."""
    names = [name for name, _ in staged(plan)]
    binds = ", ".join(f":{number}" for number in range(1, len(names) + 1))
    table = qualified(control_schema, plan.staging_table)
    return f"INSERT INTO {table} ({_names(names)}) VALUES ({binds})"


def _source(plan: TablePlan, control_schema: str) -> str:
    """The staged rows, one per key (append: per key and order), the newest of each."""
    names = [name for name, _ in plan.stored]
    table = qualified(control_schema, plan.staging_table)
    if not plan.key or (plan.append and not plan.order):
        return f"SELECT {_names(names)} FROM {table}"
    group = [*plan.key, *(plan.order if plan.append else ())]
    partition = ", ".join(f"G.{quoted(name)}" for name in dict.fromkeys(group))
    ranks = [f"G.{quoted(name)} DESC NULLS LAST" for name in (*plan.order, plans.EXTRACTED_AT)]
    ranks.append(f"G.{quoted(plans.POSITION)} DESC")
    return (
        f"SELECT {_names(names)} FROM (SELECT G.*, ROW_NUMBER() OVER (PARTITION BY {partition}"
        f" ORDER BY {', '.join(ranks)}) AS {quoted(plans.ROW_NUMBER)} FROM {table} G)"
        f" WHERE {quoted(plans.ROW_NUMBER)} = 1"
    )


def census(plan: TablePlan, control_schema: str) -> str:
    """Return the query for what a merge is about to do (upsert).

    One row: how many staged rows have a key that the table lacks, and how many differ from their
    row in the table and are older than it.
    """
    absent = f"T.{quoted(plan.key[0])} IS NULL"
    guard, changed = _not_older(plan), _changed(plan)
    stale = "0"
    if guard and changed:  # the guard may be unknown, never wrongly true: so it is asked for itself
        stale = f"CASE WHEN {absent} THEN 0 WHEN {guard} THEN 0 WHEN {changed} THEN 1 ELSE 0 END"
    return (
        f"SELECT NVL(SUM(CASE WHEN {absent} THEN 1 ELSE 0 END), 0), NVL(SUM({stale}), 0)"
        f" FROM ({_source(plan, control_schema)}) N LEFT JOIN {plan.qualified} T"
        f" ON ({_same_key(plan)})"
    )


def apply(plan: TablePlan, control_schema: str) -> str:
    """Return the one statement that brings a staged batch into the table."""
    if plan.key and not plan.append:
        return _merge(plan, control_schema)
    names = [name for name, _ in plan.stored]
    insert = f"INSERT INTO {plan.qualified} ({_names(names)})"
    if not plan.key:
        return f"{insert} {_source(plan, control_schema)}"
    chosen = ", ".join(f"N.{quoted(name)}" for name in names)
    same = [_same_key(plan)]
    lobs = {column.name for column in plan.columns if column.type.name == "CLOB"}
    compared = plan.order or tuple(c.name for c in plan.columns if not c.is_key)
    same += [f"NOT ({_differs(name, is_lob=name in lobs)})" for name in compared]
    return (
        f"{insert} SELECT {chosen} FROM ({_source(plan, control_schema)}) N WHERE NOT EXISTS"
        f" (SELECT 1 FROM {plan.qualified} T WHERE {' AND '.join(same)})"
    )


def _merge(plan: TablePlan, control_schema: str) -> str:
    names = [name for name, _ in plan.stored]
    text = (
        f"MERGE INTO {plan.qualified} T USING ({_source(plan, control_schema)}) N"
        f" ON ({_same_key(plan)})"
    )
    if changed := _changed(plan):
        assigned = ", ".join(
            f"T.{quoted(name)} = N.{quoted(name)}" for name in names if name not in plan.key
        )
        text += f" WHEN MATCHED THEN UPDATE SET {assigned} WHERE ({changed})"
        if guard := _not_older(plan):
            text += f" AND {guard}"
    values = ", ".join(f"N.{quoted(name)}" for name in names)
    return f"{text} WHEN NOT MATCHED THEN INSERT ({_names(names)}) VALUES ({values})"


def _changed(plan: TablePlan) -> str:
    """The staged row's content differs from the stored one's; empty for a table of keys only."""
    business = [column for column in plan.columns if not column.is_key]
    # LOBs last: comparing them costs the most.
    ordered = sorted(business, key=lambda column: column.type.name == "CLOB")
    return " OR ".join(_differs(each.name, is_lob=each.type.name == "CLOB") for each in ordered)


def _same_key(plan: TablePlan) -> str:
    return " AND ".join(f"T.{quoted(name)} = N.{quoted(name)}" for name in plan.key)


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
    """The guard: the staged row is not older than the stored one; NULL is the oldest."""
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
