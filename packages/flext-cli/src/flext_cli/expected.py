"""What Oracle should hold for a WMS record: naming and type rules, written a second time.

Imports nothing of tap or target, on purpose: a mistake there must not be able to hide here. Pure.
The rules are those of docs/tutorial/first-demo.md: an id object becomes its id and its key, a set
becomes its count, decimals keep their digits, instants become UTC, empty text is NULL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Value = Decimal | str | datetime | None
Row = dict[str, Value]

#: The record's own address says nothing about the record.
_ADDRESSES = frozenset({"url"})
_DECIMAL_WORDS = frozenset({"number", "decimal"})
_INSTANT_WORDS = frozenset({"datetime"})
_DATE_WORDS = frozenset({"date"})
_WORDS = _DECIMAL_WORDS | _INSTANT_WORDS | _DATE_WORDS | {"string", "integer", "boolean", "time"}


def row(record: Mapping[str, Any], types: Mapping[str, str]) -> Row:
    """The columns of one record, names in upper case.

    `types` has the type word of each described field; what is not described goes by its name and
    shape.
    """
    result: Row = {}
    for name, value in record.items():
        if name in _ADDRESSES:
            continue
        result.update(_columns(name, value, types.get(name, "")))
    return result


def _columns(name: str, value: Any, word: str) -> Row:
    column = name.upper()
    if name.endswith("_set"):
        return {f"{column}_COUNT": _set_count(value)}
    if _is_relation(name, value, word):
        return _relation(name, value)
    return {column: _scalar(name, value, word)}


def _is_relation(name: str, value: Any, word: str) -> bool:
    if isinstance(value, Mapping):
        return {"id", "key"} <= value.keys()
    # A status is described as a relation too, but records carry it as a plain integer.
    return value is None and word == "relation" and not name.endswith("status_id")


def _relation(name: str, value: Mapping[str, Any] | None) -> Row:
    stem = name.removesuffix("_id").upper()
    if value is None:
        return {name.upper(): None, f"{stem}_KEY": None}
    return {name.upper(): Decimal(value["id"]), f"{stem}_KEY": value["key"] or None}


def _set_count(value: Any) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return Decimal(value["result_count"])
    return Decimal(len(value))


def _scalar(name: str, value: Any, word: str) -> Value:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return Decimal(int(value))
    if isinstance(value, int | float):
        return Decimal(str(value))
    if isinstance(value, str):
        return _text(name, value, word)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _text(name: str, value: str, word: str) -> Value:
    if word in _DECIMAL_WORDS:
        return Decimal(value)
    # A type word that nobody knows says as little as none: then the name decides.
    if word in _INSTANT_WORDS or (word not in _WORDS and name.endswith("_ts")):
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    if word in _DATE_WORDS or (word not in _WORDS and name.endswith("_date")):
        day = date.fromisoformat(value)
        return datetime(day.year, day.month, day.day)  # noqa: DTZ001 -- an Oracle DATE has no zone
    return value
