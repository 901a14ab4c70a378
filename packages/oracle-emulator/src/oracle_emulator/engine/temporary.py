"""Global temporary tables: one definition for everybody, rows of one's own.

The definition is an ordinary, always empty table. A session that touches it gets a temporary table
of PostgreSQL of the same shape; statements are pointed at that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle_emulator.engine import names
from oracle_emulator.engine.ddl.statements import (
    AlterTable,
    ByHand,
    CreateIndex,
    Drop,
    Truncate,
)
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.translate.context import TableName

if TYPE_CHECKING:
    from oracle_emulator.engine.session import EngineSession


class PrivateTables:
    """The temporary tables of one session."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self.names: dict[str, TableName] = {}  # physical -> what it stands for
        self._physical: dict[TableName, tuple[str, int]] = {}  # with the oid of the definition
        self._relids: dict[int, int] = {}  # oid of the private table -> oid of the definition
        self._versions: dict[TableName, int] = {}
        self._unsettled: set[TableName] = set()  # made in the running transaction

    def physical(self, name: TableName) -> str | None:
        """The own table behind a global temporary one (made if need be); None for any other."""
        catalogue = self._session.database.catalogue
        info = catalogue.table(name)
        if info is None or info.duration is None:
            return None
        known = self._physical.get(name)
        if (
            known is not None
            and known[1] == info.relid
            and self._versions[name] == catalogue.version
        ):
            return known[0]
        physical = f"g${info.relid}"
        if known is None or known[1] != info.relid or self._changed(info.relid):
            self._make(name, physical, info.relid, info.duration)
        self._versions[name] = catalogue.version
        return physical

    def _changed(self, relid: int) -> bool:
        """Whether the definition no longer has the shape of the private table."""
        run = self._session.run
        shape = (
            "SELECT array_agg((attname, atttypid, atttypmod, attnotnull)::text ORDER BY attnum) "
            "FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped"
        )
        own = next((own for own, definition in self._relids.items() if definition == relid), 0)
        indexes = "SELECT count(*) FROM pg_index WHERE indrelid = $1"
        return any(
            run.execute(query, [own]).fetchone() != run.execute(query, [relid]).fetchone()
            for query in (shape, indexes)
        )

    def _make(self, name: TableName, physical: str, relid: int, duration: str) -> None:
        session, run = self._session, self._session.run
        user = session.info.user
        if session.in_transaction and name in self._physical:
            raise error(14450)  # its definition was changed while its rows are in use
        may = run.execute(
            "SELECT has_table_privilege($1, $2::oid, 'SELECT, INSERT, UPDATE, DELETE')",
            [names.physical(user), relid],
        ).fetchone()
        if may is None or not may[0]:
            raise error(942)
        action = "DELETE ROWS" if duration == "SYS$TRANSACTION" else "PRESERVE ROWS"
        run.execute("RESET ROLE")
        try:
            run.execute(f'DROP TABLE IF EXISTS pg_temp."{physical}"')
            run.execute(
                f'CREATE TEMPORARY TABLE "{physical}" (LIKE {names.quote(*name)} INCLUDING '
                f"DEFAULTS "
                f"INCLUDING CONSTRAINTS INCLUDING IDENTITY INCLUDING GENERATED) ON COMMIT {action}"
            )
            self._copy_keys(physical, relid)
            run.execute(f'GRANT ALL ON pg_temp."{physical}" TO {names.quote(user)}')
        finally:
            if not run.closed and run.info.transaction_status.name != "INERROR":
                run.execute(f"SET ROLE {names.quote(user)}")
        row = run.execute("SELECT $1::text::regclass::oid", [f'pg_temp."{physical}"']).fetchone()
        if row is not None:
            self._relids[int(row[0])] = relid
        self._physical[name] = (physical, relid)
        self.names[physical] = name
        if session.in_transaction:
            self._unsettled.add(name)

    def _copy_keys(self, physical: str, relid: int) -> None:
        """The definition's keys and indexes under their own names, since errors name them."""
        run = self._session.run
        keys = run.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1 "
            "AND contype IN ('p', 'u')",
            [relid],
        ).fetchall()
        for key, definition in keys:
            run.execute(f'ALTER TABLE pg_temp."{physical}" ADD CONSTRAINT "{key}" {definition}')
        indexes = run.execute(
            "SELECT c.relname, pg_get_indexdef(i.indexrelid), i.indisunique FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1 "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)",
            [relid],
        ).fetchall()
        for index, definition, unique in indexes:
            tail = definition[definition.index(" USING ") :]
            kind = "UNIQUE INDEX" if unique else "INDEX"
            run.execute(f'CREATE {kind} "{index}" ON pg_temp."{physical}"{tail}')

    def definition(self, relid: int) -> int:
        """The oid of the definition behind a private table; any other oid is itself."""
        return self._relids.get(relid, relid)

    def committed(self) -> None:
        """The transaction was committed: what it made stays."""
        self._unsettled.clear()

    def rolled_back(self) -> None:
        """Something was rolled back: what the transaction made may be gone."""
        for name in self._unsettled:
            physical, _relid = self._physical.pop(name)
            self.names.pop(physical, None)
        self._unsettled.clear()

    def before_ddl(self, statement: ByHand) -> None:
        """Give up the own table that a DDL is about. Raises ORA-14452 when it holds rows."""
        target = self._target(statement)
        known = self._physical.get(target) if target is not None else None
        if target is None or known is None:
            return
        run, physical = self._session.run, known[0]
        if run.execute(f'SELECT 1 FROM pg_temp."{physical}" LIMIT 1').fetchone() is not None:
            raise error(14452)
        run.execute("RESET ROLE")
        run.execute(f'DROP TABLE IF EXISTS pg_temp."{physical}"')
        run.execute(f"SET ROLE {names.quote(self._session.info.user)}")
        del self._physical[target]
        self.names.pop(physical, None)

    def _target(self, statement: ByHand) -> TableName | None:
        if isinstance(statement, CreateIndex):
            return self._session.resolve(statement.table)
        if isinstance(statement, AlterTable | Drop | Truncate):
            return self._session.resolve(statement.name)
        return None
