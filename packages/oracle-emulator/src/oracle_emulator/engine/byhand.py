"""Statements parsed by hand, run in a session: transaction control, locks, settings and DDL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from oracle_emulator.engine import names, scanner
from oracle_emulator.engine.ddl import execute as carry_out
from oracle_emulator.engine.ddl import parser
from oracle_emulator.engine.ddl.scene import Scene
from oracle_emulator.engine.ddl.statements import (
    AlterSession,
    ByHand,
    Drop,
    DropUser,
    EndTransaction,
    LockTable,
    Savepoint,
    Truncate,
)
from oracle_emulator.engine.diagnosis import Situation
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import Column, Statement
from oracle_emulator.engine.translate import statements
from oracle_emulator.engine.translate.context import TableName

if TYPE_CHECKING:
    from oracle_emulator.engine.session import EngineSession

# A DDL waits so long even with DDL_LOCK_TIMEOUT 0: other sessions' queries end within it.
DDL_PATIENCE_S = 0.3
LOCK_MODES = frozenset(
    {"ROW SHARE", "ROW EXCLUSIVE", "SHARE", "SHARE UPDATE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"}
)


def execute(session: EngineSession, statement: Statement) -> None:
    """Parse and run a statement that is neither a query nor DML. Raises OracleError."""
    parsed = parser.parse(statement.text, session.database.capabilities)
    situation = Situation(statement.text, None, session.private.names)
    match parsed:
        case EndTransaction():
            (session.commit if parsed.commit else session.rollback)()
        case Savepoint():
            _savepoint(session, parsed, situation)
        case AlterSession():
            session.control.alter(parsed)
        case LockTable():
            _lock(session, parsed, situation)
        case Truncate() if session.private.physical(session.resolve(parsed.name)) is not None:
            session.commit()
            _truncate_private(session, session.resolve(parsed.name), situation)
        case _:
            ddl(session, parsed, situation)


def _savepoint(session: EngineSession, parsed: Savepoint, situation: Situation) -> None:
    quoted = names.quote("u$" + parsed.name)
    if parsed.back:
        if parsed.name not in session.savepoints:
            raise error(1086, parsed.name)
        with session.diagnosed(situation):
            session.run.execute(f"ROLLBACK TO {quoted}")
        del session.savepoints[session.savepoints.index(parsed.name) + 1 :]
        session.private.rolled_back()
        session.control.rolled_back()
        return
    with session.diagnosed(situation):
        if not session.in_transaction:
            session.run.execute("BEGIN")
            session.in_transaction = True
        session.run.execute(f"SAVEPOINT {quoted}")
    if parsed.name in session.savepoints:  # the name moves here
        session.savepoints.remove(parsed.name)
    session.savepoints.append(parsed.name)


def _lock(session: EngineSession, parsed: LockTable, situation: Situation) -> None:
    if parsed.mode not in LOCK_MODES:
        raise error(1737)
    mode = "ROW SHARE" if parsed.mode == "SHARE UPDATE" else parsed.mode
    named = map(session.resolve, parsed.names)
    wanted = [session.database.catalogue.synonym(name) or name for name in named]
    tables = [table for table in wanted if session.private.physical(table) is None]
    with session.statement(situation, begin=True):
        for table in tables:
            timeout_ms = int((parsed.wait_s or 0) * 1000)
            session.run.execute(f"SET LOCAL lock_timeout = {timeout_ms}")
            nowait = " NOWAIT" if parsed.wait_s == 0 else ""
            session.run.execute(f"LOCK TABLE {names.quote(*table)} IN {mode} MODE{nowait}")
            session.run.execute("SET LOCAL lock_timeout = 0")


def _truncate_private(session: EngineSession, table: TableName, situation: Situation) -> None:
    physical = session.private.physical(table)
    with session.diagnosed(situation):
        session.run.execute(f'TRUNCATE TABLE pg_temp."{physical}"')


def ddl(session: EngineSession, parsed: ByHand, situation: Situation) -> None:
    """Run a DDL: what was open is committed before it begins, and it is committed when it ends."""
    session.commit()
    session.private.before_ddl(parsed)
    patience_s = max(session.control.ddl_lock_timeout_s, DDL_PATIENCE_S)
    run = session.run

    def expression(source: str) -> str:
        return statements.expression(source, session.context(()))

    def query(source: str) -> tuple[str, Sequence[Column]]:
        plan = statements.translate(scanner.scan(source), session.context(()))
        return plan.sql, session.prepared(plan)

    scene = Scene(
        run,
        session.info.user,
        session.schema,
        expression,
        query,
        session.database.is_connected,
        session.database.capabilities.named_errors,
    )
    with session.diagnosed(situation):
        run.execute("BEGIN")
        try:
            run.execute("SET LOCAL ROLE none")
            run.execute(f"SET LOCAL lock_timeout = {int(patience_s * 1000)}")
            carry_out.execute(parsed, scene)
        except BaseException:
            if not run.closed:
                run.execute("ROLLBACK")
            raise
        run.execute("COMMIT")
    session.database.catalogue.forget()
    match parsed:
        case Truncate() | Drop(kind="TABLE"):
            session.database.catalogue.note_emptied(session.resolve(parsed.name))
        case DropUser():
            session.database.catalogue.note_emptied((parsed.name, ""))
        case _:
            pass
