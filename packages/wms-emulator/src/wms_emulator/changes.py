"""Changes to the rows, as the WMS makes them: each call is one transaction at one instant.

Writes the store and its journal together; the API's query code has no part in it.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal, InvalidOperation

import msgspec

from wms_emulator.clock import Clock, to_us
from wms_emulator.dataset.mixing import mix
from wms_emulator.dataset.rows import Dataset, natural_key
from wms_emulator.records import Ref, Row, columns, encode, json_value, sql_value
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.schema.model import RELATIONS, Entity, Kind
from wms_emulator.store import Store


class ChangeError(ValueError):
    """A change that cannot be made; nothing was changed."""


class Seeded:
    """The rows, their store and clock: what changes need together."""

    def __init__(self, store: Store, dataset: Dataset, clock: Clock, zone: tzinfo) -> None:
        self.store = store
        self.dataset = dataset
        self.clock = clock
        self.zone = zone
        self._next_ordinal = {name: dataset.size(name) for name in ENTITIES}
        self._salt = 0

    def load(self) -> None:
        """Write the seeded rows of every entity, one transaction."""
        self.store.begin()
        for entity in ENTITIES.values():
            self.store.create(entity)
            self.store.load(entity, self._seeded(entity))
            self.store.index(entity)
        self.store.commit()

    def _seeded(
        self, entity: Entity
    ) -> Iterable[tuple[int, str | None, tuple[object, ...], bytes]]:
        for ordinal, row in enumerate(self.dataset.rows(entity)):
            record_id = self.dataset.id_of(entity.name, ordinal)
            key = natural_key(entity, row) or None
            yield record_id, key, columns(entity, row), encode(entity, row, record_id, self.zone)

    def resume(self) -> None:
        """Continue after the rows of a kept database."""
        self._salt = int(self.store.fact("salt") or 0)
        for name in ENTITIES:
            self._next_ordinal[name] = int(
                self.store.fact(f"next {name}") or self.dataset.size(name)
            )

    def _keep(self, names: Iterable[str]) -> None:
        self.store.note("salt", str(self._salt))
        for name in names:
            self.store.note(f"next {name}", str(self._next_ordinal[name]))

    def _parent(self, target: str, wished: int) -> Ref | None:
        """A row of `target` that exists now, near the wished ordinal."""
        entity = ENTITIES[target]
        low, high = self.store.ids(entity)
        if high < low:
            return None
        found = self.store.at_or_after(entity, low + mix(wished) % (high - low + 1))
        return None if found is None else Ref(*found)

    # -- one row ------------------------------------------------------------------------------

    def insert(self, entity: Entity, now_us: int, given: Mapping[str, object]) -> int:
        """Add one row; returns its id. `given` are native values that override the made ones."""
        ordinal = self._next_ordinal[entity.name]
        self._next_ordinal[entity.name] = ordinal + 1
        row = self.dataset.row(entity, ordinal, now_us=now_us, parents=self._parent)
        row.update(given)
        if entity.has_mod_ts and "mod_ts" not in given:
            row["mod_ts"] = row["create_ts"]
        record_id = self.dataset.id_of(entity.name, ordinal)
        body = encode(entity, row, record_id, self.zone)
        key = natural_key(entity, row) or None
        self.store.insert(entity, record_id, key, columns(entity, row), body, self.clock.now_us())
        return record_id

    def update(self, entity: Entity, record_id: int, now_us: int, given: Row) -> None:
        """Change one row's business columns (or only those `given`) and its mod_ts."""
        body = self.store.body(entity, record_id)
        if body is None:
            raise ChangeError(f"{entity.name} {record_id} does not exist")
        self._salt += 1
        made = self.dataset.changed_values(entity, record_id, self._salt, self._parent)
        changed: Row = dict(given) or made
        if entity.has_mod_ts:
            changed = {"mod_ts": now_us, "mod_user": "svc_wave", **changed}
        record = msgspec.json.decode(body)
        for name, value in changed.items():
            field = entity.by_name[name]
            record[name] = json_value(field, value, self.zone, record_id)
        stored = {
            name: sql_value(value) for name, value in changed.items() if entity.by_name[name].stored
        }
        text = msgspec.json.encode(record)
        self.store.update(entity, record_id, stored, text, self.clock.now_us())

    def _spread(self, entity: Entity, count: int) -> list[int]:
        """Up to `count` different ids, spread over the entity by the change counter."""
        low, high = self.store.ids(entity)
        chosen: dict[int, None] = {}
        attempt = 0
        while high >= low and len(chosen) < count and attempt < 20 * count + 100:
            self._salt += 1
            attempt += 1
            wished = low + mix(self._salt * 0x9E3779B97F4A7C15) % (high - low + 1)
            found = self.store.at_or_after(entity, wished)
            if found is not None:
                chosen[found[0]] = None
        return list(chosen)

    # -- one call -----------------------------------------------------------------------------

    def apply(self, wanted: Mapping[str, object]) -> dict[str, dict[str, int]]:
        """Make the changes of one call in one transaction and count them.

        `wanted`: {"insert": {entity: what}, "update": {…}, "delete": {…}, "mod_ts_lag_s": n};
        `what` is a number of rows, or {"count": n, "ids": […], "set": {field: value}}. The rows
        appear now; with mod_ts_lag_s their mod_ts lies so many seconds in the past, as when a
        long transaction commits late.

        Raises:
            ChangeError: the call does not make sense; nothing was changed.
        """
        plan = _plan(wanted)
        now_us = self.clock.now_us() - plan.lag_us
        done: dict[str, dict[str, int]] = {"insert": {}, "update": {}, "delete": {}}
        ordinals = dict(self._next_ordinal)
        self.store.begin()
        try:
            for step in plan.steps:
                done[step.verb][step.entity.name] = self._step(step, now_us)
            self._keep({step.entity.name for step in plan.steps})
        except BaseException:
            self.store.rollback()
            self._next_ordinal = ordinals
            raise
        self.store.commit()
        return done

    def _step(self, step: "Step", now_us: int) -> int:
        entity = step.entity
        given = self._given(entity, step.values)
        if step.verb == "insert":
            for _ in range(step.count):
                self.insert(entity, now_us, given)
            return step.count
        ids = step.ids or self._spread(entity, step.count)
        for record_id in ids:
            if step.verb == "update":
                self.update(entity, record_id, now_us, given)
            elif self.store.body(entity, record_id) is None:
                raise ChangeError(f"{entity.name} {record_id} does not exist")
            else:
                self.store.delete(entity, record_id, self.clock.now_us())
        return len(ids)

    def _given(self, entity: Entity, values: Mapping[str, object]) -> Row:
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
                found = self.store.at_or_after(target, value) if target else (value, "")
                if found is None or found[0] != value:
                    raise ChangeError(f"{entity.name}.{name}: no {field.target} {value}")
                given[name] = Ref(*found)
        return given


class Step(msgspec.Struct, frozen=True):
    """One verb on one entity."""

    verb: str
    entity: Entity
    count: int
    ids: list[int]
    values: dict[str, object]


class _Plan(msgspec.Struct, frozen=True):
    steps: list[Step]
    lag_us: int


def _plan(wanted: Mapping[str, object]) -> _Plan:
    unknown = set(wanted) - {"insert", "update", "delete", "mod_ts_lag_s"}
    if unknown:
        raise ChangeError(f"unknown key {min(unknown)!r}: insert, update, delete, mod_ts_lag_s")
    lag_s = wanted.get("mod_ts_lag_s", 0)
    if isinstance(lag_s, bool) or not isinstance(lag_s, int | float) or lag_s < 0:
        raise ChangeError("mod_ts_lag_s: seconds, not negative")
    steps = [
        _read_step(verb, name, what)
        for verb in ("insert", "update", "delete")
        for name, what in _mapping(wanted.get(verb, {}), verb).items()
    ]
    return _Plan(steps, round(lag_s * 1_000_000))


def _mapping(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ChangeError(f"{where}: an object is expected")
    return value


def _read_step(verb: str, name: str, what: object) -> Step:
    entity = ENTITIES.get(name)
    if entity is None or (verb == "insert" and entity.lookup):
        raise ChangeError(f"{verb}: {name!r} takes none")
    parts = {"count": what} if isinstance(what, int) else _mapping(what, f"{verb}.{name}")
    ids = parts.get("ids", [])
    count = parts.get("count", len(ids) if isinstance(ids, list) else 0)
    if not isinstance(ids, list) or not all(isinstance(one, int) for one in ids):
        raise ChangeError(f"{verb}.{name}.ids: a list of ids is expected")
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ChangeError(f"{verb}.{name}: a number of rows is expected")
    return Step(verb, entity, count, ids, _mapping(parts.get("set", {}), f"{verb}.{name}.set"))


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
        case Kind.TEXT | Kind.BLOB if isinstance(value, str):
            if "\x7f" in value:
                raise ValueError("U+007F is kept for links")
            return value
        case Kind.INT | Kind.FK | Kind.STATUS | Kind.COMPUTED if isinstance(value, int):
            return value
    raise ValueError("wrong type")
