"""The tables, accounts and rows that the driver's own test suite expects to find.

Made through the driver by statements and rows of our own. Object types, XML, JSON, queues and
PL/SQL units are not made: the tests that need them are excluded (`exclusions.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import oracledb

MAIN_USER, MAIN_PASSWORD = "pythontest", "welcome"
PROXY_USER, PROXY_PASSWORD = "pythontestproxy", "welcomeproxy"
_ROWS = range(1, 11)
_GRANTS = (
    "create session", "create table", "create procedure", "create type", "create view",
    "create sequence", "select any dictionary", "unlimited tablespace",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns as text, its rows, and the type that a bind needs said."""

    name: str
    columns: str
    rows: Callable[[], list[tuple[Any, ...]]] = list
    inputs: tuple[Any, ...] = ()
    values: str = ""  # what an insert's VALUES say where it is not binds alone
    since_version: int = 0


def _every_second(number: int, value: Any) -> Any:
    return value if number % 2 else None


def _numbers() -> list[tuple[Any, ...]]:
    return [
        (n, 38**n, Decimal(n) * Decimal("1.25"), n * 1.75, Decimal(n**3) + n * Decimal("0.5"),
         _every_second(n, 143**n))
        for n in _ROWS
    ]  # fmt: skip


def _strings() -> list[tuple[Any, ...]]:
    return [
        (n, f"String {n}", f"Raw {n}".encode(), f"Fixed Char {n}",
         _every_second(n, f"Nullable {n}"))
        for n in _ROWS
    ]  # fmt: skip


def _unicodes() -> list[tuple[Any, ...]]:
    return [
        (n, f"Unicode \u3042 {n}", f"Fixed Unicode {n}", _every_second(n, f"Nullable {n}"))
        for n in _ROWS
    ]


def _dates() -> list[tuple[Any, ...]]:
    start = datetime(2002, 12, 9)  # noqa: DTZ001  # DATE has no time zone
    return [
        (n, start + timedelta(days=n, hours=2.4 * n),
         _every_second(n, start + timedelta(days=2 * n, hours=3.6 * n)))
        for n in _ROWS
    ]  # fmt: skip


def _fraction(digits: int) -> timedelta:
    """Return what stands behind the point when these digits follow it."""
    return timedelta(microseconds=int(f"{digits}".ljust(6, "0")))


def _timestamp_rows(start: datetime, precise: datetime) -> list[tuple[Any, ...]]:
    rows = []
    for n in _ROWS:
        first = start + timedelta(days=n, seconds=2 * n) + _fraction(50 * n)
        second = start + timedelta(days=n + 1, seconds=3 * n) + _fraction(125 * n)
        rows.append((n, first, _every_second(n, second), precise))
    return rows


def _zoned_rows(start: datetime) -> list[tuple[Any, ...]]:
    """Return rows as text, whose first value has another offset in every row."""
    shifted: list[tuple[Any, ...]] = []
    for n, first, second, precise in _timestamp_rows(start, datetime(2009, 12, 14)):  # noqa: DTZ001  # its zone is said in the text
        offset = f"{'+' if n % 2 else '-'}{n:02}:{'00' if n % 4 == 0 else '30'}"
        shifted.append(
            (
                n,
                f"{first:%F %T.%f} {offset}",
                second and f"{second:%F %T.%f} +00:00",
                f"{precise:%F %T.%f} +00:00",
            )
        )
    return shifted


def _intervals() -> list[tuple[Any, ...]]:
    return [
        (n, timedelta(days=n, hours=n, minutes=2 * n, seconds=3 * n),
         _every_second(n, timedelta(days=n + 5, hours=n + 2, minutes=2 * n + 5, seconds=3 * n + 5)),
         timedelta(days=8, hours=5, minutes=15),
         timedelta(days=10, hours=12, minutes=15, seconds=15))
        for n in _ROWS
    ]  # fmt: skip


def _year_months() -> list[tuple[Any, ...]]:
    rows = []
    for n in _ROWS:
        first = oracledb.IntervalYM(n - 5, -n if n < 5 else n)
        second = oracledb.IntervalYM(n + 5, n + 2)
        rows.append((n, first, _every_second(n, second), oracledb.IntervalYM(3, 8)))
    return rows


_STAMP = oracledb.DB_TYPE_TIMESTAMP
_ZONED = ":1" + "".join(
    f", to_timestamp_tz(:{n}, 'YYYY-MM-DD HH24:MI:SS.FF TZH:TZM')" for n in (2, 3, 4)
)

TABLES = (
    Table(
        "TestNumbers",
        "IntCol number(9) not null, LongIntCol number(16) not null,"
        " NumberCol number(9, 2) not null, FloatCol float not null,"
        " UnconstrainedCol number not null, NullableCol number(38)",
        _numbers,
    ),
    Table(
        "TestStrings",
        "IntCol number(9) not null, StringCol varchar2(20) not null, RawCol raw(30) not null,"
        " FixedCharCol char(40) not null, NullableCol varchar2(50)",
        _strings,
    ),
    Table(
        "TestUnicodes",
        "IntCol number(9) not null, UnicodeCol nvarchar2(20) not null,"
        " FixedUnicodeCol nchar(40) not null, NullableCol nvarchar2(50)",
        _unicodes,
    ),
    Table(
        "TestDates", "IntCol number(9) not null, DateCol date not null, NullableCol date", _dates
    ),
    *(
        Table(
            f"Test{kind}s",
            f"IntCol number(9) not null, {kind}Col {kind} not null, ExtraNumCol1 number(9),"
            f" Extra{kind}Col1 {kind}, ExtraNumCol2 number(9), Extra{kind}Col2 {kind}",
        )
        for kind in ("CLOB", "NCLOB", "BLOB")
    ),
    Table("TestLongs", "IntCol number(9) not null, LongCol long"),
    Table("TestLongRaws", "IntCol number(9) not null, LongRawCol long raw"),
    Table(
        "TestTempTable",
        "IntCol number(9) not null, StringCol1 varchar2(400), StringCol2 varchar2(400),"
        " NumberCol number(25,2), constraint TestTempTable_pk primary key (IntCol)",
    ),
    Table(
        "TestArrayDML",
        "IntCol number(9) not null, StringCol varchar2(100), IntCol2 number(3),"
        " constraint TestArrayDML_pk primary key (IntCol)",
    ),
    Table(
        "TestTimestamps",
        "IntCol number(9) not null, TimestampCol timestamp not null, NullableCol timestamp,"
        " TimestampPrecisionCol timestamp(4)",
        lambda: _timestamp_rows(datetime(2002, 12, 9), datetime(2009, 12, 14)),  # noqa: DTZ001  # a TIMESTAMP has no zone
        (None, _STAMP, _STAMP, _STAMP),
    ),
    Table(
        "TestTimestampLTZs",
        "IntCol number(9) not null, TimestampLTZCol timestamp with local time zone not null,"
        " NullableCol timestamp with local time zone,"
        " TimestampLTZPrecisionCol timestamp(5) with local time zone",
        lambda: _zoned_rows(datetime(2022, 6, 2)),  # noqa: DTZ001  # a TIMESTAMP has no zone
        values=_ZONED,
    ),
    Table(
        "TestTimestampTZs",
        "IntCol number(9) not null, TimestampTZCol timestamp with time zone not null,"
        " NullableCol timestamp with time zone,"
        " TimestampTZPrecisionCol timestamp(7) with time zone",
        lambda: _zoned_rows(datetime(2022, 6, 3)),  # noqa: DTZ001  # a TIMESTAMP has no zone
        values=_ZONED,
    ),
    Table(
        "TestIntervals",
        "IntCol number(9) not null, IntervalCol interval day to second not null,"
        " NullableCol interval day to second, IntervalPrecisionCol interval day(7) to second,"
        " IntervalPrecisionScaleCol interval day(8) to second(9)",
        _intervals,
        (None, *(oracledb.DB_TYPE_INTERVAL_DS,) * 4),
    ),
    Table(
        "TestIntervalYMs",
        "IntCol number(9) not null, IntervalCol interval year to month not null,"
        " NullableCol interval year to month, IntervalPrecisionCol interval year(3) to month",
        _year_months,
        (None, *(oracledb.DB_TYPE_INTERVAL_YM,) * 3),
    ),
    Table(
        "TestUniversalRowids",
        "IntCol number(9) not null, StringCol varchar2(250) not null, DateCol date not null,"
        " constraint TestUniversalRowids_pk primary key (IntCol, StringCol, DateCol)",
    ),
    Table("TestRowids", "IntCol number(9) not null, RowidCol rowid, URowidCol urowid"),
    Table(
        "TestAllTypes",
        "NumberValue number, StringValue varchar2(60), FixedCharValue char(10),"
        " NStringValue nvarchar2(60), NFixedCharValue nchar(10), RawValue raw(16),"
        " IntValue integer, SmallIntValue smallint, RealValue real, DecimalValue number(20, 6),"
        " DoublePrecisionValue double precision, FloatValue float, BinaryFloatValue binary_float,"
        " BinaryDoubleValue binary_double, DateValue date, TimestampValue timestamp,"
        " TimestampTZValue timestamp with time zone,"
        " TimestampLTZValue timestamp with local time zone, IntervalDSValue interval day to second,"
        " IntervalYMValue interval year to month, CLOBValue clob, NCLOBValue nclob,"
        " BLOBValue blob",
    ),
    Table(
        "PlsqlSessionCallbacks",
        "RequestedTag varchar2(250), ActualTag varchar2(250), FixupTimestamp timestamp",
    ),
    Table(
        "TestDataframe",
        "Id number(9), FirstName varchar2(100), LastName varchar2(100), City varchar2(100),"
        " Country varchar2(100), DateOfBirth date, Salary number(9, 2), CreditScore number(3, 0),"
        " LastUpdated timestamp, IntegerData number(9), LongIntegerData number(20),"
        " DecimalData number(15, 4), UnconstrainedNumberData number, FloatData binary_float,"
        " DoubleData binary_double, RawData raw(100), LongData clob, LongRawData blob",
    ),
    Table(
        "TestBooleans",
        "IntCol number(9) not null, BooleanCol1 boolean not null, BooleanCol2 boolean,"
        " BooleanCol3 boolean",
        since_version=23,
    ),
)  # fmt: skip


def _accounts() -> Iterator[str]:
    yield f'create user {MAIN_USER} identified by "{MAIN_PASSWORD}"'
    yield f"grant {', '.join(_GRANTS)} to {MAIN_USER}"
    yield f'create user {PROXY_USER} identified by "{PROXY_PASSWORD}"'
    yield f"grant create session to {PROXY_USER}"
    yield f"alter user {PROXY_USER} grant connect through {MAIN_USER}"


def restore_password(dsn: str, system_password: str) -> None:
    """Give the main user its password again, whatever a test left."""
    with (
        oracledb.connect(user="system", password=system_password, dsn=dsn) as admin,
        admin.cursor() as cursor,
    ):
        cursor.execute(f'alter user {MAIN_USER} identified by "{MAIN_PASSWORD}"')


def load(dsn: str, system_password: str, version: int) -> list[str]:
    """Make everything; return what could not be made, a line each, for the log."""
    refused: list[str] = []
    with (
        oracledb.connect(user="system", password=system_password, dsn=dsn) as admin,
        admin.cursor() as cursor,
    ):
        for statement in _accounts():
            cursor.execute(statement)
    with (
        oracledb.connect(user=MAIN_USER, password=MAIN_PASSWORD, dsn=dsn) as connection,
        connection.cursor() as cursor,
    ):
        for table in TABLES:
            if table.since_version > version:
                continue
            try:
                cursor.execute(f"create table {table.name} ({table.columns})")
                _fill(cursor, table)
            except oracledb.DatabaseError as error:
                refused.append(f"{table.name}: {str(error).splitlines()[0]}")
        connection.commit()
    return refused


def _fill(cursor: oracledb.Cursor, table: Table) -> None:
    rows = table.rows()
    if not rows:
        return
    if table.inputs:
        cursor.setinputsizes(*table.inputs)
    marks = table.values or ", ".join(f":{n}" for n in range(1, len(rows[0]) + 1))
    cursor.executemany(f"insert into {table.name} values ({marks})", rows)
