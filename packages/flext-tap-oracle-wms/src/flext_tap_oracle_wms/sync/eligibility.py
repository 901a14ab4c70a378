"""Which facilities and companies the user sees, run after run.

The WMS leaves rows of others out without a word. When an administrator adds a facility, its
history turns up with old modification times that no window would ever cover; when one is taken
away, its rows look removed. The first is read from scratch, the second never deletes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flext_observability import emit
from flext_tap_oracle_wms import paging
from flext_tap_oracle_wms.errors import AccessError, AuthenticationError, EligibilityError
from flext_tap_oracle_wms.events import (
    EligibilityExtended,
    EligibilityReduced,
    EligibilityUnwatched,
)
from flext_tap_oracle_wms.paging import Interval
from flext_tap_oracle_wms.sizing import PageSize
from flext_tap_oracle_wms.sync import reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flext_tap_oracle_wms.bookmarks import State
    from flext_tap_oracle_wms.clock import Clock
    from flext_tap_oracle_wms.settings import Settings
    from flext_tap_oracle_wms.sync.reading import Source

ENTITIES = ("facility", "company")


def watch(source: Source, state: State, settings: Settings, clock: Clock) -> None:
    """Compare what the user sees with what it saw, and note what must be read for it.

    Raises:
        EligibilityError: it grew, and the settings want that to fail.
        TapError: it could not be read.
    """
    before = state.visible()
    now = dict(before)
    for entity in ENTITIES:
        ids = _visible(source, entity, settings, clock)
        if ids is not None:
            now[entity] = ids
    new = {name: _beyond(now[name], before[name]) for name in now if name in before}
    for name, ids in new.items():
        if ids:
            emit(EligibilityExtended(name, tuple(ids), settings.on_eligibility_growth))
        if gone := _beyond(before[name], now[name]):
            emit(EligibilityReduced(name, tuple(gone)))
    if any(new.values()) and settings.on_eligibility_growth == "fail":
        what = "; ".join(f"{name} {', '.join(map(str, ids))}" for name, ids in new.items() if ids)
        raise EligibilityError(
            f"the user sees more than before: {what}. Their history has old modification times, "
            "which no incremental run reads: set on_eligibility_growth to backfill, or to accept "
            "once a full load has run"
        )
    accepted = settings.on_eligibility_growth == "accept"
    state.see(now, {} if accepted else new)


def _beyond(these: Sequence[int], those: Sequence[int]) -> list[int]:
    return sorted(set(these) - set(those))


def _visible(source: Source, entity: str, settings: Settings, clock: Clock) -> list[int] | None:
    params: Mapping[str, str] = {"page_mode": settings.page_mode, "fields": "id"}
    listing = reading.Listing(entity, params, PageSize(settings.page_size))
    found: list[int] = []
    try:
        if not source.confirm(entity, anew=False):
            emit(EligibilityUnwatched(entity, "the WMS does not describe it"))
            return None
        for page in reading.by_id(source, listing, Interval(), clock, descending=False):
            found.extend(paging.ids(page.results))
    except AuthenticationError:
        raise
    except AccessError as error:
        emit(EligibilityUnwatched(entity, str(error)))
        return None
    return sorted(found)
