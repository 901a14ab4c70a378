"""What the engine remembers of the catalogue between statements.

Column types and global temporary tables.

Every DDL goes through this process, so the memory is simply emptied after each one.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import psycopg

from oracle_emulator.engine import names
from oracle_emulator.engine.interface import Column, OracleType, TypeCode
from oracle_emulator.engine.translate.context import TableName

Administrator = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table or view: its columns with their Oracle types, by PostgreSQL's column number."""

    relid: int
    columns: dict[int, Column]
    duration: str | None
    is_view: bool = False
    generated: frozenset[str] = frozenset()  # GENERATED ALWAYS AS IDENTITY

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns.values() if column.name == name), None)


_COLUMNS = """
SELECT a.attnum, a.attname, o.code, o.size, o.precision, o.scale, o.char_semantics, o.national,
NOT a.attnotnull, o.identity = 'ALWAYS'
  FROM pg_attribute a JOIN ora.columns o ON o.relid = a.attrelid AND o.attnum = a.attnum
 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""


class Catalogue:
    """The memory itself; safe to use from several threads."""

    def __init__(self, administrator: Administrator) -> None:
        self._administrator = administrator
        self._lock = threading.Lock()
        self._by_relid: dict[int, TableInfo | None] = {}
        self._by_name: dict[TableName, TableInfo | None] = {}
        self._quotas: dict[str, bool] = {}
        self._synonyms: dict[TableName, TableName] | None = None
        self._emptied: Counter[TableName] = Counter()
        self.version = 0

    def forget(self) -> None:
        """Empty the memory: a DDL has been committed."""
        with self._lock:
            self.version += 1
            self._by_relid.clear()
            self._by_name.clear()
            self._quotas.clear()
            self._synonyms = None

    def note_emptied(self, name: TableName) -> None:
        """Note that a table's rows went by DDL: whoever reads them has lost them."""
        with self._lock:
            self._emptied[name] += 1

    def times_emptied(self, tables: Iterable[TableName]) -> int:
        """How often rows of these tables went by DDL, ever."""
        with self._lock:
            return sum(self._emptied[name] + self._emptied[name[0], ""] for name in tables)

    def table(self, name: TableName) -> TableInfo | None:
        """A table or view by owner and name; None when there is none."""
        with self._lock:
            if name not in self._by_name:
                with self._administrator() as run:
                    row = run.execute(
                        "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = "
                        "c.relnamespace "
                        "WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'v')",
                        [names.physical(name[0]), names.physical(name[1])],
                    ).fetchone()
                    self._by_name[name] = None if row is None else self._load(run, int(row[0]))
            return self._by_name[name]

    def relation(self, relid: int) -> TableInfo | None:
        """A table or view by its oid in PostgreSQL."""
        with self._lock:
            if relid not in self._by_relid:
                with self._administrator() as run:
                    self._by_relid[relid] = self._load(run, relid)
            return self._by_relid[relid]

    def synonym(self, name: TableName) -> TableName | None:
        """What a private or public synonym stands for; None when there is none, or a table."""
        with self._lock:
            if self._synonyms is None:
                with self._administrator() as run:
                    self._synonyms = {
                        (str(owner), str(synonym)): (str(table_owner), str(table))
                        for owner, synonym, table_owner, table in run.execute(
                            "SELECT owner, name, table_owner, table_name FROM ora.synonyms"
                        ).fetchall()
                    }
            if not self._synonyms:
                return None
            found = self._synonyms.get(name) or self._synonyms.get(("PUBLIC", name[1]))
        return None if found is None or self.table(name) is not None else found

    def has_quota(self, owner: str) -> bool:
        """Whether a user may use space in a tablespace."""
        with self._lock:
            if owner not in self._quotas:
                with self._administrator() as run:
                    row = run.execute(
                        "SELECT 1 FROM ora.quotas q JOIN ora.users u ON u.username = q.username "
                        "AND "
                        "u.default_tablespace = q.tablespace WHERE q.username = $1 AND "
                        "q.max_bytes <> 0 UNION ALL "
                        "SELECT 1 FROM ora.system_privileges WHERE grantee = $1 AND privilege = "
                        "'UNLIMITED TABLESPACE'",
                        [owner],
                    ).fetchone()
                    self._quotas[owner] = row is not None
            return self._quotas[owner]

    @staticmethod
    def _load(run: psycopg.Connection[Any], relid: int) -> TableInfo | None:
        rows = run.execute(_COLUMNS, [relid]).fetchall()
        columns = {
            int(number): Column(
                names.logical(name),
                OracleType(TypeCode(code), size, precision, scale, in_chars, national),
                bool(nullable),
            )
            for number, name, code, size, precision, scale, in_chars, national, nullable, _ in rows
        }
        generated = frozenset(names.logical(row[1]) for row in rows if row[-1])
        row = run.execute(
            "SELECT o.duration, c.relkind = 'v' FROM ora.objects o "
            "JOIN pg_class c ON c.oid = o.relid "
            "WHERE o.relid = $1",
            [relid],
        ).fetchone()
        if not columns and row is None:
            return None
        duration, is_view = row if row is not None else (None, False)
        return TableInfo(relid, columns, duration, is_view, generated)
