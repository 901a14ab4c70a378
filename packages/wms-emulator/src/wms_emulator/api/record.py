"""GET /entity/{entity}/{id}/: one record without an envelope."""

import msgspec

from wms_emulator.api.context import Context
from wms_emulator.api.errors import invalid, not_emulated, not_found
from wms_emulator.api.listing import flat_rows
from wms_emulator.api.records import chosen_fields, joined
from wms_emulator.messages import Request, Response, json_response
from wms_emulator.query.eligible import eligible
from wms_emulator.query.filters import Condition
from wms_emulator.query.flat import parse_values_list
from wms_emulator.query.values import instant_us
from wms_emulator.schema.model import Entity
from wms_emulator.store.rows import columns, select

_MOST_DIGITS = 18


def handle(context: Context, request: Request, entity: Entity, id_text: str) -> Response:
    """One record; Last-Modified (ISO-8601 in the user's zone) where the entity tracks it.

    Raises:
        ApiError: no such record, or one that the account may not see, or a query key other than
            `fields`, `values_list` and `format`.
        QueryError: a values_list that does not fit.
    """
    for key, value in request.query.items():
        if key == "format" and value != "json":
            raise not_emulated(f"format={value}")
        if key not in {"fields", "format", "values_list"}:
            raise invalid(key, "not allowed for a single record")
    fields = chosen_fields(request, entity)
    where = _reached(context, entity, id_text)
    found = select(context.database, entity, "0", where.where, where.parameters)
    if not found:
        raise not_found()
    body = found[0][0]
    if "values_list" in request.query:
        flat = parse_values_list(context.entities, entity, request.query["values_list"])
        expressions = [column.expression.sql for column in flat]
        rows = columns(context.database, entity, expressions, where.where, where.parameters)
        response = json_response(200, flat_rows(flat, rows, context.user.zone)[0])
    else:
        response = Response(200, joined(request, entity, [body], fields))
    if not entity.has_mod_ts:
        return response
    modified = str(msgspec.json.decode(body)["mod_ts"])
    if request.method == "HEAD" and _unmodified(context, request, modified):
        response = Response(304)
    response.headers.append(("Last-Modified", modified))
    return response


def _reached(context: Context, entity: Entity, id_text: str) -> Condition:
    """The condition of the one row that an address names, as far as the account may see it."""
    number = id_text.isascii() and id_text.isdigit() and len(id_text) <= _MOST_DIGITS
    if not entity.has_id or entity.list_only or not number:
        raise not_found()
    user = context.user
    seen = eligible(context.entities, entity, user.facilities, user.companies)
    return Condition("t.id = ?", (int(id_text),)).both(seen)


def orders_of_container(context: Context, entity: Entity, id_text: str) -> Condition:
    """The orders whose stock a container holds, for `container/{id}/orders/`.

    Raises:
        ApiError: no such container.
    """
    where = _reached(context, entity, id_text)
    if not select(context.database, entity, "0", where.where, where.parameters):
        raise not_found()
    return Condition(
        "t.id IN (SELECT d.order_id FROM order_dtl d JOIN allocation a ON a.order_dtl_id = d.id"
        " JOIN inventory i ON i.id = a.to_inventory_id WHERE i.container_id = ?)",
        (int(id_text),),
    )


def _unmodified(context: Context, request: Request, modified: str) -> bool:
    """Whether If-Modified-Since (ISO-8601 here) is not before the record's mod_ts."""
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return instant_us(modified, context.user.zone) <= instant_us(since, context.user.zone)
    except ValueError as error:
        raise invalid("If-Modified-Since", str(error)) from error
