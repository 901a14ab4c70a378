"""What a stream needs of its table, and what must change for the table to give it.

`wanted` reads a Singer schema; `settle` compares it with the catalogue and returns the plan that
every statement is built from, with the DDL that makes it true.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from flext_target_oracle.errors import SchemaRefusedError
from flext_target_oracle.sql import identifiers, types
from flext_target_oracle.sql.types import Choices, ColumnType, Shape

EXTRACTED_AT = "_SDC_EXTRACTED_AT"
BATCHED_AT = "_SDC_BATCHED_AT"
RECEIVED_AT = "_SDC_RECEIVED_AT"
METADATA = (EXTRACTED_AT, BATCHED_AT, RECEIVED_AT)
SEQUENCE = "_SDC_SEQUENCE"
TABLE_VERSION = "_SDC_TABLE_VERSION"
DELETED_AT = "_SDC_DELETED_AT"
ROW_HASH = "_SDC_ROW_HASH"
#: Metadata by option, in the order in which tables get them.
EXTRAS = {
    SEQUENCE: types.INTEGER,
    TABLE_VERSION: types.INTEGER,
    DELETED_AT: types.TIMESTAMP,
    ROW_HASH: types.text(64),
}
#: Those of them that each row brings; the others are the load's.
STAGED = frozenset({SEQUENCE, ROW_HASH})
POSITION = "FLEXT_POS"
ROW_NUMBER = "FLEXT_RN"
#: Which batch a row staged by direct path is of: fence and sequence.
BATCH = "FLEXT_BATCH"
MAX_COLUMNS = 1000
MAX_INDEX_COLUMNS = 32
_RESERVED = frozenset({POSITION, ROW_NUMBER, BATCH})


@dataclass(frozen=True, slots=True)
class StreamSchema:
    """A SCHEMA message.

    Attributes:
        stream: its name.
        schema: JSON schema of a record.
        key_properties: what identifies a row; empty if nothing does.
        order_properties: what orders the versions of a row; those without a column are ignored.
    """

    stream: str
    schema: Mapping[str, Any]
    key_properties: tuple[str, ...] = ()
    order_properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A property and the column that holds it."""

    prop: str
    name: str
    shape: Shape
    type: ColumnType
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A stream's table as its statements see it.

    Attributes:
        columns: of the stream's properties, in the order of its schema.
        order: the columns that say which version of a row is newer, most significant first.
        append: one row per (key, order value) instead of one per key.
        metadata: whether the table has the three `_SDC_` columns.
        extras: which of EXTRAS it has beside them.
        guarded: whether a stored row is kept when the one that comes is older.
        max_bytes: the longest identifier the database takes.
        staged_as: the table by which its staging is named: its own where empty; a shadow's is its
            stream's, so that no load leaves a staging table of its own behind.
    """

    stream: str
    schema: str
    table: str
    columns: tuple[Column, ...]
    order: tuple[str, ...] = ()
    append: bool = False
    metadata: bool = True
    extras: tuple[str, ...] = ()
    guarded: bool = True
    max_bytes: int = identifiers.MAX_BYTES
    staged_as: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """The key's columns; empty for a stream without key properties."""
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns of which the table has each combination once; empty without a key."""
        if not self.append or not self.key:
            return self.key
        if ROW_HASH in self.extras:
            return (*self.key, ROW_HASH)
        return tuple(dict.fromkeys([*self.key, *self.order]))

    @property
    def qualified(self) -> str:
        """Schema and table as SQL text."""
        return identifiers.qualified(self.schema, self.table)

    @property
    def label(self) -> str:
        """Schema and table as the fence and the ledger name them."""
        return f"{self.schema}.{self.table}"

    @property
    def stored(self) -> tuple[tuple[str, ColumnType], ...]:
        """Every column of the table that the stream writes, metadata last."""
        own = tuple((column.name, column.type) for column in self.columns)
        times = tuple((name, types.TIMESTAMP) for name in METADATA if self.metadata)
        return own + times + tuple((name, EXTRAS[name]) for name in self.extras)

    @property
    def staging_table(self) -> str:
        """The staging table's name: another shape of the stream has another one."""
        shape = repr((self.schema, self.staged_as or self.table, self.stored))
        return "FLEXT_G_" + hashlib.sha256(shape.encode()).hexdigest()[:20].upper()


@dataclass(frozen=True, slots=True)
class Existing:
    """What the catalogue says of a table."""

    columns: Mapping[str, ColumnType]
    keys: tuple[frozenset[str], ...] = ()  # column sets of primary and unique constraints


@dataclass(frozen=True, slots=True)
class Change:
    """One step that the table needs, and the columns it is about."""

    kind: Literal["create", "add", "finish_clob", "restart_clob"]
    columns: tuple[tuple[str, ColumnType], ...] = ()


def wanted(  # noqa: PLR0913 -- each says one thing of the table; all but the first by name
    source: StreamSchema,
    *,
    schema: str,
    table: str,
    append: bool,
    metadata: bool,
    extras: Sequence[str] = (),
    guarded: bool = True,
    choices: Choices = types.MISSION,
    max_bytes: int = identifiers.MAX_BYTES,
) -> TablePlan:
    """Return the plan of a table made new for the stream.

    Args:
        source: the stream.
        schema: of the table.
        table: its name.
        append: whether each version of a row is kept.
        metadata: whether the table gets the `_SDC_` columns.
        extras: those of EXTRAS that it gets beside them.
        guarded: whether a stored row is kept when the one that comes is older.
        choices: of column types.
        max_bytes: the longest identifier the database takes.

    Raises:
        SchemaRefusedError: the schema has no properties, or names that no table can hold.
    """
    stream, keys = source.stream, source.key_properties
    properties = source.schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise SchemaRefusedError(f"stream {stream}: its SCHEMA message has no properties")
    names = identifiers.column_names(properties, stream=stream, max_bytes=max_bytes)
    # A source that tells of deletions itself keeps its column.
    extras = [name for name in extras if name != DELETED_AT or name not in names.values()]
    ours = {*METADATA, *extras}
    own = {prop: name for prop, name in names.items() if name not in ours}
    _check_names(stream, own, keys)
    if identifiers.is_ours(table):
        raise SchemaRefusedError(
            f"stream {stream}: table {table} could be one of FLEXT's own: set another table_prefix"
        )
    columns = _columns(source, own, choices)
    order = tuple(own[prop] for prop in source.order_properties if prop in own)
    plan = TablePlan(
        stream, schema, table, tuple(columns), order, append, metadata, tuple(extras), guarded,
        max_bytes,
    )  # fmt: skip
    return _without_lob_order(plan)


def _columns(source: StreamSchema, own: Mapping[str, str], choices: Choices) -> list[Column]:
    """The column of each property; `own` has their names."""
    stream, keys, properties = source.stream, source.key_properties, source.schema["properties"]
    schemas = {prop: _property(stream, prop, properties[prop]) for prop in own}
    shapes = {prop: types.shape_of(schemas[prop]) for prop in own}
    texts = sum(shapes[prop] in {Shape.TEXT, Shape.TIME, Shape.ANY} for prop in keys)
    columns = []
    for prop, name in own.items():
        is_key = prop in keys
        if is_key and shapes[prop] is Shape.JSON:
            raise SchemaRefusedError(
                f"stream {stream}: key property {prop!r} is an object or array; a key is a scalar"
            )
        try:
            kind = types.wanted_type(
                shapes[prop], schemas[prop], text_keys=texts if is_key else 0, choices=choices
            )
        except ValueError as error:
            raise SchemaRefusedError(f"stream {stream}: property {prop!r}: {error}") from error
        columns.append(Column(prop, name, shapes[prop], kind, is_key))
    return columns


def _property(stream: str, prop: str, schema: Any) -> Mapping[str, Any]:
    """A property's schema; `true` lets everything pass."""
    if schema is True:
        return {}
    if not isinstance(schema, Mapping):
        raise SchemaRefusedError(
            f"stream {stream}: the schema of property {prop!r} is no JSON schema: {schema!r}"
        )
    return schema


def _check_names(stream: str, names: Mapping[str, str], key_properties: Sequence[str]) -> None:
    if missing := [prop for prop in key_properties if prop not in names]:
        raise SchemaRefusedError(
            f"stream {stream}: key property {missing[0]!r} is not among the schema's properties"
        )
    if len(key_properties) > MAX_INDEX_COLUMNS:
        raise SchemaRefusedError(
            f"stream {stream}: {len(key_properties)} key properties; an Oracle index has"
            f" {MAX_INDEX_COLUMNS} columns at most"
        )
    for prop, name in names.items():
        if name in _RESERVED:
            raise SchemaRefusedError(f"stream {stream}: the name of property {prop!r} is reserved")
    if len(names) + len(METADATA) + len(EXTRAS) + 2 > MAX_COLUMNS:
        raise SchemaRefusedError(
            f"stream {stream}: {len(names)} properties; an Oracle table holds {MAX_COLUMNS} columns"
            " with ours: deselect some in the tap"
        )


def settle(plan: TablePlan, existing: Existing | None) -> tuple[TablePlan, list[Change]]:
    """Return the plan with the types the table really has, and what must change first.

    Raises:
        SchemaRefusedError: the table cannot hold the stream; the message says why and what to do.
    """
    if existing is None:
        return plan, [Change("create")]
    _check_key(plan, existing)
    changes: list[Change] = []
    columns: list[Column] = []
    for column in plan.columns:
        actual = existing.columns.get(column.name)
        if clob_name(column.name) in existing.columns:
            # An evolution to CLOB stopped: before its renaming, or before the old column went.
            copy = (column.name, types.CLOB)
            changes.append(Change("restart_clob" if actual else "finish_clob", (copy,)))
            actual = actual or types.CLOB
        if actual is not None and (why := types.misfit(column.shape, actual)):
            raise SchemaRefusedError(
                f'stream {plan.stream}: {plan.label} column "{column.name}": {why};'
                " change the column, or set another table_prefix or schema"
            )
        columns.append(column if actual is None else replace(column, type=actual))
    known = {name.name for name in columns if clob_name(name.name) in existing.columns}
    if added := tuple(
        item for item in plan.stored if item[0] not in existing.columns and item[0] not in known
    ):
        changes.append(Change("add", added))
    return _without_lob_order(replace(plan, columns=tuple(columns))), changes


def clob_name(column: str) -> str:
    """Return the name a column's copy has while it becomes a CLOB."""
    return identifiers.with_hash("FLEXT_CLOB", column)


def to_clob(plan: TablePlan, columns: Sequence[str]) -> TablePlan:
    """Return the plan after those columns became CLOBs."""
    changed = tuple(
        replace(column, type=types.CLOB) if column.name in columns else column
        for column in plan.columns
    )
    return _without_lob_order(replace(plan, columns=changed))


def _without_lob_order(plan: TablePlan) -> TablePlan:
    """A LOB cannot be compared by size, so it cannot order the versions of a row.

    Where each version is kept and nothing orders them, the row's hash tells them apart.
    """
    lobs = {column.name for column in plan.columns if column.type.name == "CLOB"}
    order = tuple(name for name in plan.order if name not in lobs)
    extras = plan.extras
    if plan.append and plan.key and not order and ROW_HASH not in extras:
        if ROW_HASH in {column.name for column in plan.columns}:
            raise SchemaRefusedError(
                f"stream {plan.stream}: the name of property {ROW_HASH.lower()!r} is reserved where"
                " load_method append-only keeps versions apart by their hash: deselect it in the"
                " tap, or set another load_method"
            )
        extras = (*extras, ROW_HASH)
    return replace(plan, order=order, extras=extras)


def _check_key(plan: TablePlan, existing: Existing) -> None:
    key = frozenset(plan.key)
    has_it = key in existing.keys
    listed = ", ".join(identifiers.quoted(name) for name in plan.key)
    if not key and existing.keys:
        held = ", ".join(identifiers.quoted(name) for name in sorted(existing.keys[0]))
        raise SchemaRefusedError(
            f"stream {plan.stream}: it has no key_properties, so its rows are appended, but"
            f" {plan.label} has a key on ({held}), which would refuse repeated rows; declare the"
            " key in the tap, or set another table_prefix"
        )
    if key and not plan.append and not has_it:
        raise SchemaRefusedError(
            f"stream {plan.stream}: {plan.label} exists without a primary or unique key on"
            f" ({listed}), which load_method upsert needs; remedy: ALTER TABLE {plan.qualified} ADD"
            f" CONSTRAINT {identifiers.quoted(key_constraint(plan))} PRIMARY KEY ({listed})"
        )
    if key and plan.append and has_it:
        raise SchemaRefusedError(
            f"stream {plan.stream}: {plan.label} has a key on ({listed}), but load_method"
            " append-only keeps several rows per key; set load_method upsert or another"
            " table_prefix"
        )


def key_constraint(plan: TablePlan) -> str:
    """Return the name of the table's primary key."""
    return identifiers.identifier(f"PK_{plan.table}", max_bytes=plan.max_bytes)
