"""Which value of a WMS record each column of a table should hold: records in, tuples out. Pure.

The rules are those of `flext_cli.expected`, arranged by column and decided once per table, since a
million rows pass through here; a test holds both against each other. Nothing of tap or target is
imported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

Record = Mapping[str, Any]
Value = Decimal | int | str | datetime | None
Part = Literal["value", "key", "count"]

#: The record's own address; no column has it.
ADDRESS = "url"
_SET = "_set"
_COUNT = "_count"
_KEY = "_key"
_OFFSET = re.compile(r"[+-]\d\d:\d\d\Z")
_offsets: dict[str, timedelta] = {}
_ID = "_id"


@dataclass(frozen=True)
class LiveColumn:
    """A column as Oracle's catalogue has it.

    Attributes:
        type: the data type's name without lengths.
        length_bytes: how much a text may have.
    """

    name: str
    type: str
    length_bytes: int


@dataclass(frozen=True)
class Column:
    """A column with how its value is found in a record.

    Attributes:
        volatile: whether it changes in the WMS without `mod_ts`, so that Oracle may lag behind.
        source: the key of the record that it comes from.
        part: what of that key's value it holds.
        of_text: what a text becomes.
    """

    name: str
    type: str
    volatile: bool
    source: str
    part: Part = "value"
    of_text: Callable[[str], Value] = str

    def value(self, record: Record) -> Value:
        """Of a record, the value the column should hold."""
        return self.of_found(record.get(self.source))

    def of_found(self, found: Any) -> Value:
        """The same, of what the record has under the column's key."""
        if self.part == "key":
            return (found.get("key") or None) if isinstance(found, Mapping) else None
        if self.part == "count":
            return _count(found)
        if found is None or found == "":
            return None
        kind = found.__class__
        if kind is str:
            return self.of_text(found)
        if kind is int or kind is Decimal:
            return found  # type: ignore[no-any-return]  # its class was just looked at
        if kind is bool:
            return int(found)
        if isinstance(found, Mapping) and "id" in found and "key" in found:
            return int(found["id"])
        return json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def arrange(live: Sequence[LiveColumn], types: Mapping[str, str]) -> list[Column]:
    """The columns to compare, in the table's order; our own metadata is left out.

    Args:
        live: the table's columns.
        types: the type word of each field that the WMS describes.
    """
    names = {name.upper(): name for name in types}
    compared = [column for column in live if not column.name.startswith("_SDC_")]
    # Relations that describe leaves out (facility_id of some entities) are known by their column.
    names |= {column.name: column.name.lower() for column in compared if column.name not in names}
    return [_column(column, names, types) for column in compared]


def uncovered(columns: Collection[Column], record: Record) -> set[str]:
    """The keys of a record for which the table has no column."""
    names = {column.name for column in columns}
    return {
        key
        for key in record
        if key != ADDRESS and key.upper() not in names and f"{key}{_COUNT}".upper() not in names
    }


def _column(column: LiveColumn, names: Mapping[str, str], types: Mapping[str, str]) -> Column:
    name = names.get(column.name, column.name.lower())
    if name not in types:
        if name.endswith(_SET + _COUNT):
            return Column(column.name, column.type, True, name.removesuffix(_COUNT), "count")
        if name.endswith(_KEY):
            stem = name.removesuffix(_KEY)
            for relation in (f"{stem}{_ID}", stem):
                if relation.upper() in names:
                    return Column(column.name, column.type, True, relation, "key")
    of_text = _text_of(name, types.get(name, ""))
    return Column(column.name, column.type, False, name, of_text=of_text)


def _count(found: object) -> Value:
    if found is None:
        return None
    if isinstance(found, Mapping):
        return int(found["result_count"])
    if isinstance(found, Sequence):
        return len(found)
    raise ValueError(f"a set is neither a list nor a count: {type(found).__name__}")


def _text_of(name: str, word: str) -> Callable[[str], Value]:
    if word in {"number", "decimal"}:
        return Decimal
    known = word in {"string", "integer", "boolean", "time", "date", "datetime"}
    # A type word that nobody knows says as little as none: then the name decides.
    if word == "datetime" or (not known and name.endswith("_ts")):
        return _instant
    if word == "date" or (not known and name.endswith("_date")):
        return _day
    return str


def _instant(text: str) -> datetime:
    """In UTC; an offset that was met is known by its text, which takes half the time."""
    offset = _offsets.get(text[-6:])
    if offset is None:
        moment = datetime.fromisoformat(text)
        known = moment.utcoffset()
        if known is not None and _OFFSET.match(text[-6:]):
            _offsets[text[-6:]] = known
        return moment.astimezone(UTC).replace(tzinfo=None)
    return datetime.fromisoformat(text[:-6]) - offset


def _day(text: str) -> datetime:
    day = date.fromisoformat(text)
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 -- an Oracle DATE has no zone
