"""The statements of a comparison, as text: a staging table, and what differs from the live one.

Pure. Names come from Oracle's catalogue or from our settings and pass through `quoted`; values are
always bound. The staging table is a global temporary one: each session sees its own rows, and a
commit empties it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from flext_cli.verify.columns import Column

PENDING = "_PENDING"
#: Column types that can be compared, with what stages them. Numbers and instants are staged
#: wider than they are stored, so that staging never rounds a difference away.
STAGED = {
    "NUMBER": "NUMBER",
    "VARCHAR2": "VARCHAR2(4000 BYTE)",
    "CHAR": "VARCHAR2(4000 BYTE)",
    "DATE": "TIMESTAMP(9)",
    "TIMESTAMP": "TIMESTAMP(9)",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP(9)",
    "CLOB": "CLOB",
}
#: The keys of an interval, exclusive below; `{}` is the key's column.
BETWEEN = "{} > :1 AND {} <= :2"
COLUMNS = (
    "SELECT COLUMN_NAME, DATA_TYPE, DATA_LENGTH FROM ALL_TAB_COLUMNS"
    " WHERE OWNER = :1 AND TABLE_NAME = :2 ORDER BY COLUMN_ID"
)


def quoted(*names: str) -> str:
    """A name as Oracle reads it: each part in double quotes.

    Raises:
        ValueError: a part cannot be a name.
    """
    for name in names:
        if not name or '"' in name or "\0" in name:
            raise ValueError(f"{name!r} is no name")
    return ".".join(f'"{name}"' for name in names)


def stage_name(table: str, columns: Sequence[Column]) -> str:
    """The name of the staging table for these columns: another shape is another table."""
    shape = ",".join(f"{column.name} {column.type}" for column in columns)
    digest = hashlib.sha256(f"{table}:{shape}".encode()).hexdigest()[:16].upper()
    return f"FLEXT_VERIFY_{digest}"


def create_stage(schema: str, stage: str, columns: Sequence[Column]) -> str:
    """Make the staging table."""
    parts = [f"{quoted(column.name)} {STAGED[column.type]}" for column in columns]
    parts.append(f"{quoted(PENDING)} NUMBER(1) NOT NULL")
    return (
        f"CREATE GLOBAL TEMPORARY TABLE {quoted(schema, stage)} ({', '.join(parts)})"
        " ON COMMIT DELETE ROWS"
    )


def insert(schema: str, stage: str, columns: Sequence[Column]) -> str:
    """Stage one expected row; the last bind says whether it is pending."""
    names = [quoted(column.name) for column in columns] + [quoted(PENDING)]
    binds = ", ".join(f":{number}" for number in range(1, len(names) + 1))
    return f"INSERT INTO {quoted(schema, stage)} ({', '.join(names)}) VALUES ({binds})"


def changed(
    stage: tuple[str, str],
    live: tuple[str, str],
    key: str,
    columns: Sequence[Column],
    deleted: str | None,
) -> str:
    """The staged rows that are missing or differ: key, whether missing, one flag per column.

    The last flag, where the table can mark rows as deleted: this one is, and the WMS has it.
    """
    marked = [] if deleted is None else [_marked(deleted)]
    flags = _concatenated([*map(_flag, columns), *marked])
    return (
        f"SELECT * FROM (SELECT e.{quoted(key)} AS K,"
        f" CASE WHEN l.{quoted(key)} IS NULL THEN 1 ELSE 0 END AS M, {flags} AS F"
        f" FROM {quoted(*stage)} e LEFT JOIN {quoted(*live)} l"
        f" ON l.{quoted(key)} = e.{quoted(key)} WHERE e.{quoted(PENDING)} = 0)"
        " WHERE M = 1 OR INSTR(F, '1') > 0 ORDER BY K"
    )


def _concatenated(texts: Sequence[str]) -> str:
    """All texts as one, in brackets by halves: a chain of 150 is too deep for some parsers."""
    if len(texts) <= 2:
        return " || ".join(texts)
    half = len(texts) // 2
    return f"({_concatenated(texts[:half])}) || ({_concatenated(texts[half:])})"


def _marked(deleted: str) -> str:
    return f"CASE WHEN l.{quoted(deleted)} IS NULL THEN '0' ELSE '1' END"


def _flag(column: Column) -> str:
    """'1' where the expected value and the live one differ; two NULLs are the same."""
    e, l = f"e.{quoted(column.name)}", f"l.{quoted(column.name)}"  # noqa: E741 -- the live side
    same = f"{e} = {l}"
    if column.type == "CLOB":
        same = f"DBMS_LOB.COMPARE({e}, {l}) = 0"
    elif column.type == "TIMESTAMP WITH TIME ZONE":
        same = f"{e} = SYS_EXTRACT_UTC({l})"
    return f"CASE WHEN {same} OR ({e} IS NULL AND {l} IS NULL) THEN '0' ELSE '1' END"


def listed(keys: int) -> str:
    """The condition of single keys, as many binds."""
    return "{} IN (" + ", ".join(f":{number}" for number in range(1, keys + 1)) + ")"


def _within(condition: str, column: str) -> str:
    return condition.replace("{}", column)


def unexpected(
    stage: tuple[str, str],
    live: tuple[str, str],
    key: str,
    within: str,
    *,
    written: str,
    deleted: str | None,
) -> str:
    """The live rows of some keys (`BETWEEN`, `listed`) that were not staged.

    Key, and whether we wrote it. Rows that are marked as deleted are as they should be.
    """
    marked = "" if deleted is None else f" AND l.{quoted(deleted)} IS NULL"
    return (
        f"SELECT l.{quoted(key)}, CASE WHEN l.{quoted(written)} IS NULL THEN 0 ELSE 1 END"
        f" FROM {quoted(*live)} l WHERE {_within(within, f'l.{quoted(key)}')}{marked}"
        f" AND NOT EXISTS (SELECT 1 FROM {quoted(*stage)} e"
        f" WHERE e.{quoted(key)} = l.{quoted(key)}) ORDER BY l.{quoted(key)}"
    )


def repeated(live: tuple[str, str], key: str, within: str) -> str:
    """The keys, of some (`BETWEEN`, `listed`), that more than one live row has."""
    return (
        f"SELECT {quoted(key)}, COUNT(*) FROM {quoted(*live)}"
        f" WHERE {_within(within, quoted(key))}"
        f" GROUP BY {quoted(key)} HAVING COUNT(*) > 1 ORDER BY {quoted(key)}"
    )


def span(live: tuple[str, str], key: str) -> str:
    """The least key, the greatest and the number of rows."""
    return f"SELECT MIN({quoted(key)}), MAX({quoted(key)}), COUNT(*) FROM {quoted(*live)}"


def count_between(live: tuple[str, str], instant: str) -> str:
    """The rows whose instant lies in :1 <= instant < :2."""
    return (
        f"SELECT COUNT(*) FROM {quoted(*live)}"
        f" WHERE {quoted(instant)} >= :1 AND {quoted(instant)} < :2"
    )


def pair(stage: tuple[str, str], live: tuple[str, str], key: str, column: Column) -> str:
    """One column of one key (:1) as text: what is expected, and what is there."""
    expected, actual = (_as_text(side, column) for side in ("e", "l"))
    return (
        f"SELECT {expected}, {actual} FROM {quoted(*stage)} e JOIN {quoted(*live)} l"
        f" ON l.{quoted(key)} = e.{quoted(key)} WHERE e.{quoted(key)} = :1"
    )


def _as_text(side: str, column: Column) -> str:
    name = f"{side}.{quoted(column.name)}"
    if column.type == "CLOB":
        return f"DBMS_LOB.SUBSTR({name}, 200, 1)"
    if column.type in {"VARCHAR2", "CHAR"}:
        return f"SUBSTR({name}, 1, 200)"
    if column.type == "NUMBER":
        return f"TO_CHAR({name})"
    return f"TO_CHAR({name}, 'YYYY-MM-DD HH24:MI:SS.FF6')"
