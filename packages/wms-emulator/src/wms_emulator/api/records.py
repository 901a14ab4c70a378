"""Stored record texts as JSON for one client: links completed, fields chosen."""

from collections.abc import Sequence

import msgspec

from wms_emulator.api.context import entity_url
from wms_emulator.api.errors import invalid
from wms_emulator.messages import Request
from wms_emulator.records import URL_MARK_BYTES, named
from wms_emulator.schema.model import Entity


def chosen_fields(request: Request, entity: Entity) -> frozenset[str] | None:
    """The names in `fields`, or None for all.

    Raises:
        ApiError: a name that is no field.
    """
    if "fields" not in request.query:
        return None
    names = frozenset(filter(None, request.query["fields"].split(",")))
    for name in sorted(names - {"url"} - set(entity.by_name)):
        raise invalid("fields", f"no field {name!r} in {entity.name}")
    return names


def joined(
    request: Request, entity: Entity, bodies: Sequence[bytes], fields: frozenset[str] | None
) -> bytes:
    """Record texts as the inside of a JSON array."""
    text = named(entity, b",".join(bodies)).replace(URL_MARK_BYTES, entity_url(request).encode())
    if fields is None:
        return text
    records = msgspec.json.decode(b"[" + text + b"]")
    kept = [{name: value for name, value in record.items() if name in fields} for record in records]
    return msgspec.json.encode(kept)[1:-1]
