"""Carries out DDL.

PostgreSQL's DDL and the side catalogue, in one transaction that the session opened.

Runs as PostgreSQL's superuser; whether the user may is checked here.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from oracle_emulator.engine import accounts, names
from oracle_emulator.engine.ddl import alteration
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
    CreateTable,
    CreateUser,
    CreateView,
    Drop,
    DropUser,
    Grant,
    Nothing,
    Rename,
    Truncate,
)
from oracle_emulator.engine.errors import error, unsupported

MAX_COLUMNS = 1000
SEQUENCE_LIMIT = 2**63 - 1


def execute(statement: ByHand, scene: Scene) -> None:
    """Carry out a DDL statement. Raises OracleError."""
    match statement:
        case CreateTable():
            _create_table(statement, scene)
        case AlterTable():
            alteration.alter(statement, scene)
        case CreateIndex():
            _create_index(statement, scene)
        case CreateView():
            _create_view(statement, scene)
        case CreateSequence():
            _create_sequence(statement, scene)
        case Drop():
            _drop(statement, scene)
        case Truncate():
            _truncate(statement, scene)
        case Comment():
            _comment(statement, scene)
        case Rename():
            alteration.rename(scene, (scene.schema, statement.old), statement.new)
        case _:
            _account(statement, scene)


def _account(statement: ByHand, scene: Scene) -> None:
    match statement:
        case CreateUser():
            if not (statement.alter and statement.name == scene.user and not statement.quotas):
                accounts.require(
                    scene.run, scene.user, "ALTER USER" if statement.alter else "CREATE USER"
                )
            accounts.create(scene.run, statement)
        case DropUser():
            accounts.require(scene.run, scene.user, "DROP USER")
            if scene.is_connected(statement.name):
                raise error(1940)
            accounts.drop(scene.run, statement)
        case Grant() if statement.on is None:
            accounts.grant_system(scene.run, statement, scene.user)
        case Grant() if statement.on is not None:
            owner, name = scene.resolve(statement.on)
            if owner != scene.user and not accounts.has_privilege(
                scene.run, scene.user, "GRANT ANY OBJECT PRIVILEGE"
            ):
                raise error(942 if not visible(scene, owner, name) else 1031)
            accounts.grant_object(scene.run, statement, owner, name)
        case Nothing():
            accounts.require(scene.run, scene.user, "ALTER SYSTEM")
        case _:
            raise unsupported(type(statement).__name__)


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
    listed = [column.name for column in statement.columns]
    if len(set(listed)) != len(listed):
        raise error(957)
    if len(listed) > MAX_COLUMNS:
        raise error(1792)
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
            register_column(scene, found[0], number, column.name, column.type, column.default)
    for constraint in _all_constraints(statement.columns, statement.constraints):
        alteration.add_constraint(scene, owner, name, constraint)
    if query:
        scene.run.execute(f"INSERT INTO {names.quote(owner, name)} {query}")


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
        raise error(942)
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
        raise error(missing)
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
        raise error(942)
    may_change(scene, owner, name, "DROP ANY TABLE")
    if _is_referenced(scene, found[0]):
        raise error(2266)
    scene.run.execute(f"TRUNCATE TABLE {names.quote(owner, name)}")
    touch(scene, found[0])


def _comment(statement: Comment, scene: Scene) -> None:
    owner, name = scene.resolve(statement.table)
    found = relation(scene, owner, name)
    if found is None:
        raise error(942)
    may_change(scene, owner, name, "COMMENT ANY TABLE")
    what = "VIEW" if found[1] == "v" else "TABLE"
    target = f"{what} {names.quote(owner, name)}"
    if statement.column is not None:
        target = f"COLUMN {names.quote(owner, name, statement.column)}"
    scene.run.execute(f"COMMENT ON {target} IS {names.literal(statement.text)}")
