"""Filters of a list: {path}[__lookup][!]=value, joined by AND, as one SQL condition."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from wms_emulator.query.errors import QueryError
from wms_emulator.query.paths import Expression, pointing, resolve
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
# Documented reverse filters whose rows are not served: nothing ever points here.
_NEVER_THERE = frozenset({("order_hdr", "orderlockxref"), ("inventory", "inv_serial_nbr_id")})
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

    def both(self, other: "Condition") -> "Condition":
        """This condition and another one."""
        if not self.sql or not other.sql:
            return other if other.sql else self
        return Condition(f"{self.sql} AND {other.sql}", (*self.parameters, *other.parameters))

    @property
    def where(self) -> str:
        """The condition as a WHERE clause, or nothing."""
        return f"WHERE {self.sql}" if self.sql else ""


EVERYTHING = Condition("", ())
_MOST_VALUES = 5000


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
    if len(parts) > _MOST_VALUES:
        raise QueryError(key, f"more than {_MOST_VALUES} values")
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
        return f"{target.sql} IS {'' if _boolean(value, key) else 'NOT '}NULL", []
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


def _reverse(
    entities: Mapping[str, Entity], entity: Entity, path: list[str], value: str, zone: tzinfo
) -> tuple[str, list[object]] | None:
    """A filter by rows that point here ({model}__isnull, {model}__field…); None for no such one."""
    key = "__".join(path)
    if (entity.name, path[0]) in _NEVER_THERE and path[1:] == ["isnull"]:
        return ("1" if _boolean(value, key) else "0"), []
    found = pointing(entities, entity, path[0])
    if found is None:
        return None
    child, relation = found
    pointers = f'SELECT t."{relation.name}" FROM "{child.name}" t WHERE t."{relation.name}"'
    if path[1:] == ["isnull"]:
        return f"t.id {'NOT ' if _boolean(value, key) else ''}IN ({pointers} IS NOT NULL)", []
    if not path[1:]:
        raise QueryError(key, "a field or isnull is expected")
    target, rest = resolve(entities, child, path[1:], key)
    if len(rest) > 1:
        raise QueryError(key, f"no field or lookup {'__'.join(rest)!r}")
    sql, values = _test(rest[0] if rest else "exact", target, value, zone, key)
    return f"t.id IN ({pointers} IS NOT NULL AND {sql})", values


def _boolean(text: str, key: str) -> int:
    try:
        return boolean(text)
    except ValueError as error:
        raise QueryError(key, f"{text!r}: {error}") from error


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
        path = key.removesuffix("!").split("__")
        found = None if path[0] in entity.by_name else _reverse(entities, entity, path, value, zone)
        if found is None:
            target, rest = resolve(entities, entity, path, key)
            if len(rest) > 1:
                raise QueryError(key, f"no field or lookup {'__'.join(rest)!r}")
            found = _test(rest[0] if rest else "exact", target, value, zone, key)
        sql, values = found
        parts.append(f"({sql}) IS NOT TRUE" if negated else sql)
        parameters += values
    return Condition(" AND ".join(parts), tuple(parameters))
