"""docs/specs/delivery.md §9: our own tables are made, migrated, or their DDL is printed whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flext_target_oracle import control_tables
from flext_target_oracle.connection import Database
from flext_target_oracle.errors import SchemaRefusedError
from flext_target_oracle.settings import load
from flext_target_oracle.sql import control

COLUMNS = """SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, DATA_LENGTH FROM ALL_TAB_COLUMNS
 WHERE OWNER = :1 ORDER BY TABLE_NAME, COLUMN_NAME"""
#: Layout 1, as version 0.1 made it.
FIRST_LAYOUT = """
CREATE TABLE "FLEXT_FENCE" ("TABLE_NAME" VARCHAR2(261 BYTE) NOT NULL,
 "SCOPE" VARCHAR2(400 BYTE) NOT NULL, "FENCE" NUMBER(18) NOT NULL, "LAST_SEQ" NUMBER(18) NOT NULL,
 "RUN_ID" VARCHAR2(64 BYTE), "OWNER" VARCHAR2(400 BYTE), "ACQUIRED_AT" TIMESTAMP(6),
 "EXPIRES_AT" TIMESTAMP(6), CONSTRAINT "PK_FLEXT_FENCE" PRIMARY KEY ("TABLE_NAME", "SCOPE"));
CREATE TABLE "FLEXT_LEDGER" ("TABLE_NAME" VARCHAR2(261 BYTE) NOT NULL,
 "SCOPE" VARCHAR2(400 BYTE) NOT NULL, "FENCE" NUMBER(18) NOT NULL, "SEQ" NUMBER(18) NOT NULL,
 "STREAM" VARCHAR2(400 BYTE), "RUN_ID" VARCHAR2(64 BYTE), "ROWS_RECEIVED" NUMBER(18),
 "ROWS_INSERTED" NUMBER(18), "ROWS_UPDATED" NUMBER(18), "ROWS_UNCHANGED" NUMBER(18),
 "ROWS_REJECTED" NUMBER(18), "BOOKMARK" CLOB, "COMMITTED_AT" TIMESTAMP(6),
 CONSTRAINT "PK_FLEXT_LEDGER" PRIMARY KEY ("TABLE_NAME", "SCOPE", "FENCE", "SEQ"));
CREATE TABLE "FLEXT_REJECTS" ("REJECT_ID" VARCHAR2(36 BYTE) NOT NULL, "RUN_ID" VARCHAR2(64 BYTE),
 "STREAM" VARCHAR2(400 BYTE), "TABLE_NAME" VARCHAR2(261 BYTE), "COLUMN_NAME" VARCHAR2(128 BYTE),
 "CODE" VARCHAR2(30 BYTE), "MESSAGE" VARCHAR2(4000 BYTE), "RECORD" CLOB,
 "REJECTED_AT" TIMESTAMP(6), CONSTRAINT "PK_FLEXT_REJECTS" PRIMARY KEY ("REJECT_ID"));
CREATE TABLE "FLEXT_VERSION" ("COMPONENT" VARCHAR2(30 BYTE) NOT NULL,
 "VERSION" NUMBER(10) NOT NULL, "UPDATED_AT" TIMESTAMP(6) NOT NULL,
 CONSTRAINT "PK_FLEXT_VERSION" PRIMARY KEY ("COMPONENT"));
INSERT INTO "FLEXT_VERSION" VALUES ('target', 1, SYSTIMESTAMP);
INSERT INTO "FLEXT_FENCE" ("TABLE_NAME", "SCOPE", "FENCE", "LAST_SEQ") VALUES ('T', 's', 7, 3)
"""
FIRST = FIRST_LAYOUT.strip().split(";\n")


@pytest.fixture
def ensure(oracle_account: Any) -> Iterator[Any]:
    database = Database(load(oracle_account.settings()), run_id="r")

    def call() -> None:
        with database.session("t") as session:
            control_tables.ensure(session, oracle_account.user)

    yield call
    database.close()


def layout(account: Any) -> list[tuple[Any, ...]]:
    return list(account.rows(COLUMNS, [account.user]))


def version(account: Any) -> list[tuple[Any, ...]]:
    return list(account.rows('SELECT "COMPONENT", "VERSION" FROM "FLEXT_VERSION"'))


def migration(schema: str) -> list[str]:
    """Every step from the first layout to ours."""
    return [control.add_column(schema, *added) for added in control.added_since(1)]


@pytest.mark.parametrize("steps", range(len(control.added_since(1)) + 1))
def test_the_first_layout_becomes_ours_wherever_a_migration_stopped(
    ensure: Any, oracle_server: Any, oracle_account: Any, steps: int
) -> None:
    oracle_account.execute(*FIRST, *migration(oracle_account.user)[:steps])
    ensure()
    ensure()
    with oracle_server.account() as fresh:
        other = Database(load(fresh.settings()), run_id="r")
        with other.session("t") as session:
            control_tables.ensure(session, fresh.user)
        other.close()
        assert layout(oracle_account) == layout(fresh)
    assert version(oracle_account) == [("target", control.VERSION)]
    assert oracle_account.rows('SELECT "FENCE", "LAST_SEQ" FROM "FLEXT_FENCE"') == [(7, 3)]


@pytest.mark.parametrize("made", range(5))
def test_a_making_that_stopped_is_gone_on_with(ensure: Any, oracle_account: Any, made: int) -> None:
    user = oracle_account.user
    oracle_account.execute(*[control.create(user, table) for table in list(control.TABLES)[:made]])
    ensure()
    assert {row[0] for row in layout(oracle_account)} == set(control.TABLES)
    assert version(oracle_account) == [("target", control.VERSION)]


def test_a_later_layout_is_refused(ensure: Any, oracle_account: Any) -> None:
    ensure()
    oracle_account.execute('UPDATE "FLEXT_VERSION" SET "VERSION" = 99')
    with pytest.raises(SchemaRefusedError, match="have version 99, this program knows"):
        ensure()


def test_all_the_ddl_is_printed_where_the_user_may_not(oracle_server: Any) -> None:
    with oracle_server.account("CREATE SESSION") as account:
        database = Database(load(account.settings()), run_id="r")
        with database.session("t") as session, pytest.raises(SchemaRefusedError) as caught:
            control_tables.ensure(session, account.user)
        database.close()
    assert "For a DBA to run" in str(caught.value)
    for table in control.TABLES:
        assert f'CREATE TABLE "{account.user}"."{table}"' in str(caught.value)
