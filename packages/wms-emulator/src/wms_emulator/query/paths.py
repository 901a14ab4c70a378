"""Field paths such as order_dtl_id__order_id__facility_id as SQL expressions."""

from collections.abc import Mapping
from dataclasses import dataclass

from wms_emulator.query.errors import QueryError
from wms_emulator.schema.model import RELATIONS, Entity, Field, Kind


@dataclass(frozen=True, slots=True)
class Expression:
    """A field reached by a path, as SQL over the alias t."""

    sql: str
    field: Field


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def resolve(
    entities: Mapping[str, Entity], entity: Entity, path: list[str], key: str
) -> tuple[Expression, list[str]]:
    """The longest leading part of `path` that names a field, and what is left of the path.

    Relations become nested scalar subqueries: each row meets one target at most, so nothing
    multiplies rows.

    Raises:
        QueryError: the first part is no field, or the field cannot be filtered or sorted by.
    """
    field = entity.by_name.get(path[0])
    if field is None:
        raise QueryError(key, f"no field {path[0]!r} in {entity.name}")
    if not field.stored:
        raise QueryError(key, f"{path[0]!r} can be neither filtered nor sorted by")
    sql = "t.id" if field.kind is Kind.ID else f"t.{_name(field.name)}"
    rest = path[1:]
    while rest and field.kind in RELATIONS and field.target in entities:
        target = entities[field.target]
        inner = target.by_name.get(rest[0])
        if inner is None:
            break
        if not inner.stored:
            raise QueryError(key, f"{rest[0]!r} can be neither filtered nor sorted by")
        column = "id" if inner.kind is Kind.ID else _name(inner.name)
        sql = f"(SELECT r.{column} FROM {_name(target.name)} r WHERE r.id = {sql})"
        field, rest = inner, rest[1:]
    return Expression(sql, field), rest


def pointing(
    entities: Mapping[str, Entity], entity: Entity, model: str
) -> tuple[Entity, Field] | None:
    """The entity of this model name (no underscores) and its relation that leads here; None."""
    for child in entities.values():
        if child.base or child.name.replace("_", "") != model:
            continue
        for field in child.stored:
            if field.kind in RELATIONS and field.target == (entity.base or entity.name):
                return child, field
    return None
