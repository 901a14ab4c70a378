"""PostgreSQL's errors told as Oracle's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from oracle_emulator.engine import names, scanner
from oracle_emulator.engine.errors import PLAIN, error
from oracle_emulator.engine.interface import OracleError
from oracle_emulator.engine.scanner import Lexeme
from oracle_emulator.engine.translate.context import TableName, Translation

OWN_ERROR = "ORA00"  # raised by ora.raise: the code is in the detail
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_COLUMN = re.compile(r'column (?:"(?P<quoted>[^"]*)"|(?P<plain>\S+)) ')
_MISSING_FROM = re.compile(
    r'(?:missing|invalid reference to) FROM-clause entry for table "(?P<table>[^"]*)"'
)

# After these a second try with fewer rows can tell which row was to blame.
DATA_CLASSES = ("21", "22", "23", "OR")


@dataclass(slots=True)
class Situation:
    """What was running when the error came."""

    text: str = ""
    plan: Translation | None = None
    private: dict[str, TableName] | None = None  # own tables -> the global temporary ones
    sees: Callable[[TableName], bool] = bool  # whether the user holds any privilege on a table


def is_data_error(failed: psycopg.Error) -> bool:
    """Whether the error is about a row's values rather than about the statement."""
    return (failed.sqlstate or "").startswith(DATA_CLASSES)


def diagnose(failed: psycopg.Error, situation: Situation) -> OracleError:
    """The OracleError for a PostgreSQL error."""
    state = failed.sqlstate
    diag = failed.diag
    message = diag.message_primary or str(failed)
    if state is None:
        return OracleError(3113, "end-of-file on communication channel")
    if state == OWN_ERROR:
        code = int(diag.message_detail or 3001)
        return OracleError(code, message)
    special = _SPECIAL.get(state)
    if special is not None:
        return special(failed, message, situation)
    code = PLAIN.get(state, 0)
    if code == 0:
        return OracleError(3001, f"unimplemented feature: {message} ({state})")
    if code == 932:
        return OracleError(932, _inconsistent(message))
    if code == 1086:
        return error(1086, "".join(_QUOTED.findall(message)))
    if code == 4043:
        return error(4043, "".join(_QUOTED.findall(message)[:1]))
    return error(code)


def _inconsistent(message: str) -> str:
    if "shell" in message and ("clob" in message or "blob" in message):
        return f"inconsistent datatypes: expected - got {'CLOB' if 'clob' in message else 'BLOB'}"
    return f"inconsistent datatypes: {message}"


def _table(failed: psycopg.Error, situation: Situation) -> TableName:
    schema, table = failed.diag.schema_name or "", failed.diag.table_name or ""
    private = (situation.private or {}).get(table)
    return private or (names.logical(schema), names.logical(table))


def _unique(failed: psycopg.Error, _message: str, situation: Situation) -> OracleError:
    owner, _name = _table(failed, situation)
    return error(1, f"{owner}.{names.logical(failed.diag.constraint_name or '')}")


def _not_null(failed: psycopg.Error, _message: str, situation: Situation) -> OracleError:
    column = names.shown(*_table(failed, situation), names.logical(failed.diag.column_name or ""))
    plan = situation.plan
    updating = plan is not None and plan.updates and not plan.inserts
    return error(1407 if updating else 1400, column)


def _check(failed: psycopg.Error, _message: str, situation: Situation) -> OracleError:
    owner, _name = _table(failed, situation)
    return error(2290, f"{owner}.{names.logical(failed.diag.constraint_name or '')}")


def _foreign_key(failed: psycopg.Error, message: str, situation: Situation) -> OracleError:
    owner, _name = _table(failed, situation)
    code = (
        2291
        if message.startswith("insert or update on table") and "still referenced" not in str(failed)
        else 2292
    )
    return error(code, f"{owner}.{names.logical(failed.diag.constraint_name or '')}")


def _no_table(_failed: psycopg.Error, message: str, situation: Situation) -> OracleError:
    missing = _MISSING_FROM.search(message)
    if missing is not None:
        return error(
            904, names.shown(missing["table"]), offset=_offset(situation.text, missing["table"])
        )
    found = _QUOTED.findall(message)
    parts = found[-1].split(".") if found else [""]
    return error(942, offset=_offset(situation.text, *parts))


def _not_allowed(_failed: psycopg.Error, message: str, situation: Situation) -> OracleError:
    """What cannot be seen at all does not exist; what can be seen may still be forbidden."""
    found = re.search(r"permission denied for (?:table|view|sequence) (.+)$", message)
    name = names.logical(found[1]) if found is not None else ""
    tables = situation.plan.tables if situation.plan is not None else set()
    if any(situation.sees(table) for table in tables if table[1] == name):
        return error(1031)
    return error(942, offset=_offset(situation.text, name))


def _no_column(_failed: psycopg.Error, message: str, situation: Situation) -> OracleError:
    match = _COLUMN.search(message)
    if match is None:
        return error(904, "", offset=0)
    plain = match["plain"]
    parts = plain.split(".") if plain is not None else [match["quoted"]]
    shown = [names.logical(part) for part in parts]
    return error(904, names.shown(*shown), offset=_offset(situation.text, shown[-1]))


def _offset(text: str, *parts: str) -> int:
    """Where a name stands in the statement: at its first part."""
    found = scanner.tokens(text)
    named = [t for t in found if t.lexeme in {Lexeme.WORD, Lexeme.QUOTED}]
    logical = [names.logical(part) for part in parts]
    for index, token in enumerate(named):
        values = [t.value for t in named[index : index + len(logical)]]
        if values == logical:
            return token.start
    return 0


def _cardinality(_failed: psycopg.Error, _message: str, situation: Situation) -> OracleError:
    merges = situation.plan is not None and situation.plan.merges
    return error(30926 if merges and "MERGE" in _message else 1427)


def _busy(_failed: psycopg.Error, _message: str, situation: Situation) -> OracleError:
    plan = situation.plan
    return error(30006 if plan is not None and plan.wait_s else 54)


def _too_long(_failed: psycopg.Error, message: str, _situation: Situation) -> OracleError:
    size = re.search(r"\((\d+)\)", message)
    return OracleError(12899, f"value too large for column (maximum: {size[1] if size else '?'})")


def _grouping(_failed: psycopg.Error, message: str, situation: Situation) -> OracleError:
    if "not allowed in" in message:
        return error(934)
    words = [t.value for t in scanner.tokens(situation.text) if t.lexeme is Lexeme.WORD]
    return error(979 if "GROUP" in words else 937)


def _already_exists(_failed: psycopg.Error, message: str, _situation: Situation) -> OracleError:
    if "constraint" in message:
        return error(2264)
    return error(955)


_SPECIAL = {
    "23505": _unique,
    "23502": _not_null,
    "23514": _check,
    "23503": _foreign_key,
    "42P01": _no_table,
    "42501": _not_allowed,
    "42703": _no_column,
    "21000": _cardinality,
    "55P03": _busy,
    "22001": _too_long,
    "42803": _grouping,
    "42710": _already_exists,
}
