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
)
from flext_target_oracle.connection import Database
from flext_target_oracle.errors import SchemaRefusedError
from flext_target_oracle.settings import Settings


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


def needed(database: Database, settings: Settings, schemas: Iterable[bytes]) -> Iterator[Needed]:
    """Yield what our own tables need, then what each stream does.

    Args:
        database: is read.
        settings: of the target.
        schemas: SCHEMA messages, each a line.

    Raises:
        InputError: one is no SCHEMA message.
        DatabaseError: the database cannot be reached or refuses.
    """
    with database.session("plan") as session:
        control = settings.control_schema or catalogue.current_user(session)
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
                _, ddl = preparing.needed(session, wanted, control)
            except SchemaRefusedError as error:
                yield Needed(source.stream, label, refused=str(error))
            else:
                yield Needed(source.stream, label, tuple(ddl))
