"""PostgreSQL's errors told as Oracle's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from oracle_emulator.engine import names, scanner
from oracle_emulator.engine.errors import PLAIN, error, no_table
from oracle_emulator.engine.interface import OracleError
from oracle_emulator.engine.scanner import Lexeme
from oracle_emulator.engine.translate.context import TableName, Translation

OWN_ERROR = "ORA00"  # raised by ora.raise: the code is in the detail
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_COLUMN = re.compile(r'column (?:"(?P<quoted>[^"]*)"|(?P<plain>\S+)) ')
_KEY = re.compile(r"Key \((?P<columns>.*)\)=\((?P<values>.*)\) already exists", re.DOTALL)
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
    schema: str = ""
    named_errors: bool = False  # as from 23ai on
    chars: Callable[[TableName, int], str] | None = (
        None  # the CHAR column of a size, if there is one
    )


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
    owner, name = _table(failed, situation)
    constraint = f"{owner}.{names.logical(failed.diag.constraint_name or '')}"
    key = _KEY.match(failed.diag.message_detail or "")
    if not situation.named_errors or key is None:
        return error(1, constraint)
    columns, values = key["columns"].replace('"', ""), key["values"]
    pairs = zip(columns.split(", "), values.split(", "), strict=False)
    shown = ", ".join(f"{column}:{value}" for column, value in pairs)
    return OracleError(
        1,
        f"unique constraint ({constraint}) violated on table {owner}.{name} columns ({columns})\n"
        f"ORA-03301: (ORA-00001 details) row with column values ({shown}) already exists",
    )


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
        parts = _qualified(situation.text, names.logical(missing["table"]))
        return error(904, names.shown(*parts), offset=_offset(situation.text, *parts))
    found = _QUOTED.findall(message)
    parts = [names.logical(part) for part in found[-1].split(".")] if found else [""]
    words = [token.value for token in scanner.tokens(situation.text)]
    sequence = any(
        words[i : i + 2] == [parts[-1], "."] and words[i + 2] in {"NEXTVAL", "CURRVAL"}
        for i in range(len(words) - 2)
    )
    if sequence:
        return error(2289, offset=_offset(situation.text, *parts))
    return _unseen(situation, *parts)


def _unseen(situation: Situation, *parts: str) -> OracleError:
    """ORA-00942, which names the table in newer releases."""
    offset = _offset(situation.text, *parts)
    if not situation.named_errors:
        return error(942, offset=offset)
    owner = parts[0] if len(parts) > 1 else situation.schema
    return no_table(owner, parts[-1], offset)


def _qualified(text: str, table: str) -> list[str]:
    """The column with its table, as a statement names it first."""
    values = [token.value for token in scanner.tokens(text)]
    for index in range(len(values) - 2):
        if values[index] == table and values[index + 1] == ".":
            return [table, values[index + 2]]
    return [table]


def _not_allowed(_failed: psycopg.Error, message: str, situation: Situation) -> OracleError:
    """What cannot be seen at all does not exist; what can be seen may still be forbidden."""
    found = re.search(r"permission denied for (?:table|view|sequence) (.+)$", message)
    name = names.logical(found[1]) if found is not None else ""
    tables = situation.plan.tables if situation.plan is not None else set()
    if any(situation.sees(table) for table in tables if table[1] == name):
        return error(1031)
    owner = next((table[0] for table in tables if table[1] == name), situation.schema)
    if situation.named_errors:
        return no_table(owner, name, _offset(situation.text, name))
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


def _too_long(_failed: psycopg.Error, message: str, situation: Situation) -> OracleError:
    found = re.search(r"\((\d+)\)", message)
    size = int(found[1]) if found else 0
    plan = situation.plan
    column = ""
    if situation.chars is not None and plan is not None and plan.target is not None:
        column = situation.chars(plan.target, size)
    return OracleError(12899, f"value too large for column{column} (maximum: {size})")


def _syntax(_failed: psycopg.Error, message: str, _situation: Situation) -> OracleError:
    return error(1789 if "must have the same number of columns" in message else 933)


def _mismatch(_failed: psycopg.Error, message: str, _situation: Situation) -> OracleError:
    if re.match(r"(UNION|INTERSECT|EXCEPT) types", message):
        return error(1790)
    return OracleError(932, _inconsistent(message))


def _undrawn(_failed: psycopg.Error, message: str, _situation: Situation) -> OracleError:
    found = _QUOTED.search(message)
    if found is None or "currval" not in message:
        return OracleError(3001, f"unimplemented feature: {message}")
    return error(8002, f"{names.logical(found[1])}.CURRVAL")


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
    "42601": _syntax,
    "42804": _mismatch,
    "55000": _undrawn,
    "42710": _already_exists,
}
