"""GET /entity/{entity}/: filters, ordering, and the two kinds of pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from urllib.parse import urlencode

import msgspec

from wms_emulator.api.context import Context, entity_url
from wms_emulator.api.errors import ApiError, invalid, not_emulated, not_found
from wms_emulator.api.records import chosen_fields, joined
from wms_emulator.messages import Request, Response
from wms_emulator.query import cursor as cursors
from wms_emulator.query.eligible import eligible
from wms_emulator.query.filters import EVERYTHING, Condition, compile_filters
from wms_emulator.query.flat import Column, parse_values_list
from wms_emulator.query.ordering import (
    Term,
    order_by,
    parse_ordering,
    position_column,
    position_text,
)
from wms_emulator.records import column_json
from wms_emulator.schema.model import Entity
from wms_emulator.store.rows import columns, select
from wms_emulator.store.rows import count as count_rows

MAX_PAGE_SIZE = 1250
NOT_EMULATED = ("distinct",)
_MOST_DIGITS = 18
_HISTORY_PAIRS = ("status_id", "item_code", "item_alternate_code", "container_nbr")


@dataclass(frozen=True)
class _List:
    """One list as a request asks for it."""

    context: Context
    request: Request
    entity: Entity
    where: Condition
    terms: tuple[Term, ...]
    fields: frozenset[str] | None
    flat: tuple[Column, ...] | None


def handle(
    context: Context, request: Request, entity: Entity, only: Condition = EVERYTHING
) -> Response:
    """One page of rows; `only` narrows them further, as addresses below a record do.

    Raises:
        ApiError: what the API answers with an error, the empty list among it.
        QueryError: a filter or ordering that does not fit.
    """
    query = dict(request.query)
    for key in NOT_EMULATED:
        if key in query:
            raise not_emulated(key)
    if query.get("format", "json") != "json":
        raise not_emulated(f"format={query['format']}")
    if "empty_response_http_code" in query and not context.has_empty_response_code:
        raise invalid("empty_response_http_code", f"no field of that name in {entity.name}")
    _required_filters(entity, query)
    where = compile_filters(context.entities, entity, query, context.user.zone).both(only)
    user = context.user
    where = where.both(eligible(context.entities, entity, user.facilities, user.companies))
    terms = parse_ordering(context.entities, entity, query.get("ordering", ""))
    if "limit" in query:
        where = _limited(entity, where, terms, query["limit"])
    flat = None
    if "values_list" in query:
        flat = parse_values_list(context.entities, entity, query["values_list"])
    asked = _List(context, request, entity, where, terms, chosen_fields(request, entity), flat)
    match query.get("page_mode", "paged"):
        case "paged":
            return _paged(asked)
        case "sequenced":
            return _sequenced(asked)
        case other:
            raise invalid("page_mode", f"{other!r}: paged or sequenced")


def _limited(entity: Entity, where: Condition, terms: tuple[Term, ...], text: str) -> Condition:
    """Only the first rows of the list, however it is paged."""
    if not _is_number(text) or int(text) == 0:
        raise invalid("limit", f"{text!r}: a number of rows is expected")
    sql = f'SELECT t.id FROM "{entity.name}" t {where.where} {order_by(terms)} LIMIT ?'
    return Condition(f"t.id IN ({sql})", (*where.parameters, int(text)))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def _required_filters(entity: Entity, query: dict[str, str]) -> None:
    """inventory_history answers only to certain combinations of filters."""
    if entity.name != "inventory_history":
        return
    context = {"company_id__code", "facility_id__code"} <= set(query)
    by_activity = "history_activity_id" in query and any(key in query for key in _HISTORY_PAIRS)
    if not (context and ("group_nbr" in query or by_activity)):
        raise invalid(
            "company_id__code",
            "required: company_id__code, facility_id__code and group_nbr, or history_activity_id"
            f" with one of {', '.join(_HISTORY_PAIRS)}",
        )


def page_size(context: Context, text: str | None) -> int:
    """Rows per page: the user's when nothing usable is asked, 1250 at most, without complaint."""
    if text is None or not _is_number(text) or int(text) == 0:
        return context.user.rows_per_page
    return min(int(text), MAX_PAGE_SIZE)


def _link(request: Request, entity: Entity, **changed: str) -> str:
    """This list's address with other parameters: keys sorted, no slash before the query."""
    query = sorted({**request.query, **changed}.items())
    return f"{entity_url(request)}{entity.name}?{urlencode(query)}"


def _rows(
    asked: _List, position: str, tail: str, parameters: Sequence[object]
) -> list[tuple[bytes | tuple[object, ...], object]]:
    """Rows as record texts or flat ones, each with the value of the expression `position`."""
    database, entity = asked.context.database, asked.entity
    if asked.flat is None:
        return list(select(database, entity, position, tail, parameters))
    expressions = [*(column.expression.sql for column in asked.flat), position]
    found = columns(database, entity, expressions, tail, parameters)
    return [(values[:-1], values[-1]) for values in found]


def flat_rows(
    columns_of: Sequence[Column], rows: Iterable[tuple[object, ...]], zone: tzinfo
) -> list[dict[str, object]]:
    """Rows of a values_list as JSON values."""
    return [
        {
            column.name: column_json(column.expression.field, value, zone)
            for column, value in zip(columns_of, row, strict=True)
        }
        for row in rows
    ]


def _page(asked: _List, head: dict[str, object], rows: Sequence[Any]) -> Response:
    """The envelope around rows."""
    if asked.flat is None:
        text = joined(asked.request, asked.entity, rows, asked.fields)
    else:
        text = msgspec.json.encode(flat_rows(asked.flat, rows, asked.context.user.zone))[1:-1]
    return Response(200, msgspec.json.encode(head)[:-1] + b',"results":[' + text + b"]}")


def _empty(request: Request, head: dict[str, object]) -> Response:
    """An empty list: 404 unless the client asked otherwise."""
    match request.query.get("empty_response_http_code", "404"):
        case "404":
            raise not_found()
        case "200":
            return Response(200, msgspec.json.encode({**head, "results": []}))
        case "204":
            return Response(204)
        case other:
            raise invalid("empty_response_http_code", f"{other!r}: 200, 204 or 404")


def _paged(asked: _List) -> Response:
    context, request, entity, where = asked.context, asked.request, asked.entity, asked.where
    size = page_size(context, request.query.get("page_size"))
    number_text = request.query.get("page", "1")
    count = count_rows(context.database, entity, where.where, where.parameters)
    pages = -(-count // size)
    if not _is_number(number_text) or not 1 <= int(number_text) <= max(pages, 1):
        raise ApiError(404, "NOT_FOUND", "Invalid page.")
    number = int(number_text)
    head: dict[str, object] = {
        "result_count": count,
        "page_count": pages,
        "page_nbr": number,
        "next_page": _link(request, entity, page=str(number + 1)) if number < pages else None,
        "previous_page": _link(request, entity, page=str(number - 1)) if number > 1 else None,
    }
    if not count:
        return _empty(request, head)
    tail = f"{where.where} {order_by(asked.terms)} LIMIT ? OFFSET ?"
    rows = _rows(asked, "0", tail, (*where.parameters, size, (number - 1) * size))
    return _page(asked, head, [body for body, _ in rows])


def _start(where: Condition, first: Term, cursor: cursors.Cursor) -> Condition:
    """The condition narrowed to what lies behind a cursor's position."""
    if cursor.position is None:
        return where
    sql = first.expression.sql
    try:
        value = position_column(first.expression.field, cursor.position)
    except ValueError as error:
        raise ApiError(404, "NOT_FOUND", "Invalid cursor.") from error
    descending = first.descending is not cursor.reverse
    test = f"{sql} {'<' if descending else '>'} ?"
    joined_sql = f"({where.sql}) AND {test}" if where.sql else test
    return Condition(joined_sql, (*where.parameters, value))


def _sequenced(asked: _List) -> Response:
    request, entity, terms = asked.request, asked.entity, asked.terms
    size = page_size(asked.context, request.query.get("page_size"))
    try:
        text = request.query.get("cursor")
        cursor = cursors.decode(text) if text else cursors.START
    except ValueError as error:
        raise ApiError(404, "NOT_FOUND", "Invalid cursor.") from error
    first = terms[0]
    narrowed = _start(asked.where, first, cursor)
    tail = f"{narrowed.where} {order_by(terms, reverse=cursor.reverse)} LIMIT ? OFFSET ?"
    parameters = (*narrowed.parameters, size + 1, cursor.offset)
    rows = _rows(asked, first.expression.sql, tail, parameters)
    more = len(rows) > size
    field = first.expression.field
    beyond = position_text(field, rows[size][1]) if more else None
    del rows[size:]
    if cursor.reverse:
        rows.reverse()
    positions = [position_text(field, value) for _, value in rows]
    window = cursors.Window(cursor, positions, more, beyond, size)
    head: dict[str, object] = {
        "next_page": _cursor_link(request, entity, cursors.next_cursor(window)),
        "previous_page": _cursor_link(request, entity, cursors.previous_cursor(window)),
    }
    if not rows:
        return _empty(request, head)
    return _page(asked, head, [body for body, _ in rows])


def _cursor_link(request: Request, entity: Entity, cursor: cursors.Cursor | None) -> str | None:
    return None if cursor is None else _link(request, entity, cursor=cursors.encode(cursor))
