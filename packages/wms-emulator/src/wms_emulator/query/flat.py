"""The parameter values_list: which columns make up the flat rows, under which names."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from wms_emulator.query.errors import QueryError
from wms_emulator.query.paths import Expression, resolve
from wms_emulator.schema.model import Entity

_KEY = "values_list"


@dataclass(frozen=True, slots=True)
class Column:
    """One value of a flat row: the key it has there and where it comes from."""

    name: str
    expression: Expression


def parse_values_list(
    entities: Mapping[str, Entity], entity: Entity, text: str
) -> tuple[Column, ...]:
    """The columns of `values_list`: entries `path` or `path:alias`.

    Raises:
        QueryError: an unknown field, a set or computed one, or names that are not unique.
    """
    entries = [part.partition(":") for part in filter(None, text.split(","))]
    if not entries:
        raise QueryError(_KEY, "at least one field is expected")
    aliases = [alias for _, _, alias in entries if alias]
    paths = [path for path, _, _ in entries]
    twice = {name for name, count in Counter(aliases).items() if count > 1}
    twice |= set(aliases) & set(paths)
    if twice:
        offenders = ", ".join(sorted(twice))
        raise QueryError(_KEY, f"Values list alias names must be unique. {offenders}")
    columns = {}
    for path, colon, alias in entries:
        if colon and not alias:
            raise QueryError(_KEY, f"{path}: an alias is expected after the colon")
        expression, rest = resolve(entities, entity, path.split("__"), _KEY)
        if rest:
            raise QueryError(_KEY, f"no field {path!r}")
        columns[alias or path] = Column(alias or path, expression)
    return tuple(columns.values())
