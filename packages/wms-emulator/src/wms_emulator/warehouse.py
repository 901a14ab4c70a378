"""The warehouse's rows and how single rows come, change and go: dataset, database, clock and zone.

Every change goes to the rows and their journal together; the API's query code has no part in it.
"""

from collections.abc import Iterable, Mapping
from datetime import tzinfo

import msgspec

from wms_emulator.clock import Clock
from wms_emulator.dataset.mixing import mix
from wms_emulator.dataset.rows import Dataset, natural_key
from wms_emulator.records import Ref, Row, columns_of, encoder, json_value, sql_value
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.schema.model import Entity, Field, Kind
from wms_emulator.seeding import prepared
from wms_emulator.store import rows, tables
from wms_emulator.store.database import Database

_GOLDEN = 0x9E3779B97F4A7C15

# (child, its relation) -> the sets that count it: (parent, the set's field)
_SETS: dict[tuple[str, str], tuple[Entity, Field]] = {
    (field.target.partition(".")[0], field.target.partition(".")[2]): (entity, field)
    for entity in ENTITIES.values()
    for field in entity.fields
    if field.kind is Kind.SET and field.target
}


class NoSuchRowError(ValueError):
    """A row that is named does not exist."""


class Warehouse:
    """The rows as they are now. Belongs to the thread that made its database."""

    def __init__(self, database: Database, dataset: Dataset, clock: Clock, zone: tzinfo) -> None:
        self.database = database
        self.dataset = dataset
        self.clock = clock
        self.zone = zone
        self._encoders = {name: encoder(entity, zone) for name, entity in ENTITIES.items()}
        self._columns = {name: columns_of(entity) for name, entity in ENTITIES.items()}
        self._next_ordinal = {name: dataset.size(name) for name in _own_rows()}
        self._salt = 0
        self._fresh: dict[str, list[Ref]] = {}

    def load(self) -> None:
        """Write the seeded rows of every entity, one transaction."""
        with self.database.transaction():
            # Subsets are views: they come after the tables that they show.
            for entity in sorted(ENTITIES.values(), key=lambda one: bool(one.base)):
                tables.create(self.database, entity)
                if not entity.base:
                    rows_of = prepared(self.dataset, entity, self.zone)
                    tables.load(self.database, entity, rows_of)
                    tables.index(self.database, entity)

    def resume(self) -> None:
        """Continue after the rows of a kept database."""
        self._salt = int(self.database.fact("salt") or 0)
        for name in _own_rows():
            kept = self.database.fact(f"next {name}")
            self._next_ordinal[name] = int(kept or self.dataset.size(name))

    def keep(self, names: Iterable[str]) -> None:
        """Note where numbers stand, so that `resume` finds them."""
        self.database.note("salt", str(self._salt))
        for name in names:
            self.database.note(f"next {name}", str(self._next_ordinal[name]))

    def ordinals(self) -> dict[str, int]:
        """The ordinals that the next new rows get; give them back to `restore`."""
        self._fresh = {}
        return dict(self._next_ordinal)

    def restore(self, ordinals: dict[str, int]) -> None:
        """Go back to ordinals, after a transaction that was rolled back."""
        self._next_ordinal = ordinals

    def _parent(self, target: str, wished: int) -> Ref | None:
        """A row of `target` that exists now; one of this transaction's new ones if there are."""
        fresh = self._fresh.get(target)
        if fresh:
            return fresh[wished % len(fresh)]
        entity = ENTITIES[target]
        low, high = rows.id_span(self.database, entity)
        if high < low:
            return None
        found = rows.at_or_after(self.database, entity, low + mix(wished) % (high - low + 1))
        return None if found is None else Ref(*found)

    def insert(self, entity: Entity, mod_us: int, given: Mapping[str, object]) -> int:
        """Add one row; returns its id. `given` are native values that override the made ones."""
        ordinal = self._next_ordinal[entity.name]
        self._next_ordinal[entity.name] = ordinal + 1
        row = self.dataset.row(entity, ordinal, now_us=mod_us, parents=self._parent)
        row.update(given)
        if entity.has_mod_ts and "mod_ts" not in given:
            row["mod_ts"] = row["create_ts"]
        record_id = self.dataset.id_of(entity.name, ordinal)
        key = natural_key(entity, row)
        body = self._encoders[entity.name](row, record_id)
        at_us = self.clock.now_us()
        rows.insert(
            self.database,
            entity,
            (record_id, key or None, self._columns[entity.name](row), body),
            at_us,
        )
        self._fresh.setdefault(entity.name, []).append(Ref(record_id, key))
        self._count(entity, row, 1, mod_us)
        return record_id

    def _count(self, entity: Entity, row: Mapping[str, object], step: int, mod_us: int) -> None:
        """A row came (1) or went (-1): the sets of its parents show it, and they were modified."""
        for name, value in row.items():
            counted = _SETS.get((entity.name, name))
            parent_id = value.id if isinstance(value, Ref) else _relation_id(value)
            if counted is None or parent_id is None:
                continue
            parent, field = counted
            record = self.record(parent, parent_id)
            if record is not None:
                shown = record[field.name]
                count = shown["result_count"] if isinstance(shown, dict) else 0
                self.update(parent, parent_id, mod_us, {field.name: count + step})

    def record(self, entity: Entity, record_id: int) -> Row | None:
        """A row's record as JSON values, links marked; None if it does not exist."""
        body = rows.body_of(self.database, entity, record_id)
        if body is None:
            return None
        record: Row = msgspec.json.decode(body)
        return record

    def update(
        self, entity: Entity, record_id: int, mod_us: int | None, given: Mapping[str, object]
    ) -> None:
        """Change one row: its business columns, or only those `given`; and mod_ts with mod_user.

        Without `mod_us` both stay as they are: the server keeps some columns that way.

        Raises:
            NoSuchRowError: it does not exist.
        """
        record = self.record(entity, record_id)
        if record is None:
            raise NoSuchRowError(f"{entity.name} {record_id} does not exist")
        self._salt += 1
        changed = dict(given) or self.dataset.changed_values(
            entity, record_id, self._salt, self._parent
        )
        if entity.has_mod_ts and mod_us is not None:
            changed = {"mod_ts": mod_us, "mod_user": "svc_wave", **changed}
        stored: Row = {}
        for name, value in changed.items():
            field = entity.by_name[name]
            record[name] = json_value(field, value, self.zone, record_id)
            if field.stored:
                stored[name] = sql_value(value)
        body = msgspec.json.encode(record)
        rows.update(self.database, entity, record_id, stored, body, self.clock.now_us())

    def delete(self, entity: Entity, record_id: int, mod_us: int) -> None:
        """Remove one row, as a purge does: what pointed at it still does.

        Raises:
            NoSuchRowError: it does not exist.
        """
        record = self.record(entity, record_id)
        if record is None:
            raise NoSuchRowError(f"{entity.name} {record_id} does not exist")
        rows.delete(self.database, entity, record_id, self.clock.now_us())
        self._count(entity, record, -1, mod_us)

    def spread(self, entity: Entity, count: int) -> list[int]:
        """Different ids, `count` of them or all there are, spread over the entity."""
        low, high = rows.id_span(self.database, entity)
        if high < low:
            return []
        if count >= rows.count(self.database, entity):
            return rows.all_ids(self.database, entity)
        chosen: dict[int, None] = {}
        while len(chosen) < count:
            self._salt += 1
            wished = low + mix(self._salt * _GOLDEN) % (high - low + 1)
            found = rows.at_or_after(self.database, entity, wished)
            if found is not None:
                chosen[found[0]] = None
        return list(chosen)


def _own_rows() -> list[str]:
    """The entities that have rows of their own: all but the subsets."""
    return [name for name, entity in ENTITIES.items() if not entity.base]


def _relation_id(value: object) -> int | None:
    """The id in a relation as JSON shows it."""
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, int) else None
