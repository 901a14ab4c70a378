"""From a page of raw JSON to its flat records and their RECORD messages. Pure.

Two ways that give the same: a typed decoder with a flattener generated for the entity's columns,
and a tolerant one by dictionaries. The first gives up (`UnexpectedError`) on whatever it was not
made for; the second takes it, finds out what is new (`drift`), or refuses it with an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from flext_tap_oracle_wms import values
from flext_tap_oracle_wms.errors import RecordError
from flext_tap_oracle_wms.schema import (
    IGNORED_KEYS,
    KEY,
    OBJECT_KEYS,
    PLAIN,
    Field,
    Flattening,
    Kind,
    kind_by_name,
    shaped,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flext_tap_oracle_wms.schema import Column

#: Flat records: dictionaries, or structs that encode to the same.
Records: TypeAlias = list[Any]
Flatten: TypeAlias = Callable[[msgspec.Raw], Records]

_NULL = msgspec.Raw(b"null")
_encoder = msgspec.json.Encoder(decimal_format="number")


class UnexpectedError(Exception):
    """A page holds something that the generated flattener was not made for."""


class _Relation(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: int | None = None
    key: str | None = None
    url: msgspec.Raw = _NULL


class _AddressedRelation(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: int | None = None
    key: str | None = None
    url: str | None = None


class _Set(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    result_count: int
    url: msgspec.Raw = _NULL


Raw = msgspec.Raw
_STRUCT_TYPES: dict[Kind, Any] = {
    "text": str | None,
    "integer": int | None,
    "number": msgspec.Raw,
    "boolean": bool | None,
    "timestamp": str | None,
    "date": str | None,
    "time": str | None,
    "relation": _Relation | int | None,
    "status": int | None,
    "set": _Set | list[msgspec.Raw] | None,
}
_EXPRESSIONS: dict[tuple[Kind, str], str] = {
    ("text", "value"): "r.{0}",
    ("integer", "value"): "r.{0}",
    ("number", "value"): "{0}",
    ("boolean", "value"): "r.{0}",
    ("timestamp", "value"): "r.{0} or None",
    ("date", "value"): "r.{0} or None",
    ("time", "value"): "r.{0} or None",
    ("status", "value"): "r.{0}",
    ("relation", "id"): "{0}.id if ({0} := r.{0}).__class__ is Relation else {0}",
    ("relation", "key"): "{0}.key if {1}.__class__ is Relation else None",
    ("relation", "extra:url"): "{0}.url if {1}.__class__ is Relation else None",
    ("set", "count"): "count(r.{0})",
}


_NUMBER = values.JSON_NUMBER.pattern
_ONE_NUMBER = rb'(?:"' + _NUMBER + rb'"|' + _NUMBER + rb'|null|"")'
#: Values of a column with commas between; none of them has one of its own.
_NUMBERS = re.compile(_ONE_NUMBER + rb"(?:," + _ONE_NUMBER + rb")*")


def _numbers(column: list[msgspec.Raw]) -> list[msgspec.Raw | None]:
    """Return a page's values of a decimal column without their quotes, checked all at once."""
    joined = b",".join(column)
    if not joined:
        return []
    if not _NUMBERS.fullmatch(joined):
        raise UnexpectedError
    digits = joined.replace(b'"', b"").split(b",")
    if b"null" in joined or b'""' in joined:
        return [Raw(each) if each and each != b"null" else None for each in digits]
    return list(map(Raw, digits))


def _count(value: _Set | list[msgspec.Raw] | None) -> int | None:
    if value is None:
        return None
    return len(value) if isinstance(value, list) else value.result_count


def generate(
    stream: str, fields: Sequence[Field], columns: Sequence[Column], *, open_ended: bool
) -> Flatten:
    """Return a function from a page's raw results to the flat records of its rows.

    Args:
        stream: the stream's name.
        fields: all fields that records are known to carry.
        columns: the columns to emit.
        open_ended: whether a key that is no field is unexpected; else it is left out, as
            something the user deselected.
    """
    if any(item.as_json or set(item.extra) - {"url"} for item in fields):
        return _unexpecting  # rare, and told apart by the tolerant way alone
    slots = {item.name: f"f{number}" for number, item in enumerate(fields)}
    layout = [(slots[f.name], _struct_type(f), _default(f)) for f in fields]
    rename = {slot: name for name, slot in slots.items()}
    for number, name in enumerate(sorted(IGNORED_KEYS - slots.keys())):
        layout.append((f"x{number}", msgspec.Raw, _NULL))
        rename[f"x{number}"] = name
    row = msgspec.defstruct(
        "Row", layout, rename=rename, forbid_unknown_fields=open_ended, gc=False
    )
    decoder = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]  # made just above
    flatten_decoded = _compile(stream, columns, slots)

    def flatten(results: msgspec.Raw) -> Records:
        try:
            rows = decoder.decode(results)
        except msgspec.ValidationError as error:
            raise UnexpectedError(str(error)) from None
        return flatten_decoded(rows)

    return flatten


def lines(stream: str, records: Records, extracted: str, version: int | None) -> bytes:
    """Return the RECORD messages of records, a line each.

    What all messages of a page have in common is put around the records' JSON, in which a newline
    stands at the end of each and nowhere else.
    """
    if not records:
        return b""
    head = b'{"type":"RECORD","stream":' + _encoder.encode(stream) + b',"record":'
    tail = b"" if version is None else b',"version":%d' % version
    tail += b',"time_extracted":' + _encoder.encode(extracted) + b"}\n"
    inner = _encoder.encode_lines(records)[:-1]
    return b"".join((head, inner.replace(b"\n", tail + head), tail))


def _unexpecting(_results: msgspec.Raw) -> Records:
    raise UnexpectedError


def _struct_type(item: Field) -> Any:
    if item.kind == "relation" and item.extra:
        return _AddressedRelation | int | None
    return _STRUCT_TYPES[item.kind]


def _default(item: Field) -> Any:
    return _NULL if item.kind == "number" else None


def _compile(
    stream: str, columns: Sequence[Column], slots: dict[str, str]
) -> Callable[[list[Any]], Records]:
    """Make the function that turns decoded rows into records.

    Records are structs, not dictionaries: they cost less to make and to encode, and the garbage
    collector leaves them alone.
    """
    names = [column.name for column in columns if _safe(column.name)]
    columns_of = [f"c{number}" for number in range(len(names))]
    record = msgspec.defstruct(
        "Record",
        [(name, Any) for name in columns_of],
        rename=dict(zip(columns_of, names, strict=True)),
        gc=False,
    )
    seen: set[str] = set()
    parts = ", ".join(_expression(column, slots[column.source.name], seen) for column in columns)
    numbers = sorted({slots[c.source.name] for c in columns if c.source.kind == "number"})
    each = f"for {', '.join(['r', *numbers])} in zip(rows, {', '.join(numbers)})"
    code = (
        "def flatten(rows):\n"
        + "".join(f"    {slot} = numbers([r.{slot} for r in rows])\n" for slot in numbers)
        + f"    return [Record({parts}) {each if numbers else 'for r in rows'}]\n"
    )
    scope: dict[str, Any] = {
        "numbers": _numbers,
        "count": _count,
        "Relation": _Relation,
        "Addressed": _AddressedRelation,
        "Record": record,
    }
    exec(compile(code, f"<flattener of {stream}>", "exec"), scope)  # noqa: S102 -- holds numbered names only, the rest is written above
    found: Callable[[list[Any]], Records] = scope["flatten"]
    return found


def _expression(column: Column, slot: str, seen: set[str]) -> str:
    """Return the code of a column; the first one of a field that looks at it gives it a name."""
    loaded = slot if slot in seen else f"({slot} := r.{slot})"
    if column.source.kind == "relation":
        seen.add(slot)
    text = _EXPRESSIONS[column.source.kind, column.part].format(slot, loaded)
    return text.replace("Relation", "Addressed") if column.source.extra else text


def _safe(name: str) -> bool:
    """Refuse names that would not survive str.format and repr inside generated code.

    Raises:
        RecordError: the name is none that the API gives its fields.
    """
    if not re.fullmatch(r"[\w .:$#@/-]{1,200}", name):
        raise RecordError(f"field name {name!r} is none the tap can handle; deselect the field")
    return True


def decode(results: msgspec.Raw) -> list[dict[str, Any]]:
    """Return a page's rows as dictionaries, numbers with a fraction as their digits.

    Raises:
        RecordError: a row is not an object.
    """
    try:
        return values.tolerant_decoder.decode(results)
    except msgspec.ValidationError as error:
        raise RecordError(f"the WMS sent a record that is no object ({error})") from None


def flatten_rows(stream: str, columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> Records:
    """Return the records of decoded rows; the generated flattener's equal in the end.

    Raises:
        RecordError: a value does not fit its column.
    """
    records = []
    for row in rows:
        record = {}
        for column in columns:
            try:
                record[column.name] = values.convert(column, row.get(column.source.name))
            except RecordError as error:
                raise RecordError(f"stream {stream}, id {row.get(KEY)}: {error}") from None
        records.append(record)
    return records


def plain_record(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with its numbers as int and Decimal, as stream maps reckon with them."""
    return {
        name: Decimal(bytes(value).decode("ascii")) if isinstance(value, msgspec.Raw) else value
        for name, value in record.items()
    }


def drift(
    fields: Sequence[Field], rows: Sequence[dict[str, Any]], flattening: Flattening = PLAIN
) -> list[Field]:
    """Return the fields that rows need and that are not there, or not as the rows have them."""
    known = {item.name: item for item in fields}
    unknown: dict[str, list[Any]] = {}
    changed: dict[str, Field] = {}
    for row in rows:
        for name, value in row.items():
            item = changed.get(name) or known.get(name)
            if item is None:
                if name not in IGNORED_KEYS:
                    unknown.setdefault(name, []).append(value)
            elif isinstance(value, dict) and (wider := _widened(item, value)) is not item:
                changed[name] = wider
    for name, found in unknown.items():
        item = shaped(Field(name, _inferred(name, found)), flattening)
        for value in found:
            item = _widened(item, value) if isinstance(value, dict) else item
        changed[name] = item
    return list(changed.values())


def _widened(item: Field, value: dict[str, Any]) -> Field:
    """Return the field with a part for every key of an object of its."""
    if item.kind in {"status", "integer"} and "id" in value:
        item = Field(item.name, "relation")
    keys = OBJECT_KEYS.get(item.kind)
    if keys is None or value.keys() <= keys:
        return item
    if item.kind == "set" and "result_count" not in value:
        return item  # no set at all: its value will be refused
    beyond = value.keys() - keys - set(item.extra)
    return replace(item, extra=(*item.extra, *sorted(beyond))) if beyond else item


def _inferred(name: str, found: Sequence[Any]) -> Kind:
    """The kind of an undescribed key: by its name where all values agree, else by the values.

    A text stays a text unless the name says that it is a time or a decimal: "00123" is no number.
    """
    present = [value for value in found if value is not None]
    by_name = kind_by_name(name)
    if by_name is not None and all(_fits(by_name, value) for value in present):
        return by_name
    if not present:
        return "text"
    if all(isinstance(value, bool) for value in present):
        return "boolean"
    if all(isinstance(v, int | msgspec.Raw) and not isinstance(v, bool) for v in present):
        return "number"
    if all(isinstance(value, dict) and "id" in value for value in present):
        return "relation"
    return "text"


def _fits(kind: Kind, value: Any) -> bool:
    if isinstance(value, str) and kind in {"integer", "relation", "status", "boolean", "set"}:
        return False
    converters = [use for (owner, _), use in values.CONVERTERS.items() if owner == kind]
    try:
        for use in converters:
            use(value)
    except values.MisfitError:
        return False
    return True
