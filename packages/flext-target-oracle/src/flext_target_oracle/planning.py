"""What a run would make in the database for some SCHEMA messages: the DDL, and nothing is run.

By the same rules as a run, in its order; what a run would refuse is refused here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flext_target_oracle import (
    admission,
    catalogue,
    control_tables,
    messages,
    preparing,
    staging,
)
from flext_target_oracle.connection import Database, Session
from flext_target_oracle.errors import SchemaRefusedError
from flext_target_oracle.settings import Settings
from flext_target_oracle.sql import staging as sql
from flext_target_oracle.sql.plan import TablePlan


@dataclass(frozen=True, slots=True)
class Needed:
    """What one stream needs.

    Attributes:
        stream: as the SCHEMA message names it; empty for our own tables.
        table: SCHEMA.TABLE, or the control schema.
        ddl: the statements in their order; none where all is there.
        refused: why a run would refuse the stream; None if it would not.
    """

    stream: str
    table: str
    ddl: tuple[str, ...] = ()
    refused: str | None = None


def needed(
    database: Database, settings: Settings, schemas: Iterable[bytes], *, scope: str
) -> Iterator[Needed]:
    """Yield what our own tables need, then what each stream does.

    Args:
        database: is read.
        settings: of the target.
        schemas: SCHEMA messages, each a line.
        scope: of the run, which the names of staging tables for direct path follow from.

    Raises:
        InputError: one is no SCHEMA message.
        DatabaseError: the database cannot be reached or refuses.
    """
    with database.session("plan") as session:
        user = catalogue.current_user(session)
        control = settings.control_schema or user
        limit = database.max_identifier_bytes
        yield Needed("", control, tuple(control_tables.needed(session, control)))
        tables: dict[str, str] = {}
        for line in schemas:
            source = messages.stream_schema(
                messages.parse(line), replication_key=settings.replication_key
            )
            label = f"{settings.target_schema}.{settings.table_prefix}{source.stream}".upper()
            try:
                admission.check_table(source, tables, settings)
                admission.check_key(source, settings, is_new=True)
                wanted = preparing.wanted(source, settings, limit)
                label = wanted.label
                plan, ddl = preparing.needed(session, wanted, control)
                if control == user:
                    ddl += _direct(session, settings, plan, control, scope)
            except SchemaRefusedError as error:
                yield Needed(source.stream, label, refused=str(error))
            else:
                yield Needed(source.stream, label, tuple(ddl))


def _direct(
    session: Session, settings: Settings, plan: TablePlan, control: str, scope: str
) -> list[str]:
    """The plain staging tables that are not there."""
    return [
        sql.create_plain(plan, control, table)
        for table in staging.direct_tables(settings, plan, plan.label, scope)
        if not catalogue.exists(session, control, table)
    ]
