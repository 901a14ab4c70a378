"""MAX_STRING_SIZE: 4000 bytes, or 32767 when the server is told so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from oracle_emulator.engine.database import open_database
from oracle_emulator.engine.interface import OracleError, OracleType, Session, SessionInfo, TypeCode

Client = Any


@pytest.fixture
def extended() -> Iterator[Session]:
    database = open_database(
        None,
        system_password="oracle",
        service_name="FREEPDB1",
        profile="19c",
        max_string_size="EXTENDED",
    )
    yield database.open_session(SessionInfo("SYSTEM", 1, 1, "FREEPDB1"))
    database.close()


def run(session: Session, sql: str, *binds: str) -> list[Any]:
    types = [OracleType(TypeCode.VARCHAR, 32767)] * len(binds)
    outcome = session.execute(session.scan(sql), [binds], types)
    return [] if outcome.cursor is None else [tuple(row) for row in outcome.cursor.fetch(9)[0]]


def test_extended_strings(extended: Session) -> None:
    run(extended, "CREATE TABLE T (V VARCHAR2(32767), R RAW(32767), N NVARCHAR2(16383))")
    run(extended, "INSERT INTO T (V) VALUES (:1)", "x" * 32767)
    assert run(extended, "SELECT LENGTH(V) FROM T") == [(32767,)]
    run(extended, "CREATE TABLE C AS SELECT V FROM T")
    with pytest.raises(OracleError, match=r"ORA-12899: .*\(actual: 32768, maximum: 32767\)"):
        run(extended, "INSERT INTO C (V) VALUES (:1)", "x" * 32768)
    for kind in ("VARCHAR2(32768)", "RAW(32768)", "NVARCHAR2(16384)"):
        with pytest.raises(OracleError, match="ORA-00910"):
            run(extended, f"CREATE TABLE U (A {kind})")
    value = "SELECT VALUE FROM V$PARAMETER WHERE NAME = 'max_string_size'"
    assert run(extended, value) == [("EXTENDED",)]


def test_standard_literals(client: Client) -> None:
    assert client.one(f"SELECT LENGTH('{'x' * 4000}') FROM DUAL") == 4000
    assert client.code(f"SELECT '{'x' * 4001}' FROM DUAL") == 1704
