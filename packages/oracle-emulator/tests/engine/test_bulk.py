"""Rows in bulk: every character and type survives, and direct path stores numbers as sent."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from oracle_emulator.engine.interface import OracleError, OracleType, TypeCode, YearMonth

Client = Any


def test_bulk_rows_keep_every_character(client: Client) -> None:
    client.run("CREATE TABLE R (ID NUMBER, V VARCHAR2(40), C CLOB, D DATE, T TIMESTAMP)")
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901)  # noqa: DTZ001 - TIMESTAMP has no zone
    texts = [
        "tab\there",
        "line\nbreak\r",
        "back\\slash \\N \\.",
        "nul\0",
        "\ufdd0\ufdd1",
        None,
        "%s",
    ]
    rows = [(n, text, text, moment, moment) for n, text in enumerate(texts)]
    client.run("INSERT INTO R VALUES (:1, :2, :3, :4, :5)", rows)
    found = client.rows("SELECT ID, V, C, D, T FROM R ORDER BY ID")
    assert found == [(n, t, t, moment.replace(microsecond=0), moment) for n, t in enumerate(texts)]


def test_bulk_insert_of_other_types(client: Client) -> None:
    client.run("CREATE TABLE R (ID NUMBER, F BINARY_DOUBLE, B RAW(4), I INTERVAL YEAR TO MONTH)")
    rows = [(n, n / 2, b"\x01\xff", YearMonth(n, 3)) for n in range(5)]
    kinds = (TypeCode.NUMBER, TypeCode.BINARY_DOUBLE, TypeCode.RAW, TypeCode.INTERVAL_YM)
    types = [OracleType(code, 10) for code in kinds]
    client.run("INSERT INTO R (ID, F, B, I) VALUES (:1, :2, :3, :4)", rows, types)
    assert client.rows("SELECT * FROM R ORDER BY ID") == rows


def test_bulk_insert_without_a_list_of_columns(client: Client) -> None:
    client.run("CREATE TABLE R (ID NUMBER PRIMARY KEY, V VARCHAR2(3))")
    client.run("INSERT INTO R VALUES (:1, :2)", [(n, "abc") for n in range(10)])
    with pytest.raises(OracleError) as failed:
        client.run("INSERT INTO R VALUES (:1, :2)", [(n, "abc") for n in range(20, 9, -1)] * 2)
    assert (failed.value.code, failed.value.rows_done) == (1, 11)
    assert client.one("SELECT COUNT(*) FROM R") == 21


def test_direct_path_stores_numbers_as_sent(client: Client, user: str) -> None:
    client.run("CREATE TABLE R (ID NUMBER(3), A NUMBER(5,2), V VARCHAR2(5))")
    load = client.session.direct_path(user, "R", ["ID", "A", "V"])
    load.load([(12345, Decimal("1.23456"), "a"), (None, None, None)])
    load.load([(7, Decimal("999999.5"), "b")])
    load.finish()
    assert client.rows("SELECT ID, A, V FROM R ORDER BY ID") == [
        (7, Decimal("999999.5"), "b"),
        (12345, Decimal("1.23456"), "a"),
        (None, None, None),
    ]
    assert client.code("INSERT INTO R (ID) VALUES (12345)") == 1438  # the column's limit is back
    client.run("INSERT INTO R (A) VALUES (1.239)")
    assert client.one("SELECT COUNT(*) FROM R WHERE A = 1.24") == 1


def test_direct_path_checks_keys_at_once(client: Client, user: str) -> None:
    client.run("CREATE TABLE R (ID NUMBER(3) PRIMARY KEY)")
    load = client.session.direct_path(user, "R", ["ID"])
    with pytest.raises(OracleError, match="ORA-00001"):
        load.load([(1,), (1,)])
    load.abort()
    assert client.one("SELECT COUNT(*) FROM R") == 0
    assert client.code("INSERT INTO R VALUES (1234)") == 1438
