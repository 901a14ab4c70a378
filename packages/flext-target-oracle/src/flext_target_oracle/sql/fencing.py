"""The statements on FLEXT_FENCE: taking, passing, renewing, giving back, and keeping others out.

Times are by the database's clock. A lease is live while EXPIRES_AT lies ahead.
"""

from __future__ import annotations

from flext_target_oracle.sql.control import NOW
from flext_target_oracle.sql.identifiers import qualified

_ROW = '"TABLE_NAME" = :{} AND "SCOPE" = :{}'
_LIVE = f'"EXPIRES_AT" > {NOW}'
#: The sessions of a run, for who may look; bind: its id.
SESSIONS_OF_RUN = (
    "SELECT SID, SERIAL#, USERNAME FROM V$SESSION WHERE CLIENT_IDENTIFIER = :1"
    " AND MODULE = 'flext-target-oracle' ORDER BY SID"
)


def _table(schema: str) -> str:
    return qualified(schema, "FLEXT_FENCE")


def _until(bind: int) -> str:
    return f"{NOW} + NUMTODSINTERVAL(:{bind}, 'SECOND')"


def read(schema: str) -> str:
    """Return the query for a fence row; binds: table, scope.

    Columns: fence, last sequence, run, owner, expiry, lineage, 1 if live else 0, table id.
    """
    return (
        'SELECT "FENCE", "LAST_SEQ", "RUN_ID", "OWNER", "EXPIRES_AT", "LINEAGE",'
        f' CASE WHEN {_LIVE} THEN 1 ELSE 0 END, "TABLE_ID" FROM {_table(schema)}'
        f" WHERE {_ROW.format(1, 2)}"
    )


def read_bookmark(schema: str) -> str:
    """Return the query for the last bookmark that the database was told; binds: table, scope."""
    return f'SELECT "BOOKMARK" FROM {_table(schema)} WHERE {_ROW.format(1, 2)}'


def lock(schema: str, wait_s: int) -> str:
    """Return `read` that locks the row once the transaction holding it has ended.

    ORA-30006 after `wait_s` seconds.
    """
    return f"{read(schema)} FOR UPDATE WAIT {wait_s:d}"


def insert(schema: str) -> str:
    """Return the insert of a fence row at 0; binds: table, scope."""
    return (
        f'INSERT INTO {_table(schema)} ("TABLE_NAME", "SCOPE", "FENCE", "LAST_SEQ")'
        " VALUES (:1, :2, 0, 0)"
    )


def take(schema: str) -> str:
    """Return the update that takes the fence; binds: run, owner, lineage, seconds, table, scope."""
    return (
        f'UPDATE {_table(schema)} SET "FENCE" = "FENCE" + 1, "LAST_SEQ" = 0, "RUN_ID" = :1,'
        f' "OWNER" = :2, "LINEAGE" = :3, "ACQUIRED_AT" = {NOW}, "EXPIRES_AT" = {_until(4)},'
        f' "EXCLUSIVE_FOR" = NULL WHERE {_ROW.format(5, 6)}'
    )


def step(schema: str) -> str:
    """Return the update that is lock, fence check, order check and duplicate check in one.

    It renews the lease, too. Binds: sequence, seconds, table, scope, fence, sequence before.
    No row: stop.
    """
    return (
        f'UPDATE {_table(schema)} SET "LAST_SEQ" = :1, "EXPIRES_AT" = {_until(2)}'
        f' WHERE {_ROW.format(3, 4)} AND "FENCE" = :5 AND "LAST_SEQ" = :6'
    )


def step_and_tell(schema: str) -> str:
    """Return `step` that also sets the bookmark; binds: bookmark, then those of `step`."""
    return (
        f'UPDATE {_table(schema)} SET "BOOKMARK" = :1, "LAST_SEQ" = :2,'
        f' "EXPIRES_AT" = {_until(3)} WHERE {_ROW.format(4, 5)} AND "FENCE" = :6'
        ' AND "LAST_SEQ" = :7'
    )


def lock_free(schema: str) -> str:
    """Return the query that locks a row unless a transaction holds it; binds: table, scope."""
    return f'SELECT "FENCE" FROM {_table(schema)} WHERE {_ROW.format(1, 2)} FOR UPDATE SKIP LOCKED'


def renew(schema: str) -> str:
    """Return the renewal of a lease; binds: seconds, table, scope, fence."""
    return (
        f'UPDATE {_table(schema)} SET "EXPIRES_AT" = {_until(1)} WHERE {_ROW.format(2, 3)}'
        ' AND "FENCE" = :4'
    )


def give_back(schema: str) -> str:
    """Return the end of a lease; binds: table, scope, fence."""
    return (
        f'UPDATE {_table(schema)} SET "EXPIRES_AT" = {NOW}, "EXCLUSIVE_FOR" = NULL'
        f' WHERE {_ROW.format(1, 2)} AND "FENCE" = :3'
    )


def remember(schema: str) -> str:
    """Return the update of what a commit left behind; binds: table id, table, scope, fence."""
    return f'UPDATE {_table(schema)} SET "TABLE_ID" = :1 WHERE {_ROW.format(2, 3)} AND "FENCE" = :4'


def write_bookmark(schema: str) -> str:
    """Return the update of the bookmark; binds: bookmark, table, scope, fence."""
    return f'UPDATE {_table(schema)} SET "BOOKMARK" = :1 WHERE {_ROW.format(2, 3)} AND "FENCE" = :4'


def forget(schema: str) -> str:
    """Return the update after which a stream may begin from nothing; binds: table, scope."""
    return (
        f'UPDATE {_table(schema)} SET "TABLE_ID" = NULL, "BOOKMARK" = NULL'
        f" WHERE {_ROW.format(1, 2)}"
    )


def mark(schema: str) -> str:
    """Return the update that announces an exclusive operation; binds: why, table, scope, fence."""
    return (
        f'UPDATE {_table(schema)} SET "EXCLUSIVE_FOR" = :1 WHERE {_ROW.format(2, 3)}'
        ' AND "FENCE" = :4'
    )


def lock_others(schema: str, wait_s: int) -> str:
    """Return the query that locks the table's rows of other scopes; binds: table, scope.

    Columns: scope, run, owner, expiry, 1 if live else 0.
    """
    return (
        f'SELECT "SCOPE", "RUN_ID", "OWNER", "EXPIRES_AT", CASE WHEN {_LIVE} THEN 1 ELSE 0 END'
        f' FROM {_table(schema)} WHERE "TABLE_NAME" = :1 AND "SCOPE" <> :2'
        f' ORDER BY "SCOPE" FOR UPDATE WAIT {wait_s:d}'
    )


def fence_others_off(schema: str) -> str:
    """Return the update after which no paused run of another scope passes; binds: table, scope."""
    return (
        f'UPDATE {_table(schema)} SET "FENCE" = "FENCE" + 1, "LAST_SEQ" = 0'
        ' WHERE "TABLE_NAME" = :1 AND "SCOPE" <> :2'
    )


def exclusive_others(schema: str) -> str:
    """Return the query for live exclusive operations of other scopes; binds: table, scope.

    Columns: scope, run, owner, expiry, what for.
    """
    return (
        'SELECT "SCOPE", "RUN_ID", "OWNER", "EXPIRES_AT", "EXCLUSIVE_FOR"'
        f' FROM {_table(schema)} WHERE "TABLE_NAME" = :1 AND "SCOPE" <> :2'
        f' AND "EXCLUSIVE_FOR" IS NOT NULL AND {_LIVE} ORDER BY "SCOPE"'
    )
