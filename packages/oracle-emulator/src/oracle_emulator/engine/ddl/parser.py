"""The statements that are parsed by hand: DDL, grants, users, session and transaction control."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oracle_emulator.engine import scanner
from oracle_emulator.engine.capabilities import Capabilities
from oracle_emulator.engine.ddl import accounts, columns, tables
from oracle_emulator.engine.ddl.reader import Reader
from oracle_emulator.engine.ddl.statements import (
    AlterSession,
    ByHand,
    Comment,
    CreateSequence,
    CreateSynonym,
    CreateView,
    Drop,
    DropSynonym,
    EndTransaction,
    LockTable,
    Nothing,
    Rename,
    Savepoint,
    Truncate,
)
from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.scanner import Lexeme


def parse(text: str, capabilities: Capabilities) -> ByHand:
    """Parse a statement that is neither a query nor DML nor PL/SQL. Raises OracleError."""
    found = scanner.tokens(text)
    reader = Reader(text, found, capabilities)
    first = reader.current
    if first is None:
        raise error(900)
    handler = _STATEMENTS.get(first.value) if first.lexeme is Lexeme.WORD else None
    if handler is None:
        raise error(900)
    reader.position = 1
    statement = handler(reader)
    reader.end()
    return statement


def _create(reader: Reader) -> ByHand:
    replace = reader.accept("OR", "REPLACE")
    if reader.accept("GLOBAL", "TEMPORARY", "TABLE"):
        return tables.create(reader, temporary=True)
    if reader.accept("TABLE"):
        return tables.create(reader, temporary=False)
    if reader.accept("UNIQUE", "INDEX"):
        return tables.index(reader, unique=True)
    if reader.accept("INDEX"):
        return tables.index(reader, unique=False)
    if reader.accept("SEQUENCE"):
        return _sequence(reader)
    if reader.accept("USER"):
        return accounts.user(reader, alter=False)
    reader.accept("FORCE")
    if reader.accept("VIEW"):
        return _view(reader, replace=replace)
    public = reader.accept("PUBLIC", "SYNONYM")
    if public or reader.accept("SYNONYM"):
        quietly = reader.if_exists(negated=True)
        name = reader.name()
        reader.expect("FOR")
        return CreateSynonym(name, reader.name(), public, replace, quietly)
    raise _unknown_object(reader)


def _unknown_object(reader: Reader) -> Exception:
    known = {"PUBLIC", "PROCEDURE", "FUNCTION", "PACKAGE", "TRIGGER", "TYPE", "ROLE"}
    known |= {"MATERIALIZED", "DIRECTORY", "TABLESPACE", "DATABASE", "BITMAP", "PROFILE", "PRIVATE"}
    token = reader.current
    if token is not None and token.value in known:
        return unsupported(f"CREATE or DROP {token.value}", reader.offset)
    return error(901, offset=reader.offset)


def _view(reader: Reader, *, replace: bool) -> CreateView:
    quietly = reader.if_exists(negated=True)
    name = reader.name()
    columns = reader.list_of(reader.identifier) if reader.peek("(") else []
    reader.expect("AS")
    if not (reader.peek("SELECT") or reader.peek("WITH") or reader.peek("(")):
        raise error(928, offset=reader.offset)
    return CreateView(name, columns, reader.rest(), replace, quietly)


def _sequence(reader: Reader) -> CreateSequence:
    quietly = reader.if_exists(negated=True)
    sequence = CreateSequence(reader.name(), quietly=quietly)
    while reader.current is not None:
        if not columns.sequence_option(reader, sequence):
            raise error(933, offset=reader.offset)
    return sequence


def _alter(reader: Reader) -> ByHand:
    if reader.accept("SESSION"):
        return _alter_session(reader)
    if reader.accept("TABLE"):
        return tables.alter(reader)
    if reader.accept("USER"):
        return accounts.user(reader, alter=True)
    if reader.accept("SYSTEM"):
        reader.rest()
        return Nothing()
    raise error(940, offset=reader.offset)


def _alter_session(reader: Reader) -> AlterSession:
    if reader.one_of("ENABLE", "DISABLE", "FORCE"):
        reader.rest()
        return AlterSession()
    if not reader.accept("SET"):
        raise error(922, offset=reader.offset)
    statement = AlterSession()
    while reader.current is not None:
        name = reader.advance().value
        if not reader.accept("="):
            raise error(927, offset=reader.offset)
        statement.settings[name] = reader.advance().value
    return statement


def _drop(reader: Reader) -> ByHand:
    if reader.accept("USER"):
        return accounts.drop_user(reader)
    public = reader.accept("PUBLIC", "SYNONYM")
    if public or reader.accept("SYNONYM"):
        quietly = reader.if_exists()
        made = DropSynonym(reader.name(), public, quietly)
        reader.accept("FORCE")
        return made
    kind = reader.one_of("TABLE", "INDEX", "VIEW", "SEQUENCE")
    if kind is None:
        token = reader.current
        if token is not None and token.value in {
            "PROCEDURE",
            "FUNCTION",
            "PACKAGE",
            "TYPE",
            "ROLE",
        }:
            raise unsupported(f"DROP {token.value}", reader.offset)
        raise error(950, offset=reader.offset)
    quietly = reader.if_exists()
    drop = Drop(kind, reader.name(), quietly=quietly)
    if kind in {"TABLE", "VIEW"}:
        drop.cascade = reader.accept("CASCADE", "CONSTRAINTS")
    if kind == "TABLE":
        reader.accept("PURGE")
    return drop


def _truncate(reader: Reader) -> Truncate:
    reader.expect("TABLE", code=3290)
    truncate = Truncate(reader.name())
    if reader.one_of("REUSE", "DROP"):
        reader.accept("ALL")
        reader.expect("STORAGE", code=3291)
    return truncate


def _comment(reader: Reader) -> Comment:
    reader.expect("ON", code=969)
    kind = reader.one_of("TABLE", "COLUMN")
    if kind is None:
        raise unsupported("COMMENT ON anything but TABLE or COLUMN", reader.offset)
    parts = [reader.identifier(903)]
    while reader.accept("."):
        parts.append(reader.identifier(903))
    column = parts.pop() if kind == "COLUMN" else None
    reader.expect("IS")
    owner = parts[-2] if len(parts) > 1 else None
    return Comment((owner, parts[-1]), column, reader.string())


def _lock(reader: Reader) -> LockTable:
    reader.expect("TABLE")
    tables_named = [reader.name()]
    while reader.accept(","):
        tables_named.append(reader.name())
    reader.expect("IN")
    words: list[str] = []
    while not reader.peek("MODE"):
        words.append(reader.advance().value)
    reader.expect("MODE")
    lock = LockTable(tables_named, " ".join(words))
    if reader.accept("NOWAIT"):
        lock.wait_s = 0.0
    elif reader.accept("WAIT"):
        lock.wait_s = float(reader.integer(30005))
    return lock


def _savepoint(reader: Reader) -> Savepoint:
    return Savepoint(reader.identifier())


def _commit(reader: Reader) -> EndTransaction:
    reader.accept("WORK")
    if reader.accept("COMMENT"):
        reader.string()
    if reader.accept("WRITE"):
        while reader.one_of("WAIT", "NOWAIT", "IMMEDIATE", "BATCH"):
            pass
    return EndTransaction(commit=True)


def _rollback(reader: Reader) -> ByHand:
    reader.accept("WORK")
    if reader.accept("TO"):
        reader.accept("SAVEPOINT")
        return Savepoint(reader.identifier(), back=True)
    return EndTransaction(commit=False)


def _rename(reader: Reader) -> Rename:
    old = reader.identifier(903)
    reader.expect("TO")
    return Rename(old, reader.identifier(903))


def _purge(reader: Reader) -> Nothing:
    reader.rest()
    return Nothing()


_STATEMENTS: Mapping[str, Callable[[Reader], ByHand]] = {
    "CREATE": _create,
    "ALTER": _alter,
    "DROP": _drop,
    "TRUNCATE": _truncate,
    "COMMENT": _comment,
    "GRANT": accounts.grant,
    "REVOKE": accounts.revoke,
    "LOCK": _lock,
    "SAVEPOINT": _savepoint,
    "COMMIT": _commit,
    "ROLLBACK": _rollback,
    "RENAME": _rename,
    "PURGE": _purge,
}
