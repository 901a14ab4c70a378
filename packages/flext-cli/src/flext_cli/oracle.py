"""The Oracle side as `flext` reads it: the only module here that imports the driver.

Reads rows back, asks the ledger, and, for the demo, makes an account as a DBA would. It loads
nothing: that is the target's work, and none of its code is used here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import oracledb

from flext_cli.errors import EndError

_NAME = re.compile(r"[A-Z][A-Z0-9_$#]{0,127}\Z")
_FETCH_ROWS = 2000


@dataclass(frozen=True)
class OracleEnd:
    """Where the database is and who connects; TCPS with a validated certificate."""

    host: str
    port: int
    service_name: str
    user: str
    password: str = field(repr=False)
    wallet_location: str


@dataclass(frozen=True)
class TableRows:
    """All rows of one table: the column names as they are, and the values row by row."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True)
class LedgerCounts:
    """What the ledger says the given runs did to one stream."""

    inserted: int
    updated: int
    unchanged: int
    rejected: int


@contextmanager
def connected(end: OracleEnd) -> Iterator[oracledb.Connection]:
    """A connection, closed at the end of the block.

    Raises:
        EndError: the database does not answer, or refuses the user.
    """
    try:
        connection = oracledb.connect(
            user=end.user,
            password=end.password,
            protocol="tcps",
            host=end.host,
            port=end.port,
            service_name=end.service_name,
            wallet_location=end.wallet_location,
            ssl_server_dn_match=True,
            tcp_connect_timeout=20.0,
        )
    except oracledb.Error as error:
        raise EndError(
            f"no connection to Oracle at {end.host}:{end.port}/{end.service_name}"
            f" as {end.user}: {error}",
            remedy="look at the log of oracle-emulator, or whether the address and user are right",
        ) from error
    try:
        connection.outputtypehandler = _exact
        yield connection
    except oracledb.Error as error:
        raise EndError(
            f"Oracle at {end.host}:{end.port} answered: {error}",
            remedy="look at the log of oracle-emulator",
        ) from error
    finally:
        connection.close()


def make_account(connection: oracledb.Connection, user: str, password: str) -> None:
    """Make the account that owns the tables, with the grants FLEXT asks for and no more."""
    name = _name(user)
    if '"' in password:
        raise ValueError("the password of a new account cannot hold a double quote")
    with connection.cursor() as cursor:
        cursor.execute(
            f'CREATE USER {name} IDENTIFIED BY "{password}"'
            " DEFAULT TABLESPACE USERS QUOTA UNLIMITED ON USERS"
        )
        cursor.execute(f"GRANT CREATE SESSION, CREATE TABLE TO {name}")


def rows(connection: oracledb.Connection, schema: str, table: str) -> TableRows:
    """Every row of a table, numbers as Decimal, CLOBs as text."""
    with connection.cursor() as cursor:
        cursor.arraysize = cursor.prefetchrows = _FETCH_ROWS
        cursor.execute(f'SELECT * FROM "{_name(schema)}"."{_name(table)}"')
        columns = tuple(column.name for column in cursor.description or ())
        return TableRows(columns, cursor.fetchall())


def ledger(
    connection: oracledb.Connection, control_schema: str, run_ids: Sequence[str]
) -> dict[str, LedgerCounts]:
    """What these runs did, by stream, as the ledger has it."""
    totals: dict[str, LedgerCounts] = {}
    with connection.cursor() as cursor:
        for run_id in run_ids:
            cursor.execute(
                'SELECT "STREAM", SUM("ROWS_INSERTED"), SUM("ROWS_UPDATED"), SUM("ROWS_UNCHANGED"),'
                f' SUM("ROWS_REJECTED") FROM "{_name(control_schema)}"."FLEXT_LEDGER"'
                ' WHERE "RUN_ID" = :1 GROUP BY "STREAM" ORDER BY "STREAM"',
                [run_id],
            )
            for stream, *counts in cursor.fetchall():
                before = totals.get(stream, LedgerCounts(0, 0, 0, 0))
                inserted, updated, unchanged, rejected = (int(count or 0) for count in counts)
                totals[stream] = LedgerCounts(
                    before.inserted + inserted,
                    before.updated + updated,
                    before.unchanged + unchanged,
                    before.rejected + rejected,
                )
    return totals


def _exact(cursor: oracledb.Cursor, metadata: oracledb.FetchInfo) -> Any:
    """Digits as the database has them, and text whole: no float, no locator."""
    if metadata.type_code is oracledb.DB_TYPE_NUMBER:
        return cursor.var(Decimal, arraysize=cursor.arraysize)
    if metadata.type_code is oracledb.DB_TYPE_CLOB:
        return cursor.var(oracledb.DB_TYPE_LONG, arraysize=cursor.arraysize)
    return None


def _name(identifier: str) -> str:
    if not _NAME.match(identifier):
        raise ValueError(f"{identifier!r} is no name this command writes into SQL")
    return identifier
