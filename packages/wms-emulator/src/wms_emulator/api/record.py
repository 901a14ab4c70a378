"""GET /entity/{entity}/{id}/: one record without an envelope."""

import msgspec

from wms_emulator.api.context import Context
from wms_emulator.api.errors import invalid, not_emulated, not_found
from wms_emulator.api.records import chosen_fields, joined
from wms_emulator.messages import Request, Response
from wms_emulator.query.values import instant_us
from wms_emulator.schema.model import Entity
from wms_emulator.store.rows import body_of


def handle(context: Context, request: Request, entity: Entity, id_text: str) -> Response:
    """One record; Last-Modified (ISO-8601 in the user's zone) where the entity tracks it.

    Raises:
        ApiError: no such record, or a query key other than `fields` and `format`.
    """
    for key, value in request.query.items():
        if key == "values_list" or (key == "format" and value != "json"):
            raise not_emulated(key)
        if key not in {"fields", "format"}:
            raise invalid(key, "not allowed for a single record")
    if not entity.has_id or not id_text.isascii() or not id_text.isdigit() or len(id_text) > 18:
        raise not_found()
    body = body_of(context.database, entity, int(id_text))
    if body is None:
        raise not_found()
    if not entity.has_mod_ts:
        return Response(200, joined(request, [body], chosen_fields(request, entity)))
    modified = str(msgspec.json.decode(body)["mod_ts"])
    if request.method == "HEAD" and _unmodified(context, request, modified):
        return Response(304, headers=[("Last-Modified", modified)])
    response = Response(200, joined(request, [body], chosen_fields(request, entity)))
    response.headers.append(("Last-Modified", modified))
    return response


def _unmodified(context: Context, request: Request, modified: str) -> bool:
    """Whether If-Modified-Since (ISO-8601 here) is not before the record's mod_ts."""
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return instant_us(modified, context.user.zone) <= instant_us(since, context.user.zone)
    except ValueError as error:
        raise invalid("If-Modified-Since", str(error)) from error
