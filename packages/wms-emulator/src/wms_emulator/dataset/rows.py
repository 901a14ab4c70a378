"""Rows of one seed: ids, keys, instants and relations, each from (entity, ordinal) alone."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from wms_emulator.dataset.makers import maker
from wms_emulator.dataset.mixing import MASK, mix, name_number
from wms_emulator.dataset.vocabulary import (
    DEFAULT_ROWS,
    EDGES,
    FIRST_ID,
    KEYS,
    MHE_IDS,
    NESTED,
    UPDATED,
)
from wms_emulator.records import Ref, Row
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.schema.model import RELATIONS, Entity, Field, Kind

HISTORY_START_US = 1_704_067_200_000_000  # 2024-01-01T00:00:00Z
HISTORY_END_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
MASS_UPDATE_FROM = 3000  # allocations above this many hold one wave's mass update
MASS_UPDATE_ROWS = 1600  # past the cursor's limit of 1000 by more than a page of 500
_ID_STRIDE = 3
_CACHED = 50_000
_ALWAYS = frozenset({"facility_id", "company_id"})
_DAY_US = 86_400_000_000

# Finds a relation's target: (target entity, ordinal wished for) -> Ref, or None if it has no rows.
Parents = Callable[[str, int], Ref | None]


class Dataset:
    """The rows of one seed. Pure apart from bounded caches of keys."""

    def __init__(self, seed: int, rows: Mapping[str, int] | None = None) -> None:
        """Rows as the seed says, `rows` overriding the default number per entity.

        Raises:
            ValueError: a number for an entity that is not served or is a lookup, or below zero.
        """
        for name, count in (rows or {}).items():
            if name not in DEFAULT_ROWS or count < 0:
                raise ValueError(f"--rows {name}={count}: one of {', '.join(DEFAULT_ROWS)}, from 0")
        self.seed = seed
        self.sizes: dict[str, int] = {**DEFAULT_ROWS, **(rows or {})}
        self._numbers = {name: name_number(seed, name) for name in ENTITIES}
        self._makers = {
            (entity.name, field.name): maker(entity, field)
            for entity in ENTITIES.values()
            for field in entity.fields
            if field.kind not in RELATIONS | {Kind.ID, Kind.SET}
        }
        self._salts = {
            (entity.name, field.name): name_number(entity.name, field.name) | 1
            for entity in ENTITIES.values()
            for field in entity.fields
        }
        self._plans = {
            entity.name: [
                (
                    field.name,
                    self._salts[entity.name, field.name],
                    self._makers.get((entity.name, field.name)),
                    field,
                    field.kind in RELATIONS,
                )
                for field in entity.fields
            ]
            for entity in ENTITIES.values()
        }
        self._first_ids = {
            name: FIRST_ID.get(name) or 1000 + name_number("first id", name) % 900 * 1000
            for name in ENTITIES
        }
        self.key_of = lru_cache(maxsize=_CACHED)(self._key_of)
        self._ref = lru_cache(maxsize=_CACHED)(self._make_ref)

    def size(self, entity: str) -> int:
        """How many seeded rows an entity has."""
        lookup = ENTITIES[entity].lookup
        return len(lookup) if lookup else self.sizes[entity]

    def id_of(self, entity: str, ordinal: int) -> int:
        """The id of a row: grows with the ordinal, with gaps."""
        lookup = ENTITIES[entity].lookup
        if lookup:
            return lookup[ordinal][0]
        first = self._first_ids[entity]
        return first + _ID_STRIDE * ordinal + mix(self._numbers[entity] + ordinal) % _ID_STRIDE

    def _number(self, entity: str, ordinal: int, salt: int = 0) -> int:
        return mix(self._numbers[entity] + ordinal * 0x9E3779B97F4A7C15 + salt)

    def _value(self, entity: Entity, field: Field, ordinal: int, number: int) -> object:
        salted = (number * self._salts[entity.name, field.name] & MASK) >> 17
        return self._makers[entity.name, field.name](ordinal, salted)

    def _key_of(self, entity: str, ordinal: int) -> str:
        """The natural key of a seeded row, as relations show it."""
        definition = ENTITIES[entity]
        if definition.lookup:
            return definition.lookup[ordinal][1]
        number = self._number(entity, ordinal)
        parts = []
        for name in KEYS.get(entity, ()):
            field = definition.by_name[name]
            if field.kind in RELATIONS:
                parts.append(self.key_of(field.target, self._nested(entity, field.target, ordinal)))
            else:
                parts.append(str(self._value(definition, field, ordinal, number)))
        return ",".join(parts)

    def _nested(self, entity: str, parent: str, ordinal: int) -> int:
        return ordinal * self.size(parent) // max(self.size(entity), ordinal + 1)

    def seeded_parent(self, target: str, ordinal: int) -> Ref | None:
        """The relation to a seeded row."""
        size = self.size(target)
        return self._ref(target, ordinal % size) if size else None

    def _make_ref(self, target: str, ordinal: int) -> Ref:
        return Ref(self.id_of(target, ordinal), self.key_of(target, ordinal))

    def _relation(
        self, entity: Entity, field: Field, ordinal: int, salted: int, parents: Parents | None
    ) -> Ref | None:
        """A relation; without `parents` of a seeded row."""
        if not field.target:
            wanted = field.required or field.kind is Kind.STATUS or not salted % 4
            return Ref(salted % MHE_IDS + 1, "") if wanted else None
        if ENTITIES[field.target].lookup:
            return self.seeded_parent(field.target, salted)
        nested = (entity.name, field.name) in NESTED
        if not (nested or field.required or field.name in _ALWAYS or salted % 4):
            return None
        if parents is not None:
            return parents(field.target, salted >> 2)
        wished = self._nested(entity.name, field.target, ordinal) if nested else salted >> 2
        return self.seeded_parent(field.target, wished)

    def _set_count(self, entity: Entity, field: Field, ordinal: int) -> int | None:
        if not field.target:
            return None
        child, column = field.target.split(".")
        if (child, column) not in NESTED or not self.size(child):
            return None
        # Child c stands under floor(c * parents / children): the inverse of that, without a search.
        parents, children = self.size(entity.name), self.size(child)
        first = -(-ordinal * children // parents)
        return -(-(ordinal + 1) * children // parents) - first

    def _instants(self, entity: str, ordinal: int, number: int) -> tuple[int, int]:
        """create_ts and mod_ts of a seeded row, in microseconds."""
        size = max(self.size(entity), 1)
        step = (HISTORY_END_US - HISTORY_START_US) // (size + 1)
        created = HISTORY_START_US + step * ordinal + number % step
        if entity == "allocation" and size > MASS_UPDATE_FROM:
            first = size // 3
            if first <= ordinal < first + MASS_UPDATE_ROWS:
                return created, HISTORY_START_US + step * (first + MASS_UPDATE_ROWS) + 738_709
        delay = 0 if not number % 4 else number % (5 * _DAY_US)
        return created, min(created + delay, HISTORY_END_US)

    def row(
        self,
        entity: Entity,
        ordinal: int,
        *,
        now_us: int | None = None,
        parents: Parents | None = None,
    ) -> Row:
        """One row with native values.

        Without `now_us` a seeded one; with it a new row of that instant whose relations `parents`
        finds, because by then rows may have come and gone.
        """
        if entity.lookup:
            key, text = entity.lookup[ordinal]
            return {"id": key, "code": text.upper().replace(" ", "_"), "description": text}
        number = self._number(entity.name, ordinal)
        row: Row = {}
        for name, salt, make, field, is_relation in self._plans[entity.name]:
            if make is not None:
                row[name] = make(ordinal, (number * salt & MASK) >> 17)
            elif is_relation:
                salted = (number * salt & MASK) >> 17
                row[name] = self._relation(entity, field, ordinal, salted, parents)
            elif field.kind is Kind.SET:
                row[name] = None if parents else self._set_count(entity, field, ordinal)
            else:
                row[name] = self.id_of(entity.name, ordinal)
        if now_us is None:
            created, modified = self._instants(entity.name, ordinal, number)
            row.update(EDGES.get((entity.name, ordinal), {}))
        else:
            created = modified = now_us
        if entity.has_mod_ts:
            row["create_ts"], row["mod_ts"] = created, modified
        return row

    def rows(self, entity: Entity) -> Iterator[Row]:
        """All seeded rows of an entity, ids ascending."""
        for ordinal in range(self.size(entity.name)):
            yield self.row(entity, ordinal)

    def changed_values(
        self, entity: Entity, record_id: int, salt: int, parents: Parents
    ) -> dict[str, object]:
        """New values for the columns that an update of this entity moves."""
        names = UPDATED.get(entity.name) or self._plain(entity)
        number = self._number(entity.name, record_id, mix(salt + 1))
        values: dict[str, object] = {}
        for name in names:
            field = entity.by_name[name]
            if field.kind in RELATIONS:
                salted = (number * self._salts[entity.name, name] & MASK) >> 17
                values[name] = self._relation(entity, field, record_id, salted, parents)
            else:
                values[name] = self._value(entity, field, record_id, number)
        return values

    @staticmethod
    def _plain(entity: Entity) -> tuple[str, ...]:
        keys = {*KEYS.get(entity.name, ()), "create_user", "mod_user"}
        plain = [
            field.name
            for field in entity.fields
            if field.kind in {Kind.INT, Kind.DEC, Kind.TEXT} and field.name not in keys
        ]
        return tuple(plain[:3])


def natural_key(entity: Entity, row: Mapping[str, object]) -> str:
    """The natural key of a row, as relations to it show it."""
    if entity.lookup:
        return str(row["description"])
    parts = [row[name] for name in KEYS.get(entity.name, ())]
    return ",".join(part.key if isinstance(part, Ref) else str(part) for part in parts)
