"""Oracle identifiers: folding, limits, and their form inside PostgreSQL.

PostgreSQL cuts identifiers at 63 bytes where Oracle allows 128, so a longer one is kept under a
shortened name; the catalogue remembers the long one. This is the only place where an identifier
becomes SQL text.
"""

from __future__ import annotations

import hashlib

from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import OracleError

MAX_BYTES = 128
POSTGRES_MAX_BYTES = 63

# Oracle's reserved words: none of them may name anything without quotes.
RESERVED = frozenset(
    [
        "ACCESS",
        "ADD",
        "ALL",
        "ALTER",
        "AND",
        "ANY",
        "AS",
        "ASC",
        "AUDIT",
        "BETWEEN",
        "BY",
        "CHAR",
        "CHECK",
        "CLUSTER",
        "COLUMN",
        "COLUMN_VALUE",
        "COMMENT",
        "COMPRESS",
        "CONNECT",
        "CREATE",
        "CURRENT",
        "DATE",
        "DECIMAL",
        "DEFAULT",
        "DELETE",
        "DESC",
        "DISTINCT",
        "DROP",
        "ELSE",
        "EXCLUSIVE",
        "EXISTS",
        "FILE",
        "FLOAT",
        "FOR",
        "FROM",
        "GRANT",
        "GROUP",
        "HAVING",
        "IDENTIFIED",
        "IMMEDIATE",
        "IN",
        "INCREMENT",
        "INDEX",
        "INITIAL",
        "INSERT",
        "INTEGER",
        "INTERSECT",
        "INTO",
        "IS",
        "LEVEL",
        "LIKE",
        "LOCK",
        "LONG",
        "MAXEXTENTS",
        "MINUS",
        "MLSLABEL",
        "MODE",
        "MODIFY",
        "NESTED_TABLE_ID",
        "NOAUDIT",
        "NOCOMPRESS",
        "NOT",
        "NOWAIT",
        "NULL",
        "NUMBER",
        "OF",
        "OFFLINE",
        "ON",
        "ONLINE",
        "OPTION",
        "OR",
        "ORDER",
        "PCTFREE",
        "PRIOR",
        "PUBLIC",
        "RAW",
        "RENAME",
        "RESOURCE",
        "REVOKE",
        "ROW",
        "ROWID",
        "ROWNUM",
        "ROWS",
        "SELECT",
        "SESSION",
        "SET",
        "SHARE",
        "SIZE",
        "SMALLINT",
        "START",
        "SUCCESSFUL",
        "SYNONYM",
        "SYSDATE",
        "TABLE",
        "THEN",
        "TO",
        "TRIGGER",
        "UID",
        "UNION",
        "UNIQUE",
        "UPDATE",
        "USER",
        "VALIDATE",
        "VALUES",
        "VARCHAR",
        "VARCHAR2",
        "VIEW",
        "WHENEVER",
        "WHERE",
        "WITH",
    ]
)

_shortened: dict[str, str] = {}


def check(name: str, offset: int = 0) -> str:
    """Return the name, or raise ORA-00972 / ORA-01741 when Oracle would not take it."""
    if not name:
        raise error(1741, offset=offset)
    if len(name.encode()) > MAX_BYTES:
        raise OracleError(972, "identifier is too long", offset=offset)
    return name


def physical(name: str) -> str:
    """The name under which PostgreSQL keeps an identifier."""
    raw = name.encode()
    if len(raw) <= POSTGRES_MAX_BYTES:
        return name
    digest = hashlib.sha256(raw).hexdigest()[:16]
    short = raw[:45].decode(errors="ignore") + "~" + digest
    _shortened[short] = name
    return short


def logical(name: str) -> str:
    """The identifier that PostgreSQL keeps under `name`."""
    return _shortened.get(name, name)


def remember(short: str, name: str) -> None:
    """Learn a shortened name from the catalogue of a kept data directory."""
    _shortened[short] = name


def shortened(name: str) -> bool:
    """Whether PostgreSQL keeps the identifier under another name."""
    return len(name.encode()) > POSTGRES_MAX_BYTES


def quote(*parts: str) -> str:
    """The parts of a name as quoted SQL text, joined by dots."""
    return ".".join('"' + physical(part).replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    """A string literal of PostgreSQL."""
    return "'" + text.replace("'", "''") + "'"


def shown(*parts: str) -> str:
    """The parts of a name as Oracle writes them in messages: each in double quotes."""
    return ".".join(f'"{part}"' for part in parts)
