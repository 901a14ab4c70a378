"""The rows as they are now: writing them (with their journal) and reading them by pages."""

from collections.abc import Mapping, Sequence

from wms_emulator.schema.model import Entity
from wms_emulator.store.database import Database
from wms_emulator.store.journal import append
from wms_emulator.store.tables import insert_sql, journal, quoted, table


def insert(
    database: Database,
    entity: Entity,
    row: tuple[int, str | None, tuple[object, ...], bytes],
    at_us: int,
) -> None:
    """Add a row (id, natural key, columns, record text), visible from `at_us` on."""
    record_id, key, columns, body = row
    seq = append(database, entity, record_id, at_us, body)
    database.execute(insert_sql(entity), (record_id, seq, key, *columns))


def update(
    database: Database,
    entity: Entity,
    record_id: int,
    changed: Mapping[str, object],
    body: bytes,
    at_us: int,
) -> None:
    """Give a row new columns and a new record text, visible from `at_us` on."""
    seq = append(database, entity, record_id, at_us, body)
    sets = "".join(f", {quoted(name)} = ?" for name in changed)
    sql = f"UPDATE {table(entity)} SET seq = ?{sets} WHERE id = ?"
    database.execute(sql, (seq, *changed.values(), record_id))


def delete(database: Database, entity: Entity, record_id: int, at_us: int) -> None:
    """Remove a row; its journal stays and says when."""
    append(database, entity, record_id, at_us, None)
    database.execute(f"DELETE FROM {table(entity)} WHERE id = ?", (record_id,))


def body_of(database: Database, entity: Entity, record_id: int) -> bytes | None:
    """The record text of one row."""
    found = select(database, entity, "0", "WHERE t.id = ?", (record_id,))
    return found[0][0] if found else None


def select(
    database: Database, entity: Entity, position: str, tail: str, parameters: Sequence[object]
) -> list[tuple[bytes, object]]:
    """Record texts, each with the value of the expression `position`.

    `tail` is SQL from WHERE on over the alias t, made by wms_emulator.query. Texts are looked up
    only for the rows that are left after it: a far page would else read all that it skips. CROSS
    JOIN is SQLite's word for "in this order", which keeps that of the rows.
    """
    sql = (
        f"SELECT v.body, p.position"
        f" FROM (SELECT t.seq, {position} AS position FROM {table(entity)} t {tail}) p"
        f" CROSS JOIN {journal(entity)} v ON v.seq = p.seq"
    )
    return database.execute(sql, parameters).fetchall()


def columns(
    database: Database,
    entity: Entity,
    expressions: Sequence[str],
    tail: str,
    parameters: Sequence[object],
) -> list[tuple[object, ...]]:
    """The values of SQL expressions over the alias t, row by row; `tail` as in `select`."""
    sql = f"SELECT {', '.join(expressions)} FROM {table(entity)} t {tail}"
    return database.execute(sql, parameters).fetchall()


def count(
    database: Database, entity: Entity, where: str = "", parameters: Sequence[object] = ()
) -> int:
    """How many rows match `where` (SQL over the alias t)."""
    sql = f"SELECT count(*) FROM {table(entity)} t {where}"
    return int(database.unchanged(sql, parameters)[0])


def id_span(database: Database, entity: Entity) -> tuple[int, int]:
    """The smallest and the largest id; (0, -1) without rows."""
    low, high = database.execute(f"SELECT min(id), max(id) FROM {table(entity)}").fetchone()
    return (0, -1) if low is None else (low, high)


def at_or_after(database: Database, entity: Entity, record_id: int) -> tuple[int, str] | None:
    """Id and natural key of the first row from this id on."""
    sql = f'SELECT id, "$key" FROM {table(entity)} WHERE id >= ? ORDER BY id LIMIT 1'
    row = database.execute(sql, (record_id,)).fetchone()
    return None if row is None else (row[0], row[1] or "")


def all_ids(database: Database, entity: Entity) -> list[int]:
    """Every id, ascending."""
    sql = f"SELECT id FROM {table(entity)} ORDER BY id"
    return [record_id for (record_id,) in database.execute(sql)]


def oldest(database: Database, entity: Entity, where: str, limit: int) -> list[int]:
    """The ids of the first rows that match `where` (SQL over the alias t)."""
    sql = f"SELECT t.id FROM {table(entity)} t {where} ORDER BY t.id LIMIT ?"
    return [record_id for (record_id,) in database.execute(sql, (limit,))]


def index_on(database: Database, entity: Entity, column: str) -> None:
    """Make the index of a column, unless there is one."""
    name = quoted(f"{entity.name}${column}")
    sql = f"CREATE INDEX IF NOT EXISTS {name} ON {table(entity)} ({quoted(column)})"
    database.execute(sql)
