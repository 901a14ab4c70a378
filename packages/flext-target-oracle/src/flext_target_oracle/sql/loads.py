"""The statements on FLEXT_LOADS: which version of a table a scope is loading, and since when.

One row per table and scope. It outlives runs, so that a load that was interrupted goes on.
"""

from __future__ import annotations

from flext_target_oracle.sql.identifiers import qualified

TABLE = "FLEXT_LOADS"
_ROW = '"TABLE_NAME" = :{} AND "SCOPE" = :{}'
#: Table and columns, in the form of `control.TABLES`.
TABLES = {
    TABLE: (
        '"TABLE_NAME" VARCHAR2(261 BYTE) NOT NULL, "SCOPE" VARCHAR2(400 BYTE) NOT NULL,'
        ' "VERSION" NUMBER(38), "METHOD" VARCHAR2(30 BYTE) NOT NULL, "TRACKED" NUMBER(1) NOT NULL,'
        ' "SHADOW" VARCHAR2(128 BYTE), "BEGAN_AT" TIMESTAMP(6) NOT NULL,'
        ' "REJECTED" NUMBER(18) NOT NULL, "ACTIVATED_AT" TIMESTAMP(6), "RUN_ID" VARCHAR2(64 BYTE),'
        ' CONSTRAINT "PK_FLEXT_LOADS" PRIMARY KEY ("TABLE_NAME", "SCOPE")'
    )
}


def read(schema: str) -> str:
    """Return the query for a load; binds: table, scope."""
    return (
        'SELECT "VERSION", "METHOD", "TRACKED", "SHADOW", "BEGAN_AT", "REJECTED", "ACTIVATED_AT"'
        f" FROM {qualified(schema, TABLE)} WHERE {_ROW.format(1, 2)}"
    )


def forget(schema: str) -> str:
    """Return the removal of a load's row; binds: table, scope."""
    return f"DELETE FROM {qualified(schema, TABLE)} WHERE {_ROW.format(1, 2)}"


def begin(schema: str) -> str:
    """Return the insert of a load's row; binds: the columns in order but what comes later."""
    return (
        f'INSERT INTO {qualified(schema, TABLE)} ("TABLE_NAME", "SCOPE", "VERSION", "METHOD",'
        ' "TRACKED", "SHADOW", "BEGAN_AT", "RUN_ID", "REJECTED")'
        " VALUES (:1, :2, :3, :4, :5, :6, :7, :8, 0)"
    )


def reject(schema: str) -> str:
    """Return the update that counts refused rows; binds: how many, table, scope."""
    return (
        f'UPDATE {qualified(schema, TABLE)} SET "REJECTED" = "REJECTED" + :1'
        f" WHERE {_ROW.format(2, 3)}"
    )


def end(schema: str) -> str:
    """Return the update that ends a load; binds: now, table, scope."""
    return (
        f'UPDATE {qualified(schema, TABLE)} SET "ACTIVATED_AT" = :1 WHERE {_ROW.format(2, 3)}'
        ' AND "ACTIVATED_AT" IS NULL'
    )
