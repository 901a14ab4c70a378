"""Rows of one seed: ids, keys, instants and relations, each from (entity, ordinal) alone."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache

from wms_emulator.dataset.chain import BIRTH, CHAIN, Line, allocated_lines, first_below, line_facts
from wms_emulator.dataset.makers import maker
from wms_emulator.dataset.mixing import MASK, mix, name_number
from wms_emulator.dataset.vocabulary import (
    DEFAULT_ROWS,
    EDGES,
    FIRST_ID,
    KEYS,
    MHE_IDS,
    NESTED,
    PATTERNS,
    SAME_COMPANY,
    SAME_FACILITY,
    SEQUENCES,
    SITE,
    UPDATED,
)
from wms_emulator.records import Ref, Row
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.schema.model import RELATIONS, Entity, Field, Kind

HISTORY_START_US = 1_704_067_200_000_000  # 2024-01-01T00:00:00Z
HISTORY_END_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
MASS_UPDATE_FROM = 3000  # allocations above this many hold one wave's mass update
MASS_UPDATE_ROWS = 1600  # past the cursor's limit of 1000 by more than a page of 500
# Values that say nothing about their row are drawn from so many numbers: what is made of them can
# be kept ready, which makes large seeds ten times cheaper.
VARIANTS = 256
_ID_STRIDE = 3
_CACHED = 50_000
_RECENT = 64  # what fields of one row ask for again and again
_ALWAYS = frozenset({"facility_id", "company_id"})
_POOLED_TARGETS = frozenset({"", "uom", "company", "facility", "order_type", "inventory_lock"})
_DAY_US = 86_400_000_000
_GOLDEN = 0x9E3779B97F4A7C15

# Finds a relation's target: (target entity, ordinal wished for) -> Ref, or None if it has no rows.
Parents = Callable[[str, int], Ref | None]


def pooled(entity: Entity, field: Field) -> bool:
    """Whether a seeded row's value of this field follows from the row's variant alone."""
    place = (entity.name, field.name)
    if place in CHAIN or place in PATTERNS or place in SEQUENCES or place in NESTED:
        return False
    if field.name in {"id", "create_ts", "mod_ts"} or field.kind is Kind.SET:
        return False
    if field.kind in RELATIONS:
        lookup = field.target in ENTITIES and bool(ENTITIES[field.target].lookup)
        return lookup or (field.target in _POOLED_TARGETS and field.name not in _ALWAYS)
    return True


SIZED: dict[str, int] = {
    name: DEFAULT_ROWS.get(name, entity.default_rows)
    for name, entity in sorted(ENTITIES.items(), key=lambda item: item[0] not in DEFAULT_ROWS)
    if not entity.lookup and not entity.base
}

# Relations whose rows are counted by a set of their parent: they keep to the even spread.
_COUNTED = frozenset(
    (field.target.partition(".")[0], field.target.partition(".")[2])
    for entity in ENTITIES.values()
    for field in entity.fields
    if field.kind is Kind.SET and field.target
)


@cache
def _salt(entity: str, field: str) -> int:
    return name_number(entity, field) | 1


@cache
def _made(entity: str, field: str) -> Callable[[int, int], object]:
    return maker(ENTITIES[entity], ENTITIES[entity].by_name[field])


class Dataset:
    """The rows of one seed. Pure apart from bounded caches of keys."""

    def __init__(self, seed: int, rows: Mapping[str, int] | None = None) -> None:
        """Rows as the seed says, `rows` overriding the default number per entity.

        Raises:
            ValueError: a number for an entity that is not served or is a lookup, or below zero.
        """
        for name, count in (rows or {}).items():
            if name not in SIZED or count < 0:
                raise ValueError(f"--rows {name}={count}: one of {', '.join(SIZED)}, from 0")
        self.seed = seed
        self.sizes: dict[str, int] = {**SIZED, **(rows or {})}
        self._all_sizes = {
            name: len(entity.lookup) if entity.lookup else self.sizes.get(name, 0)
            for name, entity in ENTITIES.items()
        }
        self._numbers = {name: name_number(seed, name) for name in ENTITIES}
        self._first_ids = {
            name: FIRST_ID.get(name) or 1000 + name_number("first id", name) % 900 * 1000
            for name in ENTITIES
        }
        self._lines = allocated_lines(self)
        self.instants = lru_cache(maxsize=_RECENT)(self._make_instants)
        self.site = lru_cache(maxsize=_RECENT)(self._make_site)
        self.key_of = lru_cache(maxsize=_CACHED)(self._key_of)
        self._ref = lru_cache(maxsize=_CACHED)(self._make_ref)
        self._line = lru_cache(maxsize=_CACHED)(self._make_line)
        self._wisher = cache(self._make_wisher)
        self._own = cache(self._make_own)

    def size(self, entity: str) -> int:
        """How many seeded rows an entity has."""
        return self._all_sizes[entity]

    def id_of(self, entity: str, ordinal: int) -> int:
        """The id of a row: grows with the ordinal, with gaps."""
        lookup = ENTITIES[entity].lookup
        if lookup:
            return lookup[ordinal][0]
        first = self._first_ids[entity]
        return first + _ID_STRIDE * ordinal + mix(self._numbers[entity] + ordinal) % _ID_STRIDE

    def number(self, entity: str, ordinal: int, salt: int = 0) -> int:
        """The number that a row's values are drawn from."""
        return mix(self._numbers[entity] + ordinal * _GOLDEN + salt)

    def _variant_number(self, entity: str, variant: int) -> int:
        return mix(self._numbers[entity] ^ (variant + 1) * _GOLDEN)

    def _key_of(self, entity: str, ordinal: int) -> str:
        """The natural key of a seeded row, as relations show it."""
        definition = ENTITIES[entity]
        if definition.lookup:
            return definition.lookup[ordinal][1]
        parts = []
        for name in KEYS.get(entity, ()):
            field = definition.by_name[name]
            if field.kind in RELATIONS:
                parent = self.nested(entity, field.target, ordinal)
                # Without any parent the part is empty, as in `natural_key`.
                parts.append(self.key_of(field.target, parent) if self.size(field.target) else "")
            else:
                parts.append(str(_made(entity, name)(ordinal, 0)))
        return ",".join(parts)

    def nested(self, entity: str, parent: str, ordinal: int) -> int:
        """The parent under which a row stands, both in order and evenly spread."""
        parents, size = self._all_sizes[parent], self._all_sizes[entity]
        if entity == "allocation" and parent == "order_dtl":
            parents = self._lines  # only what has been allocated has allocations
        return ordinal * parents // (size if size > ordinal else ordinal + 1)

    def seeded_parent(self, target: str, ordinal: int) -> Ref | None:
        """The relation to a seeded row."""
        size = self.size(target)
        return self._ref(target, ordinal % size) if size else None

    def _make_ref(self, target: str, ordinal: int) -> Ref:
        return Ref(self.id_of(target, ordinal), self.key_of(target, ordinal))

    def _make_line(self, ordinal: int) -> Line:
        return line_facts(self, ordinal, self._lines)

    def line_of(self, allocation: int) -> Line | None:
        """What an allocation has to know about its order line; None where there are no lines."""
        if not self.sizes["order_dtl"]:
            return None
        return self._line(self.nested("allocation", "order_dtl", allocation))

    def _make_site(self, entity: str, ordinal: int) -> int:
        """What a row's facility and company follow from: its ordinal, or that of its document."""
        while entity in SITE:
            parent = SITE[entity]
            if self.size(parent):
                ordinal = self.nested(entity, parent, ordinal)
            entity = parent
        return ordinal

    def related(self, entity: str, field: str, ordinal: int) -> int | None:
        """The ordinal of the row that a seeded row's relation points at; None for nothing."""
        return self._wisher(entity, field)(ordinal, self.number(entity, ordinal))

    def _make_wisher(self, entity: str, name: str) -> Callable[[int, int], int | None]:
        """How a relation's target follows from a row's ordinal and number."""
        field = ENTITIES[entity].by_name[name]
        target, size = field.target, self.size(field.target)
        if not size:
            return lambda _ordinal, _number: None
        if name in _ALWAYS and target in {"facility", "company"}:
            return lambda ordinal, _number: self.site(entity, ordinal) % size
        salt, always = _salt(entity, name), field.required

        def drawn(_ordinal: int, number: int) -> int | None:
            salted = (number * salt & MASK) >> 17
            return (salted >> 2) % size if always or salted % 4 else None

        def spread(ordinal: int, _number: int) -> int:
            return self.nested(entity, target, ordinal)

        place = (entity, name)
        wish: Callable[[int, int], int | None] = spread if place in NESTED else drawn
        sites = self.size("facility" if target in SAME_FACILITY else "company")
        if target not in SAME_FACILITY | SAME_COMPANY or place in _COUNTED or not sites:
            return wish

        def near(ordinal: int, number: int) -> int | None:
            wished = wish(ordinal, number)
            if wished is None:
                return None
            moved = wished - wished % sites + self.site(entity, ordinal) % sites
            if moved < size:
                return moved
            return moved - sites if moved >= sites else wished

        return near

    def _relation(
        self, entity: Entity, field: Field, salted: int, parents: Parents | None
    ) -> Ref | None:
        """A relation drawn from a number; without `parents` of a seeded row."""
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
        return self.seeded_parent(field.target, salted >> 2)

    def _set_count(self, entity: Entity, field: Field, ordinal: int) -> int | None:
        if not field.target:
            return None
        child, column = field.target.split(".")
        if (child, column) not in NESTED or not self.size(child):
            return None
        # Child c stands under floor(c * parents / children): the inverse of that, without a search.
        parents, children = self.size(entity.name), self.size(child)
        first = first_below(parents, children, ordinal)
        return first_below(parents, children, ordinal + 1) - first

    def _make_instants(self, entity: str, ordinal: int) -> tuple[int, int]:
        """create_ts and mod_ts of a seeded row, in microseconds."""
        number = self.number(entity, ordinal)
        size = max(self.size(entity), 1)
        step = (HISTORY_END_US - HISTORY_START_US) // (size + 1)
        created = HISTORY_START_US + step * ordinal + number % step
        if entity == "allocation" and size > MASS_UPDATE_FROM:
            first = size // 3
            if first <= ordinal < first + MASS_UPDATE_ROWS:
                return created, HISTORY_START_US + step * (first + MASS_UPDATE_ROWS) + 738_709
        delay = 0 if not number % 4 else number % (5 * _DAY_US)
        return created, min(created + delay, HISTORY_END_US)

    def pooled_value(self, entity: Entity, field: Field, variant: int) -> object:
        """The value of a pooled field in rows of a variant."""
        number = self._variant_number(entity.name, variant)
        salted = (number * _salt(entity.name, field.name) & MASK) >> 17
        if field.kind in RELATIONS:
            return self._relation(entity, field, salted, None)
        return _made(entity.name, field.name)(0, salted)

    def own(self, entity: Entity, field: Field) -> Callable[[int, int], object]:
        """How a field that is not pooled follows from a row's ordinal and number.

        Instants are not made here but by `instants`.
        """
        return self._own(entity.name, field.name)

    def _make_own(self, name: str, field_name: str) -> Callable[[int, int], object]:
        entity, field = ENTITIES[name], ENTITIES[name].by_name[field_name]
        follows = CHAIN.get((name, field_name))
        if follows is not None and field.kind in RELATIONS:
            return lambda ordinal, number: Ref(int(str(follows(self, ordinal, number))), "")
        if follows is not None:
            return lambda ordinal, number: follows(self, ordinal, number)
        if field.kind in RELATIONS:
            wish, ref, target = self._wisher(name, field_name), self._ref, field.target

            def relation(ordinal: int, number: int) -> Ref | None:
                wished = wish(ordinal, number)
                return None if wished is None else ref(target, wished)

            return relation
        if field.kind is Kind.SET:
            return lambda ordinal, _number: self._set_count(entity, field, ordinal)
        if field.kind is Kind.ID:
            return lambda ordinal, _number: self.id_of(name, ordinal)
        made = _made(name, field_name)
        return lambda ordinal, number: made(ordinal, number >> 17)

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
        number = self.number(entity.name, ordinal)
        if now_us is not None:
            return self._new_row(entity, ordinal, number, now_us, parents)
        variant = number % VARIANTS
        row: Row = {}
        for field in entity.fields:
            if pooled(entity, field):
                row[field.name] = self.pooled_value(entity, field, variant)
            elif field.name not in {"create_ts", "mod_ts"}:
                row[field.name] = self.own(entity, field)(ordinal, number)
            else:
                row[field.name] = None
        if entity.has_mod_ts:
            row["create_ts"], row["mod_ts"] = self.instants(entity.name, ordinal)
        row.update(EDGES.get((entity.name, ordinal), {}))
        return row

    def _new_row(
        self, entity: Entity, ordinal: int, number: int, now_us: int, parents: Parents | None
    ) -> Row:
        row: Row = {}
        for field in entity.fields:
            salted = (number * _salt(entity.name, field.name) & MASK) >> 17
            if field.kind in RELATIONS:
                row[field.name] = self._relation(entity, field, salted, parents)
            elif field.kind is Kind.SET:
                row[field.name] = None
            elif field.kind is Kind.ID:
                row[field.name] = self.id_of(entity.name, ordinal)
            else:
                row[field.name] = _made(entity.name, field.name)(ordinal, salted)
        for name, value in BIRTH.get(entity.name, {}).items():
            status = entity.by_name[name].kind is Kind.STATUS
            row[name] = Ref(int(str(value)), "") if status else value
        if entity.has_mod_ts:
            row["create_ts"] = row["mod_ts"] = now_us
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
        number = self.number(entity.name, record_id, mix(salt + 1))
        values: dict[str, object] = {}
        for name in names:
            field = entity.by_name[name]
            salted = (number * _salt(entity.name, name) & MASK) >> 17
            if field.kind in RELATIONS:
                values[name] = self._relation(entity, field, salted, parents)
            else:
                values[name] = _made(entity.name, name)(record_id, salted)
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
    texts = ["" if part is None else part for part in parts]
    return ",".join(part.key if isinstance(part, Ref) else str(part) for part in texts)
