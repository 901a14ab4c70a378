"""The statements on our own tables: version, fence, ledger and rejects, in the control schema."""

from __future__ import annotations

from flext_target_oracle.sql.identifiers import qualified

#: The layout below. A later one comes with a migration; a newer one in the database is refused.
VERSION = 1
COMPONENT = "target"
_NOW = "CAST(SYS_EXTRACT_UTC(SYSTIMESTAMP) AS TIMESTAMP(6))"
_FENCE_ROW = '"TABLE_NAME" = :{} AND "SCOPE" = :{}'

#: Table and columns, in the order in which they are made: FLEXT_VERSION last says all are there.
TABLES = {
    "FLEXT_FENCE": (
        '"TABLE_NAME" VARCHAR2(261 BYTE) NOT NULL, "SCOPE" VARCHAR2(400 BYTE) NOT NULL,'
        ' "FENCE" NUMBER(18) NOT NULL, "LAST_SEQ" NUMBER(18) NOT NULL, "RUN_ID" VARCHAR2(64 BYTE),'
        ' "OWNER" VARCHAR2(400 BYTE), "ACQUIRED_AT" TIMESTAMP(6), "EXPIRES_AT" TIMESTAMP(6),'
        ' CONSTRAINT "PK_FLEXT_FENCE" PRIMARY KEY ("TABLE_NAME", "SCOPE")'
    ),
    "FLEXT_LEDGER": (
        '"TABLE_NAME" VARCHAR2(261 BYTE) NOT NULL, "SCOPE" VARCHAR2(400 BYTE) NOT NULL,'
        ' "FENCE" NUMBER(18) NOT NULL, "SEQ" NUMBER(18) NOT NULL, "STREAM" VARCHAR2(400 BYTE),'
        ' "RUN_ID" VARCHAR2(64 BYTE), "ROWS_RECEIVED" NUMBER(18), "ROWS_INSERTED" NUMBER(18),'
        ' "ROWS_UPDATED" NUMBER(18), "ROWS_UNCHANGED" NUMBER(18), "ROWS_REJECTED" NUMBER(18),'
        ' "BOOKMARK" CLOB, "COMMITTED_AT" TIMESTAMP(6),'
        ' CONSTRAINT "PK_FLEXT_LEDGER" PRIMARY KEY ("TABLE_NAME", "SCOPE", "FENCE", "SEQ")'
    ),
    "FLEXT_REJECTS": (
        '"REJECT_ID" VARCHAR2(36 BYTE) NOT NULL, "RUN_ID" VARCHAR2(64 BYTE),'
        ' "STREAM" VARCHAR2(400 BYTE), "TABLE_NAME" VARCHAR2(261 BYTE),'
        ' "COLUMN_NAME" VARCHAR2(128 BYTE), "CODE" VARCHAR2(30 BYTE),'
        ' "MESSAGE" VARCHAR2(4000 BYTE), "RECORD" CLOB, "REJECTED_AT" TIMESTAMP(6),'
        ' CONSTRAINT "PK_FLEXT_REJECTS" PRIMARY KEY ("REJECT_ID")'
    ),
    "FLEXT_VERSION": (
        '"COMPONENT" VARCHAR2(30 BYTE) NOT NULL, "VERSION" NUMBER(10) NOT NULL,'
        ' "UPDATED_AT" TIMESTAMP(6) NOT NULL,'
        ' CONSTRAINT "PK_FLEXT_VERSION" PRIMARY KEY ("COMPONENT")'
    ),
}


def create(schema: str, table: str) -> str:
    """Return the DDL of one of our tables."""
    return f"CREATE TABLE {qualified(schema, table)} ({TABLES[table]})"


def read_version(schema: str) -> str:
    """Return the query for the layout's version; bind: component."""
    return f'SELECT "VERSION" FROM {qualified(schema, "FLEXT_VERSION")} WHERE "COMPONENT" = :1'


def write_version(schema: str) -> str:
    """Return the insert of the version row; binds: component, version."""
    table = qualified(schema, "FLEXT_VERSION")
    return f'INSERT INTO {table} ("COMPONENT", "VERSION", "UPDATED_AT") VALUES (:1, :2, {_NOW})'


def read_fence(schema: str) -> str:
    """Return the query for a fence row; binds: table, scope."""
    return (
        f'SELECT "FENCE", "LAST_SEQ", "RUN_ID", "OWNER" FROM {qualified(schema, "FLEXT_FENCE")}'
        f" WHERE {_FENCE_ROW.format(1, 2)}"
    )


def lock_fence(schema: str, wait_s: int) -> str:
    """Return the query that locks a fence row once the transaction holding it has ended.

    Binds: table, scope. ORA-30006 after `wait_s` seconds.
    """
    return f"{read_fence(schema)} FOR UPDATE WAIT {wait_s:d}"


def insert_fence(schema: str) -> str:
    """Return the insert of a fence row at 0; binds: table, scope."""
    return (
        f'INSERT INTO {qualified(schema, "FLEXT_FENCE")} ("TABLE_NAME", "SCOPE", "FENCE",'
        ' "LAST_SEQ") VALUES (:1, :2, 0, 0)'
    )


def take_fence(schema: str) -> str:
    """Return the update that takes the fence; binds: run, owner, seconds, table, scope."""
    return (
        f'UPDATE {qualified(schema, "FLEXT_FENCE")} SET "FENCE" = "FENCE" + 1, "LAST_SEQ" = 0,'
        f' "RUN_ID" = :1, "OWNER" = :2, "ACQUIRED_AT" = {_NOW},'
        f" \"EXPIRES_AT\" = {_NOW} + NUMTODSINTERVAL(:3, 'SECOND') WHERE {_FENCE_ROW.format(4, 5)}"
    )


def pass_fence(schema: str) -> str:
    """Return the update that is lock, fence check, order check and duplicate check in one.

    Binds: sequence, table, scope, fence, sequence before. No row: stop.
    """
    return (
        f'UPDATE {qualified(schema, "FLEXT_FENCE")} SET "LAST_SEQ" = :1'
        f' WHERE {_FENCE_ROW.format(2, 3)} AND "FENCE" = :4 AND "LAST_SEQ" = :5'
    )


def write_ledger(schema: str) -> str:
    """Return the insert of a batch's ledger row; binds: the columns in order but the time."""
    return (
        f'INSERT INTO {qualified(schema, "FLEXT_LEDGER")} ("TABLE_NAME", "SCOPE", "FENCE", "SEQ",'
        ' "STREAM", "RUN_ID", "ROWS_RECEIVED", "ROWS_INSERTED", "ROWS_UPDATED", "ROWS_UNCHANGED",'
        ' "ROWS_REJECTED", "BOOKMARK", "COMMITTED_AT")'
        f" VALUES (:1, :2, :3, :4, :5, :6, :7, :8, :9, :10, :11, :12, {_NOW})"
    )


def write_rejects(schema: str) -> str:
    """Return the array insert of refused rows; binds: the columns in order but the time."""
    return (
        f'INSERT INTO {qualified(schema, "FLEXT_REJECTS")} ("REJECT_ID", "RUN_ID", "STREAM",'
        ' "TABLE_NAME", "COLUMN_NAME", "CODE", "MESSAGE", "RECORD", "REJECTED_AT")'
        f" VALUES (:1, :2, :3, :4, :5, :6, :7, :8, {_NOW})"
    )
