"""Carries out DDL.

PostgreSQL's DDL and the side catalogue, in one transaction that the session opened.

Runs as PostgreSQL's superuser; whether the user may is checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg

from oracle_emulator.engine import accounts, names
from oracle_emulator.engine.ddl import alteration, defaults, synonyms
from oracle_emulator.engine.ddl.scene import (
    Scene,
    forget,
    may_change,
    may_create,
    register_column,
    relation,
    remember_name,
    touch,
    visible,
)
from oracle_emulator.engine.ddl.statements import (
    AlterTable,
    ByHand,
    ColumnDefinition,
    Comment,
    Constraint,
    CreateIndex,
    CreateSequence,
    CreateSynonym,
    CreateTable,
    CreateUser,
    CreateView,
    Drop,
    DropSynonym,
    DropUser,
    Grant,
    Nothing,
    Rename,
    Truncate,
)
from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.interface import TypeCode
from oracle_emulator.engine.types import DataType

MAX_COLUMNS = 1000
SEQUENCE_LIMIT = 2**63 - 1


def execute(statement: ByHand, scene: Scene) -> None:
    """Carry out a DDL statement. Raises OracleError."""
    if _already_so(statement, scene):
        return
    handler = _HANDLERS.get(type(statement))
    if handler is None:
        raise unsupported(type(statement).__name__)
    handler(statement, scene)


def _already_so(statement: ByHand, scene: Scene) -> bool:
    """Whether IF [NOT] EXISTS leaves nothing to do."""
    if not getattr(statement, "quietly", False):
        return False
    match statement:
        case CreateUser():
            return accounts.exists(scene.run, statement.name)
        case DropUser():
            return not accounts.exists(scene.run, statement.name)
        case CreateTable() | CreateIndex() | CreateView() | CreateSequence():
            return relation(scene, *scene.resolve(statement.name)) is not None
        case Drop():
            found = relation(scene, *scene.resolve(statement.name))
            return found is None or found[1] != _DROPPED[statement.kind][0]
        case _:
            return False  # synonyms look for themselves


def _rename(statement: Rename, scene: Scene) -> None:
    alteration.rename(scene, (scene.schema, statement.old), statement.new)


def _user(statement: CreateUser, scene: Scene) -> None:
    if not (statement.alter and statement.name == scene.user and not statement.quotas):
        accounts.require(scene.run, scene.user, "ALTER USER" if statement.alter else "CREATE USER")
    accounts.create(scene.run, statement)


def _drop_user(statement: DropUser, scene: Scene) -> None:
    accounts.require(scene.run, scene.user, "DROP USER")
    if scene.is_connected(statement.name):
        raise error(1940)
    accounts.drop(scene.run, statement)


def _grant(statement: Grant, scene: Scene) -> None:
    if statement.on is None:
        accounts.grant_system(scene.run, statement, scene.user)
        return
    owner, name = scene.resolve(statement.on)
    may = owner == scene.user or accounts.has_privilege(
        scene.run, scene.user, "GRANT ANY OBJECT PRIVILEGE"
    )
    if not may:
        raise error(1031) if visible(scene, owner, name) else scene.missing(owner, name)
    accounts.grant_object(scene.run, statement, owner, name)


def _nothing(_statement: Nothing, scene: Scene) -> None:
    accounts.require(scene.run, scene.user, "ALTER SYSTEM")


def _new_name(scene: Scene, owner: str, name: str) -> None:
    if relation(scene, owner, name) is not None:
        raise error(955)
    remember_name(scene, name)


def _create_table(statement: CreateTable, scene: Scene) -> None:
    owner, name = scene.resolve(statement.name)
    may_create(scene, owner, "TABLE")
    _new_name(scene, owner, name)
    query = ""
    if statement.query is not None:
        query = _columns_of_query(statement, scene)
    _check_columns(statement)
    pieces = [alteration.column_sql(scene, owner, name, column) for column in statement.columns]
    scene.run.execute(f"CREATE TABLE {names.quote(owner, name)} ({', '.join(pieces)})")
    found = relation(scene, owner, name)
    if found is None:
        raise error(942)
    scene.run.execute(
        "INSERT INTO ora.objects (relid, duration) VALUES ($1, $2)", [found[0], statement.duration]
    )
    own = names.quote(owner)
    scene.run.execute(f"ALTER TABLE {names.quote(owner, name)} OWNER TO {own}")
    for number, column in enumerate(statement.columns, start=1):
        if column.type is not None:
            register_column(scene, found[0], number, column.name, column.type, column)
        defaults.settle(scene, owner, name, column)
    for constraint in _all_constraints(statement.columns, statement.constraints):
        alteration.add_constraint(scene, owner, name, constraint)
    if query:
        scene.run.execute(f"INSERT INTO {names.quote(owner, name)} {query}")


def _check_columns(statement: CreateTable) -> None:
    listed = [column.name for column in statement.columns]
    if len(set(listed)) != len(listed):
        raise error(957)
    if len(listed) > MAX_COLUMNS:
        raise error(1792)
    if sum(1 for column in statement.columns if column.identity) > 1:
        raise error(30669)
    longs = (column for column in statement.columns if column.type and _is_long(column.type))
    if sum(1 for _ in longs) > 1:
        raise error(1754)
    if statement.duration is not None and any(c.default_on_null for c in statement.columns):
        raise unsupported("DEFAULT ON NULL in a temporary table")


def _is_long(kind: DataType) -> bool:
    return kind.oracle.code in {TypeCode.LONG, TypeCode.LONG_RAW}


def _all_constraints(
    columns: Sequence[ColumnDefinition], constraints: Sequence[Constraint]
) -> list[Constraint]:
    found = [constraint for column in columns for constraint in column.constraints] + list(
        constraints
    )
    if sum(1 for constraint in found if constraint.kind == "P") > 1:
        raise error(2260)
    return found


def _columns_of_query(statement: CreateTable, scene: Scene) -> str:
    """CREATE TABLE AS.

    The columns are those of the query, under the given names if there are any.
    """
    sql, described = scene.query(statement.query or "")
    if statement.columns and len(statement.columns) != len(described):
        raise error(1730)
    given = [column.name for column in statement.columns] or [column.name for column in described]
    statement.columns = [
        ColumnDefinition(name, alteration.type_of(column.type), nullable=column.nullable or None)
        for name, column in zip(given, described, strict=True)
    ]
    return sql


def _create_index(statement: CreateIndex, scene: Scene) -> None:
    owner, name = scene.resolve(statement.name)
    table_owner, table = scene.resolve(statement.table)
    if relation(scene, table_owner, table) is None:
        raise scene.missing(table_owner, table)
    if table_owner != scene.user or owner != scene.user:
        may_change(scene, table_owner, table, "CREATE ANY INDEX")
    if owner != table_owner:
        raise unsupported("an index in another schema than its table")
    _new_name(scene, owner, name)
    parts = [
        f"({scene.expression(text)}){' DESC' if down else ''}" for text, down in statement.columns
    ]
    unique = "UNIQUE " if statement.unique else ""
    try:
        scene.run.execute(
            f"CREATE {unique}INDEX {names.quote(name)} ON {names.quote(owner, table)} "
            f"({', '.join(parts)})"
        )
    except psycopg.errors.UniqueViolation as duplicates:
        raise error(1452) from duplicates
    found = relation(scene, owner, name)
    if found is not None:
        scene.run.execute("INSERT INTO ora.objects (relid) VALUES ($1)", [found[0]])


def _create_view(statement: CreateView, scene: Scene) -> None:
    owner, name = scene.resolve(statement.name)
    may_create(scene, owner, "VIEW")
    existing = relation(scene, owner, name)
    if existing is not None:
        if not statement.replace or existing[1] != "v":
            raise error(955)
        forget(scene, existing[0])
        scene.run.execute(f"DROP VIEW {names.quote(owner, name)}")
    sql, described = scene.query(statement.query)
    given = statement.columns or [column.name for column in described]
    if len(given) != len(described):
        raise error(1730)
    for column_name in [name, *given]:
        remember_name(scene, column_name)
    listed = ", ".join(names.quote(column) for column in given)
    scene.run.execute(f"CREATE VIEW {names.quote(owner, name)} ({listed}) AS {sql}")
    scene.run.execute(f"ALTER VIEW {names.quote(owner, name)} OWNER TO {names.quote(owner)}")
    found = relation(scene, owner, name)
    if found is None:
        raise error(942)
    scene.run.execute(
        "INSERT INTO ora.objects (relid, source) VALUES ($1, $2)", [found[0], statement.query]
    )
    for number, column in enumerate(described, start=1):
        register_column(scene, found[0], number, given[number - 1], alteration.type_of(column.type))


def _create_sequence(statement: CreateSequence, scene: Scene) -> None:
    owner, name = scene.resolve(statement.name)
    may_create(scene, owner, "SEQUENCE")
    _new_name(scene, owner, name)
    options = [f"INCREMENT BY {statement.increment}"]
    if statement.minimum is not None:
        options.append(f"MINVALUE {max(statement.minimum, -SEQUENCE_LIMIT)}")
    if statement.maximum is not None:
        options.append(f"MAXVALUE {min(statement.maximum, SEQUENCE_LIMIT)}")
    if statement.start is not None:
        options.append(f"START WITH {statement.start}")
    if statement.cycle:
        options.append("CYCLE")
    scene.run.execute(f"CREATE SEQUENCE {names.quote(owner, name)} {' '.join(options)}")
    scene.run.execute(f"ALTER SEQUENCE {names.quote(owner, name)} OWNER TO {names.quote(owner)}")
    found = relation(scene, owner, name)
    if found is not None:
        scene.run.execute("INSERT INTO ora.objects (relid) VALUES ($1)", [found[0]])


_DROPPED = {"TABLE": ("r", 942), "VIEW": ("v", 942), "SEQUENCE": ("S", 2289), "INDEX": ("i", 1418)}


def _drop(statement: Drop, scene: Scene) -> None:
    owner, name = scene.resolve(statement.name)
    letter, missing = _DROPPED[statement.kind]
    found = relation(scene, owner, name)
    if found is None or found[1] != letter:
        raise scene.missing(owner, name) if missing == 942 else error(missing)
    may_change(
        scene, owner, name, f"DROP ANY {'TABLE' if statement.kind == 'VIEW' else statement.kind}"
    )
    if statement.kind == "TABLE" and not statement.cascade and _is_referenced(scene, found[0]):
        raise error(2449)
    cascade = " CASCADE" if statement.kind == "TABLE" else ""
    scene.run.execute(f"DROP {statement.kind} {names.quote(owner, name)}{cascade}")
    forget(scene, found[0])


def _is_referenced(scene: Scene, relid: int) -> bool:
    row = scene.run.execute(
        "SELECT 1 FROM pg_constraint WHERE contype = 'f' AND confrelid = $1 AND conrelid <> $1 "
        "LIMIT 1",
        [relid],
    ).fetchone()
    return row is not None


def _truncate(statement: Truncate, scene: Scene) -> None:
    owner, name = scene.resolve(statement.name)
    found = relation(scene, owner, name)
    if found is None or found[1] != "r":
        raise scene.missing(owner, name)
    may_change(scene, owner, name, "DROP ANY TABLE")
    if _is_referenced(scene, found[0]):
        raise error(2266)
    scene.run.execute(f"TRUNCATE TABLE {names.quote(owner, name)}")
    touch(scene, found[0])


def _comment(statement: Comment, scene: Scene) -> None:
    owner, name = scene.resolve(statement.table)
    found = relation(scene, owner, name)
    if found is None:
        raise scene.missing(owner, name)
    may_change(scene, owner, name, "COMMENT ANY TABLE")
    what = "VIEW" if found[1] == "v" else "TABLE"
    target = f"{what} {names.quote(owner, name)}"
    if statement.column is not None:
        target = f"COLUMN {names.quote(owner, name, statement.column)}"
    scene.run.execute(f"COMMENT ON {target} IS {names.literal(statement.text)}")


_HANDLERS: Mapping[type[ByHand], Callable[[Any, Scene], None]] = {
    CreateTable: _create_table,
    AlterTable: alteration.alter,
    CreateIndex: _create_index,
    CreateView: _create_view,
    CreateSequence: _create_sequence,
    CreateSynonym: synonyms.create,
    DropSynonym: synonyms.drop,
    Drop: _drop,
    Truncate: _truncate,
    Comment: _comment,
    Rename: _rename,
    CreateUser: _user,
    DropUser: _drop_user,
    Grant: _grant,
    Nothing: _nothing,
}
