"""GET /entity/{entity}/describe/: parameters and fields, with the gaps the real one has.

`url` is never listed, and some entities leave facility_id and company_id out although their records
carry them and filters accept them.
"""

from wms_emulator.dataset.vocabulary import CHOICES
from wms_emulator.messages import Response, json_response
from wms_emulator.schema.model import Entity, Field, Kind

_TYPES = {
    Kind.ID: "integer",
    Kind.INT: "integer",
    Kind.TEXT: "string",
    Kind.DEC: "decimal",
    Kind.BOOL: "boolean",
    Kind.DATE: "date",
    Kind.TS: "datetime",
    Kind.FK: "relation",
    Kind.STATUS: "relation",
    Kind.SET: "nested object",
    Kind.COMPUTED: "field",
    Kind.BLOB: "image upload",
}
_BOUND = 99_999_999_999


def _default(field: Field) -> object:
    text = field.default
    match field.kind:
        case Kind.BOOL:
            return text == "true"
        case Kind.INT | Kind.FK | Kind.STATUS:
            return int(float(text or 0))
        case Kind.DEC:
            return float(text or 0)
    return text


def _properties(entity: Entity, field: Field) -> dict[str, object]:
    shown: dict[str, object] = {"type": _TYPES[field.kind], "required": field.required}
    if field.default is not None:
        shown["default"] = _default(field)
    if field.kind is Kind.TEXT:
        shown["max_length"] = field.max_length
        shown["allow_blank"] = not field.required
    if field.kind is Kind.INT:
        shown["min_value"], shown["max_value"] = -_BOUND, _BOUND
    choices = CHOICES.get((entity.name, field.name))
    if choices:
        shown["choices"] = [list(pair) for pair in choices]
    return shown


def handle(entity: Entity) -> Response:
    """What the API tells about an entity."""
    listed = [field for field in entity.fields if not field.hidden]
    return json_response(
        200,
        {
            "parameters": [field.name for field in listed if field.stored],
            "fields": {field.name: _properties(entity, field) for field in listed},
        },
    )
