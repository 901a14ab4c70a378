"""The content of a batch's transaction: pass the fence, apply, reject, write the ledger.

`apply` is the ordinary way. Where Oracle refuses it for a value, `apply_carefully` finds the rows
at fault under a savepoint (docs/specs/delivery.md §6). Who calls them, and again, is the loader's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flext_target_oracle import fence, ledger, staging, versions
from flext_target_oracle.clock import monotonic_s
from flext_target_oracle.connection import Session
from flext_target_oracle.delivery import Delivery, Surroundings
from flext_target_oracle.errors import ContendedError, DatabaseError, RowDataError
from flext_target_oracle.ledger import Counts, Entry
from flext_target_oracle.rows import Reject
from flext_target_oracle.sql import apply as merging
from flext_target_oracle.sql import statements
from flext_target_oracle.staging import Staged

Row = tuple[Any, ...]
_DUPLICATE = "ORA-00001"


@dataclass(frozen=True, slots=True)
class _Effect:
    inserted: int
    updated: int
    stale: int


def apply(
    session: Session,
    delivery: Delivery,
    entry: Entry,
    shared: Surroundings,
    *,
    staged: Staged,
    staged_s: float,
) -> Counts:
    """Bring the staged batch into the table and commit.

    Raises:
        RowDataError: Oracle refuses a value of some row.
        RowRefusedError: more rows are refused than allowed.
        FenceLostError: another run has taken over.
        DirectPathError: what was staged by direct path cannot be relied on.
    """
    began_s = monotonic_s()
    rejects = [*delivery.rejects, *staged.refused]
    delivery.refuse(rejects, shared)
    fence.step(session, entry.fence, entry.sequence, bookmark=delivery.tell)
    staging.claim(session, staged, entry)
    effect = _Effect(0, 0, 0)
    if len(delivery.rows) > len(staged.refused):
        effect = _merge(session, delivery, entry, staged.plain_table)
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
    rows, faults, passing = delivery.rows, list[Reject](), None

    def attempt(some: list[Row]) -> tuple[list[Reject], _Effect]:
        session.execute(statements.ROLLBACK_TO_SAVEPOINT, what=what)
        refused = staging.by_array_insert(session, delivery, entry, some)
        if len(some) == len(refused):
            return refused, _Effect(0, 0, 0)
        return refused, _merge(session, delivery, entry)

    while True:
        try:
            refused, effect = attempt(rows)
        except (RowDataError, ContendedError) as error:
            passing, cause = first_refused(rows, error, attempt, passing)
            why = str(cause).removeprefix(f"{_doing(entry)}: ").removeprefix(f"{cause.code}: ")
            faults.append(delivery.reject(rows[passing], cause.code, why))
            delivery.refuse([*delivery.rejects, *faults], shared)
            rows = [*rows[:passing], *rows[passing + 1 :]]
        else:
            break
    delivery.refuse([*delivery.rejects, *faults, *refused], shared)
    return _conclude(session, delivery, entry, effect, (0.0, began_s))


def first_refused(
    rows: list[Row],
    error: DatabaseError,
    attempt: Callable[[list[Row]], object],
    known: int | None = None,
) -> tuple[int, DatabaseError]:
    """Return the position of a row without which the rows before it pass, and why it is refused.

    Args:
        rows: which together are refused.
        error: for which.
        attempt: tries some rows on a clean slate; raises where they are refused.
        known: so many rows pass, and the one behind them was at fault; None: nothing is known yet.
            Faults come in clusters, so the next one is looked for from there on by steps that
            double, and only then by halving.

    Raises:
        DatabaseError: what is no matter of a row.
    """
    passing, failing = known or 0, len(rows)
    step = failing if known is None else 1
    while failing - passing > 1:
        middle = passing + min(step, (failing - passing) // 2)
        try:
            attempt(rows[:middle])
        except (RowDataError, ContendedError) as found:
            _require_row_fault(found)
            failing, error, step = middle, found, failing
        else:
            passing, step = middle, step * 2
    _require_row_fault(error)
    return failing - 1, error


def _require_row_fault(error: DatabaseError) -> None:
    """A deadlock is no row's fault; a key that is there twice is, once all tries met it."""
    if isinstance(error, ContendedError) and error.code != _DUPLICATE:
        raise error


def _doing(entry: Entry) -> str:
    return f"stream {entry.stream}: applying batch {entry.sequence} (rolled back)"


def _merge(
    session: Session, delivery: Delivery, entry: Entry, plain_table: str | None = None
) -> _Effect:
    plan, version, what = delivery.plan, delivery.batch.raw.version, _doing(entry)
    source = merging.staged(plan, entry.fence.schema, plain_table)
    binds = merging.binds(plan, version)
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
    fence.prolong(session, entry.fence, counts.apply_s)
    delivery.commit_began_s = monotonic_s()
    ledger.write(session, entry, counts, delivery.tell or delivery.batch.bookmark)
    return counts
