"""Values of a record in their three shapes: native, JSON as the API shows it, and SQL column.

Native: int, str, bool, Decimal, ISO date text, microseconds for a timestamp, Ref for a relation,
None. Pure; knows neither where rows come from nor where they are kept.
"""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from decimal import Context, Decimal
from typing import Any, NamedTuple

import msgspec

from wms_emulator.clock import from_us
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.schema.model import Entity, Field, Kind

# Stands for ".../entity/" in stored records, because that depends on the host a client asked.
# DEL is legal in JSON text, is one byte in UTF-8, and no seeded text contains it.
URL_MARK = "\x7f"
URL_MARK_BYTES = URL_MARK.encode()

DECIMAL_SCALE = 12
_WIDE = Context(prec=80)
_KEY_BYTES = 18
_KEY_SHIFT = 1 << (8 * _KEY_BYTES - 1)
_EMPTY_LISTS = frozenset({"order_instructions_set", "order_lock_set", "inventory_lock_set"})


class Ref(NamedTuple):
    """A relation's target: its id and its natural key ("" where it has none)."""

    id: int
    key: str


Row = dict[str, object]

_encoder = msgspec.json.Encoder()


def decimal_text(value: Decimal) -> str:
    """A decimal as the API shows it: plain, without trailing zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def decimal_key(value: Decimal) -> bytes:
    """A decimal as bytes that compare like the number.

    Raises:
        ValueError: more than 12 decimals, or too large for 18 bytes.
    """
    scaled = _WIDE.scaleb(value, DECIMAL_SCALE)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError("too many decimals")
    try:
        return (whole + _KEY_SHIFT).to_bytes(_KEY_BYTES, "big")
    except OverflowError as error:
        raise ValueError("number too large") from error


def decimal_from_key(key: bytes) -> Decimal:
    """The decimal that `decimal_key` encoded."""
    whole = Decimal(int.from_bytes(key, "big") - _KEY_SHIFT)
    return _WIDE.scaleb(whole, -DECIMAL_SCALE)


def timestamp_text(instant_us: int, zone: tzinfo) -> str:
    """An instant as the API shows it: ISO-8601, microseconds, the zone's offset then."""
    return from_us(instant_us).astimezone(zone).isoformat(timespec="microseconds")


def _set_json(field: Field, count: object, record_id: int) -> object:
    if field.name in _EMPTY_LISTS:
        return []
    if not count:
        return None
    entity, column = field.target.split(".")
    return {"result_count": count, "url": f"{URL_MARK}{entity}/?{column}={record_id}"}


# Field converters are made once per field, because a seed of millions of rows calls them all.
_Shown = Callable[[Any, int], object]


def _shown_relation(field: Field) -> _Shown:
    if field.kind is Kind.STATUS:
        return lambda ref, _id: ref.id
    target = ENTITIES.get(field.target)
    if target is None or target.lookup:
        return lambda ref, _id: {"id": ref.id, "key": ref.key, "url": ""}
    link = f"{URL_MARK}{field.target}/"
    return lambda ref, _id: {"id": ref.id, "key": ref.key, "url": f"{link}{ref.id}"}


def shown_by(field: Field, zone: tzinfo) -> _Shown | None:
    """How native values of a field are shown; None for as they are. Not for None, but in sets."""
    match field.kind:
        case Kind.FK | Kind.STATUS:
            return _shown_relation(field)
        case Kind.DEC:
            return lambda value, _id: decimal_text(value)
        case Kind.TS:
            return lambda value, _id: timestamp_text(value, zone)
        case Kind.SET:
            return lambda count, record_id: _set_json(field, count, record_id)
    return None


def json_value(field: Field, value: object, zone: tzinfo, record_id: int) -> object:
    """A native value in the form the API shows."""
    shown = shown_by(field, zone)
    if shown is None or (value is None and field.kind is not Kind.SET):
        return value
    return shown(value, record_id)


def sql_value(value: object) -> object:
    """A native value in the form its column holds."""
    if isinstance(value, Ref):
        return value.id
    if isinstance(value, Decimal):
        return decimal_key(value)
    return value


def column_json(field: Field, column: object, zone: tzinfo) -> object:
    """A SQL column as flat rows show it: relations as bare integers."""
    if column is None:
        return None
    match field.kind:
        case Kind.TS if isinstance(column, int):
            return timestamp_text(column, zone)
        case Kind.DEC if isinstance(column, bytes):
            return decimal_text(decimal_from_key(column))
        case Kind.BOOL:
            return bool(column)
    return column


def named(entity: Entity, text: bytes) -> bytes:
    """Record texts of a subset's base with the subset's name in their own addresses."""
    if not entity.base:
        return text
    own, other = f'"url":"{URL_MARK}{entity.base}/', f'"url":"{URL_MARK}{entity.name}/'
    return text.replace(own.encode(), other.encode())


Encoder = Callable[[Mapping[str, object], int], bytes]


def encoder(entity: Entity, zone: tzinfo) -> Encoder:
    """How rows of this entity become the JSON text of their records, links marked by URL_MARK."""
    fields = [(field.name, shown_by(field, zone)) for field in entity.fields]
    sets = {field.name for field in entity.fields if field.kind is Kind.SET}
    link = f"{URL_MARK}{entity.name}/"
    has_id = entity.has_id

    def encode(row: Mapping[str, object], record_id: int) -> bytes:
        # Made first, so that url comes right after id.
        record: dict[str, object] = (
            {"id": record_id, "url": f"{link}{record_id}"} if has_id else {"url": ""}
        )
        for name, shown in fields:
            value = row[name]
            if shown is not None and (value is not None or name in sets):
                value = shown(value, record_id)
            record[name] = value
        return _encoder.encode(record)

    return encode


def columns_of(entity: Entity) -> Callable[[Mapping[str, object]], tuple[object, ...]]:
    """How rows of this entity become SQL columns, in the order of `entity.columns`."""
    converted = {Kind.FK, Kind.STATUS, Kind.DEC}
    plan = [(name, entity.by_name[name].kind in converted) for name in entity.columns]

    def columns(row: Mapping[str, object]) -> tuple[object, ...]:
        return tuple([sql_value(row[name]) if convert else row[name] for name, convert in plan])

    return columns
