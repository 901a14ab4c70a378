"""Statements with their rows or their ORA- codes, each with the rule that it shows."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

Client = Any


def moment(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - Oracle's DATE has no zone


# Each is: the rule, an expression, its value.
EXPRESSIONS = [
    ("'' is NULL", "NVL('', 'null')", "null"),
    ("NULL is nothing in a concatenation", "'a' || NULL || 'b'", "ab"),
    ("a NULL concatenation is NULL", "NVL(NULL || '', 'null')", "null"),
    ("numbers are written without zeros", "0.50 || 'x'", ".5x"),
    ("integers divide exactly", "1 / 2", Decimal("0.5")),
    ("division keeps 40 digits", "1 / 3", Decimal("0." + "3" * 40)),
    ("text becomes a number", "'1.5' + 1", Decimal("2.5")),
    ("DECODE takes NULL for NULL", "DECODE(NULL, NULL, 'same', 'other')", "same"),
    ("DECODE without a match", "NVL(DECODE(1, 2, 'two'), 'none')", "none"),
    ("NVL2", "NVL2('', 1, 2)", 2),
    ("GREATEST of NULL is NULL", "NVL(GREATEST(1, NULL), -1)", -1),
    ("LEAST", "LEAST(3, 1, 2)", 1),
    ("SUBSTR from the end", "SUBSTR('hello', -3, 2)", "ll"),
    ("SUBSTR position 0 is 1", "SUBSTR('hello', 0, 2)", "he"),
    ("SUBSTR beyond the end", "NVL(SUBSTR('hello', 9), 'null')", "null"),
    ("INSTR from the end", "INSTR('hello', 'l', -1)", 4),
    ("LENGTH of '' is NULL", "NVL(LENGTH(''), -1)", -1),
    ("LENGTH counts characters", "LENGTH('čau')", 3),
    ("LENGTHB counts bytes", "LENGTHB('čau')", 4),
    ("CHR(0) survives", "'a' || CHR(0) || 'b'", "a\0b"),
    ("LENGTHB counts U+0000 as one byte", "LENGTHB('a' || CHR(0))", 2),
    ("REPLACE without a third argument", "REPLACE('abab', 'b')", "aa"),
    ("TRIM", "TRIM('  a ') || TRIM(LEADING '0' FROM '007')", "a7"),
    ("LPAD cuts and fills", "LPAD('7', 3, '0') || LPAD('1234', 2)", "00712"),
    ("ROUND half away from zero", "ROUND(-2.5)", -3),
    ("TRUNC of a number", "TRUNC(2.789, 1)", Decimal("2.7")),
    ("MOD by zero", "MOD(7, 0)", 7),
    ("a DATE literal", "DATE '2020-02-29'", moment(2020, 2, 29)),
    (
        "a TIMESTAMP literal",
        "TIMESTAMP '2020-02-29 01:02:03.5'",
        moment(2020, 2, 29, 1, 2, 3, 500000),
    ),
    ("dates count in days", "DATE '2020-03-01' - DATE '2020-02-01'", 29),
    ("a day and a half later", "DATE '2020-03-01' + 1.5", moment(2020, 3, 2, 12)),
    (
        "TIMESTAMP to DATE is cut",
        "CAST(TIMESTAMP '2020-01-01 00:00:00.9' AS DATE)",
        moment(2020, 1, 1),
    ),
    ("ADD_MONTHS keeps the end of month", "ADD_MONTHS(DATE '2020-02-29', 12)", moment(2021, 2, 28)),
    ("LAST_DAY", "LAST_DAY(DATE '2020-02-01')", moment(2020, 2, 29)),
    ("MONTHS_BETWEEN", "MONTHS_BETWEEN(DATE '2020-03-31', DATE '2020-02-29')", 1),
    ("TRUNC of a date", "TRUNC(DATE '2020-02-29', 'MM')", moment(2020, 2, 1)),
    ("EXTRACT", "EXTRACT(YEAR FROM DATE '2020-02-29')", 2020),
    ("TO_CHAR of a date", "TO_CHAR(DATE '2020-02-29', 'DD-MON-YYYY HH24:MI')", "29-FEB-2020 00:00"),
    (
        "TO_CHAR follows the model's case",
        "TO_CHAR(DATE '2020-02-29', 'FMDay, DD Month')",
        "Saturday, 29 February",
    ),
    ("TO_CHAR fractions", "TO_CHAR(TIMESTAMP '2020-01-01 01:02:03.456', 'SS.FF3')", "03.456"),
    ("TO_DATE", "TO_DATE('29.02.2020 13:14', 'DD.MM.YYYY HH24:MI')", moment(2020, 2, 29, 13, 14)),
    ("TO_DATE without separators", "TO_DATE('20200229', 'YYYY-MM-DD')", moment(2020, 2, 29)),
    ("RR takes the nearest century", "TO_DATE('01-JAN-99')", moment(1999, 1, 1)),
    (
        "TO_TIMESTAMP",
        "TO_TIMESTAMP('2020-01-01T01:02:03.25', 'YYYY-MM-DD\"T\"HH24:MI:SS.FF')",
        moment(2020, 1, 1, 1, 2, 3, 250000),
    ),
    ("TO_NUMBER", "TO_NUMBER(' 12.5 ')", Decimal("12.5")),
    ("implicit TO_CHAR of a date", "TO_CHAR(DATE '2020-02-29')", "29-FEB-20"),
    ("HEXTORAW and RAWTOHEX", "RAWTOHEX(HEXTORAW('0aFF'))", "0AFF"),
    ("DBMS_LOB.COMPARE", "DBMS_LOB.COMPARE(TO_CLOB('a'), TO_CLOB('b'))", -1),
    ("DBMS_LOB.COMPARE of NULL", "NVL(DBMS_LOB.COMPARE(TO_CLOB('a'), NULL), 9)", 9),
    ("q-quotes", "q'[it's]' || Q'!a!' || N'n'", "it'san"),
    ("CASE", "CASE WHEN 1 = 2 THEN 'a' WHEN 2 = 2 THEN 'b' END", "b"),
    ("USER", "USER", "SYSTEM"),
    ("DBTIMEZONE", "DBTIMEZONE", "+00:00"),
]


@pytest.mark.parametrize(
    ("rule", "expression", "value"), EXPRESSIONS, ids=[e[0] for e in EXPRESSIONS]
)
def test_expressions(system: Client, rule: str, expression: str, value: object) -> None:
    assert system.one(f"SELECT {expression} FROM DUAL") == value


# Each is: the rule, a query, its binds, its rows.
QUERIES: list[tuple[str, str, tuple[object, ...], list[tuple[object, ...]]]] = [
    ("binds by occurrence", "SELECT :a || :b || :a FROM DUAL", ("x", "y", "z"), [("xyz",)]),
    ("no binds in text or comments", "SELECT ':a', /* :b */ :c FROM DUAL -- :d", (1,), [(":a", 1)]),
    ("comparing with '' finds nothing", "SELECT A FROM T WHERE B <> ''", (), []),
    ("NULLs sort last", "SELECT B FROM T ORDER BY B", (), [("abc",), (None,)]),
    ("NULLs sort first downwards", "SELECT B FROM T ORDER BY B DESC", (), [(None,), ("abc",)]),
    (
        "ROWNUM before ORDER BY",
        "SELECT A FROM T WHERE ROWNUM <= 1 AND A > 0 ORDER BY A DESC",
        (),
        [(1,)],
    ),
    (
        "ROWNUM of a subquery",
        "SELECT A FROM (SELECT A FROM T ORDER BY A DESC) WHERE ROWNUM = 1",
        (),
        [(2,)],
    ),
    ("ROWNUM and COUNT", "SELECT COUNT(*) FROM T WHERE ROWNUM <= :n", (1,), [(1,)]),
    ("FETCH FIRST", "SELECT A FROM T ORDER BY A FETCH FIRST 1 ROW ONLY", (), [(1,)]),
    ("OFFSET", "SELECT A FROM T ORDER BY A OFFSET 1 ROWS FETCH NEXT 5 ROWS ONLY", (), [(2,)]),
    ("MINUS", "SELECT A FROM T MINUS SELECT 1 FROM DUAL", (), [(2,)]),
    (
        "left join",
        "SELECT X.A, Y.A FROM T X LEFT JOIN T Y ON (Y.A = X.A + 1) ORDER BY 1",
        (),
        [(1, 2), (2, None)],
    ),
    ("a text bind meets a number", "SELECT A FROM T WHERE A = :1", ("2",), [(2,)]),
    ("a DATE text in NLS format", "SELECT A FROM T WHERE D = '31-JAN-20' AND A = 1", (), [(1,)]),
    ("rows of a tuple", "SELECT A FROM T WHERE (A, B) IN ((1, 'abc'), (2, 'x'))", (), [(1,)]),
    ("WITH", "WITH X AS (SELECT A FROM T) SELECT MAX(A) FROM X", (), [(2,)]),
    ("LISTAGG", "SELECT LISTAGG(A, ',') WITHIN GROUP (ORDER BY A DESC) FROM T", (), [("2,1",)]),
    (
        "analytic",
        "SELECT A, ROW_NUMBER() OVER (ORDER BY A DESC) FROM T ORDER BY A",
        (),
        [(1, 2), (2, 1)],
    ),
    ("LIKE", "SELECT A FROM T WHERE B LIKE 'a%' ESCAPE '!'", (), [(1,)]),
    (
        "CLOBs have LIKE and LENGTH",
        "SELECT LENGTH(N) FROM T WHERE N LIKE 'lo%' AND A = 1",
        (),
        [(4,)],
    ),
    ("hints are comments", "SELECT /*+ FULL(T) */ A FROM T WHERE A = 1", (), [(1,)]),
    ("quoted names keep their case", 'SELECT "A" FROM "T" "x" WHERE "x"."A" = 1', (), [(1,)]),
]


@pytest.mark.parametrize(
    ("rule", "statement", "binds", "rows"), QUERIES, ids=[q[0] for q in QUERIES]
)
def test_queries(small: Client, rule: str, statement: str, binds: Any, rows: Any) -> None:
    assert small.rows(statement, *binds) == rows


def test_headings(small: Client) -> None:
    cursor = small.run(
        'SELECT COUNT( * ), A + 1, T.A, a AS x, A "y", \'it\', MAX("A") FROM T GROUP BY A'
    ).cursor
    names = [column.name for column in cursor.columns]
    assert names == ["COUNT(*)", "A+1", "A", "X", "y", "'IT'", 'MAX("A")']


def test_described_types(small: Client) -> None:
    cursor = small.run("SELECT A, B, D, MAX(M) N, "
                       "M, C, COUNT(*), 'abc', SYSDATE, SYSTIMESTAMP, MAX(D), "
                       "CAST(A AS NUMBER(7,2)) "
                       "FROM T GROUP BY A, B, D, M, C").cursor  # fmt: skip
    found = [
        (c.type.code.name, c.type.size, c.type.precision, c.type.scale, c.nullable)
        for c in cursor.columns
    ]
    assert found == [
        ("NUMBER", 22, 5, 0, False),
        ("VARCHAR", 5, None, None, True),
        ("DATE", 7, None, None, True),
        ("NUMBER", 22, None, None, True),
        ("NUMBER", 22, 1, 0, False),
        ("CHAR", 3, None, None, True),
        ("NUMBER", 22, None, None, True),
        ("CHAR", 3, None, None, True),
        ("DATE", 7, None, None, True),
        ("TIMESTAMP_TZ", 13, 6, 6, True),
        ("DATE", 7, None, None, True),
        ("NUMBER", 22, 7, 2, True),
    ]


def test_describe_without_running(small: Client) -> None:
    outcome = small.run("SELECT A, B FROM T WHERE A = :1", [(1,)], describe_only=True)
    assert [column.name for column in outcome.cursor.columns] == ["A", "B"]
    assert outcome.cursor.fetch(10) == ([], False)


def test_errors_tell_the_place(small: Client) -> None:
    assert small.error("SELECT A FROM NOPE WHERE A = 1").offset == len("SELECT A FROM ")
    assert small.error("SELECT A, NOPE FROM T").offset == len("SELECT A, ")
    assert small.error("SELECT A FROM T LIMIT 3").offset == len("SELECT A FROM T ")


def test_messages_name_the_culprit(small: Client, user: str) -> None:
    assert (
        small.error("INSERT INTO T (A) VALUES (1)").text
        == f"unique constraint ({user}.PK) violated"
    )
    assert (
        small.error("INSERT INTO T (B) VALUES ('x')").text
        == f'cannot insert NULL into ("{user}"."T"."A")'
    )
    assert small.error("UPDATE T SET M = NULL").text == f'cannot update ("{user}"."T"."M") to NULL'
    assert small.error("UPDATE T SET B = 'abcdefg'").text == (
        f'value too large for column "{user}"."T"."B" (actual: 7, maximum: 5)'
    )
    assert small.error("SELECT T.NOPE FROM T").text == '"T"."NOPE": invalid identifier'


def test_merge_with_an_unstable_source(small: Client) -> None:
    merge = ("MERGE INTO T USING (SELECT 1 A, 'x' B FROM DUAL UNION ALL SELECT 1, 'y' FROM DUAL) "
             "S ON (T.A = S.A) "
             "WHEN MATCHED THEN UPDATE SET T.B = S.B")  # fmt: skip
    assert small.code(merge) == 30926


def test_merge_with_conditions_on_both_branches(small: Client) -> None:
    merge = ("MERGE INTO T USING (SELECT :1 A, :2 B FROM DUAL) S ON (T.A = S.A) "
             "WHEN MATCHED THEN UPDATE SET T.B = S.B WHERE T.B IS NULL "
             "WHEN NOT MATCHED THEN INSERT (A, B) VALUES (S.A, S.B) WHERE S.A < 5")  # fmt: skip
    outcome = small.run(merge, [(1, "new"), (2, "new"), (3, "new"), (9, "new")], row_counts=True)
    assert outcome.row_counts == [0, 1, 1, 0]
    assert small.rows("SELECT A, B FROM T ORDER BY A") == [(1, "abc"), (2, "new"), (3, "new")]


def test_numbers_are_rounded_to_their_scale(client: Client) -> None:
    client.run("CREATE TABLE R (A NUMBER(5, 2), B NUMBER(3, -2), C NUMBER, D NUMBER(*, 1))")
    big = Decimal("12345678901234567890.1234567890123456789")
    client.run(
        "INSERT INTO R VALUES (:1, :2, :3, :4)", [(Decimal("1.005"), 1250, big, Decimal("-0.25"))]
    )
    assert client.rows("SELECT * FROM R") == [(Decimal("1.01"), 1300, big, Decimal("-0.3"))]
    assert client.code("INSERT INTO R (A) VALUES (999.995)") == 1438


def test_character_semantics(client: Client) -> None:
    client.run("CREATE TABLE R (A VARCHAR2(3 CHAR), B VARCHAR2(3), C NVARCHAR2(3), D CHAR(3))")
    client.run("INSERT INTO R VALUES (:1, :2, :3, :4)", [("ččč", "abc", "ččč", "a")])
    assert client.rows("SELECT A, B, C, D FROM R WHERE D = 'a'") == [("ččč", "abc", "ččč", "a  ")]
    assert client.error("UPDATE R SET A = 'čččč'").text.endswith('"A" (actual: 4, maximum: 3)')
    assert client.error("UPDATE R SET B = 'čč'").text.endswith('"B" (actual: 4, maximum: 3)')


def test_dates_have_no_fraction(client: Client) -> None:
    client.run("CREATE TABLE R (A DATE, B TIMESTAMP(3))")
    exact = moment(2020, 1, 1, 1, 1, 1, 987654)
    for rows in ([(exact, exact)], [(exact, exact)] * 6):  # one by one, and in bulk
        client.run("INSERT INTO R VALUES (:1, :2)", rows)
        client.run("INSERT INTO R (A, B) VALUES (:1, :2)", rows)
    assert set(client.rows("SELECT A, B FROM R")) == {
        (moment(2020, 1, 1, 1, 1, 1), moment(2020, 1, 1, 1, 1, 1, 988000))
    }


def test_long_names(client: Client) -> None:
    table, first, second = "T" * 128, "C" * 127 + "1", "C" * 127 + "2"
    client.run(f"CREATE TABLE {table} ({first} NUMBER, {second} VARCHAR2(3))")
    client.run(f"INSERT INTO {table} ({first}, {second}) VALUES (1, 'x')")
    cursor = client.run(f"SELECT * FROM {table}").cursor
    assert [column.name for column in cursor.columns] == [first, second]
    listed = "SELECT TABLE_NAME, COLUMN_NAME FROM USER_TAB_COLUMNS ORDER BY COLUMN_ID"
    assert client.rows(listed) == [(table, first), (table, second)]
    assert client.error(f"UPDATE {table} SET {second} = 'xxxx'").text.startswith(
        "value too large for column"
    )


def test_create_table_as_select_and_views(small: Client) -> None:
    small.run("CREATE TABLE U AS SELECT A, B, N FROM T WHERE A = 1")
    assert small.rows("SELECT * FROM U") == [(1, "abc", "long")]
    assert small.rows(
        "SELECT COLUMN_NAME, DATA_TYPE, DATA_LENGTH FROM USER_TAB_COLUMNS WHERE "
        "TABLE_NAME = 'U' "
        "ORDER BY COLUMN_ID"
    ) == [("A", "NUMBER", 22), ("B", "VARCHAR2", 5), ("N", "CLOB", 4000)]
    small.run("CREATE VIEW V AS SELECT A X, B FROM T")
    small.run("CREATE OR REPLACE VIEW V AS SELECT A X, B FROM T WHERE A > 1")
    cursor = small.run("SELECT * FROM V").cursor
    assert [(c.name, c.type.size) for c in cursor.columns] == [("X", 22), ("B", 5)]
    assert cursor.fetch(5)[0] == [(2, None)]


def test_sequences(client: Client) -> None:
    client.run("CREATE SEQUENCE S START WITH 5 INCREMENT BY 2 NOCACHE")
    assert [client.one("SELECT S.NEXTVAL FROM DUAL") for _ in range(2)] == [5, 7]
    assert client.one("SELECT S.CURRVAL FROM DUAL") == 7


def test_modify_and_rename(small: Client, user: str) -> None:
    small.run("ALTER TABLE T MODIFY (B VARCHAR2(9), A NUMBER(9))")
    small.run("ALTER TABLE T RENAME COLUMN B TO NEW_B")
    text = f'value too large for column "{user}"."T"."NEW_B" (actual: 10, maximum: 9)'
    assert small.error("UPDATE T SET NEW_B = '1234567890'").text == text
    small.run("ALTER TABLE T RENAME TO T2")
    assert small.error("UPDATE T2 SET NEW_B = '1234567890'").text == text.replace('"T"', '"T2"')
    small.run("INSERT INTO T2 (A, NEW_B) VALUES (123456789, '123456789')")


def test_nls_formats_of_the_session(client: Client) -> None:
    client.run("ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY-MM-DD'")
    assert client.one("SELECT TO_CHAR(DATE '2020-01-31') FROM DUAL") == "2020-01-31"
    assert client.one("SELECT COUNT(*) FROM DUAL WHERE DATE '2020-01-31' = '2020-01-31'") == 1
    client.run("ALTER SESSION SET TIME_ZONE = '+02:00'")
    assert client.one("SELECT SESSIONTIMEZONE FROM DUAL") == "+02:00"
    assert client.one("SELECT TO_CHAR(SYSTIMESTAMP, 'TZH:TZM') FROM DUAL") in {"+02:00", "+00:00"}


def test_described_without_values(small: Client) -> None:
    statement = small.session.scan("SELECT A, :1 X FROM T WHERE B = :2")
    described = small.session.execute(statement, [], [], describe_only=True).cursor
    assert [column.name for column in described.columns] == ["A", "X"]
    assert small.code("SELECT A FROM T WHERE A = :1") == 1008
