"""The DDL of a stream: its table and staging made as the plan needs them, columns made CLOBs.

What the statements are is in `sql`; when they may run is the loader's to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from flext_observability import emit
from flext_target_oracle import catalogue, events
from flext_target_oracle.connection import Session
from flext_target_oracle.errors import DatabaseError, SchemaRefusedError
from flext_target_oracle.settings import Settings
from flext_target_oracle.sql import identifiers, statements, types
from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql.plan import StreamSchema, TablePlan

#: What a run meets that makes a table or column while another one does.
_MADE_MEANWHILE = frozenset({"ORA-00955", "ORA-01430"})


def wanted(source: StreamSchema, settings: Settings, max_bytes: int) -> TablePlan:
    """Return the plan of the stream's table as the settings want it.

    Raises:
        SchemaRefusedError: no table can hold the stream.
    """
    return plans.wanted(
        source,
        schema=settings.target_schema,
        table=identifiers.identifier(settings.table_prefix + source.stream, max_bytes=max_bytes),
        append=settings.load_method == "append-only" or not source.key_properties,
        metadata=settings.add_record_metadata,
        extras=settings.extras,
        guarded=settings.keep_newer,
        choices=types.Choices(
            sized=settings.size_by_max_length,
            plain_numbers=settings.inexact_number == "number",
            zoned=settings.timestamp_with_time_zone,
        ),
        max_bytes=max_bytes,
    )


def make_table(session: Session, table: TablePlan, control_schema: str) -> tuple[TablePlan, int]:
    """Make the table and its staging as wanted; return the plan as it is and how many DDL it took.

    Raises:
        SchemaRefusedError: the table cannot hold the stream, or the user may not make it.
        DatabaseError: the database refuses.
    """
    what = f"stream {table.stream}: making {table.label}"
    is_second = False
    while True:
        existing = catalogue.read_table(session, table.schema, table.table)
        plan, changes = plans.settle(table, existing)
        ddl = [sql for change in changes for sql in statements.ddl(table, change)]
        try:
            catalogue.run_ddl(session, ddl, what=what)
        except DatabaseError as error:
            if is_second or error.code not in _MADE_MEANWHILE:
                raise
            is_second = True
            continue
        catalogue.ensure_staging(session, plan, control_schema)
        return plan, len(ddl)


def needed(session: Session, table: TablePlan, control_schema: str) -> tuple[TablePlan, list[str]]:
    """Return the plan as it would be, and the DDL that `make_table` would run.

    Raises:
        SchemaRefusedError: the table cannot hold the stream.
    """
    existing = catalogue.read_table(session, table.schema, table.table)
    plan, changes = plans.settle(table, existing)
    ddl = [sql for change in changes for sql in statements.ddl(table, change)]
    return plan, [*ddl, *catalogue.missing_staging(session, plan, control_schema)]


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
