"""Changes as a call of the admin API names them: read, checked, applied in one transaction."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

import msgspec

from wms_emulator.clock import to_us
from wms_emulator.dataset.vocabulary import DEFAULT_ROWS, KEYS
from wms_emulator.records import URL_MARK, Ref, Row
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.schema.model import RELATIONS, Entity, Kind
from wms_emulator.store.rows import at_or_after
from wms_emulator.warehouse import NoSuchRowError, Warehouse

_VERBS = ("insert", "update", "delete")
_ORDER = {name: number for number, name in enumerate(DEFAULT_ROWS)}  # parents before children
_KEYS = frozenset({*_VERBS, "mod_ts_lag_s", "keep_mod_ts"})


class ChangeError(ValueError):
    """A call that does not make sense; nothing was changed."""


class Step(msgspec.Struct, frozen=True):
    """One verb on one entity: `ids`, or `count` rows of the emulator's choice."""

    verb: str
    entity: Entity
    count: int
    ids: list[int]
    values: dict[str, object]


def apply(warehouse: Warehouse, wanted: Mapping[str, object]) -> dict[str, dict[str, int]]:
    """Make the changes of one call in one transaction and count them.

    `wanted`: {"insert": {entity: what}, "update": {…}, "delete": {…}, "mod_ts_lag_s": n,
    "keep_mod_ts": b}; `what` is a number of rows, or
    {"count": n, "ids": […], "set": {field: value}}. The rows appear now; with mod_ts_lag_s their
    mod_ts lies so many seconds in the past, as when a long transaction commits late; with
    keep_mod_ts updates leave it as it is.

    Raises:
        ChangeError: the call does not make sense; nothing was changed.
    """
    steps, lag_us = _read(wanted)
    mod_us = warehouse.clock.now_us() - lag_us
    kept = wanted.get("keep_mod_ts", False)
    if not isinstance(kept, bool):
        raise ChangeError("keep_mod_ts: true or false")
    done: dict[str, dict[str, int]] = {verb: {} for verb in _VERBS}
    ordinals = warehouse.ordinals()
    try:
        with warehouse.database.transaction():
            for step in steps:
                done[step.verb][step.entity.name] = _apply_step(warehouse, step, mod_us, kept)
            warehouse.keep({step.entity.name for step in steps})
    except BaseException as error:
        warehouse.restore(ordinals)
        if isinstance(error, NoSuchRowError):
            raise ChangeError(str(error)) from error
        raise
    return done


def _apply_step(warehouse: Warehouse, step: Step, mod_us: int, kept: bool) -> int:
    entity = step.entity
    given = _given(warehouse, entity, step.values)
    fixed = set(KEYS.get(entity.name, ())) & set(given)
    if step.verb != "insert" and fixed:
        raise ChangeError(f"{entity.name}.{min(fixed)} names the row and cannot change")
    if step.verb == "insert":
        for _ in range(step.count):
            warehouse.insert(entity, mod_us, given)
        return step.count
    ids = step.ids or warehouse.spread(entity, step.count)
    for record_id in ids:
        if step.verb == "update":
            warehouse.update(entity, record_id, None if kept else mod_us, given)
        else:
            warehouse.delete(entity, record_id, mod_us)
    return len(ids)


def _read(wanted: Mapping[str, object]) -> tuple[list[Step], int]:
    """The steps of a call and its lag in microseconds."""
    unknown = set(wanted) - _KEYS
    if unknown:
        raise ChangeError(f"unknown key {min(unknown)!r}: {', '.join(sorted(_KEYS))}")
    lag_s = wanted.get("mod_ts_lag_s", 0)
    if isinstance(lag_s, bool) or not isinstance(lag_s, int | float) or lag_s < 0:
        raise ChangeError("mod_ts_lag_s: seconds, not negative")
    steps = [
        _read_step(verb, name, what)
        for verb in _VERBS
        for name, what in _mapping(wanted.get(verb, {}), verb).items()
    ]
    steps.sort(key=lambda step: (_VERBS.index(step.verb), _ORDER.get(step.entity.name, -1)))
    return steps, round(lag_s * 1_000_000)


def _mapping(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ChangeError(f"{where}: an object is expected")
    return value


def _read_step(verb: str, name: str, what: object) -> Step:
    entity = ENTITIES.get(name)
    if entity is None or entity.base or (verb == "insert" and entity.lookup):
        raise ChangeError(f"{verb}: no rows of {name!r} can be given")
    parts = {"count": what} if isinstance(what, int) else _mapping(what, f"{verb}.{name}")
    ids = parts.get("ids", [])
    if not isinstance(ids, list) or not all(isinstance(one, int) for one in ids):
        raise ChangeError(f"{verb}.{name}.ids: a list of ids is expected")
    count = parts.get("count", len(ids))
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ChangeError(f"{verb}.{name}: a number of rows is expected")
    return Step(verb, entity, count, ids, _mapping(parts.get("set", {}), f"{verb}.{name}.set"))


def _given(warehouse: Warehouse, entity: Entity, values: Mapping[str, object]) -> Row:
    """Values of a call in native form; relations are given by id."""
    given: Row = {}
    for name, value in values.items():
        field = entity.by_name.get(name)
        if field is None or field.kind in {Kind.ID, Kind.SET}:
            raise ChangeError(f"{entity.name} has no field {name!r} that can be set")
        try:
            given[name] = _native(field.kind, value)
        except (ValueError, InvalidOperation) as error:
            raise ChangeError(f"{entity.name}.{name}: {value!r} does not fit") from error
        if field.kind in RELATIONS and isinstance(value, int):
            target = ENTITIES.get(field.target)
            found = at_or_after(warehouse.database, target, value) if target else (value, "")
            if found is None or found[0] != value:
                raise ChangeError(f"{entity.name}.{name}: no {field.target} {value}")
            given[name] = Ref(*found)
    return given


def _native(kind: Kind, value: object) -> object:
    """A JSON value as the native value of a field (relations stay ids)."""
    if value is None:
        return None
    match kind:
        case Kind.DEC if isinstance(value, str):
            return Decimal(value)
        case Kind.TS if isinstance(value, str):
            return to_us(datetime.fromisoformat(value))
        case Kind.DATE if isinstance(value, str):
            return date.fromisoformat(value).isoformat()
        case Kind.BOOL if isinstance(value, bool):
            return value
        case Kind.TEXT | Kind.BLOB if isinstance(value, str) and URL_MARK not in value:
            return value
        case Kind.INT | Kind.FK | Kind.STATUS | Kind.COMPUTED if isinstance(
            value, int
        ) and not isinstance(value, bool):
            return value
    raise ValueError("wrong type")
