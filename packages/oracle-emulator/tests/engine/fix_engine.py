"""A database for the whole run, and a client that talks to the engine without a wire."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import pytest

from oracle_emulator.engine.database import open_database
from oracle_emulator.engine.interface import (
    Database,
    OracleError,
    OracleType,
    Outcome,
    Row,
    Session,
    SessionInfo,
    TypeCode,
    Value,
)

_numbers = itertools.count(1)


def type_of(value: Value) -> OracleType:
    if isinstance(value, bool):
        return OracleType(TypeCode.BOOLEAN)
    if isinstance(value, int | Decimal):
        return OracleType(TypeCode.NUMBER)
    if isinstance(value, float):
        return OracleType(TypeCode.BINARY_DOUBLE)
    if isinstance(value, datetime):
        return OracleType(TypeCode.TIMESTAMP)
    if isinstance(value, bytes):
        return OracleType(TypeCode.RAW)
    return OracleType(TypeCode.VARCHAR, 4000)


class Client:
    """A session as a program sees it: rows, counts and error codes."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def run(self, sql: str, rows: Sequence[Row] = ((),), types: Sequence[OracleType] | None = None,
            **options: bool) -> Outcome:  # fmt: skip
        statement = self.session.scan(sql)
        if types is None:
            width = len(statement.binds)
            samples = [
                next((r[i] for r in rows if i < len(r) and r[i] is not None), None)
                for i in range(width)
            ]
            types = [type_of(sample) for sample in samples]
        return self.session.execute(statement, rows, types, **options)

    def rows(self, sql: str, *binds: Value) -> list[tuple[Value, ...]]:
        cursor = self.run(sql, [binds]).cursor
        assert cursor is not None
        found: list[tuple[Value, ...]] = []
        more = True
        while more:
            some, more = cursor.fetch(100)
            found += [tuple(row) for row in some]
        cursor.close()
        return found

    def one(self, sql: str, *binds: Value) -> Value:
        ((value,),) = self.rows(sql, *binds)
        return value

    def error(self, sql: str, *binds: Value) -> OracleError:
        with pytest.raises(OracleError) as caught:
            self.run(sql, [binds])
        return caught.value

    def code(self, sql: str, *binds: Value) -> int:
        return self.error(sql, *binds).code


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    opened = open_database(None, system_password="oracle", service_name="FREEPDB1", profile="19c")
    yield opened
    opened.close()


@pytest.fixture
def connect(database: Database) -> Iterator[Callable[[str], Client]]:
    opened: list[Session] = []

    def open_one(user: str) -> Client:
        number = next(_numbers)
        opened.append(
            database.open_session(SessionInfo(user, number, 1, "FREEPDB1", program="test"))
        )
        return Client(opened[-1])

    yield open_one
    for session in opened:
        session.close()


@pytest.fixture
def system(connect: Callable[[str], Client]) -> Client:
    return connect("SYSTEM")


@pytest.fixture
def user(system: Client) -> str:
    """A fresh account as the target has one."""
    name = f"U{next(_numbers)}"
    system.run(f'CREATE USER {name} IDENTIFIED BY "secret" QUOTA UNLIMITED ON USERS')
    system.run(f"GRANT CREATE SESSION, CREATE TABLE, CREATE VIEW, CREATE SEQUENCE TO {name}")
    return name


@pytest.fixture
def client(connect: Callable[[str], Client], user: str) -> Client:
    return connect(user)


@pytest.fixture
def small(client: Client) -> Client:
    client.run("CREATE TABLE T (A NUMBER(5) CONSTRAINT PK PRIMARY KEY, B VARCHAR2(5 BYTE), D "
               "DATE, N CLOB, "
               "M NUMBER(1) DEFAULT 1 NOT NULL, C CHAR(3))")  # fmt: skip
    client.run(
        "INSERT INTO T (A, B, D, N) VALUES (:1, :2, DATE '2020-01-31', 'long')",
        [(1, "abc"), (2, None)],
    )
    client.session.commit()
    return client
