"""Rows and their journal in SQLite: the only module that opens a database.

Per entity two tables. `<entity>` holds the rows as they are now: typed columns to filter and sort
by, and `seq`, the version that is current. `<entity>$journal` is append-only: every version of
every row as the JSON text of its record (None: deleted) with the instant it became visible. Record
text is stored once, in the journal; a page joins it from there. Timestamps are integers
(microseconds), decimals 18 bytes that compare like numbers (see records.py).

A Store belongs to the thread that made it.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path

from wms_emulator.clock import from_us
from wms_emulator.schema.model import Entity, Kind

_COLUMN_TYPES = {Kind.TEXT: "TEXT", Kind.DATE: "TEXT", Kind.DEC: "BLOB"}
_CACHE_KIB = 65536


def quoted(name: str) -> str:
    """A table's or column's name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def _table_sql(entity: Entity) -> Iterator[str]:
    names = [field for field in entity.stored if field.kind is not Kind.ID]
    columns = "".join(
        f", {quoted(field.name)} {_COLUMN_TYPES.get(field.kind, 'INTEGER')}" for field in names
    )
    table, journal = quoted(entity.name), quoted(f"{entity.name}$journal")
    yield (
        f'CREATE TABLE {table} (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, "$key" TEXT{columns})'
    )
    yield (
        f"CREATE TABLE {journal}"
        " (seq INTEGER PRIMARY KEY, pk INTEGER NOT NULL, at_us INTEGER NOT NULL, body BLOB)"
    )


def _index_sql(entity: Entity) -> Iterator[str]:
    if entity.has_mod_ts:
        yield f"CREATE INDEX {quoted(entity.name + '$mod_ts')} ON {quoted(entity.name)} (mod_ts)"
    journal = quoted(f"{entity.name}$journal")
    yield f"CREATE INDEX {quoted(entity.name + '$pk')} ON {journal} (pk, seq)"


def _text_function(test: Callable[[str, str], bool]) -> Callable[[object, str], int | None]:
    return lambda value, wanted: None if value is None else int(test(str(value), wanted))


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "text_contains": lambda value, wanted: wanted in value,
    "text_startswith": str.startswith,
    "text_endswith": str.endswith,
    "text_iexact": lambda value, wanted: value.casefold() == wanted.casefold(),
    "text_icontains": lambda value, wanted: wanted.casefold() in value.casefold(),
    "text_istartswith": lambda value, wanted: value.casefold().startswith(wanted.casefold()),
    "text_iendswith": lambda value, wanted: value.casefold().endswith(wanted.casefold()),
}


class Store:
    """An open database. Close it, or use it as a context manager."""

    def __init__(self, path: Path | None, entities: Sequence[Entity], zone: tzinfo) -> None:
        """Open `path`, or a private file that vanishes with this process when None."""
        # "" is SQLite's private temporary database: on disk when large, unlinked from the start.
        self._db = sqlite3.connect(str(path or ""), isolation_level=None)
        self._entities = {entity.name: entity for entity in entities}
        for pragma in (
            "journal_mode=WAL" if path else "journal_mode=MEMORY",
            "synchronous=OFF",
            f"cache_size=-{_CACHE_KIB}",
        ):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        for name, test in _TEXT_TESTS.items():
            self._db.create_function(name, 2, _text_function(test), deterministic=True)
        self._db.create_function("ts_part", 2, _instant_part(zone), deterministic=True)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def fact(self, name: str) -> str | None:
        """A fact about the database by its name, or None."""
        tables = "SELECT 1 FROM sqlite_master WHERE name = '$facts'"
        if self._db.execute(tables).fetchone() is None:
            return None
        row = self._db.execute('SELECT value FROM "$facts" WHERE name = ?', (name,)).fetchone()
        return None if row is None else str(row[0])

    def note(self, name: str, value: str) -> None:
        """Keep a fact about the database."""
        self._db.execute('CREATE TABLE IF NOT EXISTS "$facts" (name TEXT PRIMARY KEY, value TEXT)')
        self._db.execute('INSERT OR REPLACE INTO "$facts" VALUES (?, ?)', (name, value))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's writes, or none if it raises."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def create(self, entity: Entity) -> None:
        """Make the two tables of an entity."""
        for sql in _table_sql(entity):
            self._db.execute(sql)

    def index(self, entity: Entity) -> None:
        """Make an entity's indexes (after the seed: cheaper than keeping them while it grows)."""
        for sql in _index_sql(entity):
            self._db.execute(sql)

    def load(
        self, entity: Entity, rows: Iterable[tuple[int, str | None, tuple[object, ...], bytes]]
    ) -> None:
        """Add seeded rows (id, natural key, columns, record text), visible since ever."""
        insert = self._insert_sql(entity)
        append = f"INSERT INTO {quoted(entity.name + '$journal')} VALUES (?, ?, 0, ?)"
        for seq, (record_id, key, columns, body) in enumerate(rows, 1):
            self._db.execute(insert, (record_id, seq, key, *columns))
            self._db.execute(append, (seq, record_id, body))

    @staticmethod
    def _insert_sql(entity: Entity) -> str:
        marks = ", ?" * sum(field.kind is not Kind.ID for field in entity.stored)
        return f"INSERT INTO {quoted(entity.name)} VALUES (?, ?, ?{marks})"

    def _append(self, entity: Entity, record_id: int, at_us: int, body: bytes | None) -> int:
        table = quoted(entity.name + "$journal")
        sql = f"INSERT INTO {table} (pk, at_us, body) VALUES (?, ?, ?)"
        seq = self._db.execute(sql, (record_id, at_us, body)).lastrowid
        if seq is None:
            raise RuntimeError("SQLite gave no row id for an INSERT")
        return seq

    def insert(
        self,
        entity: Entity,
        record_id: int,
        key: str | None,
        columns: tuple[object, ...],
        body: bytes,
        at_us: int,
    ) -> None:
        """Add a row, visible from `at_us` on."""
        seq = self._append(entity, record_id, at_us, body)
        self._db.execute(self._insert_sql(entity), (record_id, seq, key, *columns))

    def update(
        self, entity: Entity, record_id: int, changed: dict[str, object], body: bytes, at_us: int
    ) -> None:
        """Give a row new columns and a new record text, visible from `at_us` on."""
        seq = self._append(entity, record_id, at_us, body)
        sets = "".join(f", {quoted(name)} = ?" for name in changed)
        sql = f"UPDATE {quoted(entity.name)} SET seq = ?{sets} WHERE id = ?"
        self._db.execute(sql, (seq, *changed.values(), record_id))

    def delete(self, entity: Entity, record_id: int, at_us: int) -> None:
        """Remove a row; its journal stays and says when."""
        self._append(entity, record_id, at_us, None)
        self._db.execute(f"DELETE FROM {quoted(entity.name)} WHERE id = ?", (record_id,))

    def body(self, entity: Entity, record_id: int) -> bytes | None:
        """The record text of one row as it is now."""
        sql = (
            f"SELECT v.body FROM {quoted(entity.name)} t"
            f" JOIN {quoted(entity.name + '$journal')} v ON v.seq = t.seq WHERE t.id = ?"
        )
        row = self._db.execute(sql, (record_id,)).fetchone()
        return None if row is None else row[0]

    def select(
        self, entity: Entity, position: str, tail: str, parameters: Sequence[object]
    ) -> list[tuple[bytes, object]]:
        """Record texts, each with the value of the expression `position`.

        `tail` is SQL from WHERE on over the alias t, made by wms_emulator.query.
        """
        sql = (
            f"SELECT v.body, {position} FROM {quoted(entity.name)} t"
            f" JOIN {quoted(entity.name + '$journal')} v ON v.seq = t.seq {tail}"
        )
        return self._db.execute(sql, parameters).fetchall()

    def count(self, entity: Entity, where: str, parameters: Sequence[object]) -> int:
        """How many rows match `where` (SQL over the alias t)."""
        sql = f"SELECT count(*) FROM {quoted(entity.name)} t {where}"
        return int(self._db.execute(sql, parameters).fetchone()[0])

    def ids(self, entity: Entity) -> tuple[int, int]:
        """The smallest and the largest id; (0, -1) without rows."""
        sql = f"SELECT min(id), max(id) FROM {quoted(entity.name)}"
        low, high = self._db.execute(sql).fetchone()
        return (0, -1) if low is None else (low, high)

    def at_or_after(self, entity: Entity, record_id: int) -> tuple[int, str] | None:
        """Id and natural key of the first row from this id on."""
        sql = f'SELECT id, "$key" FROM {quoted(entity.name)} WHERE id >= ? ORDER BY id LIMIT 1'
        row = self._db.execute(sql, (record_id,)).fetchone()
        return None if row is None else (row[0], row[1] or "")

    def all_ids(self, entity: Entity) -> list[int]:
        """Every id, ascending."""
        sql = f"SELECT id FROM {quoted(entity.name)} ORDER BY id"
        return [record_id for (record_id,) in self._db.execute(sql)]

    def truth(self, entity: Entity, *, at_us: int | None = None) -> Iterator[bytes]:
        """The record texts visible now (or at an instant), by id, folded from the journal alone.

        Changes made while the answer is being read do not show in it.
        """
        journal = quoted(entity.name + "$journal")
        newest = self._db.execute(f"SELECT max(seq) FROM {journal}").fetchone()[0] or 0
        sql = (
            f"SELECT v.body FROM {journal} v JOIN (SELECT max(seq) AS seq FROM {journal}"
            " WHERE seq <= ? AND (? IS NULL OR at_us <= ?) GROUP BY pk) last ON last.seq = v.seq"
            " WHERE v.body IS NOT NULL ORDER BY v.pk"
        )
        for (body,) in self._db.execute(sql, (newest, at_us, at_us)):
            yield body


def _instant_part(zone: tzinfo) -> Callable[[str, object], int | None]:
    """The SQL function ts_part(name, microseconds), in the given zone."""

    def part(name: str, instant_us: object) -> int | None:
        if not isinstance(instant_us, int):
            return None
        moment = from_us(instant_us).astimezone(zone)
        return moment.isoweekday() % 7 + 1 if name == "week_day" else int(getattr(moment, name))

    return part
