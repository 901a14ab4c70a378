"""Where the component tests' Oracle comes from: a real one by environment, else the emulator."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from urllib.request import Request, urlopen

import oracledb

from oracle_emulator.testing import running_server

CONTROL = ("FLEXT_FENCE", "FLEXT_LEDGER", "FLEXT_LOADS", "FLEXT_REJECTS", "FLEXT_VERSION")
_numbers = count(1)
_SYSTEM_PASSWORD = "system-word"


@dataclass(frozen=True)
class Account:
    """A user and how to reach it."""

    host: str
    port: int
    service_name: str
    protocol: str
    user: str
    password: str
    ca_file: str | None = None
    tcps_port: int | None = None
    admin_port: int | None = None  # the emulator's: statistics

    def settings(self) -> dict[str, Any]:
        """The target's settings for this account's own schema."""
        return {
            "host": self.host,
            "port": self.port,
            "service_name": self.service_name,
            "protocol": self.protocol,
            "user": self.user,
            "password": self.password,
            "schema": self.user,
        }

    @contextmanager
    def connect(self) -> Iterator[oracledb.Connection]:
        """A connection of the test's own."""
        connection = oracledb.connect(
            user=self.user,
            password=self.password,
            host=self.host,
            port=self.port,
            service_name=self.service_name,
        )
        try:
            yield connection
        finally:
            connection.close()

    def statistics(self) -> list[dict[str, Any]]:
        """What each statement cost since `reset_statistics`; only the emulator tells."""
        with urlopen(self._statistics("GET"), timeout=30) as answer:
            return list(json.loads(answer.read())["statements"])

    def reset_statistics(self) -> None:
        """Count from zero."""
        urlopen(self._statistics("DELETE"), timeout=30).close()

    def strike(self, **fault: Any) -> None:
        """Let a fault of the emulator strike from now on; without one, none does any more."""
        address, method = (
            f"http://127.0.0.1:{self.admin_port}/faults",
            "POST" if fault else "DELETE",
        )
        data = json.dumps(fault).encode() if fault else None
        urlopen(Request(address, data=data, method=method), timeout=30).close()

    def _statistics(self, method: str) -> Request:
        return Request(f"http://127.0.0.1:{self.admin_port}/statistics", method=method)

    def execute(self, *statements: str) -> None:
        """Execute statements and commit."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def reset(self) -> None:
        """Drop all tables but our own, and forget what those say of any table."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT TABLE_NAME FROM USER_TABLES")
            for (name,) in cursor.fetchall():
                if name not in CONTROL:
                    cursor.execute(f'DROP TABLE "{name}" PURGE')
                elif name != "FLEXT_VERSION":
                    cursor.execute(f'DELETE FROM "{name}"')
            connection.commit()

    def rows(self, sql: str, binds: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, CLOBs as text and numbers exact."""

        def exact(cursor: oracledb.Cursor, metadata: oracledb.FetchInfo) -> Any:
            if metadata.type_code is oracledb.DB_TYPE_CLOB:
                return cursor.var(oracledb.DB_TYPE_LONG, arraysize=cursor.arraysize)
            if metadata.type_code is oracledb.DB_TYPE_NUMBER:
                from decimal import Decimal

                return cursor.var(Decimal, arraysize=cursor.arraysize)
            return None

        with self.connect() as connection, connection.cursor() as cursor:
            cursor.outputtypehandler = exact
            cursor.execute(sql, list(binds))
            return list(cursor.fetchall())


@dataclass(frozen=True)
class Server:
    """A server, by an account that may make others."""

    system: Account

    @contextmanager
    def account(self, *grants: str) -> Iterator[Account]:
        """A user that is gone afterwards; without `grants` it may connect and make tables."""
        name = f"FT{os.getpid()}_{next(_numbers)}"
        password = f"p{secrets.token_hex(8)}"
        rights = ", ".join(grants or ("CREATE SESSION", "CREATE TABLE"))
        self.system.execute(
            f'CREATE USER {name} IDENTIFIED BY "{password}" DEFAULT TABLESPACE USERS'
            " QUOTA UNLIMITED ON USERS",
            f"GRANT {rights} TO {name}",
        )
        try:
            yield replace(self.system, user=name, password=password)
        finally:
            self.system.execute(f"DROP USER {name} CASCADE")


@contextmanager
def server() -> Iterator[Server]:
    """The server of FLEXT_TEST_ORACLE_DSN (host:port/service), else an emulator."""
    dsn = os.environ.get("FLEXT_TEST_ORACLE_DSN")
    if dsn:
        address, _, service = dsn.partition("/")
        host, _, port = address.partition(":")
        user = os.environ["FLEXT_TEST_ORACLE_USER"]
        password = os.environ["FLEXT_TEST_ORACLE_PASSWORD"]
        yield Server(Account(host, int(port or 1521), service, "tcp", user, password))
        return
    with running_server(system_password=_SYSTEM_PASSWORD) as ready:
        yield Server(
            Account(
                "localhost",
                ready.port,
                ready.service_name,
                "tcp",
                "SYSTEM",
                _SYSTEM_PASSWORD,
                str(ready.ca_file),
                ready.tcps_port,
                ready.admin_port,
            )
        )
