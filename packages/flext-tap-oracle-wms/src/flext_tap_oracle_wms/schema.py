"""From an entity's description to its fields, columns and JSON schema. Pure.

The conventions are those of docs/specs/tap-records.md: what kinds of fields there are, which
columns each becomes, and what is known of keys that describe does not name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Kind: TypeAlias = Literal[
    "text", "integer", "number", "boolean", "timestamp", "date", "time", "relation", "status", "set"
]
#: What of a field's value a column holds: "value", "id", "key", "count", "json", or the name of
#: a further key of the object, after EXTRA.
Part: TypeAlias = str
EXTRA = "extra:"

KEY = "id"
#: Keys of every record that hold nothing but addresses.
IGNORED_KEYS = frozenset({"url"})
#: Relations that records carry although describe leaves them out.
_EXTRAS = dict.fromkeys(("order_hdr", "container", "iblpn", "oblpn"), ("facility_id", "company_id"))
_WORDS: dict[str, Kind] = {
    "string": "text", "varchar": "text", "char": "text", "clob": "text", "text": "text",
    "integer": "integer", "int": "integer", "long": "integer", "pk": "integer",
    "number": "number", "decimal": "number", "float": "number",
    "boolean": "boolean", "bool": "boolean",
    "datetime": "timestamp", "timestamp": "timestamp", "date": "date", "time": "time",
    "relation": "relation", "fk": "relation", "foreign_key": "relation",
    "set": "set", "nested": "set",
}  # fmt: skip
#: For type words that nobody knows: what the name's ending says.
_ENDINGS: tuple[tuple[str, Kind], ...] = (
    ("_set", "set"), ("status_id", "status"), ("_id", "relation"), ("_flg", "boolean"),
    ("_ts", "timestamp"), ("_date", "date"), ("_time", "time"), ("_count", "number"),
    ("_qty", "number"),
)  # fmt: skip
_TYPES: dict[Kind, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "integer": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "timestamp": {"type": ["string", "null"], "format": "date-time"},
    "date": {"type": ["string", "null"], "format": "date"},
    "time": {"type": ["string", "null"]},
    "relation": {"type": ["integer", "null"]},
    "status": {"type": ["integer", "null"]},
    "set": {"type": ["integer", "null"]},
}


#: Keys that objects of a kind are known to have.
OBJECT_KEYS: dict[Kind, frozenset[str]] = {
    "relation": frozenset({"id", "key", "url"}),
    "set": frozenset({"result_count", "url"}),
}


@dataclass(frozen=True)
class Flattening:
    """What of relations, sets and addresses the user wants as columns.

    Attributes:
        sets_as_json: whether sets become their JSON text too.
        urls: whether addresses of records and relations become columns.
    """

    sets_as_json: bool = False
    urls: bool = False


PLAIN = Flattening()


@dataclass(frozen=True)
class Field:
    """A key of the API's records.

    Attributes:
        name: the key.
        kind: what its values are.
        computed: whether the WMS derives it, so that it changes without mod_ts.
        max_length: the longest text, in characters, where describe says so.
        extra: further keys of its objects, which become columns of text.
        as_json: whether its JSON text is a column too.
    """

    name: str
    kind: Kind
    computed: bool = False
    max_length: int | None = None
    extra: tuple[str, ...] = ()
    as_json: bool = False


@dataclass(frozen=True)
class Column:
    """A property of the emitted records: one part of a field's value."""

    name: str
    source: Field
    part: Part
    schema: dict[str, Any] = field(hash=False)


def fields_of(
    entity: str,
    described: Mapping[str, Mapping[str, Any]],
    flattening: Flattening = PLAIN,
) -> tuple[Field, ...]:
    """Return the fields that describe names, and the extras that are known to come with them."""
    found = {
        name: _field(name, properties)
        for name, properties in described.items()
        if name not in IGNORED_KEYS
    }
    for name in _EXTRAS.get(entity, ()):
        found.setdefault(name, Field(name, "relation"))
    if flattening.urls:
        found["url"] = Field("url", "text")
    return tuple(shaped(item, flattening) for item in found.values())


def shaped(item: Field, flattening: Flattening) -> Field:
    """Return a field with the parts that the user wants of it."""
    if item.kind == "relation" and flattening.urls:
        return replace(item, extra=tuple(sorted({*item.extra, "url"})))
    if item.kind == "set" and flattening.sets_as_json:
        return replace(item, as_json=True)
    return item


def _field(name: str, properties: Mapping[str, Any]) -> Field:
    word = str(properties.get("type", "")).lower()
    known = _WORDS.get(word)
    kind = known or kind_by_name(name) or "text"
    if name.endswith("_set"):
        kind = "set"
    elif kind == "relation" and name.endswith("status_id"):
        kind = "status"
    max_length = properties.get("max_length")
    return Field(
        name,
        kind,
        computed=known is None and name.endswith(("_count", "_qty")),
        max_length=max_length if kind == "text" and isinstance(max_length, int) else None,
    )


def kind_by_name(name: str) -> Kind | None:
    """Return what a name alone tells of its values, None if nothing."""
    if name == KEY:
        return "integer"
    return next((kind for ending, kind in _ENDINGS if name.endswith(ending)), None)


def columns_of(fields: Iterable[Field]) -> tuple[Column, ...]:
    """Return the columns of an entity, in the order of its fields; no two share a name."""
    fields = tuple(fields)
    taken = {item.name for item in fields}
    columns = []
    for item in fields:
        if item.kind == "set":
            name = _free(f"{item.name}_count", taken)
            columns.append(_column(name, item, "count", volatile=True))
            if item.as_json:
                columns.append(_column(item.name, item, "json", volatile=True))
        elif item.kind == "relation":
            columns.append(_column(item.name, item, "id"))
            stem = item.name.removesuffix("_id")
            name = _free(f"{stem}_key", taken)
            columns.append(_column(name, item, "key", volatile=True))
        else:
            columns.append(_column(item.name, item, "value", volatile=item.computed))
        for key in item.extra:
            name = _free(f"{item.name.removesuffix('_id')}_{key}", taken)
            columns.append(_column(name, item, f"{EXTRA}{key}", volatile=True))
    return tuple(columns)


def _free(name: str, taken: set[str]) -> str:
    """A name that no field and no other derived column has."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _column(name: str, source: Field, part: Part, *, volatile: bool = False) -> Column:
    is_text = part in {"key", "json"} or part.startswith(EXTRA)
    definition = dict(_TYPES["text" if is_text else source.kind])
    if source.name == KEY:
        definition["type"] = ["integer"]
    if source.max_length:
        definition["maxLength"] = source.max_length
    note: dict[str, Any] = {"source": source.name, "kind": source.kind}
    if volatile:
        note["volatile"] = True
        definition["description"] = "Volatile: changes without a change of mod_ts."
    definition["x-wms"] = note
    return Column(name, source, part, definition)


def json_schema(columns: Iterable[Column]) -> dict[str, Any]:
    """Return the JSON schema of records with these columns."""
    return {
        "type": "object",
        "properties": {column.name: column.schema for column in columns},
    }


def sources(columns: Iterable[Column], needed: Collection[str]) -> list[str]:
    """Return the API's keys that the columns come from, and the needed ones, for `fields=`."""
    return sorted({column.source.name for column in columns} | set(needed))
