"""The statements that remove single rows by key, for a repair; built from names, nothing is run.

Binds are keys, as many as a statement was made for.
"""

from __future__ import annotations

from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql.identifiers import qualified, quoted

#: Keys of one statement; Oracle takes 1,000 expressions in a list.
MOST_KEYS = 500


def count(schema: str, table: str) -> str:
    """Return the query for how many rows a table has."""
    return f"SELECT COUNT(*) FROM {qualified(schema, table)}"


def unwritten(schema: str, table: str, key: str, keys: int) -> str:
    """Return the removal of rows with these keys that no load has written."""
    return f"{rows(schema, table, key, keys)} AND {quoted(plans.BATCHED_AT)} IS NULL"


def rows(schema: str, table: str, key: str, keys: int) -> str:
    """Return the removal of rows with these keys."""
    return f"DELETE FROM {qualified(schema, table)} WHERE {quoted(key)} IN ({_binds(keys)})"


def surplus(schema: str, table: str, key: str, keys: int) -> str:
    """Return the removal of all but one row of each of these keys; binds: the keys, twice."""
    kept = (
        f"SELECT MAX(ROWID) FROM {qualified(schema, table)}"
        f" WHERE {quoted(key)} IN ({_binds(keys, keys + 1)}) GROUP BY {quoted(key)}"
    )
    return f"{rows(schema, table, key, keys)} AND ROWID NOT IN ({kept})"


def mark(schema: str, table: str, key: str, keys: int) -> str:
    """Return the mark of deletion on rows with these keys; binds: now, keys."""
    deleted = quoted(plans.DELETED_AT)
    return (
        f"UPDATE {qualified(schema, table)} SET {deleted} = :1 WHERE {deleted} IS NULL"
        f" AND {quoted(key)} IN ({_binds(keys, 2)})"
    )


def add_key(schema: str, table: str, key: str, constraint: str) -> str:
    """Return the primary key that a table with rows of one key each lacks."""
    return (
        f"ALTER TABLE {qualified(schema, table)} ADD CONSTRAINT {quoted(constraint)}"
        f" PRIMARY KEY ({quoted(key)})"
    )


def _binds(keys: int, first: int = 1) -> str:
    return ", ".join(f":{number}" for number in range(first, first + keys))
