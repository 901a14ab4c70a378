"""The content of a batch's transaction: stage, pass the fence, apply, reject, write the ledger.

`apply` is the ordinary way. Where Oracle refuses it for a value, `apply_carefully` finds the rows
at fault under a savepoint (docs/specs/delivery.md §6). Who calls them, and again, is the loader's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flext_target_oracle import fence, ledger, versions
from flext_target_oracle.clock import monotonic_s
from flext_target_oracle.connection import Session
from flext_target_oracle.delivery import Delivery, Surroundings
from flext_target_oracle.errors import ContendedError, DatabaseError, RowDataError
from flext_target_oracle.ledger import Counts, Entry
from flext_target_oracle.rows import Reject
from flext_target_oracle.sql import apply as merging
from flext_target_oracle.sql import statements

Row = tuple[Any, ...]
_DUPLICATE = "ORA-00001"


@dataclass(frozen=True, slots=True)
class _Effect:
    inserted: int
    updated: int
    stale: int


def stage(session: Session, delivery: Delivery, entry: Entry) -> list[Reject]:
    """Put the batch's rows into the staging table; return those that Oracle did not take."""
    return _stage(session, delivery, entry, delivery.rows)


def apply(
    session: Session,
    delivery: Delivery,
    entry: Entry,
    shared: Surroundings,
    *,
    refused: list[Reject],
    staged_s: float,
) -> Counts:
    """Bring the staged batch into the table and commit.

    Raises:
        RowDataError: Oracle refuses a value of some row.
        RowRefusedError: more rows are refused than allowed.
        FenceLostError: another run has taken over.
    """
    began_s = monotonic_s()
    rejects = [*delivery.rejects, *refused]
    delivery.refuse(rejects, shared)
    fence.step(session, entry.fence, entry.sequence, bookmark=delivery.tell)
    effect = _Effect(0, 0, 0)
    if len(delivery.rows) > len(refused):
        effect = _merge(session, delivery, entry)
    return _conclude(session, delivery, entry, effect, (staged_s, began_s))


def apply_carefully(
    session: Session, delivery: Delivery, entry: Entry, shared: Surroundings
) -> Counts:
    """Bring a batch into the table that Oracle refused: without the rows at fault, and commit.

    Raises:
        RowRefusedError: more rows are refused than allowed.
        FenceLostError: another run has taken over.
    """
    began_s = monotonic_s()
    fence.step(session, entry.fence, entry.sequence, bookmark=delivery.tell)
    what = f"stream {entry.stream}: looking for the refused rows of batch {entry.sequence}"
    session.execute(statements.SAVEPOINT, what=what)
    rows, faults = delivery.rows, list[Reject]()

    def attempt(some: list[Row]) -> tuple[list[Reject], _Effect]:
        session.execute(statements.ROLLBACK_TO_SAVEPOINT, what=what)
        refused = _stage(session, delivery, entry, some)
        if len(some) == len(refused):
            return refused, _Effect(0, 0, 0)
        return refused, _merge(session, delivery, entry)

    while True:
        try:
            refused, effect = attempt(rows)
        except (RowDataError, ContendedError) as error:
            position, cause = first_refused(rows, error, attempt)
            why = str(cause).removeprefix(f"{_doing(entry)}: ").removeprefix(f"{cause.code}: ")
            faults.append(delivery.reject(rows[position], cause.code, why))
            delivery.refuse([*delivery.rejects, *faults], shared)
            rows = [*rows[:position], *rows[position + 1 :]]
        else:
            break
    delivery.refuse([*delivery.rejects, *faults, *refused], shared)
    return _conclude(session, delivery, entry, effect, (0.0, began_s))


def first_refused(
    rows: list[Row], error: DatabaseError, attempt: Callable[[list[Row]], object]
) -> tuple[int, DatabaseError]:
    """Return the position of a row without which the rows before it pass, and why it is refused.

    Args:
        rows: which together are refused.
        error: for which.
        attempt: tries some rows on a clean slate; raises where they are refused.

    Raises:
        DatabaseError: what is no matter of a row.
    """
    passing, failing = 0, len(rows)
    while failing - passing > 1:
        middle = (passing + failing) // 2
        try:
            attempt(rows[:middle])
        except (RowDataError, ContendedError) as found:
            _require_row_fault(found)
            failing, error = middle, found
        else:
            passing = middle
    _require_row_fault(error)
    return failing - 1, error


def _require_row_fault(error: DatabaseError) -> None:
    """A deadlock is no row's fault; a key that is there twice is, once all tries met it."""
    if isinstance(error, ContendedError) and error.code != _DUPLICATE:
        raise error


def _stage(session: Session, delivery: Delivery, entry: Entry, rows: list[Row]) -> list[Reject]:
    if not rows:
        return []
    plan = delivery.plan
    kinds = [kind for _, kind in statements.staged(plan)]
    what = f"stream {entry.stream}: staging batch {entry.sequence}"
    sql = statements.stage(plan, entry.fence.schema)
    refused = session.insert_many(sql, rows, kinds, what=what)
    return [delivery.reject(rows[each.row], each.code, each.message) for each in refused]


def _doing(entry: Entry) -> str:
    return f"stream {entry.stream}: applying batch {entry.sequence} (rolled back)"


def _merge(session: Session, delivery: Delivery, entry: Entry) -> _Effect:
    plan, version, what = delivery.plan, delivery.batch.raw.version, _doing(entry)
    source, binds = merging.staged(plan, entry.fence.schema), merging.binds(plan, version)
    bring = merging.apply(plan, source, by_key=True)
    if not plan.key or plan.append:
        return _Effect(session.execute(bring, binds, what=what), 0, 0)
    inserted, stale = session.query(merging.census(plan, source, by_key=True), what=what)[0]
    touched = session.execute(bring, binds, what=what)
    if seen := merging.presence(plan, source, version):
        session.execute(*seen, what=what)
    if delivery.is_for_shadow(entry.fence):
        return _Effect(0, 0, 0)  # nothing of the table has changed yet
    # Where another scope inserted a key in between, it is an update of ours that was counted new.
    inserted = min(int(inserted), touched)
    return _Effect(inserted, touched - inserted, int(stale))


def _conclude(
    session: Session,
    delivery: Delivery,
    entry: Entry,
    effect: _Effect,
    times_s: tuple[float, float],
) -> Counts:
    staged_s, began_s = times_s
    delivery.counts = counts = Counts(
        received=len(delivery.batch.raw.records),
        inserted=effect.inserted,
        updated=effect.updated,
        rejected=len(delivery.refused),
        stage_s=staged_s,
        apply_s=monotonic_s() - began_s,
        stale=effect.stale,
    )
    ledger.write_rejects(session, entry, delivery.refused)
    if delivery.refused and delivery.is_of_load(entry.fence):
        versions.count_rejects(session, entry.fence, len(delivery.refused))
    delivery.commit_began_s = monotonic_s()
    ledger.write(session, entry, counts, delivery.tell or delivery.batch.bookmark)
    return counts
