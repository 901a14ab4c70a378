"""What the hand-parsed statements say, as values."""

from __future__ import annotations

from dataclasses import dataclass, field

from oracle_emulator.engine.ddl.reader import Name
from oracle_emulator.engine.types import DataType


@dataclass(slots=True)
class ColumnDefinition:
    """A column in CREATE TABLE, ADD or MODIFY. None means: not said."""

    name: str
    type: DataType | None = None
    default: str | None = None  # source text of the expression
    nullable: bool | None = None
    identity: str | None = None  # ALWAYS or BY DEFAULT
    sequence: CreateSequence | None = None  # the options of an identity column's sequence
    default_on_null: bool = False
    constraints: list[Constraint] = field(default_factory=list)
    null_constraint: str | None = None  # the name of a named NOT NULL


@dataclass(slots=True)
class Constraint:
    """A constraint of a table: kind is P, U, R or C, as in ALL_CONSTRAINTS."""

    kind: str
    columns: list[str] = field(default_factory=list)
    name: str | None = None
    references: Name | None = None
    referenced_columns: list[str] = field(default_factory=list)
    on_delete: str = ""
    condition: str = ""  # source text of a CHECK
    disabled: bool = False


@dataclass(slots=True)
class CreateTable:
    """CREATE [GLOBAL TEMPORARY] TABLE. `quietly`, here and below: IF [NOT] EXISTS was said."""

    name: Name
    quietly: bool = False
    columns: list[ColumnDefinition] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    duration: str | None = None  # of a temporary table: SYS$TRANSACTION or SYS$SESSION
    query: str | None = None  # AS SELECT …
    query_offset: int = 0


@dataclass(slots=True)
class AlterTable:
    """ALTER TABLE with one kind of change."""

    name: Name
    add: list[ColumnDefinition] = field(default_factory=list)
    modify: list[ColumnDefinition] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    drop_columns: list[str] = field(default_factory=list)
    drop_constraint: str | None = None
    drop_primary_key: bool = False
    rename_column: tuple[str, str] | None = None
    rename_constraint: tuple[str, str] | None = None
    rename_to: str | None = None
    ignored: bool = False  # physical attributes, which mean nothing here


@dataclass(slots=True)
class CreateIndex:
    """CREATE [UNIQUE] INDEX. The columns are source texts of expressions with their direction."""

    name: Name
    table: Name
    columns: list[tuple[str, bool]]  # expression, descending
    unique: bool
    quietly: bool = False


@dataclass(slots=True)
class CreateView:
    """CREATE [OR REPLACE] VIEW."""

    name: Name
    columns: list[str]
    query: str
    replace: bool
    quietly: bool = False


@dataclass(slots=True)
class CreateSequence:
    """CREATE SEQUENCE."""

    name: Name
    start: int | None = None
    increment: int = 1
    minimum: int | None = None
    maximum: int | None = None
    cache: int | None = None
    cycle: bool = False
    quietly: bool = False


@dataclass(slots=True)
class CreateSynonym:
    """CREATE [OR REPLACE] [PUBLIC] SYNONYM."""

    name: Name
    target: Name
    public: bool
    replace: bool
    quietly: bool = False


@dataclass(slots=True)
class DropSynonym:
    """DROP [PUBLIC] SYNONYM."""

    name: Name
    public: bool
    quietly: bool = False


@dataclass(slots=True)
class Drop:
    """DROP of a TABLE, INDEX, VIEW or SEQUENCE."""

    kind: str
    name: Name
    cascade: bool = False
    quietly: bool = False


@dataclass(slots=True)
class Truncate:
    """TRUNCATE TABLE."""

    name: Name


@dataclass(slots=True)
class Comment:
    """COMMENT ON TABLE or COLUMN."""

    table: Name
    column: str | None
    text: str


@dataclass(slots=True)
class CreateUser:
    """CREATE USER, or ALTER USER when `alter`."""

    name: str
    password: str | None = None
    alter: bool = False
    locked: bool | None = None
    expired: bool = False
    quotas: dict[str, int] = field(default_factory=dict)  # bytes; -1 is UNLIMITED
    tablespace: str | None = None
    proxies: list[str] = field(default_factory=list)  # who may connect as this user
    former_proxies: list[str] = field(default_factory=list)  # who may no longer
    quietly: bool = False


@dataclass(slots=True)
class DropUser:
    """DROP USER."""

    name: str
    cascade: bool
    quietly: bool = False


@dataclass(slots=True)
class Grant:
    """GRANT or, when `revoke`, REVOKE: system privileges and roles, or privileges on one object."""

    privileges: list[str]
    grantees: list[str]
    on: Name | None = None
    option: bool = False
    revoke: bool = False


@dataclass(slots=True)
class LockTable:
    """LOCK TABLE … IN mode MODE."""

    names: list[Name]
    mode: str
    wait_s: float | None = None


@dataclass(slots=True)
class Savepoint:
    """SAVEPOINT, or ROLLBACK TO it when `back`."""

    name: str
    back: bool = False


@dataclass(slots=True)
class EndTransaction:
    """COMMIT or ROLLBACK."""

    commit: bool


@dataclass(slots=True)
class AlterSession:
    """ALTER SESSION.

    Settings by upper-case name, or ENABLE/DISABLE something (which changes nothing here).
    """

    settings: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Rename:
    """RENAME table TO another name."""

    old: str
    new: str


@dataclass(slots=True)
class Nothing:
    """A statement that is accepted and has no effect here, such as ALTER SYSTEM FLUSH."""


ByHand = (
    CreateSynonym | DropSynonym
    | CreateTable | AlterTable | CreateIndex | CreateView | CreateSequence | Drop | Truncate |
    Comment | CreateUser
    | DropUser | Grant | LockTable | Savepoint | EndTransaction | AlterSession | Rename | Nothing
)  # fmt: skip
