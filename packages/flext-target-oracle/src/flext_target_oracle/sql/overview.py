"""The queries of people about our own tables: who holds what, what was done, what was refused.

Runs do not need them; `flext status`, `doctor` and `rejects` do. FLEXT_REJECTS alone is changed.
"""

from __future__ import annotations

from flext_target_oracle.sql.control import NOW
from flext_target_oracle.sql.identifiers import qualified


def fences(schema: str) -> str:
    """Return the query for all fence rows.

    Columns: table, scope, fence, run, owner, acquired at, expires at, 1 if live else 0, table id,
    what it is held exclusively for, bookmark.
    """
    return (
        'SELECT "TABLE_NAME", "SCOPE", "FENCE", "RUN_ID", "OWNER", "ACQUIRED_AT", "EXPIRES_AT",'
        f' CASE WHEN "EXPIRES_AT" > {NOW} THEN 1 ELSE 0 END, "TABLE_ID", "EXCLUSIVE_FOR",'
        f' "BOOKMARK" FROM {qualified(schema, "FLEXT_FENCE")} ORDER BY "TABLE_NAME", "SCOPE"'
    )


def loaded(schema: str) -> str:
    """Return the query for what was loaded lately, by table, scope and stream; bind: days.

    Columns: table, scope, stream, batches, rows received, inserted, updated, rejected, deleted,
    last commit.
    """
    sums = ", ".join(
        f'SUM("{name}")'
        for name in (
            "ROWS_RECEIVED", "ROWS_INSERTED", "ROWS_UPDATED", "ROWS_REJECTED", "ROWS_DELETED",
        )
    )  # fmt: skip
    return (
        f'SELECT "TABLE_NAME", "SCOPE", "STREAM", COUNT(*), {sums}, MAX("COMMITTED_AT")'
        f" FROM {qualified(schema, 'FLEXT_LEDGER')}"
        f" WHERE \"COMMITTED_AT\" > {NOW} - NUMTODSINTERVAL(:1, 'DAY')"
        ' GROUP BY "TABLE_NAME", "SCOPE", "STREAM" ORDER BY "TABLE_NAME", "SCOPE", "STREAM"'
    )


def rejects(schema: str) -> str:
    """Return the query for refused rows, newest first.

    Binds: stream, stream, run, run (each twice; NULL for any), how many.
    Columns: id, run, stream, table, column, code, message, rejected at, extracted at, record.
    """
    return (
        'SELECT "REJECT_ID", "RUN_ID", "STREAM", "TABLE_NAME", "COLUMN_NAME", "CODE", "MESSAGE",'
        f' "REJECTED_AT", "EXTRACTED_AT", "RECORD" FROM {qualified(schema, "FLEXT_REJECTS")}'
        ' WHERE (:1 IS NULL OR "STREAM" = :2) AND (:3 IS NULL OR "RUN_ID" = :4)'
        ' ORDER BY "REJECTED_AT" DESC, "REJECT_ID" FETCH FIRST :5 ROWS ONLY'
    )


def forget_rejects(schema: str) -> str:
    """Return the removal of refused rows that were brought in since; bind: id."""
    return f'DELETE FROM {qualified(schema, "FLEXT_REJECTS")} WHERE "REJECT_ID" = :1'
