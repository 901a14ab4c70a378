"""Our own tables in the database: made where they are missing, migrated where they are older.

Each step may be repeated; FLEXT_VERSION says which layout is complete (docs/specs/delivery.md §9).
"""

from __future__ import annotations

from flext_target_oracle.connection import Session
from flext_target_oracle.errors import DatabaseError, SchemaRefusedError
from flext_target_oracle.sql import control, statements

#: What a repeated step, or another run that was first, meets: the table or column is there.
_IS_THERE = frozenset({"ORA-00955", "ORA-01430"})
_NO_RIGHT = frozenset({"ORA-01031", "ORA-00942", "ORA-01918"})
_DUPLICATE = "ORA-00001"


def ensure(session: Session, schema: str, *, ddl: bool = True) -> tuple[str, ...]:
    """Make our tables in a schema, or bring them to this program's layout.

    Args:
        session: without a transaction.
        schema: the control schema.
        ddl: whether DDL may be run.

    Returns:
        What must be run first where it may not.

    Raises:
        SchemaRefusedError: the user may not (all the DDL for a DBA is in the message), or a newer
            FLEXT made them.
    """
    version, steps = _look(session, schema)
    if version == control.VERSION and not steps:
        return ()
    if steps and not ddl:
        return tuple(steps)
    _run(session, steps, schema)
    _write_version(session, schema)
    return ()


def needed(session: Session, schema: str) -> list[str]:
    """Return the DDL that `ensure` would run; nothing is written.

    Raises:
        SchemaRefusedError: a newer FLEXT made the tables.
    """
    _, steps = _look(session, schema)
    return steps


def _look(session: Session, schema: str) -> tuple[int, list[str]]:
    """The layout's version, 0 for none, and the steps from there to this program's."""
    what = f"looking for the FLEXT tables in {schema}"
    missing = [
        table
        for table in control.TABLES
        if not session.query(statements.TABLES, [schema, table], what=what)
    ]
    version = 0 if "FLEXT_VERSION" in missing else _version(session, schema)
    if version > control.VERSION:
        raise SchemaRefusedError(
            f"the FLEXT tables in {schema} have version {version}, this program knows"
            f" {control.VERSION}: install the newer FLEXT, or set another control_schema"
        )
    steps = [control.create(schema, table) for table in missing]
    if version == control.VERSION:
        return version, steps
    # A layout without its version row is one whose making stopped somewhere: every step again.
    for table, column in control.added_since(max(version, 1)):
        if table not in missing and not _has(session, schema, table, column, what):
            steps.append(control.add_column(schema, table, column))
    return version, steps


def _has(session: Session, schema: str, table: str, column: str, what: str) -> bool:
    name = column.split('"')[1]
    found = session.query(statements.COLUMNS, [schema, table], what=what)
    return name in {str(row[0]) for row in found}


def _version(session: Session, schema: str) -> int:
    what = f"reading the version of the FLEXT tables in {schema}"
    rows = session.query(control.read_version(schema), [control.COMPONENT], what=what)
    return int(rows[0][0]) if rows else 0


def _run(session: Session, ddl: list[str], schema: str) -> None:
    for position, statement in enumerate(ddl):
        try:
            session.execute(statement, what=f"making the FLEXT tables in {schema}")
        except DatabaseError as error:
            if error.code in _IS_THERE:
                continue
            if error.code in _NO_RIGHT:
                rest = ";\n".join(ddl[position:])
                raise SchemaRefusedError(f"{error}. For a DBA to run:\n{rest};") from error
            raise


def _write_version(session: Session, schema: str) -> None:
    what = f"writing the version of the FLEXT tables in {schema}"
    binds = [control.VERSION, control.COMPONENT, control.VERSION]
    if session.execute(control.update_version(schema), binds, what=what, commit=True):
        return
    try:
        session.execute(
            control.insert_version(schema),
            [control.COMPONENT, control.VERSION],
            what=what,
            commit=True,
        )
    except DatabaseError as error:
        if error.code != _DUPLICATE:  # another run wrote it
            raise
        session.rollback()
