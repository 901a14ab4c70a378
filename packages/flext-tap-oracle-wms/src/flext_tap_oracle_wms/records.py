"""From a page of raw JSON to the RECORD messages of its rows. Pure.

Two ways that give the same: a typed decoder with a flattener generated for the entity's columns,
and a tolerant one by dictionaries. The first gives up (`UnexpectedError`) on whatever it was not
made for; the second takes it, finds out what is new (`drift`), or refuses it with an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from flext_tap_oracle_wms import values
from flext_tap_oracle_wms.errors import RecordError
from flext_tap_oracle_wms.schema import IGNORED_KEYS, KEY, Field, Kind, kind_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flext_tap_oracle_wms.schema import Column

Messages: TypeAlias = list[dict[str, Any]]
Flatten: TypeAlias = Callable[[msgspec.Raw, str, "int | None"], Messages]

_NULL = msgspec.Raw(b"null")


class UnexpectedError(Exception):
    """A page holds something that the generated flattener was not made for."""


class _Relation(msgspec.Struct):
    id: int | None = None
    key: str | None = None


class _Set(msgspec.Struct):
    result_count: int


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
    ("number", "value"): "number(r.{0})",
    ("boolean", "value"): "r.{0}",
    ("timestamp", "value"): "r.{0} or None",
    ("date", "value"): "r.{0} or None",
    ("time", "value"): "r.{0} or None",
    ("status", "value"): "r.{0}",
    ("relation", "id"): "v.id if (v := r.{0}).__class__ is Relation else v",
    ("relation", "key"): "v.key if (v := r.{0}).__class__ is Relation else None",
    ("set", "count"): "count(r.{0})",
}


@lru_cache(maxsize=8192)
def _number_of(data: bytes) -> msgspec.Raw | None:
    inner = data[1:-1] if data[:1] == b'"' else data
    if values.JSON_NUMBER.fullmatch(inner):
        return msgspec.Raw(inner)
    if inner in {b"", b"null"}:
        return None
    raise UnexpectedError


def _number(raw: msgspec.Raw) -> msgspec.Raw | None:
    return _number_of(bytes(raw))


def _count(value: _Set | list[msgspec.Raw] | None) -> int | None:
    if value is None:
        return None
    return len(value) if isinstance(value, list) else value.result_count


def generate(
    stream: str, fields: Sequence[Field], columns: Sequence[Column], *, open_ended: bool
) -> Flatten:
    """Return a function from a page's raw results to the RECORD messages of its rows.

    Args:
        stream: the stream's name.
        fields: all fields that records are known to carry.
        columns: the columns to emit.
        open_ended: whether a key that is no field is unexpected; else it is left out, as
            something the user deselected.
    """
    slots = {item.name: f"f{number}" for number, item in enumerate(fields)}
    layout = [(slots[f.name], _STRUCT_TYPES[f.kind], _default(f)) for f in fields]
    rename = {slot: name for name, slot in slots.items()}
    for number, name in enumerate(sorted(IGNORED_KEYS)):
        layout.append((f"x{number}", msgspec.Raw, _NULL))
        rename[f"x{number}"] = name
    row = msgspec.defstruct(
        "Row", layout, rename=rename, forbid_unknown_fields=open_ended, gc=False
    )
    decoder = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]  # made just above
    plain, versioned = (_compile(stream, columns, slots, versioned=v) for v in (False, True))

    def flatten(results: msgspec.Raw, extracted: str, version: int | None) -> Messages:
        try:
            rows = decoder.decode(results)
        except msgspec.ValidationError as error:
            raise UnexpectedError(str(error)) from None
        return (plain if version is None else versioned)(rows, extracted, version)

    return flatten


def _default(item: Field) -> Any:
    return _NULL if item.kind == "number" else None


def _compile(
    stream: str, columns: Sequence[Column], slots: dict[str, str], *, versioned: bool
) -> Callable[[list[Any], str, int | None], Messages]:
    parts = [
        f"{column.name!r}: {_EXPRESSIONS[column.source.kind, column.part]}".format(
            slots[column.source.name]
        )
        for column in columns
        if _safe(column.name)
    ]
    tail = '"version": version, ' if versioned else ""
    code = (
        "def flatten(rows, extracted, version):\n"
        f'    return [{{"type": "RECORD", "stream": {stream!r}, "record": '
        f'{{{", ".join(parts)}}}, {tail}"time_extracted": extracted}} for r in rows]\n'
    )
    scope: dict[str, Any] = {"number": _number, "count": _count, "Relation": _Relation}
    exec(compile(code, f"<flattener of {stream}>", "exec"), scope)  # noqa: S102 -- names go in by repr after _safe, the rest is written above
    found: Callable[[list[Any], str, int | None], Messages] = scope["flatten"]
    return found


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


def flatten_rows(
    stream: str,
    columns: Sequence[Column],
    rows: Sequence[dict[str, Any]],
    extracted: str,
    version: int | None,
) -> Messages:
    """Return the RECORD messages of decoded rows; the generated flattener's equal in the end.

    Raises:
        RecordError: a value does not fit its column.
    """
    tail: dict[str, Any] = {} if version is None else {"version": version}
    tail["time_extracted"] = extracted
    messages = []
    for row in rows:
        record = {}
        for column in columns:
            try:
                record[column.name] = values.convert(column, row.get(column.source.name))
            except RecordError as error:
                raise RecordError(f"stream {stream}, id {row.get(KEY)}: {error}") from None
        messages.append({"type": "RECORD", "stream": stream, "record": record, **tail})
    return messages


def plain_record(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with its numbers as int and Decimal, as stream maps reckon with them."""
    return {
        name: Decimal(bytes(value).decode("ascii")) if isinstance(value, msgspec.Raw) else value
        for name, value in record.items()
    }


def drift(fields: Sequence[Field], rows: Sequence[dict[str, Any]]) -> list[Field]:
    """Return the fields that rows need and that are not there, or not as the rows have them."""
    known = {item.name: item for item in fields}
    unknown: dict[str, list[Any]] = {}
    changed: dict[str, Field] = {}
    for row in rows:
        for name, value in row.items():
            item = known.get(name)
            if item is None:
                if name not in IGNORED_KEYS:
                    unknown.setdefault(name, []).append(value)
            elif item.kind in {"status", "integer"} and isinstance(value, dict) and "id" in value:
                changed[name] = Field(name, "relation")
    return [Field(name, _inferred(name, found)) for name, found in unknown.items()] + list(
        changed.values()
    )


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
