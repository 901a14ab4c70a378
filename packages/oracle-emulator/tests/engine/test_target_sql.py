"""Every statement that docs/specs/target-sql.md lists, in the order in which a target uses them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from oracle_emulator.engine.interface import OracleType, TypeCode

NUMBER, TEXT = OracleType(TypeCode.NUMBER), OracleType(TypeCode.VARCHAR, 4000)
MOMENT, LONG = OracleType(TypeCode.TIMESTAMP), OracleType(TypeCode.LONG)
NOW = datetime(2026, 3, 4, 5, 6, 7, 123456)  # noqa: DTZ001 - Oracle's TIMESTAMP has no zone
NOW_IN_SQL = "CAST(SYS_EXTRACT_UTC(SYSTIMESTAMP) AS TIMESTAMP(6))"

if TYPE_CHECKING:
    Client = Any

TABLES = [
    """CREATE TABLE "{0}"."WMS_ALLOCATION" (
  "ID" NUMBER(38) NOT NULL, "MOD_TS" TIMESTAMP, "ALLOC_QTY" NUMBER(38,10),
  "IS_PICKING_FLG" NUMBER(1),
  "PICK_USER" VARCHAR2(4000 BYTE), "NOTE" CLOB, "EXPIRY_DATE" DATE,
  "_SDC_EXTRACTED_AT" TIMESTAMP, "_SDC_BATCHED_AT" TIMESTAMP, "_SDC_RECEIVED_AT" TIMESTAMP,
  CONSTRAINT "PK_WMS_ALLOCATION" PRIMARY KEY ("ID"))""",
    """CREATE TABLE "{0}"."FLEXT_VERSION" ("COMPONENT" VARCHAR2(30 BYTE) NOT NULL,
    "VERSION" NUMBER(10) NOT NULL,
  "UPDATED_AT" TIMESTAMP(6) NOT NULL, CONSTRAINT "PK_FLEXT_VERSION" PRIMARY KEY ("COMPONENT"))""",
    """CREATE TABLE "{0}"."FLEXT_FENCE" ("TABLE_NAME" VARCHAR2(261 BYTE) NOT NULL,
    "SCOPE" VARCHAR2(400 BYTE) NOT NULL,
  "FENCE" NUMBER(18) NOT NULL, "LAST_SEQ" NUMBER(18) NOT NULL, "RUN_ID" VARCHAR2(64 BYTE),
  "OWNER" VARCHAR2(400 BYTE),
  "ACQUIRED_AT" TIMESTAMP(6), "EXPIRES_AT" TIMESTAMP(6),
  CONSTRAINT "PK_FLEXT_FENCE" PRIMARY KEY ("TABLE_NAME", "SCOPE"))""",
    """CREATE TABLE "{0}"."FLEXT_LEDGER" ("TABLE_NAME" VARCHAR2(261 BYTE) NOT NULL,
    "SCOPE" VARCHAR2(400 BYTE) NOT NULL,
  "FENCE" NUMBER(18) NOT NULL, "SEQ" NUMBER(18) NOT NULL, "STREAM" VARCHAR2(400 BYTE),
  "RUN_ID" VARCHAR2(64 BYTE),
  "ROWS_RECEIVED" NUMBER(18), "ROWS_INSERTED" NUMBER(18), "ROWS_UPDATED" NUMBER(18),
  "ROWS_UNCHANGED" NUMBER(18),
  "ROWS_REJECTED" NUMBER(18), "BOOKMARK" CLOB, "COMMITTED_AT" TIMESTAMP(6),
  CONSTRAINT "PK_FLEXT_LEDGER" PRIMARY KEY ("TABLE_NAME", "SCOPE", "FENCE", "SEQ"))""",
    """CREATE TABLE "{0}"."FLEXT_REJECTS" ("REJECT_ID" VARCHAR2(36 BYTE) NOT NULL,
    "RUN_ID" VARCHAR2(64 BYTE),
  "STREAM" VARCHAR2(400 BYTE), "TABLE_NAME" VARCHAR2(261 BYTE), "COLUMN_NAME" VARCHAR2(128 BYTE),
  "CODE" VARCHAR2(30 BYTE),
  "MESSAGE" VARCHAR2(4000 BYTE), "RECORD" CLOB, "REJECTED_AT" TIMESTAMP(6),
  CONSTRAINT "PK_FLEXT_REJECTS" PRIMARY KEY ("REJECT_ID"))""",
    """CREATE GLOBAL TEMPORARY TABLE "{0}"."FLEXT_G_1" ("ID" NUMBER, "MOD_TS" TIMESTAMP,
    "ALLOC_QTY" NUMBER,
  "PICK_USER" VARCHAR2(4000 BYTE), "NOTE" CLOB, "_SDC_EXTRACTED_AT" TIMESTAMP,
  "FLEXT_POS" NUMBER(18))
  ON COMMIT DELETE ROWS""",
]


@pytest.fixture
def target(client: Client, user: str) -> Client:
    for table in TABLES:
        client.run(table.format(user))
    return client


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER SESSION SET TIME_ZONE = '+00:00'",
        "ALTER SESSION SET DDL_LOCK_TIMEOUT = 30",
        "ALTER SESSION DISABLE PARALLEL DML",
    ],
)
def test_session_statements_are_accepted(client: Client, statement: str) -> None:
    assert client.run(statement).row_count == 0


def test_who_am_i(client: Client, user: str) -> None:
    ((session_user, schema, sid),) = client.rows(
        "SELECT SYS_CONTEXT('USERENV','SESSION_USER'), SYS_CONTEXT('USERENV','CURRENT_SCHEMA'), "
        "SYS_CONTEXT('USERENV','SID') FROM DUAL"
    )
    assert (session_user, schema) == (user, user)
    assert isinstance(sid, str)
    assert sid.isdigit()


def test_server_facts(client: Client, system: Client) -> None:
    assert (
        client.one("SELECT VALUE FROM NLS_DATABASE_PARAMETERS WHERE PARAMETER = 'NLS_CHARACTERSET'")
        == "AL32UTF8"
    )
    limit = "SELECT VALUE FROM V$PARAMETER WHERE NAME = 'max_string_size'"
    assert client.code(limit) == 942
    assert system.one(limit) == "STANDARD"
    assert "Oracle Database 19c" in str(client.one("SELECT BANNER FROM V$VERSION"))


def test_catalogue_of_a_table(target: Client, user: str) -> None:
    columns = target.rows(
        "SELECT COLUMN_NAME, DATA_TYPE, DATA_LENGTH, CHAR_LENGTH, CHAR_USED, DATA_PRECISION, "
        "DATA_SCALE, NULLABLE, "
        "COLUMN_ID FROM ALL_TAB_COLUMNS WHERE OWNER = :1 AND TABLE_NAME = :2 ORDER BY COLUMN_ID",
        user,
        "WMS_ALLOCATION",
    )
    assert columns == [
        ("ID", "NUMBER", 22, 0, None, 38, 0, "N", 1),
        ("MOD_TS", "TIMESTAMP(6)", 11, 0, None, None, 6, "Y", 2),
        ("ALLOC_QTY", "NUMBER", 22, 0, None, 38, 10, "Y", 3),
        ("IS_PICKING_FLG", "NUMBER", 22, 0, None, 1, 0, "Y", 4),
        ("PICK_USER", "VARCHAR2", 4000, 4000, "B", None, None, "Y", 5),
        ("NOTE", "CLOB", 4000, 0, None, None, None, "Y", 6),
        ("EXPIRY_DATE", "DATE", 7, 0, None, None, None, "Y", 7),
        ("_SDC_EXTRACTED_AT", "TIMESTAMP(6)", 11, 0, None, None, 6, "Y", 8),
        ("_SDC_BATCHED_AT", "TIMESTAMP(6)", 11, 0, None, None, 6, "Y", 9),
        ("_SDC_RECEIVED_AT", "TIMESTAMP(6)", 11, 0, None, None, 6, "Y", 10),
    ]
    keys = """SELECT C.CONSTRAINT_NAME, C.CONSTRAINT_TYPE, CC.COLUMN_NAME, CC.POSITION
      FROM ALL_CONSTRAINTS C JOIN ALL_CONS_COLUMNS CC
        ON CC.OWNER = C.OWNER AND CC.CONSTRAINT_NAME = C.CONSTRAINT_NAME
     WHERE C.OWNER = :1 AND C.TABLE_NAME = :2 AND C.CONSTRAINT_TYPE IN ('P', 'U')
     ORDER BY C.CONSTRAINT_NAME, CC.POSITION"""
    assert target.rows(keys, user, "FLEXT_FENCE") == [
        ("PK_FLEXT_FENCE", "P", "TABLE_NAME", 1),
        ("PK_FLEXT_FENCE", "P", "SCOPE", 2),
    ]
    temporary = (
        "SELECT TABLE_NAME, TEMPORARY, DURATION FROM ALL_TABLES "
        "WHERE OWNER = :1 AND TABLE_NAME = :2"
    )
    assert target.rows(temporary, user, "FLEXT_G_1") == [("FLEXT_G_1", "Y", "SYS$TRANSACTION")]
    assert target.rows(temporary, user, "FLEXT_FENCE") == [("FLEXT_FENCE", "N", None)]
    ((number, kind, created, changed),) = target.rows(
        "SELECT OBJECT_ID, OBJECT_TYPE, CREATED, LAST_DDL_TIME FROM ALL_OBJECTS WHERE OWNER = :1 "
        "AND OBJECT_NAME = :2",
        user,
        "WMS_ALLOCATION",
    )
    assert kind == "TABLE"
    assert number > 0
    assert created <= changed
    assert target.rows("SELECT USERNAME FROM ALL_USERS WHERE USERNAME = :1", user) == [(user,)]
    assert ("CREATE TABLE",) in target.rows("SELECT PRIVILEGE FROM SESSION_PRIVS")


def test_table_evolution(target: Client, user: str) -> None:
    target.run(
        f'ALTER TABLE "{user}"."WMS_ALLOCATION" ADD ("NEW_COLUMN" VARCHAR2(4000 BYTE), "OTHER" '
        f"NUMBER(38))"
    )
    target.run(f'ALTER TABLE "{user}"."WMS_ALLOCATION" RENAME COLUMN "NEW_COLUMN" TO "B"')
    target.run(f'ALTER TABLE "{user}"."WMS_ALLOCATION" DROP COLUMN "OTHER"')
    target.run(f'CREATE INDEX "{user}"."IX_T" ON "{user}"."WMS_ALLOCATION" ("ID", "MOD_TS")')
    found = target.rows(
        "SELECT COLUMN_NAME FROM ALL_TAB_COLUMNS WHERE OWNER = :1 AND TABLE_NAME = :2 ORDER BY "
        "COLUMN_ID",
        user,
        "WMS_ALLOCATION",
    )
    assert [name for (name,) in found][-2:] == ["_SDC_RECEIVED_AT", "B"]
    indexes = (
        "SELECT INDEX_NAME, UNIQUENESS FROM ALL_INDEXES "
        "WHERE TABLE_NAME = 'WMS_ALLOCATION' AND OWNER = :1 ORDER BY 1"
    )
    assert target.rows(indexes, user) == [("IX_T", "NONUNIQUE"), ("PK_WMS_ALLOCATION", "UNIQUE")]


def take_fence(target: Client, user: str) -> None:
    insert = (
        f'INSERT INTO "{user}"."FLEXT_FENCE" ("TABLE_NAME", "SCOPE", "FENCE", "LAST_SEQ", '
        f'"RUN_ID", "OWNER", '
        f'"ACQUIRED_AT", "EXPIRES_AT") VALUES (:1, :2, :3, :4, :5, :6, {NOW_IN_SQL}, '
        f"{NOW_IN_SQL} + NUMTODSINTERVAL(:7, 'SECOND'))"
    )
    target.run(insert, [("T", "local", 1, 0, "run", "me", 60)])


def test_fence(target: Client, user: str) -> None:
    read = (
        f'SELECT "FENCE", "RUN_ID", "OWNER", "ACQUIRED_AT", "EXPIRES_AT", {NOW_IN_SQL} '
        f'FROM "{user}"."FLEXT_FENCE" WHERE "TABLE_NAME" = :1 AND "SCOPE" = :2 FOR UPDATE WAIT 60'
    )
    assert target.rows(read, "T", "local") == []
    take_fence(target, user)
    target.session.commit()
    ((fence, run_id, owner, acquired, expires, now),) = target.rows(read, "T", "local")
    assert (fence, run_id, owner) == (1, "run", "me")
    assert isinstance(now, datetime)
    assert now.tzinfo is None
    assert (expires - acquired).total_seconds() == 60
    assert target.code(f'INSERT INTO "{user}"."FLEXT_FENCE" ("TABLE_NAME", "SCOPE", "FENCE", '
                       f'"LAST_SEQ") '
                       "VALUES (:1, :2, :3, :4)", "T", "local", 1, 0) == 1  # fmt: skip
    advance = (
        f'UPDATE "{user}"."FLEXT_FENCE" SET "FENCE" = "FENCE" + 1, "LAST_SEQ" = 0, "RUN_ID" = '
        f':1, "OWNER" = :2, '
        f'"ACQUIRED_AT" = {NOW_IN_SQL}, "EXPIRES_AT" = {NOW_IN_SQL} + NUMTODSINTERVAL(:3, '
        f"'SECOND') "
        'WHERE "TABLE_NAME" = :4 AND "SCOPE" = :5'
    )
    assert target.run(advance, [("run2", "you", 30, "T", "local")]).row_count == 1
    heartbeat = (
        f'UPDATE "{user}"."FLEXT_FENCE" SET "EXPIRES_AT" = {NOW_IN_SQL} + NUMTODSINTERVAL(:1, '
        f"'SECOND') "
        'WHERE "TABLE_NAME" = :2 AND "SCOPE" = :3 AND "FENCE" = :4'
    )
    assert target.run(heartbeat, [(60, "T", "local", 2)]).row_count == 1
    step = (
        f'UPDATE "{user}"."FLEXT_FENCE" SET "LAST_SEQ" = :1 WHERE "TABLE_NAME" = :2 AND "SCOPE" '
        f"= :3 "
        'AND "FENCE" = :4 AND "LAST_SEQ" = :5'
    )
    assert target.run(step, [(1, "T", "local", 2, 0)]).row_count == 1
    assert target.run(step, [(1, "T", "local", 2, 0)]).row_count == 0
    target.session.commit()


def stage(target: Client, user: str, rows: list[tuple[object, ...]]) -> None:
    target.run(
        f'INSERT INTO "{user}"."FLEXT_G_1" ("ID", "MOD_TS", "ALLOC_QTY", "PICK_USER", "NOTE", '
        f'"_SDC_EXTRACTED_AT", '
        '"FLEXT_POS") VALUES (:1, :2, :3, :4, :5, :6, :7)',
        rows,
        [NUMBER, MOMENT, NUMBER, TEXT, LONG, MOMENT, NUMBER],
    )


def source(user: str) -> str:
    return f"""(SELECT "ID", "MOD_TS", "ALLOC_QTY", "PICK_USER", "NOTE", "_SDC_EXTRACTED_AT" FROM (
    SELECT G.*, ROW_NUMBER() OVER (PARTITION BY G."ID" ORDER BY G."MOD_TS" DESC NULLS LAST,
           G."_SDC_EXTRACTED_AT" DESC NULLS LAST, G."FLEXT_POS" DESC) AS "FLEXT_RN"
           FROM "{user}"."FLEXT_G_1" G)
   WHERE "FLEXT_RN" = 1) N"""


def merge(user: str) -> str:
    return f"""MERGE INTO "{user}"."WMS_ALLOCATION" T USING {source(user)}
ON (T."ID" = N."ID")
WHEN MATCHED THEN UPDATE SET T."MOD_TS" = N."MOD_TS", T."ALLOC_QTY" = N."ALLOC_QTY",
T."PICK_USER" = N."PICK_USER",
  T."NOTE" = N."NOTE", T."_SDC_EXTRACTED_AT" = N."_SDC_EXTRACTED_AT"
  WHERE (T."MOD_TS" IS NULL OR N."MOD_TS" > T."MOD_TS"
         OR (N."MOD_TS" = T."MOD_TS" AND (T."_SDC_EXTRACTED_AT" IS NULL
         OR N."_SDC_EXTRACTED_AT" >= T."_SDC_EXTRACTED_AT")))
    AND (DECODE(T."MOD_TS", N."MOD_TS", 0, 1) = 1 OR DECODE(T."ALLOC_QTY", N."ALLOC_QTY", 0, 1) = 1
         OR DECODE(T."PICK_USER", N."PICK_USER", 0, 1) = 1 OR DBMS_LOB.COMPARE(T."NOTE",
         N."NOTE") <> 0
         OR (T."NOTE" IS NULL AND N."NOTE" IS NOT NULL) OR (T."NOTE" IS NOT NULL
         AND N."NOTE" IS NULL))
WHEN NOT MATCHED THEN INSERT ("ID", "MOD_TS", "ALLOC_QTY", "PICK_USER", "NOTE", "_SDC_EXTRACTED_AT")
  VALUES (N."ID", N."MOD_TS", N."ALLOC_QTY", N."PICK_USER", N."NOTE", N."_SDC_EXTRACTED_AT")"""


def at(seconds: int) -> datetime:
    return NOW.replace(second=seconds)


def test_upsert_deduplicates_guards_and_skips(target: Client, user: str) -> None:
    new = (
        f'SELECT COUNT(*) FROM {source(user)} LEFT JOIN "{user}"."WMS_ALLOCATION" T ON (T."ID" = '
        f'N."ID") '
        'WHERE T."ID" IS NULL'
    )
    stage(target, user, [(1, at(1), 5, "a", "long", NOW, 1), (1, at(2), 6, "b", None, NOW, 2),
                         (2, None, 7, None, "x\0y", NOW, 3), (3, at(3), 8, "c", None, NOW, 4),
                         (3, at(3), 9, "d", None, NOW, 5)])  # fmt: skip
    assert target.one(new) == 3
    assert target.run(merge(user)).row_count == 3
    target.session.commit()
    read = (
        'SELECT "ID", "MOD_TS", "ALLOC_QTY", "PICK_USER", "NOTE" '
        f'FROM "{user}"."WMS_ALLOCATION" ORDER BY "ID"'
    )
    first = [(1, at(2), 6, "b", None), (2, None, 7, None, "x\0y"), (3, at(3), 9, "d", None)]
    assert target.rows(read) == first
    # Older and unchanged rows change nothing; the newer one does.
    stage(target, user, [(1, at(1), 0, "old", None, NOW, 1), (2, None, 7, None, "x\0y", NOW, 2),
                         (3, at(4), 10, "d", None, NOW, 3)])  # fmt: skip
    assert target.one(new) == 0
    assert target.run(merge(user)).row_count == 1
    target.session.commit()
    assert target.rows(read) == [first[0], first[1], (3, at(4), 10, "d", None)]
    assert target.one(f'SELECT COUNT(*) FROM "{user}"."FLEXT_G_1"') == 0


def test_append_only(target: Client, user: str) -> None:
    append = (
        f'INSERT INTO "{user}"."WMS_ALLOCATION" ("ID", "MOD_TS") SELECT N."ID", N."MOD_TS" FROM '
        f"{source(user)} "
        f'WHERE NOT EXISTS (SELECT 1 FROM "{user}"."WMS_ALLOCATION" T WHERE T."ID" = N."ID" '
        'AND DECODE(T."MOD_TS", N."MOD_TS", 1, 0) = 1)'
    )
    rows = [(1, at(1), 5, "a", None, NOW, 1), (2, None, 7, None, None, NOW, 2)]
    stage(target, user, rows)
    assert target.run(append).row_count == 2
    target.session.commit()
    stage(target, user, rows)
    assert target.run(append).row_count == 0


def test_ledger_rejects_and_totals(target: Client, user: str) -> None:
    ledger = (
        f'INSERT INTO "{user}"."FLEXT_LEDGER" ("TABLE_NAME", "SCOPE", "FENCE", "SEQ", "STREAM", '
        f'"RUN_ID", '
        '"ROWS_INSERTED", "ROWS_UPDATED", "BOOKMARK", "COMMITTED_AT") '
        f"VALUES (:1, :2, :3, :4, :5, :6, :7, :8, :9, {NOW_IN_SQL})"
    )
    target.run(ledger, [("T", "local", 1, 1, "allocation", "run", 3, 1, '{"a": 1}')])
    target.run(ledger, [("T", "local", 1, 2, "allocation", "run", 4, 0, None)])
    totals = (
        'SELECT "STREAM", SUM("ROWS_INSERTED"), SUM("ROWS_UPDATED") FROM '
        f'"{user}"."FLEXT_LEDGER" WHERE "RUN_ID" = :1 GROUP BY "STREAM" ORDER BY "STREAM"'
    )
    assert target.rows(totals, "run") == [("allocation", 7, 1)]
    rejects = (
        f'INSERT INTO "{user}"."FLEXT_REJECTS" ("REJECT_ID", "RUN_ID", "CODE", "RECORD", '
        f'"REJECTED_AT") '
        f"VALUES (:1, :2, :3, :4, {NOW_IN_SQL})"
    )
    assert target.run(rejects, [(str(i), "run", "TOO_LONG", "{}") for i in range(5)]).row_count == 5
    summary = (
        'SELECT COUNT(*), MAX("COMMITTED_AT"), MIN("SEQ"), SUM("ROWS_INSERTED") '
        f'FROM "{user}"."FLEXT_LEDGER"'
    )
    ((count, latest, least, inserted),) = target.rows(summary)
    assert (count, least, inserted) == (2, 1, 7)
    assert isinstance(latest, datetime)


def test_savepoint_lock_truncate_delete(target: Client, user: str) -> None:
    take_fence(target, user)
    target.run('SAVEPOINT "FLEXT_B"')
    assert (
        target.run(f'DELETE FROM "{user}"."FLEXT_FENCE" WHERE "SCOPE" = :1', [("local",)]).row_count
        == 1
    )
    target.run('ROLLBACK TO SAVEPOINT "FLEXT_B"')
    assert target.one(f'SELECT COUNT(*) FROM "{user}"."FLEXT_FENCE"') == 1
    target.run(f'LOCK TABLE "{user}"."FLEXT_FENCE" IN EXCLUSIVE MODE NOWAIT')
    target.session.commit()
    target.run(f'TRUNCATE TABLE "{user}"."FLEXT_FENCE" REUSE STORAGE')
    assert target.one(f'SELECT COUNT(*) FROM "{user}"."FLEXT_FENCE"') == 0


def test_direct_path_is_exclusive_and_commits(target: Client, user: str, connect: Any) -> None:
    target.run(
        f'CREATE TABLE "{user}"."FLEXT_S_1" ("ID" NUMBER(38), "NOTE" CLOB, "FLEXT_BATCH" '
        f"NUMBER(18))"
    )
    other = connect(user)
    load = target.session.direct_path(user, "FLEXT_S_1", ["ID", "NOTE"])
    assert [column.name for column in load.columns] == ["ID", "NOTE"]
    load.load([(i, f"note {i}") for i in range(100)])
    assert other.code(f'LOCK TABLE "{user}"."FLEXT_S_1" IN EXCLUSIVE MODE NOWAIT') == 54
    load.finish()
    assert other.one(f'SELECT COUNT(*) FROM "{user}"."FLEXT_S_1"') == 100
