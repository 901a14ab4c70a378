"""The DDL of a stream: its table and staging made as the plan needs them, columns made CLOBs.

What the statements are is in `sql`; when they may run is the loader's to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from flext_observability import emit
from flext_target_oracle import catalogue, events
from flext_target_oracle.connection import Session
from flext_target_oracle.errors import DatabaseError, SchemaRefusedError
from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql import statements
from flext_target_oracle.sql.plan import TablePlan

#: What a run meets that makes a table or column while another one does.
_MADE_MEANWHILE = frozenset({"ORA-00955", "ORA-01430"})


def make_table(session: Session, wanted: TablePlan, control_schema: str) -> tuple[TablePlan, int]:
    """Make the table and its staging as wanted; return the plan as it is and how many DDL it took.

    Raises:
        SchemaRefusedError: the table cannot hold the stream, or the user may not make it.
        DatabaseError: the database refuses.
    """
    what = f"stream {wanted.stream}: making {wanted.label}"
    is_second = False
    while True:
        existing = catalogue.read_table(session, wanted.schema, wanted.table)
        plan, changes = plans.settle(wanted, existing)
        ddl = [sql for change in changes for sql in statements.ddl(wanted, change)]
        try:
            catalogue.run_ddl(session, ddl, what=what)
        except DatabaseError as error:
            if is_second or error.code not in _MADE_MEANWHILE:
                raise
            is_second = True
            continue
        catalogue.ensure_staging(session, plan, control_schema)
        return plan, len(ddl)


def needed(session: Session, wanted: TablePlan, control_schema: str) -> list[str]:
    """Return the DDL that `make_table` would run.

    Raises:
        SchemaRefusedError: the table cannot hold the stream.
    """
    existing = catalogue.read_table(session, wanted.schema, wanted.table)
    plan, changes = plans.settle(wanted, existing)
    ddl = [sql for change in changes for sql in statements.ddl(wanted, change)]
    return [*ddl, *catalogue.missing_staging(session, plan, control_schema)]


def leave_to_dba(stream: str, ddl: Sequence[str]) -> None:
    """Stop where DDL is needed that the setting leaves to a DBA, and show all of it.

    Raises:
        SchemaRefusedError: there is some.
    """
    if not ddl:
        return
    text = ";\n".join(ddl) + ";"
    emit(events.DdlNeeded(stream, text))
    raise SchemaRefusedError(
        f"stream {stream}: setting ddl is off, and a DBA must run first (other streams may need"
        f" more, run again to see):\n{text}"
    )


def widen(
    session: Session, plan: TablePlan, columns: Sequence[str], control_schema: str
) -> TablePlan:
    """Make CLOBs of VARCHAR2 columns; return the plan as it is then. No one else writes the table.

    Raises:
        DatabaseError: the database refuses; begun again it goes on where it stopped.
    """
    what = f"stream {plan.stream}: making a CLOB of "
    # Where an earlier try stopped between two steps, the catalogue says so.
    existing = catalogue.read_table(session, plan.schema, plan.table)
    plan, changes = plans.settle(plan, existing)
    for change in changes:
        catalogue.run_ddl(session, statements.ddl(plan, change), what=what + "a column")
    narrow = {column.name for column in plan.columns if column.type.name == "VARCHAR2"}
    for name in columns:
        if name in narrow:
            catalogue.run_ddl(session, statements.column_to_clob(plan, name), what=what + name)
            emit(events.ColumnWidened(plan.stream, name))
    plan = plans.to_clob(plan, columns)
    catalogue.ensure_staging(session, plan, control_schema)
    return plan
