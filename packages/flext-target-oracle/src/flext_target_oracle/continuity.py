"""Whether the database still holds what the tap begins from (docs/specs/delivery.md §8). Pure.

A bookmark that came back from Meltano says what was loaded; the fence row says what this database
was told. Where the first is ahead, or the table is another one, rows are missing and nobody would
load them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from flext_target_oracle.errors import StreamOutOfStepError


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the tap said it begins from, before the stream's first record.

    Attributes:
        is_known: whether a STATE came; without one the bookmark is not known.
        bookmark: the stream's; None if it has none and begins from nothing.
    """

    is_known: bool = False
    bookmark: Any = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the fence row holds from earlier runs.

    Attributes:
        table_id: OBJECT_ID of the table; None if no run prepared it.
        bookmark: the last one that left in a STATE line, as JSON; None if none did.
    """

    table_id: int | None
    bookmark: str | None


def check(
    stream: str, table: str, beginning: Beginning, remembered: Remembered, table_id: int | None
) -> None:
    """Return if the stream may go on from where the tap begins.

    Args:
        stream: its name.
        table: its table, for the message.
        beginning: what the tap said.
        remembered: what the database says.
        table_id: OBJECT_ID of the table as it is now; None if there is none.

    Raises:
        StreamOutOfStepError: rows before the bookmark may be missing from the table.
    """
    if beginning.is_known and beginning.bookmark is None:
        return  # from nothing: whatever is missing will come
    remedy = (
        f"rows may be missing from it that the tap would not send again: run `flext refresh"
        f" {stream}`, or remove the stream's bookmark from Meltano's state"
    )
    reports = remembered.bookmark is not None or beginning.bookmark is not None
    if remembered.table_id is not None and remembered.table_id != table_id and reports:
        what = "is gone" if table_id is None else "is not the table that was loaded before"
        raise StreamOutOfStepError(f"stream {stream}: {table} {what}; {remedy}")
    if table_id is None and _place(beginning.bookmark) is not None:
        raise StreamOutOfStepError(
            f"stream {stream}: the tap goes on from a bookmark, but {table} is not there; {remedy}"
        )
    if remembered.bookmark is None:
        return
    told = msgspec.json.decode(remembered.bookmark)
    if not _was_handed_over(beginning.bookmark) and _is_ahead(beginning.bookmark, told):
        raise StreamOutOfStepError(
            f"stream {stream}: the tap goes on from a bookmark that is ahead of what this database"
            f" was last told of {table}: it was set back; {remedy}"
        )


def _was_handed_over(bookmark: Any) -> bool:
    return isinstance(bookmark, Mapping) and bookmark.get("handed_over") is True


def _is_ahead(bookmark: Any, told: Any) -> bool:
    """Whether both are places of one kind, and the first is the later one."""
    ours, theirs = _place(bookmark), _place(told)
    if ours is None or theirs is None:
        return False
    return ours[0] == theirs[0] and ours[1] > theirs[1]


def _place(bookmark: Any) -> tuple[str, Any] | None:
    """Return a bookmark's kind and a value that grows; None where it has none that we know."""
    if not isinstance(bookmark, Mapping):
        return None
    load = bookmark.get("full_load")
    if isinstance(load, Mapping) and (began := _instant(load.get("started_at"))) is not None:
        records = load.get("records")
        done = load.get("completed_at") is not None
        return "full", (began, done, records if isinstance(records, int) and not done else 0)
    value = bookmark.get("replication_key_value")
    if (instant := _instant(value)) is not None:
        return "instant", instant
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", value
    return None


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
