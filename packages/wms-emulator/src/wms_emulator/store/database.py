"""The only module that opens a database: connection, transactions, functions, facts.

A Database belongs to the thread that made it. Knows no table but that of facts.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Any

from wms_emulator.clock import from_us

_CACHE_KIB = 65536
_KNOWN_ROWS = 256


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


def _instant_part(zone: tzinfo) -> Callable[[str, object], int | None]:
    """The SQL function ts_part(name, microseconds), in the given zone."""

    def part(name: str, instant_us: object) -> int | None:
        if not isinstance(instant_us, int):
            return None
        moment = from_us(instant_us).astimezone(zone)
        return moment.isoweekday() % 7 + 1 if name == "week_day" else int(getattr(moment, name))

    return part


class Database:
    """An open database. Close it, or use it as a context manager."""

    def __init__(self, path: Path | None, zone: tzinfo, *, building: bool = False) -> None:
        """Open `path`, or a private file that vanishes with this process when None.

        While `building` no write-ahead log is kept: it would double the disk that a seed takes.
        """
        # "" is SQLite's private temporary database: on disk when large, unlinked from the start.
        self._db = sqlite3.connect(str(path or ""), isolation_level=None)
        self._known: dict[tuple[str, tuple[object, ...]], tuple[Any, ...]] = {}
        self._known_at = 0
        for pragma in (
            "journal_mode=WAL" if path and not building else "journal_mode=MEMORY",
            "synchronous=OFF",
            f"cache_size=-{_CACHE_KIB}",
        ):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        for name, test in _TEXT_TESTS.items():
            self._db.create_function(name, 2, _text_function(test), deterministic=True)
        self._db.create_function("ts_part", 2, _instant_part(zone), deterministic=True)

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def image(self) -> bytes:
        """The whole database as bytes."""
        return self._db.serialize()

    def take(self, image: bytes) -> None:
        """Become a copy, in memory, of the database that gave this image."""
        self._db.deserialize(image)
        self._known.clear()

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._db.execute(sql, parameters)

    def unchanged(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
        """The first row of a statement that only reads, remembered until anything is written.

        Whoever asks for page after page asks for the same count each time.
        """
        if self._db.total_changes != self._known_at:
            self._known.clear()
            self._known_at = self._db.total_changes
        key = (sql, tuple(parameters))
        if key not in self._known:
            if len(self._known) >= _KNOWN_ROWS:
                self._known.clear()
            self._known[key] = self._db.execute(sql, parameters).fetchone()
        return self._known[key]

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of parameters."""
        self._db.executemany(sql, rows)

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
            self._known.clear()  # what was read since BEGIN is not so any more
            raise
        self._db.execute("COMMIT")
