"""What a batch leaves in our own tables: its ledger row and the rows that were refused.

Both are written in the batch's transaction, so they say what is true of the table.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from flext_target_oracle.connection import Session
from flext_target_oracle.errors import DatabaseError
from flext_target_oracle.fence import Fence
from flext_target_oracle.rows import Reject
from flext_target_oracle.sql import control, types

_TEXT, _NUMBER = types.text(), types.ColumnType("NUMBER")
_REJECT_TYPES = (*[_TEXT] * 7, types.CLOB, types.TIMESTAMP)
_LEDGER_TYPES = (_TEXT, _TEXT, _NUMBER, _NUMBER, _TEXT, _TEXT, *[_NUMBER] * 7, types.CLOB)
_MESSAGE_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Counts:
    """What a batch did, and the seconds it took.

    Attributes:
        stale: rows that were not applied because the stored row is newer and differs.
        deleted: rows that were removed or marked as removed; they are not among the received.
    """

    received: int
    inserted: int
    updated: int
    rejected: int
    stage_s: float
    apply_s: float
    stale: int = 0
    deleted: int = 0

    @property
    def unchanged(self) -> int:
        """Rows that changed nothing: identical, or superseded within the batch."""
        changed = self.inserted + self.updated + self.stale + self.rejected
        return max(self.received - changed, 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """Which batch of which run a row is about."""

    fence: Fence
    sequence: int
    stream: str
    run_id: str


def write(session: Session, entry: Entry, counts: Counts, bookmark: str | None) -> None:
    """Write the batch's ledger row and commit.

    Raises:
        ConnectionLostError: nobody knows whether it took effect; ask the fence.
    """
    held = entry.fence
    binds = [
        held.table, held.scope, held.number, entry.sequence, entry.stream, entry.run_id[:64],
        counts.received, counts.inserted, counts.updated, counts.unchanged, counts.stale,
        counts.deleted, counts.rejected, bookmark,
    ]  # fmt: skip
    what = f"stream {entry.stream}: writing the ledger and committing"
    sql = control.write_ledger(held.schema)
    session.execute(sql, binds, what=what, types=_LEDGER_TYPES, commit=True)


def write_rejects(session: Session, entry: Entry, rejects: list[Reject]) -> None:
    """Keep refused rows, each with its reason.

    Raises:
        DatabaseError: one of them cannot be kept; then nothing of the batch may be committed.
    """
    if not rejects:
        return
    rows: list[tuple[Any, ...]] = [
        (
            str(uuid.uuid4()), entry.run_id[:64], entry.stream, entry.fence.table, reject.column,
            reject.code, f"{reject.message} (key {reject.key})"[:_MESSAGE_CHARS], reject.record,
            reject.extracted_at,
        )
        for reject in rejects
    ]  # fmt: skip
    what = f"stream {entry.stream}: keeping refused rows"
    sql = control.write_rejects(entry.fence.schema)
    if refused := session.insert_many(sql, rows, _REJECT_TYPES, what=what):
        raise DatabaseError(f"{what}: {refused[0].message}", code=refused[0].code)
