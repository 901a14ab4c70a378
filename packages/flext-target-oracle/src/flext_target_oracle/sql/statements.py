"""The DDL of target tables, and what is asked of the catalogue (docs/specs/target-sql.md).

Staging is in `staging`, what brings staged rows into a table in `apply`. Values are binds; names
pass through `identifiers.quoted`. Nothing is executed here.
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
TABLES_LIKE = (
    "SELECT TABLE_NAME FROM ALL_TABLES WHERE OWNER = :1 AND TABLE_NAME LIKE :2 ORDER BY TABLE_NAME"
)
TABLE_ID = (
    "SELECT OBJECT_ID FROM ALL_OBJECTS WHERE OWNER = :1 AND OBJECT_NAME = :2"
    " AND OBJECT_TYPE IN ('TABLE', 'VIEW') ORDER BY OBJECT_TYPE"
)
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
        index = qualified(plan.schema, identifier(f"IX_{plan.table}", max_bytes=plan.max_bytes))
        over = _names(plan.identity)
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


def drop_table(schema: str, table: str) -> str:
    """Return the DROP of one of our own tables."""
    return f"DROP TABLE {qualified(schema, table)} PURGE"


def _names(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)
