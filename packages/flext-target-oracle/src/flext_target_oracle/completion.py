"""The end of a load, within its transaction: rows that are gone, and the shadow merged in.

Nothing here begins or commits; the loader does, under the fence (load-methods.md §3, §4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flext_target_oracle import clock, versions
from flext_target_oracle.connection import Session
from flext_target_oracle.errors import DeletesRefusedError, LoadRefusedError
from flext_target_oracle.fence import Fence
from flext_target_oracle.settings import Settings
from flext_target_oracle.sql import apply, types
from flext_target_oracle.sql.plan import TablePlan
from flext_target_oracle.versions import Load

_NUMBER = types.ColumnType("NUMBER")


@dataclass(frozen=True, slots=True)
class Ended:
    """What the end of a load did to the table; `why_kept` says why nothing was removed."""

    inserted: int = 0
    updated: int = 0
    removed: int = 0
    why_kept: str = ""


def remove_missing(
    session: Session, held: Fence, plan: TablePlan, load: Load, settings: Settings
) -> Ended:
    """Remove, or mark, the rows that an activated version lacks.

    Raises:
        DeletesRefusedError: they are more than `max_delete_percent` of the table.
    """
    now = clock.utc_now()
    what = f"stream {plan.stream}: activating version {load.version}"
    if why := _why_kept(load, settings):
        versions.end(session, held, now)
        return Ended(why_kept=why)
    binds = [load.version, load.began_at]
    kinds = (_NUMBER, types.TIMESTAMP)
    missing, there = session.query(apply.count_missing(plan), binds, what=what, types=kinds)[0]
    remedy = "raise max_delete_percent, or set on_missing to keep"
    _check_share(f"{what}: {plan.label}", missing, there, settings, remedy)
    if settings.on_missing == "hard":
        removed = session.execute(apply.delete_missing(plan), binds, what=what, types=kinds)
    else:
        removed = session.execute(
            apply.mark_missing(plan), [now, *binds], what=what, types=(types.TIMESTAMP, *kinds)
        )
    versions.end(session, held, now)
    return Ended(removed=removed)


def _check_share(what: str, missing: int, there: int, settings: Settings, remedy: str) -> None:
    """Refuse to remove more of a table than may be."""
    if missing * 100 > settings.max_delete_percent * there:
        raise DeletesRefusedError(
            f"{what}: {missing} of the {there} rows are not in the load, more than"
            f" max_delete_percent ({settings.max_delete_percent}) allows; nothing was removed. Look"
            f" whether the tap's user still sees all of the source; then {remedy}"
        )


def _why_kept(load: Load, settings: Settings) -> str:
    if settings.on_missing == "keep":
        return "on_missing is keep"
    if not load.tracked:
        return "the load began while versions were not tracked"
    if load.rejected:
        return f"{load.rejected} rows of the load were refused"
    return ""


def shadow_plan(live: TablePlan, control_schema: str, load: Load) -> TablePlan:
    """Return the plan of a load's shadow: the table's columns, in the control schema."""
    if load.shadow is None:
        raise ValueError("the load has no shadow")
    carried = tuple(name for name in live.extras if name not in apply.PRESENCE)
    return replace(
        live, schema=control_schema, table=load.shadow, extras=carried, staged_as=live.table
    )


def swap(session: Session, held: Fence, live: TablePlan, load: Load, settings: Settings) -> Ended:
    """Merge the shadow into the table and remove what it lacks; no DDL, so readers see either.

    Raises:
        DeletesRefusedError: the load had no row at all, and the table has more than may go.
        LoadRefusedError: rows without key were refused, so what is gone cannot be told.
    """
    what = f"stream {live.stream}: replacing the rows of {live.label}"
    if load.shadow is None:
        raise ValueError("the load has no shadow")
    source = apply.shadow(live, held.schema, load.shadow)
    if load.rejected and not live.key:
        raise LoadRefusedError(
            f"{what}: {load.rejected} rows of the load were refused, and rows without key cannot be"
            " told apart; nothing was replaced. Mend the source, or deselect the stream"
        )
    removed = 0
    if not load.rejected:
        binds, kinds = [load.began_at], (types.TIMESTAMP,)
        # A source without a row looks like one that is broken.
        count = apply.count_emptied(live, held.schema, load.shadow)
        gone, there = session.query(count, binds, what=what, types=kinds)[0]
        _check_share(what, gone, there, settings, "raise max_delete_percent")
        sql = apply.delete_absent(live, held.schema, load.shadow)
        removed = session.execute(sql, binds, what=what, types=kinds)
    inserted = 0
    if live.key:
        inserted = int(session.query(apply.census(live, source, by_key=False), what=what)[0][0])
    merge = apply.apply(live, source, by_key=False)  # a whole load: the optimizer knows best
    touched = session.execute(merge, apply.binds(live, load.version), what=what)
    if seen := apply.presence(live, source, load.version):
        session.execute(*seen, what=what)
    versions.end(session, held, clock.utc_now())
    why = f"{load.rejected} rows of the load were refused" if load.rejected else ""
    if not live.key:
        inserted = touched
    return Ended(inserted, touched - inserted, removed, why)
