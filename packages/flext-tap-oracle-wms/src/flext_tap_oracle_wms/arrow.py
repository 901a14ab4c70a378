"""From flat records to Arrow tables of the types in docs/specs/batch.md. Pure.

No file is written here. Imported only where records are handed over in files: loading pyarrow takes
time and memory that the ordinary way does not need.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from flext_tap_oracle_wms.errors import RecordError
from flext_tap_oracle_wms.schema import KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flext_tap_oracle_wms.schema import Column

FORMAT = "1"
EXTRACTED_AT = "_sdc_extracted_at"
_INSTANT = pa.timestamp("us", tz="UTC")
#: The years 1 to 9999, in microseconds.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:(\.\d{1,6})0*)?([Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


def type_of(definition: dict[str, Any]) -> Any:
    """Return the Arrow type of a property of the SCHEMA."""
    kinds = definition["type"]
    if "integer" in kinds:
        return pa.int64()
    if "boolean" in kinds:
        return pa.bool_()
    if definition.get("format") == "date-time":
        return _INSTANT
    return pa.string()  # numbers too: their digits, since no decimal type holds all of them


def schema_of(columns: Sequence[Column]) -> Any:
    """Return the Arrow schema of a stream's files."""
    fields = [
        pa.field(column.name, type_of(column.schema), nullable="null" in column.schema["type"])
        for column in columns
    ]
    fields.append(pa.field(EXTRACTED_AT, _INSTANT, nullable=False))
    return pa.schema(fields, metadata={"flext_format": FORMAT})


def table(
    stream: str,
    columns: Sequence[Column],
    schema: Any,
    records: Sequence[Any],
    extracted_at: datetime,
) -> Any:
    """Return the records of one page as a table.

    Args:
        stream: whose they are, for messages.
        columns: the columns of the records, in their order.
        schema: what `schema_of` makes of them.
        records: dictionaries or structs, as `records` makes them.
        extracted_at: when the page had arrived.

    Raises:
        RecordError: a value does not fit the type of its column.
    """
    rows = [
        tuple(record.values()) if isinstance(record, dict) else msgspec.structs.astuple(record)
        for record in records
    ]
    arrays = []
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        try:
            arrays.append(_array(column, values))
        except (pa.ArrowInvalid, OverflowError):
            _blame(stream, columns, column, rows)
            raise
    arrays.append(pa.array([extracted_at] * len(rows), _INSTANT))
    return pa.table(arrays, schema=schema)


def _array(column: Column, values: Sequence[Any]) -> Any:
    kind = type_of(column.schema)
    if "number" in column.schema["type"]:
        return pa.array([_digits(value) for value in values], kind)
    if kind != _INSTANT:
        return pa.array(values, kind)
    try:
        found = pa.array(values, pa.string()).cast(_INSTANT)
    except pa.ArrowInvalid:
        # Arrow wants an offset; times without one are in UTC.
        return pa.array([instant(value) for value in values], _INSTANT)
    ends = pc.min_max(found)
    if ends["min"].is_valid and not _FIRST <= ends["min"].value <= ends["max"].value <= _LAST:
        raise OverflowError
    return found


def _digits(value: msgspec.Raw | int | None) -> str | None:
    if value is None:
        return None
    return str(value, "ascii") if isinstance(value, msgspec.Raw) else str(value)


def instant(value: str | None) -> datetime | None:
    """Return the instant of an RFC 3339 text; one without offset is in UTC.

    Raises:
        OverflowError: it is none, or finer than a microsecond.
    """
    if value is None:
        return None
    found = _RFC3339.fullmatch(value)
    if found is None:
        raise OverflowError
    day, time_of_day, fraction, zone = (group or "" for group in found.groups())
    try:
        moment = datetime.fromisoformat(f"{day}T{time_of_day or '00:00'}{fraction}{zone.upper()}")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except ValueError:
        raise OverflowError from None


def _blame(
    stream: str, columns: Sequence[Column], column: Column, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Raise the error of the first row whose value does not fit; it is named, not shown."""
    names = [each.name for each in columns]
    place = names.index(column.name)
    for row in rows:
        try:
            _array(column, [row[place]])
        except (pa.ArrowInvalid, OverflowError):
            key = row[names.index(KEY)] if KEY in names else None
            raise RecordError(
                f"stream {stream}, id {key}: field {column.source.name} has a value that "
                f"{type_of(column.schema)} cannot hold exactly; set hand_over to records to have "
                "the target judge it"
            ) from None
