"""The lease that counts: one row per table and scope, in the database, under its locks.

A run takes the fence once per table; each of its batches passes it in the batch's own transaction.
After a connection lost around a commit, the row says what happened (docs/specs/delivery.md §4).
"""

from __future__ import annotations

from dataclasses import dataclass

from flext_target_oracle.connection import Session
from flext_target_oracle.errors import ContendedError, DatabaseError, FenceLostError
from flext_target_oracle.sql import control

WAIT_S = 60
#: How long a run is expected to last at most between signs of life; shown to people.
TTL_S = 600


@dataclass(frozen=True, slots=True)
class Fence:
    """What a run holds of a table."""

    schema: str  # the control schema
    table: str
    scope: str
    number: int
    run_before: str | None = None


def take(
    session: Session, *, schema: str, table: str, scope: str, run_id: str, owner: str
) -> Fence:
    """Take the fence of a table and scope, and commit: older holders can commit nothing more.

    A commit in flight is waited for.

    Raises:
        DatabaseError: the row stayed locked, or cannot be written.
    """
    what = f"taking the fence of {table}"
    rows = session.query(control.lock_fence(schema, WAIT_S), [table, scope], what=what)
    if not rows:
        try:
            session.execute(control.insert_fence(schema), [table, scope], what=what)
        except ContendedError:
            session.rollback()  # another run was first; its row is the one to lock
        rows = session.query(control.lock_fence(schema, WAIT_S), [table, scope], what=what)
    number, _, run_before, _ = rows[0]
    session.execute(
        control.take_fence(schema), [run_id[:64], owner[:400], TTL_S, table, scope], what=what
    )
    session.commit()
    return Fence(schema, table, scope, int(number) + 1, run_before)


def step(session: Session, fence: Fence, sequence: int) -> None:
    """Move the fence from the batch before to this one, within the batch's transaction.

    Raises:
        FenceLostError: another run has it, or the batch is not the next one.
    """
    binds = [sequence, fence.table, fence.scope, fence.number, sequence - 1]
    what = f"passing the fence of {fence.table}"
    if session.execute(control.pass_fence(fence.schema), binds, what=what) == 1:
        return
    raise FenceLostError(_lost(session, fence, what))


def was_committed(session: Session, fence: Fence, sequence: int) -> bool:
    """Return whether the batch took effect; waits for the lost session's transaction to end.

    Raises:
        FenceLostError: another run has taken the fence meanwhile; if the batch took effect, that
            run found its rows.
        DatabaseError: the lost session still holds the row after `WAIT_S` seconds.
    """
    what = f"asking the fence of {fence.table} what became of batch {sequence}"
    try:
        rows = session.query(
            control.lock_fence(fence.schema, WAIT_S), [fence.table, fence.scope], what=what
        )
    finally:
        session.rollback()
    if not rows or int(rows[0][0]) != fence.number:
        raise FenceLostError(_lost(session, fence, what))
    last = int(rows[0][1])
    if last not in {sequence, sequence - 1}:
        raise DatabaseError(f"{what}: LAST_SEQ is {last}, neither this batch nor the one before")
    return last == sequence


def _lost(session: Session, fence: Fence, what: str) -> str:
    rows = session.query(control.read_fence(fence.schema), [fence.table, fence.scope], what=what)
    if not rows:
        return (
            f"{fence.table}: the row of scope {fence.scope} in FLEXT_FENCE is gone; nothing was"
            " committed; run again"
        )
    number, last, run_id, owner = rows[0]
    return (
        f"{fence.table}: scope {fence.scope} is now held by run {run_id} of {owner}"
        f" (fence {number}, sequence {last}; this run has fence {fence.number}); nothing more was"
        " committed by this run; let the other one finish"
    )
