"""GET /schema and /openapi (from 26C): the API's own description, made from the entities.

The answers follow it to the letter, so a tool that reads it can judge the emulator.
"""

from wms_emulator.api.context import API_PATH, Context
from wms_emulator.api.listing import MAX_PAGE_SIZE
from wms_emulator.messages import Request, Response, json_response
from wms_emulator.schema.model import Entity, Field, Kind

Schema = dict[str, object]

_YAML = "application/yaml"
_PAGE = (
    b"<!doctype html><html><head><title>WMS REST API</title></head><body><h1>WMS REST API</h1>"
    b'<p>The description: <a href="schema/?format=json">JSON</a>, <a href="schema/">YAML</a>.</p>'
    b"</body></html>"
)
_TEXT: Schema = {"type": "string"}
_INTEGER: Schema = {"type": "integer"}
_NULL: Schema = {"type": "null"}
_LINK: Schema = {"type": ["string", "null"]}
_DECIMAL: Schema = {"type": "string", "pattern": r"^-?(0|[1-9]\d*)(\.\d*[1-9])?$"}
_INSTANT: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d$",
}


def _object(properties: Schema, *, required: bool = True) -> Schema:
    shown: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        shown["required"] = list(properties)
    return shown


_ERROR = {
    **_object({"reference": _TEXT, "code": _TEXT, "message": _TEXT, "details": {}}),
    "required": ["reference", "code", "message"],
}
_RELATION = _object({"id": _INTEGER, "key": _TEXT, "url": _TEXT})
_ROWS_BELOW = _object({"result_count": _INTEGER, "url": _TEXT})
_FORMS: dict[Kind, Schema] = {
    Kind.ID: _INTEGER,
    Kind.INT: _INTEGER,
    Kind.COMPUTED: _INTEGER,
    Kind.BOOL: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.TS: _INSTANT,
    Kind.DEC: _DECIMAL,
    Kind.STATUS: _INTEGER,
    Kind.BLOB: _TEXT,
    Kind.FK: {"$ref": "#/components/schemas/Relation"},
}


def _value(field: Field) -> Schema:
    if field.kind is Kind.TEXT:
        return {"type": "string", "maxLength": field.max_length}
    if field.kind is Kind.SET:
        empty: Schema = {"type": "array", "maxItems": 0}
        return {"anyOf": [_NULL, empty, {"$ref": "#/components/schemas/RowsBelow"}]}
    form = _FORMS[field.kind]
    return form if field.kind is Kind.ID else {"anyOf": [form, _NULL]}


def _record(entity: Entity) -> Schema:
    """A record; `fields` may leave any of its keys out."""
    properties: Schema = {"url": _TEXT}
    properties.update({field.name: _value(field) for field in entity.fields})
    return _object(properties, required=False)


def _parameter(name: str, schema: Schema, text: str) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}


_LIST_PARAMETERS: list[Schema] = [
    _parameter("page", {"type": "integer", "minimum": 1}, "paged mode only"),
    _parameter("page_mode", {"type": "string", "enum": ["paged", "sequenced"]}, "paged unless set"),
    _parameter("page_size", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE}, "rows"),
    _parameter("cursor", _TEXT, "sequenced mode only, as next_page gave it"),
    _parameter("ordering", _TEXT, "fields joined by commas, - before one for descending"),
    _parameter("fields", _TEXT, "fields joined by commas"),
    _parameter("values_list", _TEXT, "paths joined by commas, each with an optional :alias"),
    _parameter("empty_response_http_code", {"type": "string", "enum": ["200", "204", "404"]}, ""),
]
_FILTER_FORMS: dict[Kind, Schema] = {
    Kind.TEXT: _TEXT,
    Kind.BOOL: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.TS: {"type": "string", "format": "date-time"},
    Kind.DEC: {"type": "number"},
}


def _filters(entity: Entity) -> list[Schema]:
    """The fields that can be filtered by, each with the lookups that fit most."""
    shown = []
    for field in entity.stored:
        form = _FILTER_FORMS.get(field.kind, _INTEGER)
        shown.append(_parameter(field.name, form, "equal"))
        if field.kind is Kind.TS:
            shown.append(_parameter(f"{field.name}__gte", form, "from"))
            shown.append(_parameter(f"{field.name}__lt", form, "before"))
        shown.append(_parameter(f"{field.name}__isnull", {"type": "boolean"}, "null or not"))
    return shown


def _content(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _errors(*codes: int) -> Schema:
    return {str(code): {"$ref": "#/components/responses/Error"} for code in codes}


def _list_path(entity: Entity) -> Schema:
    row: Schema = {"anyOf": [_ref(entity.name), _ref("FlatRow")]}
    rows: Schema = {"type": "array", "items": row}
    sequenced = _object({"next_page": _LINK, "previous_page": _LINK, "results": rows})
    counts: Schema = dict.fromkeys(("result_count", "page_count", "page_nbr"), _INTEGER)
    paged = _object({**counts, "next_page": _LINK, "previous_page": _LINK, "results": rows})
    answers = {
        "200": {"description": "a page", "content": _content({"oneOf": [paged, sequenced]})},
        "204": {"description": "an empty list, if asked for in this form"},
        **_errors(400, 401, 403, 404),
    }
    return {
        "get": {
            "operationId": f"list_{entity.name}",
            "parameters": [*_LIST_PARAMETERS, *_filters(entity)],
            "responses": answers,
        }
    }


def _record_path(entity: Entity) -> Schema:
    key = {"name": "id", "in": "path", "required": True, "schema": {**_INTEGER, "minimum": 0}}
    fields = [one for one in _LIST_PARAMETERS if one["name"] in {"fields", "values_list"}]
    row: Schema = {"anyOf": [_ref(entity.name), _ref("FlatRow")]}
    answers = {
        "200": {"description": "the record", "content": _content(row)},
        **_errors(400, 401, 403, 404),
    }
    operation = {
        "operationId": f"get_{entity.name}",
        "parameters": [key, *fields],
        "responses": answers,
    }
    return {"get": operation}


def _describe_path(entity: Entity) -> Schema:
    described = _object(
        {
            "parameters": {"type": "array", "items": _TEXT},
            "fields": {"type": "object", "additionalProperties": {"type": "object"}},
        }
    )
    answers = {
        "200": {"description": "its fields", "content": _content(described)},
        **_errors(401, 403),
    }
    return {"get": {"operationId": f"describe_{entity.name}", "responses": answers}}


def document(context: Context) -> Schema:
    """The OpenAPI document of this release."""
    names: Schema = {"type": "object", "additionalProperties": _TEXT}
    answers = {"200": {"description": "the entities", "content": _content(names)}, **_errors(401)}
    paths: Schema = {"/entity/": {"get": {"operationId": "entities", "responses": answers}}}
    flat: Schema = {
        "type": "object",
        "additionalProperties": {"type": ["string", "integer", "boolean", "null"]},
    }
    schemas: Schema = {
        "Error": _ERROR,
        "Relation": _RELATION,
        "RowsBelow": _ROWS_BELOW,
        "FlatRow": flat,
    }
    for name, entity in context.entities.items():
        schemas[name] = _record(entity)
        paths[f"/entity/{name}/"] = _list_path(entity)
        paths[f"/entity/{name}/describe/"] = _describe_path(entity)
        if entity.has_id and not entity.list_only:
            paths[f"/entity/{name}/{{id}}/"] = _record_path(entity)
    error = {"description": "an error", "content": _content(_ref("Error"))}
    return {
        "openapi": "3.1.0",
        "info": {"title": "WMS REST API (lgfapi v10)", "version": context.release},
        "servers": [{"url": API_PATH}],
        "security": [{"basic": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Error": error},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def handle(context: Context, request: Request, *, page: bool) -> Response:
    """The document; YAML unless ?format=json (JSON text is YAML too), or the page about it."""
    if page:
        return Response(200, _PAGE, content_type="text/html; charset=utf-8")
    response = json_response(200, document(context))
    if request.query.get("format") != "json":
        response.content_type = _YAML
    return response
