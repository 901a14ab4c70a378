"""Where a DDL runs, and the questions and notes that every DDL has for the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from oracle_emulator.engine import accounts, names
from oracle_emulator.engine.ddl.reader import Name
from oracle_emulator.engine.ddl.statements import ColumnDefinition
from oracle_emulator.engine.errors import error, no_table
from oracle_emulator.engine.interface import Column, OracleError
from oracle_emulator.engine.types import DataType

Run = psycopg.Connection[Any]


@dataclass(slots=True)
class Scene:
    """Where a DDL runs, and the two services of the session that it needs."""

    run: Run
    user: str
    schema: str
    expression: Callable[[str], str]  # an Oracle expression -> PostgreSQL text
    query: Callable[
        [str], tuple[str, Sequence[Column]]
    ]  # an Oracle query -> PostgreSQL text and its columns
    is_connected: Callable[[str], bool]
    named_errors: bool  # whether ORA-00942 names the table

    def resolve(self, name: Name) -> tuple[str, str]:
        """The owner and name that a possibly unqualified name means."""
        return name[0] or self.schema, name[1]

    def missing(self, owner: str, name: str) -> OracleError:
        """ORA-00942 for a table or view that is not there."""
        return no_table(owner, name) if self.named_errors else error(942)


def visible(scene: Scene, owner: str, name: str) -> bool:
    """Whether an object exists and the user holds any privilege on it."""
    row = scene.run.execute(
        "SELECT has_table_privilege($1, c.oid, 'SELECT, INSERT, UPDATE, DELETE') FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $2 AND c.relname = $3",
        [names.physical(scene.user), names.physical(owner), names.physical(name)],
    ).fetchone()
    return row is not None and bool(row[0])


def relation(scene: Scene, owner: str, name: str) -> tuple[int, str] | None:
    """The oid and kind (r, v, S, i) of an object, or None."""
    row = scene.run.execute(
        "SELECT c.oid, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = "
        "c.relnamespace "
        "WHERE n.nspname = $1 AND c.relname = $2",
        [names.physical(owner), names.physical(name)],
    ).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


def may_create(scene: Scene, owner: str, kind: str) -> None:
    """Raise ORA-01031 unless the user may create such an object there; ORA-01918 without it."""
    if owner == scene.user:
        accounts.require(scene.run, scene.user, f"CREATE {kind}", f"CREATE ANY {kind}")
    else:
        accounts.require(scene.run, scene.user, f"CREATE ANY {kind}")
        if not accounts.exists(scene.run, owner):
            raise error(1918, owner)


def may_change(scene: Scene, owner: str, name: str, privilege: str) -> None:
    """Raise ORA-01031 (942 when unseen) unless it is the user's or `privilege` is held."""
    if owner != scene.user and not accounts.has_privilege(scene.run, scene.user, privilege):
        raise error(1031 if visible(scene, owner, name) else 942)


def remember_name(scene: Scene, name: str) -> None:
    """Keep the full form of a name that PostgreSQL would cut."""
    if names.shortened(name):
        scene.run.execute(
            "INSERT INTO ora.long_names VALUES ($1, $2) ON CONFLICT DO NOTHING",
            [names.physical(name), name],
        )


def register_column(
    scene: Scene,
    relid: int,
    number: int,
    name: str,
    kind: DataType,
    column: ColumnDefinition | None = None,
) -> None:
    """Write a column's Oracle type, and the source of its default, into the side catalogue."""
    oracle = kind.oracle
    remember_name(scene, name)
    scene.run.execute(
        "INSERT INTO ora.columns VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
        "ON CONFLICT (relid, attnum) DO UPDATE "
        "SET code = excluded.code, size = excluded.size, precision = excluded.precision, scale = "
        "excluded.scale, "
        "char_semantics = excluded.char_semantics, national = excluded.national, type_name = "
        "excluded.type_name, "
        "default_source = coalesce(excluded.default_source, columns.default_source)",
        [
            relid,
            number,
            int(oracle.code),
            oracle.size,
            oracle.precision,
            oracle.scale,
            oracle.char_semantics,
            oracle.national,
            kind.name,
            column.default if column is not None else None,
            column.identity if column is not None else None,
            column is not None and column.default_on_null,
        ],
    )


def touch(scene: Scene, relid: int) -> None:
    """Note the time of the last DDL on an object."""
    scene.run.execute(
        "UPDATE ora.objects SET last_ddl = date_trunc('second', clock_timestamp() AT TIME ZONE "
        "'UTC') WHERE relid = $1",
        [relid],
    )


def forget(scene: Scene, relid: int) -> None:
    """Remove an object from the side catalogue."""
    scene.run.execute("DELETE FROM ora.columns WHERE relid = $1", [relid])
    scene.run.execute("DELETE FROM ora.objects WHERE relid = $1", [relid])
