"""What our own tables say, for people: who holds what, what was done lately, what was refused.

Reads, but for refused rows that were brought in since; a run goes by `fence` and `ledger`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from flext_target_oracle import catalogue, continuity
from flext_target_oracle.connection import Session
from flext_target_oracle.continuity import Beginning, Remembered
from flext_target_oracle.errors import DatabaseError, StreamOutOfStepError
from flext_target_oracle.sql import overview, types

_TEXT, _NUMBER = types.text(), types.ColumnType("NUMBER")
_REJECT_BINDS = (_TEXT, _TEXT, _TEXT, _TEXT, _NUMBER)
_NOT_THERE = "ORA-00942"


@dataclass(frozen=True, slots=True)
class Held:
    """A fence row.

    Attributes:
        table: as SCHEMA.TABLE.
        is_live: whether a run holds it now, by the database's clock.
        table_id: OBJECT_ID of the table when it was last prepared.
        exclusive_for: why no other scope may use the table, None if they may.
        bookmark: what the database was told last, decoded; None if it was told nothing.
    """

    table: str
    scope: str
    fence: int
    run_id: str | None
    owner: str | None
    acquired_at: datetime | None
    expires_at: datetime | None
    is_live: bool
    table_id: int | None
    exclusive_for: str | None
    bookmark: Any


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the ledger says of one stream of one scope."""

    table: str
    scope: str
    stream: str
    batches: int
    received: int
    inserted: int
    updated: int
    rejected: int
    deleted: int
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was refused; times are UTC by the database's clock.

    Attributes:
        extracted_at: when the tap read it; None of a row that an older FLEXT refused.
        record: as it came, JSON.
    """

    reject_id: str
    run_id: str
    stream: str
    table: str
    column: str | None
    code: str
    message: str
    rejected_at: datetime
    extracted_at: datetime | None
    record: str


def fences(session: Session, schema: str) -> list[Held]:
    """Return all fence rows of a control schema; none where our tables are not there."""
    rows = _found(session, overview.fences(schema), "reading the fences")
    return [
        Held(
            table, scope, int(fence), run_id, owner, acquired, expires, live == 1,
            None if table_id is None else int(table_id), exclusive,
            None if bookmark is None else msgspec.json.decode(bookmark),
        )
        for table, scope, fence, run_id, owner, acquired, expires, live, table_id, exclusive,
        bookmark in rows
    ]  # fmt: skip


def loaded(session: Session, schema: str, *, days: float) -> list[Loaded]:
    """Return what was loaded in so many last days; none where our tables are not there."""
    what = "reading the ledger"
    rows = _found(session, overview.loaded(schema), what, [days], (_NUMBER,))
    return [
        Loaded(
            table, scope, stream or "", int(batches), int(received or 0), int(inserted or 0),
            int(updated or 0), int(rejected or 0), int(deleted or 0), committed,
        )
        for table, scope, stream, batches, received, inserted, updated, rejected, deleted, committed
        in rows
    ]  # fmt: skip


def rejects(
    session: Session, schema: str, *, stream: str | None, run_id: str | None, limit: int
) -> list[Refused]:
    """Return refused rows, newest first; none where our tables are not there."""
    binds = [stream, stream, run_id, run_id, limit]
    what = "reading the refused rows"
    rows = _found(session, overview.rejects(schema), what, binds, _REJECT_BINDS)
    return [Refused(*row) for row in rows]


def forget_rejects(session: Session, schema: str, reject_ids: Sequence[str]) -> None:
    """Remove refused rows that were brought in since, and commit."""
    what = "removing refused rows that are loaded now"
    sql = overview.forget_rejects(schema)
    session.insert_many(sql, [(each,) for each in reject_ids], (_TEXT,), what=what)
    session.commit()


def out_of_step(session: Session, held: Held, stream: str, bookmark: Any) -> str | None:
    """Return why a run that begins from this bookmark would be refused; None if it would not.

    Args:
        session: of the database that holds the table.
        held: the fence row of the stream's table and scope.
        stream: its name.
        bookmark: the stream's in Meltano's state.
    """
    schema, _, table = held.table.partition(".")
    now = catalogue.table_id(session, schema, table)
    told = None if held.bookmark is None else msgspec.json.encode(held.bookmark).decode()
    try:
        continuity.check(
            stream, held.table, Beginning(True, bookmark), Remembered(held.table_id, told), now
        )
    except StreamOutOfStepError as error:
        return str(error)
    return None


def _found(
    session: Session,
    sql: str,
    what: str,
    binds: list[Any] | None = None,
    kinds: tuple[types.ColumnType, ...] = (),
) -> list[tuple[Any, ...]]:
    try:
        return session.query(sql, binds or [], what=what, types=kinds)
    except DatabaseError as error:
        if error.code == _NOT_THERE:
            return []
        raise
