"""From a completed full load to the incremental bookmark: states in, states out. Pure.

A state here is what `meltano state export` gives per state id: `{"completed": {...}, "partial":
{...}}`, each holding the tap's own state under `singer_state`. What the next run would be given
is the partial state laid over the completed one.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flext_cli.errors import HandOverRefusedError

State = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """An extractor and a loader of one job; `streams` is None when not limited to some."""

    extractor: str
    loader: str
    streams: frozenset[str] | None = None

    def state_id(self, environment: str) -> str:
        """Name of the pair's state in Meltano, which is also the scope of its lease."""
        return f"{environment}:{self.extractor}-to-{self.loader}"


@dataclass(frozen=True)
class Move:
    """What was decided for one stream of one pair: its bookmark before and after."""

    state_id: str
    stream: str
    before: str | None
    after: str
    changed: bool


def merged(entry: Mapping[str, Any] | None) -> State:
    """The tap's state that the next run of this state id would get."""
    if not entry:
        return {}
    completed = (entry.get("completed") or {}).get("singer_state") or {}
    partial = (entry.get("partial") or {}).get("singer_state") or {}
    return _laid_over(partial, completed)


def _laid_over(top: Mapping[str, Any], base: Mapping[str, Any]) -> State:
    result = copy.deepcopy(dict(base))
    for key, value in top.items():
        below = result.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = _laid_over(value, below)
        else:
            result[key] = copy.deepcopy(value)
    return result


def completed_loads(full_state: Mapping[str, Any]) -> dict[str, str]:
    """The start instant of each stream whose full load is complete.

    A load that is under way has ranges and no `completed_at`. A stream without a replication key
    is read whole by every run; the bookmark that it gets as well is ignored by the tap.
    """
    loads = {}
    for stream, bookmark in (full_state.get("bookmarks") or {}).items():
        load = bookmark.get("full_load") or {}
        if load.get("started_at") and load.get("completed_at"):
            loads[stream] = str(load["started_at"])
    return loads


def plan(
    states: Mapping[str, Mapping[str, Any]],
    *,
    environment: str,
    full: Sequence[Pair],
    incremental: Sequence[Pair],
) -> list[Move]:
    """Decide each incremental bookmark: max(existing, start of the full load), so never backwards.

    Raises:
        HandOverRefusedError: no stream of the full pairs has a completed load.
    """
    loads: dict[str, str] = {}
    for pair in full:
        for stream, started_at in completed_loads(
            merged(states.get(pair.state_id(environment)))
        ).items():
            loads[stream] = _later(loads.get(stream), started_at)
    if not loads:
        ids = ", ".join(pair.state_id(environment) for pair in full)
        raise HandOverRefusedError(
            f"no stream has a completed full load in the state of {ids}",
            remedy="run `meltano run full-sync-job` to its end; a cut load resumes where it was",
        )
    moves = []
    for pair in incremental:
        state_id = pair.state_id(environment)
        bookmarks = merged(states.get(state_id)).get("bookmarks") or {}
        for stream, started_at in sorted(loads.items()):
            if pair.streams is not None and stream not in pair.streams:
                continue
            before = (bookmarks.get(stream) or {}).get("replication_key_value")
            after = _later(before, started_at)
            moves.append(Move(state_id, stream, before, after, changed=after != before))
    return moves


def apply(states: Mapping[str, Mapping[str, Any]], moves: Sequence[Move]) -> dict[str, State]:
    """Give the entries to import: per changed state id, all that was in it before.

    A window under way is dropped with the bookmark it began from: the full load has read all of it.
    """
    changed: dict[str, State] = {}
    for move in moves:
        if not move.changed:
            continue
        if move.state_id not in changed:
            changed[move.state_id] = merged(states.get(move.state_id))
        bookmarks = changed[move.state_id].setdefault("bookmarks", {})
        before = bookmarks.get(move.stream) or {}
        bookmarks[move.stream] = {
            **{key: value for key, value in before.items() if key != "window"},
            "replication_key": "mod_ts",
            "replication_key_value": move.after,
            "handed_over": True,
        }
    return {
        state_id: {"completed": {"singer_state": state}, "partial": {}}
        for state_id, state in changed.items()
    }


def _later(existing: str | None, started_at: str) -> str:
    """The later of two instants, in the existing one's own words when they are equal."""
    if existing is None:
        return started_at
    return existing if _instant(existing) >= _instant(started_at) else started_at


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise HandOverRefusedError(
            f"the bookmark {text!r} has no offset from UTC, so it cannot be compared",
            remedy="correct it with `meltano state set`, for instance by adding +00:00",
        )
    return instant
