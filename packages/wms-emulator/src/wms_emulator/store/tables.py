"""The two tables of an entity: making them and filling them with seeded rows."""

from collections.abc import Iterator
from itertools import islice

from wms_emulator.schema.model import Entity, Kind
from wms_emulator.store.database import Database

_CHUNK_ROWS = 500
_COLUMN_TYPES = {Kind.TEXT: "TEXT", Kind.DATE: "TEXT", Kind.DEC: "BLOB"}


def quoted(name: str) -> str:
    """A table's or column's name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def table(entity: Entity) -> str:
    """The entity's rows, as SQL."""
    return quoted(entity.name)


def journal(entity: Entity) -> str:
    """The entity's journal, as SQL."""
    return quoted(f"{entity.base or entity.name}$journal")


def insert_sql(entity: Entity) -> str:
    """INSERT of one row: id, seq, natural key, columns."""
    return f"INSERT INTO {table(entity)} VALUES (?, ?, ?{', ?' * len(entity.columns)})"


def create(database: Database, entity: Entity) -> None:
    """Make the two tables; for a subset the view of its base, whose journal it shares."""
    if entity.base:
        field, value = entity.subset
        wanted = str(value) if isinstance(value, int) else f"'{value}'"
        database.execute(
            f"CREATE VIEW {table(entity)} AS SELECT * FROM {quoted(entity.base)}"
            f" WHERE {quoted(field)} = {wanted}"
        )
        return
    columns = "".join(
        f", {quoted(name)} {_COLUMN_TYPES.get(entity.by_name[name].kind, 'INTEGER')}"
        for name in entity.columns
    )
    database.execute(
        f"CREATE TABLE {table(entity)}"
        f' (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, "$key" TEXT{columns})'
    )
    database.execute(
        f"CREATE TABLE {journal(entity)}"
        " (seq INTEGER PRIMARY KEY, pk INTEGER NOT NULL, at_us INTEGER NOT NULL, body BLOB)"
    )


def load(
    database: Database,
    entity: Entity,
    rows: Iterator[tuple[int, str | None, tuple[object, ...], bytes]],
) -> None:
    """Add seeded rows (id, natural key, columns, record text), visible since ever."""
    insert = insert_sql(entity)
    append = f"INSERT INTO {journal(entity)} VALUES (?, ?, 0, ?)"
    seq = 0
    while part := list(islice(rows, _CHUNK_ROWS)):
        database.execute_many(
            insert,
            ((row[0], number, row[1], *row[2]) for number, row in enumerate(part, seq + 1)),
        )
        database.execute_many(
            append, ((number, row[0], row[3]) for number, row in enumerate(part, seq + 1))
        )
        seq += len(part)


def index(database: Database, entity: Entity) -> None:
    """Make the indexes (after the seed: cheaper than keeping them while it grows)."""
    if entity.base:
        return
    if entity.has_mod_ts:
        name = quoted(f"{entity.name}$mod_ts")
        database.execute(f"CREATE INDEX {name} ON {table(entity)} (mod_ts)")
    name = quoted(f"{entity.name}$pk")
    database.execute(f"CREATE INDEX {name} ON {journal(entity)} (pk, seq)")
