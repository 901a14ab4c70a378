"""Reads what the database says of itself, and makes what is missing: our own tables and staging.

Every DDL is safe to repeat: what another session made first is taken as made.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import datetime

from flext_target_oracle.connection import Session
from flext_target_oracle.errors import DatabaseError, SchemaRefusedError
from flext_target_oracle.sql import control, staging, statements, types
from flext_target_oracle.sql.plan import Existing, TablePlan

_EXISTS = "ORA-00955"
_NO_RIGHT = frozenset({"ORA-01031", "ORA-00942", "ORA-01918"})
_COLUMN_FIELDS = (
    "COLUMN_NAME", "DATA_TYPE", "DATA_LENGTH", "CHAR_LENGTH", "CHAR_USED", "DATA_PRECISION",
    "DATA_SCALE", "NULLABLE", "COLUMN_ID",
)  # fmt: skip
#: Python's names of the character sets that cannot hold every character.
_CODECS = {
    "AL32UTF8": None,
    "UTF8": None,
    "US7ASCII": "ascii",
    "WE8ISO8859P1": "latin-1",
    "WE8ISO8859P15": "iso8859-15",
    "WE8MSWIN1252": "cp1252",
    "EE8ISO8859P2": "iso8859-2",
    "EE8MSWIN1250": "cp1250",
    "CL8MSWIN1251": "cp1251",
}


def codec(session: Session) -> str | None:
    """Return Python's name of the database's character set; None where it holds every character.

    Raises:
        DatabaseError: it is one whose characters we cannot check.
    """
    rows = session.query(statements.CHARSET, what="reading the database's character set")
    name = str(rows[0][0]) if rows else ""
    if name not in _CODECS:
        raise DatabaseError(
            f"the database's character set {name!r} is not supported: texts could change silently"
        )
    return _CODECS[name]


def current_user(session: Session) -> str:
    """Return the schema that the session is logged on to."""
    return str(session.query(statements.WHO, what="asking who is logged on")[0][0])


def clock(session: Session) -> datetime:
    """Return the database's time, in UTC without a zone."""
    found: datetime = session.query(control.DATABASE_TIME, what="asking for the database's time")[
        0
    ][0]
    return found


def table_id(session: Session, schema: str, table: str) -> int | None:
    """Return what tells the table from a later one of its name; None if there is none."""
    what = f"looking for {schema}.{table}"
    rows = session.query(statements.TABLE_ID, [schema, table], what=what)
    return int(rows[0][0]) if rows else None


def read_table(session: Session, schema: str, table: str) -> Existing | None:
    """Return what the catalogue says of a table, None if it says nothing."""
    what = f"reading the catalogue for {schema}.{table}"
    found = session.query(statements.COLUMNS, [schema, table], what=what)
    if not found:
        return None
    columns = {}
    for row in found:
        fields = dict(zip(_COLUMN_FIELDS, row, strict=True))
        columns[str(fields["COLUMN_NAME"])] = types.from_catalogue(fields)
    keys: dict[str, set[str]] = {}
    for name, _, column, _ in session.query(statements.CONSTRAINTS, [schema, table], what=what):
        keys.setdefault(str(name), set()).add(str(column))
    return Existing(columns, tuple(frozenset(names) for names in keys.values()))


def run_ddl(session: Session, sql: Sequence[str], *, what: str) -> None:
    """Carry statements out one after another.

    Raises:
        SchemaRefusedError: the user has no right to; the message holds the DDL for a DBA.
        DatabaseError: anything else.
    """
    for position, statement in enumerate(sql):
        try:
            session.execute(statement, what=what)
        except DatabaseError as error:
            if error.code not in _NO_RIGHT:
                raise
            rest = ";\n".join(sql[position:])
            raise SchemaRefusedError(f"{error}. For a DBA to run:\n{rest};") from error
    session.commit()  # what among them is not DDL


def exists(session: Session, schema: str, table: str) -> bool:
    """Return whether one of our own tables is there."""
    what = f"looking for {schema}.{table}"
    return bool(session.query(statements.TABLES, [schema, table], what=what))


def missing_staging(session: Session, plan: TablePlan, control_schema: str) -> list[str]:
    """Return the DDL of the stream's staging table unless it is there."""
    if exists(session, control_schema, plan.staging_table):
        return []
    return [staging.create_private(plan, control_schema)]


def ensure_staging(session: Session, plan: TablePlan, control_schema: str) -> None:
    """Make the stream's staging table unless it is there."""
    what = f"stream {plan.stream}: making its staging table"
    for sql in missing_staging(session, plan, control_schema):
        create_once(session, sql, what=what)


def tables_like(session: Session, schema: str, prefix: str, kept: Container[str]) -> list[str]:
    """Return the names of our own tables that begin so, but some."""
    what = f"looking for {schema}.{prefix}…"
    found = session.query(statements.TABLES_LIKE, [schema, prefix + "%"], what=what)
    return [str(name) for (name,) in found if name not in kept]


def drop_tables(session: Session, schema: str, names: Iterable[str]) -> None:
    """Drop our own tables; those that are gone meanwhile are gone."""
    for name in names:
        what = f"dropping {schema}.{name}"
        try:
            session.execute(statements.drop_table(schema, name), what=what)
        except DatabaseError as error:
            if error.code != "ORA-00942":
                raise


def create_once(session: Session, sql: str, *, what: str) -> None:
    """Make one of our own tables, unless another session did meanwhile."""
    try:
        run_ddl(session, [sql], what=what)
    except DatabaseError as error:
        if error.code != _EXISTS:
            raise
