"""What an entity and a field are. No data and no behaviour beyond naming."""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property


class Kind(Enum):
    """How a field looks in JSON and how it compares."""

    ID = "id"
    INT = "int"
    TEXT = "str"
    DEC = "dec"  # exact decimal, shown as a string without trailing zeros
    BOOL = "bool"
    DATE = "date"
    TS = "ts"  # microseconds since the epoch inside, ISO-8601 with offset outside
    FK = "fk"  # shown as {id, key, url}
    STATUS = "status"  # a relation shown as a plain integer
    SET = "set"  # shown as null, [] or {result_count, url}
    COMPUTED = "computed"  # shown, but neither filterable nor sortable
    BLOB = "blob"


UNFILTERABLE = frozenset({Kind.SET, Kind.COMPUTED, Kind.BLOB})
RELATIONS = frozenset({Kind.FK, Kind.STATUS})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity.

    `target` names the entity a relation leads to ("" when that entity is not served); for a set it
    is "entity.field", the rows and the column that point back. `hidden` fields are left out of
    describe although records carry them.
    """

    name: str
    kind: Kind
    max_length: int = 0
    required: bool = False
    default: str | None = None
    target: str = ""
    hidden: bool = False

    @property
    def stored(self) -> bool:
        """Whether the field has a column: what can be filtered and sorted by."""
        return self.kind not in UNFILTERABLE


@dataclass(frozen=True)
class Entity:
    """One entity in the order its records show the fields (url, right after id, is implied)."""

    name: str
    fields: tuple[Field, ...]
    lookup: tuple[tuple[int, str], ...] = ()  # id and description, for lookup entities
    default_rows: int = 0  # seeded when nothing else is asked
    since: str = ""  # the release that brought it, where known
    list_only: bool = False  # no address for single records
    base: str = ""  # the entity whose rows these are, for a subset under a second name
    subset: tuple[str, str | int] = ("", "")  # for a subset: the field and value that choose it

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by their names."""
        return {field.name: field for field in self.fields}

    @cached_property
    def stored(self) -> tuple[Field, ...]:
        """The fields that have a column."""
        return tuple(field for field in self.fields if field.stored)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns but the id."""
        return tuple(field.name for field in self.stored if field.kind is not Kind.ID)

    @property
    def has_id(self) -> bool:
        """Whether records carry an id (a few entities do not)."""
        return "id" in self.by_name

    @property
    def has_mod_ts(self) -> bool:
        """Whether records carry a modification time."""
        return "mod_ts" in self.by_name
