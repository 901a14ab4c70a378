"""The lease that counts: one row per table and scope, in the database, under its locks.

A run takes the fence once per table; each of its batches passes it in the batch's own transaction.
After a connection lost around a commit, the row says what happened (docs/specs/delivery.md §4, §5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flext_target_oracle.connection import Database, Session
from flext_target_oracle.errors import (
    ContendedError,
    DatabaseError,
    FenceHeldError,
    FenceLostError,
)
from flext_target_oracle.sql import control, fencing, types

#: How long a lock of another session is waited for, in seconds.
WAIT_S = 60
#: How long a lease lasts without a sign of life, in seconds.
TTL_S = 60
_LOCKED = "ORA-30006"
_NUMBER = types.ColumnType("NUMBER")
_TELLING_TYPES = (
    types.CLOB, _NUMBER, _NUMBER, types.text(), types.text(), _NUMBER, _NUMBER,
)  # fmt: skip
_BOOKMARK_TYPES = (types.CLOB, types.text(), types.text(), _NUMBER)


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that takes fences.

    Attributes:
        lineage: of its `.token` block; other runs of it are known to be over.
    """

    scope: str
    run_id: str
    owner: str
    lineage: str


@dataclass(frozen=True, slots=True)
class Fence:
    """What a run holds of a table.

    Attributes:
        run_before: the run that held it last.
        table_id: OBJECT_ID of the table when that run prepared it; None if it is not known.
        bookmark: the last one that left in a STATE line, as JSON; None if there is none.
    """

    schema: str  # the control schema
    table: str
    scope: str
    number: int
    run_before: str | None = None
    table_id: int | None = None
    bookmark: str | None = None

    @property
    def row(self) -> list[Any]:
        """The binds that name its row and number."""
        return [self.table, self.scope, self.number]


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    last: int
    run_id: str | None
    owner: str | None
    expires_at: datetime | None
    lineage: str | None
    live: bool
    table_id: int | None


def take(session: Session, *, schema: str, table: str, holder: Holder, keep_days: int = 0) -> Fence:
    """Take the fence of a table and scope, and commit: older holders can commit nothing more.

    A commit in flight is waited for.

    Args:
        session: without a transaction.
        schema: the control schema.
        table: as the fence names it.
        holder: who takes it.
        keep_days: older ledger rows of earlier runs are removed with it; 0 keeps all.

    Raises:
        FenceHeldError: a live run of another lineage has it, or has the table for itself.
        DatabaseError: the row stayed locked, or cannot be written.
    """
    what = f"taking the fence of {table}"
    row = _locked(session, schema, table, holder.scope, what)
    if row is None:
        try:
            session.execute(fencing.insert(schema), [table, holder.scope], what=what)
        except ContendedError:
            session.rollback()  # another run was first; its row is the one to lock
        row = _locked(session, schema, table, holder.scope, what)
    if row is None:
        raise DatabaseError(f"{what}: its row in FLEXT_FENCE is gone again; run again")
    if row.live and row.lineage != holder.lineage:
        raise FenceHeldError(_held(table, holder.scope, row))
    found = session.query(fencing.read_bookmark(schema), [table, holder.scope], what=what)
    binds = [holder.run_id[:64], holder.owner[:400], holder.lineage, TTL_S, table, holder.scope]
    session.execute(fencing.take(schema), binds, what=what)
    if keep_days:
        old = [table, holder.scope, row.number, keep_days]
        session.execute(control.prune_ledger(schema), old, what=f"{what}: clearing the ledger")
    session.commit()
    taken = Fence(
        schema, table, holder.scope, row.number + 1, row.run_id, row.table_id, found[0][0]
    )
    _refuse_beside_exclusive(session, taken, what)
    return taken


def _refuse_beside_exclusive(session: Session, taken: Fence, what: str) -> None:
    """Give the fence back where another scope has the table for itself (§5.5)."""
    binds = [taken.table, taken.scope]
    others = session.query(fencing.exclusive_others(taken.schema), binds, what=what)
    if not others:
        return
    give_back(session, taken)
    scope, run_id, owner, expires_at, why = others[0]
    raise FenceHeldError(
        f"{taken.table}: run {run_id} of {owner}, scope {scope}, has the table for itself ({why})"
        f" until {_utc(expires_at)} at least; run again when it is done"
    )


def step(session: Session, fence: Fence, sequence: int, *, bookmark: str | None = None) -> None:
    """Move the fence from the batch before to this one, within the batch's transaction.

    Args:
        session: the batch's.
        fence: ours.
        sequence: the batch's number.
        bookmark: what the database is told with it, as JSON; None leaves what it was told.

    Raises:
        FenceLostError: another run has it, or the batch is not the next one.
    """
    what = f"passing the fence of {fence.table}"
    binds = [sequence, TTL_S, *fence.row, sequence - 1]
    sql, kinds = fencing.step(fence.schema), tuple[types.ColumnType, ...]()
    if bookmark is not None:
        sql, kinds = fencing.step_and_tell(fence.schema), _TELLING_TYPES
        binds = [bookmark, *binds]
    if session.execute(sql, binds, what=what, types=kinds) == 1:
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
    row = _locked(session, fence.schema, fence.table, fence.scope, what)
    session.rollback()
    if row is None or row.number != fence.number:
        raise FenceLostError(_lost(session, fence, what))
    if row.last not in {sequence, sequence - 1}:
        raise DatabaseError(f"{what}: LAST_SEQ is {row.last}, neither it nor the one before")
    return row.last == sequence


def renew(session: Session, fence: Fence) -> None:
    """Renew the lease, unless a transaction holds the row: that renews it itself.

    Raises:
        FenceLostError: another run has it.
    """
    what = f"renewing the fence of {fence.table}"
    rows = session.query(fencing.lock_free(fence.schema), [fence.table, fence.scope], what=what)
    if not rows:
        session.rollback()
        if not session.query(fencing.read(fence.schema), [fence.table, fence.scope], what=what):
            raise FenceLostError(_lost(session, fence, what))
        return
    if int(rows[0][0]) != fence.number:
        session.rollback()
        raise FenceLostError(_lost(session, fence, what))
    session.execute(fencing.renew(fence.schema), [TTL_S, *fence.row], what=what, commit=True)


def prolong(session: Session, fence: Fence, held_s: float) -> None:
    """Renew the lease in a transaction that held the row so long that others may find it ended."""
    if held_s > TTL_S / 2:
        what = f"renewing the fence of {fence.table}"
        session.execute(fencing.renew(fence.schema), [TTL_S, *fence.row], what=what)


def give_back(session: Session, fence: Fence) -> None:
    """End the lease; the numbers stay. Another run's is left alone."""
    what = f"giving back the fence of {fence.table}"
    session.execute(fencing.give_back(fence.schema), fence.row, what=what, commit=True)


def remember_table(session: Session, fence: Fence, table_id: int | None) -> None:
    """Write which table it is that the batches go into.

    Raises:
        FenceLostError: another run has the fence.
    """
    what = f"remembering the table {fence.table}"
    _guarded(session, fence, fencing.remember(fence.schema), table_id, what)


def remember_bookmark(session: Session, fence: Fence, bookmark: str) -> None:
    """Write a bookmark that no batch carries, before it leaves in a STATE line.

    Raises:
        FenceLostError: another run has the fence.
    """
    what = f"writing the bookmark of {fence.table}"
    sql = fencing.write_bookmark(fence.schema)
    _guarded(session, fence, sql, bookmark, what, _BOOKMARK_TYPES)


def forget(session: Session, *, schema: str, table: str, scope: str) -> bool:
    """Let a stream begin from anything: neither table nor bookmark of earlier runs count.

    Returns:
        Whether the scope was known to have the table.
    """
    what = f"forgetting what {table} held"
    binds = [table, scope]
    return session.execute(fencing.forget(schema), binds, what=what, commit=True) == 1


@contextmanager
def exclusive(
    database: Database,
    fence: Fence,
    why: str,
    *,
    persistently: Callable[[Callable[[], None]], None] = lambda work: work(),
) -> Iterator[None]:
    """Keep every other scope out of the table while the block runs (§5.5).

    Args:
        database: sessions are taken from it before and after, none while the block runs.
        fence: ours.
        why: for the people who are refused meanwhile.
        persistently: carries out what comes before and after, again where a connection is lost.

    Raises:
        FenceHeldError: another scope holds a live lease on the table.
        FenceLostError: another run has the fence.
    """

    def begin() -> None:
        with database.session(f"exclusive {fence.table}") as session:
            begin_exclusive(session, fence, why)

    def end() -> None:
        with database.session(f"shared {fence.table}") as session:
            end_exclusive(session, fence)

    persistently(begin)
    try:
        yield
    finally:
        persistently(end)


def begin_exclusive(session: Session, fence: Fence, why: str) -> None:
    """Announce an exclusive operation, then look whether the table is free; commits.

    Raises:
        FenceHeldError, FenceLostError: as `exclusive`.
    """
    what = f"{why}: keeping others out of {fence.table}"
    _guarded(session, fence, fencing.mark(fence.schema), why[:400], what)
    others = session.query(
        fencing.lock_others(fence.schema, WAIT_S), [fence.table, fence.scope], what=what
    )
    live = [row for row in others if row[4] == 1]
    if live:
        session.rollback()
        end_exclusive(session, fence)
        scope, run_id, owner, expires_at, _ = live[0]
        raise FenceHeldError(
            f"{why} needs {fence.table} for itself, and run {run_id} of {owner}, scope {scope},"
            f" holds it until {_utc(expires_at)} at least: run it when that one is done"
        )
    if others:
        binds = [fence.table, fence.scope]
        session.execute(fencing.fence_others_off(fence.schema), binds, what=what)
    session.commit()


def end_exclusive(session: Session, fence: Fence) -> None:
    """Let others in again; commits."""
    what = f"letting others into {fence.table}"
    session.execute(fencing.mark(fence.schema), [None, *fence.row], what=what, commit=True)


def _guarded(
    session: Session,
    fence: Fence,
    sql: str,
    value: Any,
    what: str,
    kinds: Sequence[types.ColumnType] = (),
) -> None:
    """Set one value of our row and commit."""
    if session.execute(sql, [value, *fence.row], what=what, types=kinds, commit=True) != 1:
        raise FenceLostError(_lost(session, fence, what))


def _locked(session: Session, schema: str, table: str, scope: str, what: str) -> _Row | None:
    """Lock a row, waiting for the transaction that holds it; None if there is none."""
    binds = [table, scope]
    try:
        rows = session.query(fencing.lock(schema, WAIT_S), binds, what=what)
    except DatabaseError as error:
        if error.code != _LOCKED:
            raise
        raise _still_locked(session, schema, binds, what, error) from error
    return _row(rows[0]) if rows else None


def _row(found: tuple[Any, ...]) -> _Row:
    number, last, run_id, owner, expires_at, lineage, live, table_id = found
    return _Row(
        int(number), int(last), run_id, owner, expires_at, lineage, live == 1,
        None if table_id is None else int(table_id),
    )  # fmt: skip


def _still_locked(
    session: Session, schema: str, binds: list[Any], what: str, error: DatabaseError
) -> DatabaseError:
    """Return the error that names who holds the row, as far as this user may know."""
    session.rollback()
    found = session.query(fencing.read(schema), binds, what=what)
    if not found or found[0][2] is None:
        return error
    row = _row(found[0])
    try:
        sessions = session.query(fencing.SESSIONS_OF_RUN, [(row.run_id or "")[:64]], what=what)
        named = ", ".join(
            f"SID {sid}, SERIAL# {serial} of {user}" for sid, serial, user in sessions
        )
        place = f"its sessions: {named or 'none is left'}"
    except DatabaseError:  # V$SESSION is not for every user
        place = (
            "a DBA finds its sessions by SELECT SID, SERIAL# FROM V$SESSION WHERE CLIENT_IDENTIFIER"
            f" = '{row.run_id}'"
        )
    return DatabaseError(
        f"{what}: the row stayed locked for {WAIT_S} s by a commit of run {row.run_id} of"
        f" {row.owner} ({place}). Wait for that run to end; if it hangs, end its process, or let a"
        " DBA run ALTER SYSTEM KILL SESSION 'SID,SERIAL#'; then run again",
        code=error.code,
    )


def _held(table: str, scope: str, row: _Row) -> str:
    return (
        f"{table}: scope {scope} is held by run {row.run_id} of {row.owner} until"
        f" {_utc(row.expires_at)} at least, renewed while it lives: wait for it to end, or stop it;"
        " a run that died gives way at that time"
    )


def _utc(moment: datetime | None) -> str:
    return "an unknown time" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _lost(session: Session, fence: Fence, what: str) -> str:
    rows = session.query(fencing.read(fence.schema), [fence.table, fence.scope], what=what)
    if not rows:
        return (
            f"{fence.table}: the row of scope {fence.scope} in FLEXT_FENCE is gone; nothing was"
            " committed; run again"
        )
    row = _row(rows[0])
    return (
        f"{fence.table}: scope {fence.scope} is now held by run {row.run_id} of {row.owner}"
        f" (fence {row.number}, sequence {row.last}; this run has fence {fence.number}); nothing"
        " more was committed by this run; let the other one finish"
    )
