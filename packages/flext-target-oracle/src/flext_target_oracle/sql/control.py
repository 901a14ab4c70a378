"""Our own tables, in the control schema: version, fence, ledger, rejects; their layout and changes.

The statements that are about the fence are in `fencing`.
"""

from __future__ import annotations

from flext_target_oracle.sql import loads
from flext_target_oracle.sql.identifiers import qualified

#: The layout below. A newer one in the database is refused, an older one is migrated.
VERSION = 3
COMPONENT = "target"
NOW = "CAST(SYS_EXTRACT_UTC(SYSTIMESTAMP) AS TIMESTAMP(6))"

#: Table and columns, in the order in which they are made: FLEXT_VERSION last says all are there.
TABLES = {
    "FLEXT_FENCE": (
        '"TABLE_NAME" VARCHAR2(261 BYTE) NOT NULL, "SCOPE" VARCHAR2(400 BYTE) NOT NULL,'
        ' "FENCE" NUMBER(18) NOT NULL, "LAST_SEQ" NUMBER(18) NOT NULL, "RUN_ID" VARCHAR2(64 BYTE),'
        ' "OWNER" VARCHAR2(400 BYTE), "ACQUIRED_AT" TIMESTAMP(6), "EXPIRES_AT" TIMESTAMP(6),'
        ' "LINEAGE" VARCHAR2(64 BYTE), "EXCLUSIVE_FOR" VARCHAR2(400 BYTE), "TABLE_ID" NUMBER(18),'
        ' "BOOKMARK" CLOB,'
        ' CONSTRAINT "PK_FLEXT_FENCE" PRIMARY KEY ("TABLE_NAME", "SCOPE")'
    ),
    "FLEXT_LEDGER": (
        '"TABLE_NAME" VARCHAR2(261 BYTE) NOT NULL, "SCOPE" VARCHAR2(400 BYTE) NOT NULL,'
        ' "FENCE" NUMBER(18) NOT NULL, "SEQ" NUMBER(18) NOT NULL, "STREAM" VARCHAR2(400 BYTE),'
        ' "RUN_ID" VARCHAR2(64 BYTE), "ROWS_RECEIVED" NUMBER(18), "ROWS_INSERTED" NUMBER(18),'
        ' "ROWS_UPDATED" NUMBER(18), "ROWS_UNCHANGED" NUMBER(18), "ROWS_REJECTED" NUMBER(18),'
        ' "BOOKMARK" CLOB, "COMMITTED_AT" TIMESTAMP(6), "ROWS_STALE" NUMBER(18),'
        ' "ROWS_DELETED" NUMBER(18),'
        ' CONSTRAINT "PK_FLEXT_LEDGER" PRIMARY KEY ("TABLE_NAME", "SCOPE", "FENCE", "SEQ")'
    ),
    "FLEXT_REJECTS": (
        '"REJECT_ID" VARCHAR2(36 BYTE) NOT NULL, "RUN_ID" VARCHAR2(64 BYTE),'
        ' "STREAM" VARCHAR2(400 BYTE), "TABLE_NAME" VARCHAR2(261 BYTE),'
        ' "COLUMN_NAME" VARCHAR2(128 BYTE), "CODE" VARCHAR2(30 BYTE),'
        ' "MESSAGE" VARCHAR2(4000 BYTE), "RECORD" CLOB, "REJECTED_AT" TIMESTAMP(6),'
        ' "EXTRACTED_AT" TIMESTAMP(6),'
        ' CONSTRAINT "PK_FLEXT_REJECTS" PRIMARY KEY ("REJECT_ID")'
    ),
    **loads.TABLES,
    "FLEXT_VERSION": (
        '"COMPONENT" VARCHAR2(30 BYTE) NOT NULL, "VERSION" NUMBER(10) NOT NULL,'
        ' "UPDATED_AT" TIMESTAMP(6) NOT NULL,'
        ' CONSTRAINT "PK_FLEXT_VERSION" PRIMARY KEY ("COMPONENT")'
    ),
}

#: What makes each version out of the one before: table and the columns it gets.
MIGRATIONS: dict[int, tuple[tuple[str, str], ...]] = {
    2: (
        ("FLEXT_FENCE", '"LINEAGE" VARCHAR2(64 BYTE)'),
        ("FLEXT_FENCE", '"EXCLUSIVE_FOR" VARCHAR2(400 BYTE)'),
        ("FLEXT_FENCE", '"TABLE_ID" NUMBER(18)'),
        ("FLEXT_FENCE", '"BOOKMARK" CLOB'),
        ("FLEXT_LEDGER", '"ROWS_STALE" NUMBER(18)'),
        ("FLEXT_LEDGER", '"ROWS_DELETED" NUMBER(18)'),
    ),
    3: (("FLEXT_REJECTS", '"EXTRACTED_AT" TIMESTAMP(6)'),),
}


def create(schema: str, table: str) -> str:
    """Return the DDL of one of our tables."""
    return f"CREATE TABLE {qualified(schema, table)} ({TABLES[table]})"


def added_since(version: int) -> list[tuple[str, str]]:
    """Return table and definition of the columns that came after a version."""
    return [added for step in range(version + 1, VERSION + 1) for added in MIGRATIONS.get(step, ())]


def add_column(schema: str, table: str, column: str) -> str:
    """Return the DDL that adds one of them; where it is there already that is ORA-01430."""
    return f"ALTER TABLE {qualified(schema, table)} ADD ({column})"


def read_version(schema: str) -> str:
    """Return the query for the layout's version; bind: component."""
    return f'SELECT "VERSION" FROM {qualified(schema, "FLEXT_VERSION")} WHERE "COMPONENT" = :1'


def insert_version(schema: str) -> str:
    """Return the insert of the version row; binds: component, version."""
    table = qualified(schema, "FLEXT_VERSION")
    return f'INSERT INTO {table} ("COMPONENT", "VERSION", "UPDATED_AT") VALUES (:1, :2, {NOW})'


def update_version(schema: str) -> str:
    """Return the update of the version row, never backwards; binds: version, component, version."""
    return (
        f'UPDATE {qualified(schema, "FLEXT_VERSION")} SET "VERSION" = :1, "UPDATED_AT" = {NOW}'
        ' WHERE "COMPONENT" = :2 AND "VERSION" < :3'
    )


def write_ledger(schema: str) -> str:
    """Return the insert of a batch's ledger row; binds: the columns in order but the time."""
    columns = (
        '"TABLE_NAME", "SCOPE", "FENCE", "SEQ", "STREAM", "RUN_ID", "ROWS_RECEIVED",'
        ' "ROWS_INSERTED", "ROWS_UPDATED", "ROWS_UNCHANGED", "ROWS_STALE", "ROWS_DELETED",'
        ' "ROWS_REJECTED", "BOOKMARK"'
    )
    binds = ", ".join(f":{number}" for number in range(1, 15))
    table = qualified(schema, "FLEXT_LEDGER")
    return f'INSERT INTO {table} ({columns}, "COMMITTED_AT") VALUES ({binds}, {NOW})'


def prune_ledger(schema: str) -> str:
    """Return the removal of old ledger rows; binds: table, scope, newest fence kept, days."""
    return (
        f'DELETE FROM {qualified(schema, "FLEXT_LEDGER")} WHERE "TABLE_NAME" = :1 AND "SCOPE" = :2'
        f' AND "FENCE" < :3 AND "COMMITTED_AT" < {NOW} - NUMTODSINTERVAL(:4, \'DAY\')'
    )


def write_rejects(schema: str) -> str:
    """Return the array insert of refused rows; binds: the columns in order but the time."""
    return (
        f'INSERT INTO {qualified(schema, "FLEXT_REJECTS")} ("REJECT_ID", "RUN_ID", "STREAM",'
        ' "TABLE_NAME", "COLUMN_NAME", "CODE", "MESSAGE", "RECORD", "EXTRACTED_AT", "REJECTED_AT")'
        f" VALUES (:1, :2, :3, :4, :5, :6, :7, :8, :9, {NOW})"
    )


DATABASE_TIME = f"SELECT {NOW} FROM DUAL"
