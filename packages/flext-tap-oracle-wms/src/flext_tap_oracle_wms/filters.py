"""The filters of the settings as parameters of a list, checked against describe first. Pure.

A filter is `field[__relation…][__lookup][!]: value`, as the API writes it. A wrong name would be
refused by the WMS, or worse: ignored. So nothing is sent that describe does not know.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from flext_tap_oracle_wms import moments
from flext_tap_oracle_wms.errors import SettingsError
from flext_tap_oracle_wms.windows import instant_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from flext_tap_oracle_wms.schema import Field, Kind
    from flext_tap_oracle_wms.settings import Settings

_TEXT = frozenset(
    [
        "exact",
        "iexact",
        "contains",
        "icontains",
        "startswith",
        "istartswith",
        "endswith",
        "iendswith",
    ]
)
_ORDER = frozenset({"gt", "gte", "lt", "lte", "range", "in", "exact"})
_DATE_PARTS = frozenset({"year", "month", "day", "week_day"})
_TIME_PARTS = frozenset({"hour", "minute"})
LOOKUPS = _TEXT | _ORDER | _DATE_PARTS | _TIME_PARTS | {"isnull"}
_LOOKUPS_OF: dict[Kind, frozenset[str]] = {
    "timestamp": _ORDER | _DATE_PARTS | _TIME_PARTS | {"isnull"},
    "date": _ORDER | _DATE_PARTS | {"isnull"},
    "time": _ORDER | _TIME_PARTS | {"isnull"},
    "boolean": frozenset({"exact", "in", "isnull"}),
    "set": frozenset({"isnull"}),
}
#: Parameters of the list itself, which the tap sets.
_RESERVED = frozenset(
    [
        "page",
        "page_size",
        "page_mode",
        "cursor",
        "ordering",
        "fields",
        "values_list",
        "distinct",
        "format",
        "limit",
        "empty_response_http_code",
    ]
)
_PART = re.compile(r"[a-z][a-z0-9_]*?")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
EVERY = "*"


def of_entity(filters: Mapping[str, Mapping[str, Any]], entity: str) -> dict[str, Any]:
    """Return an entity's filters: those of all entities, and its own above them."""
    return {**filters.get(EVERY, {}), **filters.get(entity, {})}


def of_settings(settings: Settings, entity: str, names: Collection[str]) -> dict[str, Any]:
    """Return all that the settings leave out of an entity, as its filters.

    Args:
        settings: the tap's.
        entity: whose filters.
        names: its fields, which tell whether it has a facility and a company.
    """
    found: dict[str, Any] = {}
    for each, codes in (("facility", settings.facilities), ("company", settings.companies)):
        if not codes:
            continue
        if entity == each:
            found["code__in"] = list(codes)
        elif f"{each}_id" in names:
            found[f"{each}_id__code__in"] = list(codes)
    return {**found, **of_entity(settings.filters, entity)}


def compile_filters(
    entity: str,
    wanted: Mapping[str, Any],
    fields: Iterable[Field],
    now: datetime,
    *,
    windowed: Collection[str],
) -> dict[str, str]:
    """Return filters as parameters, expressions of time resolved.

    Args:
        entity: whose they are, for messages.
        wanted: the filters as the settings have them.
        fields: what describe says of the entity.
        now: the present, for expressions.
        windowed: fields by which the tap itself filters, which a second filter would undo.

    Raises:
        SettingsError: a filter that the entity does not have, or whose value does not fit.
    """
    known = {item.name: item for item in fields}
    return {
        key: _checked(f"filters: {entity}.{key}", key, value, known, now, windowed)
        for key, value in wanted.items()
    }


def _checked(
    where: str,
    key: str,
    value: Any,
    known: Mapping[str, Field],
    now: datetime,
    windowed: Collection[str],
) -> str:
    path = key.removesuffix("!").split("__")
    name, rest = path[0], path[1:]
    if name in _RESERVED:
        raise SettingsError(f"{where}: {name} is set by the tap itself; remove it")
    if name in windowed and not rest[:-1]:
        raise SettingsError(
            f"{where}: the tap reads by {name} itself, and of two filters the WMS keeps one; use "
            "start_date and end_date, or another field"
        )
    item = known.get(name)
    if item is None:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "see describe for its fields"
        raise SettingsError(f"{where}: the entity has no field {name}; {hint}")
    lookup = rest[-1] if rest and rest[-1] in LOOKUPS else "exact"
    relations = rest[:-1] if rest and rest[-1] in LOOKUPS else rest
    kind = item.kind
    if relations:
        _check_relations(where, item, relations)
        kind = "text"  # what the field behind a relation is, only the WMS knows
    elif lookup not in _LOOKUPS_OF.get(kind, LOOKUPS):
        raise SettingsError(
            f"{where}: {name} is a {kind}, for which there is no lookup {lookup}; use one of "
            f"{', '.join(sorted(_LOOKUPS_OF[kind]))}"
        )
    return _value(where, kind, lookup, value, now, traversed=bool(relations))


def _check_relations(where: str, item: Field, relations: list[str]) -> None:
    if item.kind not in {"relation", "status", "set"}:
        near = difflib.get_close_matches(relations[0], LOOKUPS, n=1)
        hint = f"did you mean __{near[0]}?" if near else f"use one of {', '.join(sorted(LOOKUPS))}"
        raise SettingsError(
            f"{where}: {item.name} is a {item.kind}, which leads to no other entity, and "
            f"{relations[0]} is no lookup; {hint}"
        )
    for part in relations:
        if not _PART.fullmatch(part):
            raise SettingsError(f"{where}: {part!r} is no name of a field")


def _value(
    where: str, kind: Kind, lookup: str, value: Any, now: datetime, *, traversed: bool
) -> str:
    several = value if isinstance(value, list) else None
    if several is None and lookup in {"in", "range"} and isinstance(value, str):
        several = [part.strip() for part in value.split(",")]
    if lookup == "isnull":
        return _boolean(where, value)
    if lookup == "range" and (several is None or len(several) != 2):
        raise SettingsError(f"{where}: range takes two values: the first and the last")
    if lookup in {"in", "range"}:
        parts = [
            _single(where, kind, lookup, part, now, traversed=traversed) for part in several or []
        ]
        if not parts:
            raise SettingsError(f"{where}: {lookup} takes at least one value")
        if any("," in part for part in parts):
            raise SettingsError(f"{where}: the API cannot take a comma within one of many values")
        return ",".join(parts)
    if several is not None:
        raise SettingsError(f"{where}: {lookup} takes one value; use __in for several")
    return _single(where, kind, lookup, value, now, traversed=traversed)


def _single(
    where: str, kind: Kind, lookup: str, value: Any, now: datetime, *, traversed: bool
) -> str:
    if lookup in _DATE_PARTS | _TIME_PARTS:
        return _integer(where, value)
    if traversed:
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "boolean":
        return _boolean(where, value)
    if kind in {"timestamp", "date"}:
        return _moment(where, kind, str(value), now)
    if kind in {"integer", "relation", "status"} and lookup not in _TEXT - {"exact"}:
        return _integer(where, value)
    if kind == "number" and lookup not in _TEXT - {"exact"}:
        if isinstance(value, bool) or not _NUMBER.fullmatch(str(value).strip()):
            raise SettingsError(f"{where}: {value!r} is no number")
        return str(value).strip()
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise SettingsError(f"{where}: {value!r} is no text")
    return str(value)


def _moment(where: str, kind: Kind, text: str, now: datetime) -> str:
    try:
        instant = moments.resolve(text, now)
    except ValueError as error:
        if kind == "date" and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return text
        raise SettingsError(f"{where}: {error}") from None
    return instant.date().isoformat() if kind == "date" else instant_text(instant)


def _boolean(where: str, value: Any) -> str:
    text = str(value).lower()
    if text not in {"true", "false"}:
        raise SettingsError(f"{where}: {value!r} is neither true nor false")
    return text


def _integer(where: str, value: Any) -> str:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?[0-9]{1,38}", text):
        raise SettingsError(f"{where}: {value!r} is no whole number")
    return text
