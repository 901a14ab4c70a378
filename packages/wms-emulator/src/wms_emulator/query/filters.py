"""Filters of a list: {path}[__lookup][!]=value, joined by AND, as one SQL condition."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from wms_emulator.query.errors import QueryError
from wms_emulator.query.paths import Expression, resolve
from wms_emulator.query.values import boolean, integer, parse
from wms_emulator.schema.model import Entity, Kind

COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
TEXT_TESTS = frozenset(
    {
        "contains",
        "icontains",
        "startswith",
        "istartswith",
        "endswith",
        "iendswith",
        "iexact",
    }
)
DAY_PARTS = ("year", "month", "day", "week_day")
TIME_PARTS = ("hour", "minute")
RESERVED = frozenset(
    {
        "page",
        "page_mode",
        "cursor",
        "page_size",
        "ordering",
        "fields",
        "values_list",
        "distinct",
        "empty_response_http_code",
        "format",
        "limit",
    }
)


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL over the alias t (without WHERE; "" for none) and its parameters."""

    sql: str
    parameters: tuple[object, ...]

    @property
    def where(self) -> str:
        """The condition as a WHERE clause, or nothing."""
        return f"WHERE {self.sql}" if self.sql else ""


def _date_part(lookup: str, target: Expression, value: str, key: str) -> tuple[str, list[object]]:
    if target.field.kind is Kind.TS and lookup in DAY_PARTS + TIME_PARTS:
        sql = f"ts_part('{lookup}', {target.sql}) = ?"
    elif target.field.kind is Kind.DATE and lookup in DAY_PARTS:
        form = {"year": "%Y", "month": "%m", "day": "%d", "week_day": "%w"}[lookup]
        plus = " + 1" if lookup == "week_day" else ""
        sql = f"CAST(strftime('{form}', {target.sql}) AS INTEGER){plus} = ?"
    else:
        raise QueryError(key, f"lookup {lookup!r} does not fit {target.field.name}")
    try:
        return sql, [integer(value)]
    except ValueError as error:
        raise QueryError(key, f"{value!r}: {error}") from error


def _listed(
    lookup: str, target: Expression, value: str, zone: tzinfo, key: str
) -> tuple[str, list[object]]:
    parts = value.split(",")
    values = [parse(target.field, part, zone, key) for part in parts]
    if lookup == "in":
        return f"{target.sql} IN ({', '.join('?' * len(values))})", values
    if len(values) != 2:
        raise QueryError(key, "range takes two values joined by a comma")
    return f"{target.sql} BETWEEN ? AND ?", values


def _test(
    lookup: str, target: Expression, value: str, zone: tzinfo, key: str
) -> tuple[str, list[object]]:
    """One lookup as SQL and its parameters."""
    if lookup == "isnull":
        try:
            return f"{target.sql} IS {'' if boolean(value) else 'NOT '}NULL", []
        except ValueError as error:
            raise QueryError(key, f"{value!r}: {error}") from error
    if lookup in {"in", "range"}:
        return _listed(lookup, target, value, zone, key)
    if lookup in TEXT_TESTS:
        if target.field.kind is not Kind.TEXT:
            raise QueryError(key, f"lookup {lookup!r} does not fit {target.field.name}")
        return f"text_{lookup}({target.sql}, ?)", [value]
    if lookup in DAY_PARTS + TIME_PARTS:
        return _date_part(lookup, target, value, key)
    operator = "=" if lookup == "exact" else COMPARISONS.get(lookup)
    if operator is None or (target.field.kind is Kind.BOOL and operator != "="):
        raise QueryError(key, f"no lookup {lookup!r} on {target.field.name}")
    return f"{target.sql} {operator} ?", [parse(target.field, value, zone, key)]


def compile_filters(
    entities: Mapping[str, Entity], entity: Entity, query: Mapping[str, str], zone: tzinfo
) -> Condition:
    """The condition of all keys of `query` that are not reserved.

    A negated test is true for rows where the test is false or unknown (null).

    Raises:
        QueryError: an unknown field or lookup, or a value that does not fit.
    """
    parts: list[str] = []
    parameters: list[object] = []
    for key, value in query.items():
        if key in RESERVED:
            continue
        negated = key.endswith("!")
        target, rest = resolve(entities, entity, key.removesuffix("!").split("__"), key)
        if len(rest) > 1:
            raise QueryError(key, f"no field or lookup {'__'.join(rest)!r}")
        sql, values = _test(rest[0] if rest else "exact", target, value, zone, key)
        parts.append(f"({sql}) IS NOT TRUE" if negated else sql)
        parameters += values
    return Condition(" AND ".join(parts), tuple(parameters))
