"""What a run takes as a stream: its table is nobody else's, and repeats of its rows are known."""

from __future__ import annotations

from flext_observability import emit
from flext_target_oracle import events
from flext_target_oracle.errors import SchemaRefusedError
from flext_target_oracle.settings import Settings
from flext_target_oracle.sql import identifiers
from flext_target_oracle.sql.plan import StreamSchema


def check_table(source: StreamSchema, tables: dict[str, str], settings: Settings) -> None:
    """Note which table the stream has.

    Args:
        source: the stream.
        tables: the stream of each table so far; gets this one.
        settings: of the target.

    Raises:
        SchemaRefusedError: it has no properties, or another stream has the table.
    """
    if not isinstance(source.schema.get("properties"), dict):
        raise SchemaRefusedError(f"stream {source.stream}: its SCHEMA message has no properties")
    table = identifiers.identifier(settings.table_prefix + source.stream)
    other = tables.setdefault(table, source.stream)
    if other != source.stream:
        raise SchemaRefusedError(
            f"streams {other!r} and {source.stream!r} are both table {table}: rename or"
            " deselect one of them in the tap"
        )


def check_key(source: StreamSchema, settings: Settings, *, is_new: bool) -> None:
    """Warn once of a stream without key.

    Raises:
        SchemaRefusedError: its rows would be repeated, and that was not accepted.
    """
    if source.key_properties:
        return
    if settings.load_method == "append-only" and not settings.append_at_least_once:
        raise SchemaRefusedError(
            f"stream {source.stream} has no key_properties: with load_method append-only a"
            " repeated run would repeat its rows; set append_at_least_once to accept that"
        )
    if is_new:
        emit(events.StreamAppended(source.stream))
