"""What a translation knows of its surroundings, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from oracle_emulator.engine.capabilities import Capabilities
from oracle_emulator.engine.interface import Column, OracleType

TableName = tuple[str, str]  # owner, name


@dataclass(frozen=True, slots=True)
class Context:
    """Where a statement runs.

    Its binds' types, the schema of unqualified names, and what a table name stands for.
    """

    schema: str
    binds: Sequence[OracleType]
    temporary: Callable[
        [TableName], str | None
    ]  # the session's own table behind a global temporary one
    synonym: Callable[[TableName], TableName | None]  # what a name that is no table stands for
    columns: Callable[[TableName], Mapping[str, Column]]  # of a table or view; empty when unknown
    generated: Callable[[TableName], frozenset[str]]  # its GENERATED ALWAYS identity columns
    capabilities: Capabilities = field(default_factory=Capabilities)


@dataclass(slots=True)
class SimpleInsert:
    """An INSERT … VALUES of nothing but binds: what can be loaded in bulk."""

    columns: list[str]
    binds: list[int]  # for each column the bind that fills it


@dataclass(slots=True)
class Translation:
    """A statement for PostgreSQL."""

    sql: str = ""
    headings: list[str | None] = field(
        default_factory=list
    )  # names to give to result columns; None: as it is
    literals: dict[int, int] = field(
        default_factory=dict
    )  # result columns that are string literals: their length
    target: TableName | None = None  # the table that a DML changes
    physical_target: str = ""
    inserts: bool = False
    updates: bool = False
    merges: bool = False
    appends: bool = False  # INSERT /*+ APPEND */ … SELECT, which hides the table until COMMIT
    locks: bool = False  # SELECT … FOR UPDATE
    wait_s: float | None = None  # how long it may wait for locks: 0 is NOWAIT, None for ever
    returning: bool = False
    bulk: SimpleInsert | None = None
    tables: set[TableName] = field(default_factory=set)  # every table and view that is named
    bind_count: int = 0  # in-binds; those of RETURNING INTO are not counted
    bind_types: tuple[OracleType, ...] = ()
    private: dict[TableName, str] = field(
        default_factory=dict
    )  # own tables behind global temporary ones
