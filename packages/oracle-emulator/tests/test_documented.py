"""Statements against the outcome that Oracle documents, through the real driver.

The table is in documented/*.txt. `@` names the source of what follows; `?` is a statement, `>` one
that goes before it (`> !` one that must fail); its outcome stands below: `=` a row, `#` a number of
rows changed, `!` an ORA- code (with a part of the message, where that matters), `.` success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import oracledb
import pytest

TABLE = Path(__file__).parent / "documented"
BASE = {"T", "CH"}
DDL = ("CREATE", "ALTER", "DROP", "TRUNCATE", "COMMENT", "RENAME", "GRANT")


@dataclass
class Case:
    source: str
    before: list[str]
    statement: str
    outcome: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.source}: {self.statement[:60]}"

    @property
    def changes_schema(self) -> bool:
        return any(text.startswith(DDL) for text in [*self.before, self.statement])


def read(name: str) -> list[Case]:
    cases: list[Case] = []
    source, before = "", []
    for line in (TABLE / name).read_text().splitlines():
        mark, _, text = line.partition(" ")
        if mark == "@":
            source = text
        elif mark == ">":
            before.append(text)
        elif mark == "?":
            cases.append(Case(source, before, text))
            before = []
        elif mark:
            cases[-1].outcome.append(line)
    return cases


NINETEEN = [c for n in ("queries", "functions", "changes", "refused") for c in read(f"{n}.txt")]
TWENTY_THREE = read("23ai.txt")


def shown(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, oracledb.IntervalYM):
        return f"{value.years}-{value.months}"
    text = str(value)
    return repr(text) if text != text.strip() else text


def exact(cursor: Any, metadata: Any) -> Any:
    """Read NUMBER as Decimal and LOBs as their content."""
    read_as = {
        oracledb.DB_TYPE_NUMBER: Decimal,
        oracledb.DB_TYPE_CLOB: oracledb.DB_TYPE_LONG,
        oracledb.DB_TYPE_NCLOB: oracledb.DB_TYPE_LONG,
        oracledb.DB_TYPE_BLOB: oracledb.DB_TYPE_LONG_RAW,
    }.get(metadata.type_code)
    return cursor.var(read_as, arraysize=cursor.arraysize) if read_as else None


def outcome_of(cursor: Any, statement: str, expected: list[str]) -> list[str]:
    try:
        cursor.execute(statement)
        if cursor.description:
            rows = [" | ".join(map(shown, row)) for row in cursor]
            return [f"= {row}" for row in rows]
    except oracledb.DatabaseError as failed:
        (details,) = failed.args
        code, _, part = expected[0].removeprefix("! ").partition(" ")
        if code == str(details.code) and part in details.message:
            return expected
        return [f"! {details.code} {details.message}"]
    return [f"# {cursor.rowcount}"] if expected[0].startswith("#") else ["."]


def clean_up(cursor: Any) -> None:
    cursor.execute("SELECT OBJECT_TYPE, OBJECT_NAME FROM USER_OBJECTS")
    found = cursor.fetchall()
    cursor.execute("SELECT 'SYNONYM', SYNONYM_NAME FROM USER_SYNONYMS")
    for kind, name in found + cursor.fetchall():
        if kind != "INDEX" and name not in BASE:
            with suppress(oracledb.DatabaseError):  # gone with its table
                cursor.execute(f'DROP {kind} "{name}"')


@pytest.fixture(scope="module")
def open_schema(served_release: Any) -> Iterator[tuple[str, Any]]:
    server = served_release
    with oracledb.connect(user="system", password="oracle", dsn=server.dsn) as system:
        cursor = system.cursor()
        cursor.execute('CREATE USER DOC IDENTIFIED BY "secret" QUOTA UNLIMITED ON USERS')
        cursor.execute(
            "GRANT CREATE SESSION, CREATE TABLE, CREATE VIEW, CREATE SEQUENCE, CREATE SYNONYM "
            "TO DOC"
        )
        cursor.execute("CREATE TABLE HIDDEN (A NUMBER)")
        cursor.execute("CREATE TABLE SHOWN (A NUMBER)")
        cursor.execute("GRANT SELECT ON SHOWN TO DOC")
    with oracledb.connect(user="DOC", password="secret", dsn=server.dsn) as connection:
        connection.outputtypehandler = exact
        cursor = connection.cursor()
        cursor.execute(
            "CREATE TABLE T (A NUMBER(5) CONSTRAINT T_PK PRIMARY KEY, B VARCHAR2(5 BYTE), "
            "D DATE, N CLOB, M NUMBER(1) DEFAULT 1 NOT NULL, C CHAR(3))"
        )
        cursor.execute(
            "CREATE TABLE CH (ID NUMBER CONSTRAINT CH_PK PRIMARY KEY, T_A NUMBER(5) "
            "CONSTRAINT CH_FK REFERENCES T, V NUMBER CONSTRAINT CH_CK CHECK (V > 0))"
        )
        insert = "INSERT INTO T (A, B, D, N, C) VALUES (:1, :2, DATE '2020-01-31', 'long', :3)"
        cursor.executemany(insert, [(1, "abc", "x"), (2, None, None)])
        cursor.execute("INSERT INTO CH VALUES (1, 1, 5)")
        connection.commit()
        yield server.profile, connection


@pytest.fixture
def observe(open_schema: tuple[str, Any]) -> Iterator[Callable[[Case], list[str]]]:
    _profile, connection = open_schema
    cursor = connection.cursor()
    dirty = False

    def run(case: Case) -> list[str]:
        nonlocal dirty
        dirty = case.changes_schema
        for text in case.before:
            if text.startswith("! "):
                with pytest.raises(oracledb.DatabaseError):
                    cursor.execute(text.removeprefix("! "))
            else:
                cursor.execute(text)
        return outcome_of(cursor, case.statement, case.outcome)

    yield run
    connection.rollback()
    if dirty:
        clean_up(cursor)
    cursor.close()


@pytest.mark.xdist_group("oracle-emulator-19c")
@pytest.mark.parametrize("served_release", ["19c"], indirect=True)
@pytest.mark.parametrize("case", NINETEEN, ids=str)
def test_documented(observe: Callable[[Case], list[str]], case: Case) -> None:
    assert observe(case) == case.outcome


@pytest.mark.xdist_group("oracle-emulator-23ai")
@pytest.mark.parametrize("served_release", ["23ai"], indirect=True)
@pytest.mark.parametrize("case", TWENTY_THREE, ids=str)
def test_documented_of_23ai(observe: Callable[[Case], list[str]], case: Case) -> None:
    assert observe(case) == case.outcome


def test_the_table_is_large_enough() -> None:
    assert len(NINETEEN) >= 150
    assert sum(1 for case in NINETEEN if case.outcome[0].startswith("!")) >= 40
    assert all(case.source and case.outcome for case in NINETEEN + TWENTY_THREE)
