"""The tap's state: what was given, what each stream has reached, and how that is written down.

Every text form is decided here. Nothing is printed here; `emit` does that. The shapes are those
of docs/specs/tap-state.md.
"""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from flext_tap_oracle_wms.errors import StateError
from flext_tap_oracle_wms.paging import Interval
from flext_tap_oracle_wms.windows import Lookback, Window, instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_encoder = msgspec.json.Encoder()
_REMEDY = "; correct it, or remove the stream's bookmark, which reads the stream anew"
#: What of a bookmark holds for the filters only that it was made with.
_OF_FILTERS = (
    "replication_key_value",
    "window",
    "full_load",
    "deep_lookback_at",
    "daily_lookback_at",
    "handed_over",
    "backfill",
)


@dataclass(frozen=True)
class OpenWindow:
    """A window that is not drained: what it covers and the last id that was emitted."""

    window: Window
    last_id: int | None


@dataclass(frozen=True)
class OpenLoad:
    """A full load that is not complete.

    Attributes:
        ranges: the ids that are left to read; None where it cannot be resumed.
        records: the rows that are emitted so far.
    """

    started_at: datetime
    ranges: tuple[Interval, ...] | None
    records: int = 0


class State:
    """The whole state of a run; a copy of it is a complete Singer STATE value.

    It begins as what was given, keys it does not know included, and never loses a bookmark.
    """

    def __init__(self, given: Mapping[str, Any] | None) -> None:
        self._lock = threading.Lock()
        #: Streams whose part is written as it was, until what it covers has gone out.
        self._held: dict[str, Any] = {}
        self._value: dict[str, Any] = copy.deepcopy(dict(given or {}))
        bookmarks = self._value.get("bookmarks", {})
        if not isinstance(bookmarks, dict) or not all(
            isinstance(entry, dict) for entry in bookmarks.values()
        ):
            raise StateError("state: bookmarks must map each stream to an object")

    def value(self) -> dict[str, Any]:
        """Return a copy of the whole state."""
        with self._lock:
            return copy.deepcopy(self._value)

    def encoded(self) -> bytes:
        """Return the whole state as JSON; of a stream that is held, the part that was."""
        with self._lock:
            if not self._held:
                return _encoder.encode(self._value)
            merged = {**self._value.get("bookmarks", {}), **self._held}
            shown = {name: part for name, part in merged.items() if part is not None}
            bookmarks = {"bookmarks": shown} if shown or "bookmarks" in self._value else {}
            return _encoder.encode({**self._value, **bookmarks})

    def hold(self, stream: str) -> None:
        """Write a stream's part as it is now, whatever it becomes, until it is held anew."""
        with self._lock:
            part = self._value.get("bookmarks", {}).get(stream)
            self._held[stream] = copy.deepcopy(part)

    def visible(self) -> dict[str, list[int]]:
        """Return the ids of the facilities and companies that the user saw, by entity.

        Raises:
            StateError: they are not written as the tap writes them.
        """
        with self._lock:
            found = copy.deepcopy(self._value.get("visible", {}))
        if not isinstance(found, dict) or not all(
            isinstance(ids, list) and all(isinstance(n, int) for n in ids) for ids in found.values()
        ):
            raise StateError("state: visible must map entities to lists of ids")
        return found

    def see(self, visible: Mapping[str, Sequence[int]], new: Mapping[str, Sequence[int]]) -> None:
        """Note what the user sees, and for every bookmark what of it must be read from scratch.

        Both in one step: whoever has the one has the other.
        """
        with self._lock:
            self._value["visible"] = {name: sorted(ids) for name, ids in visible.items()}
            if not any(new.values()):
                return
            for entry in self._value.get("bookmarks", {}).values():
                if not entry.get("replication_key_value") and not entry.get("window"):
                    continue
                due = entry.setdefault("backfill", {})
                for name, ids in new.items():
                    due[name] = sorted({*due.get(name, ()), *ids})

    def stream(self, stream: str) -> StreamState:
        """Return one stream's part."""
        return StreamState(stream, self)

    def read(self, stream: str) -> dict[str, Any]:
        """Return a copy of a stream's bookmark, empty if it has none."""
        with self._lock:
            return copy.deepcopy(self._value.get("bookmarks", {}).get(stream, {}))

    def write(self, stream: str, changes: Mapping[str, Any], dropped: Sequence[str] = ()) -> None:
        """Set and drop keys of a stream's bookmark."""
        with self._lock:
            entry = self._value.setdefault("bookmarks", {}).setdefault(stream, {})
            entry.update(copy.deepcopy(dict(changes)))
            for key in dropped:
                entry.pop(key, None)


class StreamState:
    """One stream's bookmark, window and full load, read and written by their meaning."""

    def __init__(self, stream: str, state: State) -> None:
        self.stream_name = stream
        self._state = state

    def _entry(self) -> dict[str, Any]:
        return self._state.read(self.stream_name)

    def _instant(self, value: Any, key: str) -> datetime | None:
        if value is None:
            return None
        try:
            instant = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise StateError(
                f"state: {key} of stream {self.stream_name} is {value!r}, not an ISO 8601 time"
                f"{_REMEDY}"
            ) from None
        if instant.tzinfo is None:
            raise StateError(
                f"state: {key} of stream {self.stream_name} is {value!r}, without an offset "
                "from UTC; add one, such as +00:00"
            )
        return instant.astimezone(UTC)

    def _integer(self, value: Any, key: str) -> int | None:
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise StateError(
            f"state: {key} of stream {self.stream_name} is {value!r}, not an id{_REMEDY}"
        )

    def bookmark(self) -> datetime | None:
        """Return the instant up to which everything was emitted."""
        return self._instant(self._entry().get("replication_key_value"), "replication_key_value")

    def handed_over(self) -> bool:
        """Whether the bookmark is a full load's start and no window followed yet."""
        return bool(self._entry().get("handed_over"))

    def looked_back_at(self) -> tuple[datetime | None, datetime | None]:
        """Return the ends of the last windows that looked back deeply, and a day."""
        entry = self._entry()
        deep, daily = "deep_lookback_at", "daily_lookback_at"
        return self._instant(entry.get(deep), deep), self._instant(entry.get(daily), daily)

    def open_window(self) -> OpenWindow | None:
        """Return the window that a former run did not drain.

        One that ends at or before the bookmark is drained: Meltano lays partial states over each
        other, so that a removed key can come back.
        """
        found = self._entry().get("window")
        if not found:
            return None
        if not isinstance(found, dict):
            raise StateError(f"state: window of stream {self.stream_name} is no object{_REMEDY}")
        end = self._instant(found.get("to"), "window.to")
        bookmark = self.bookmark()
        if end is None or (bookmark is not None and end <= bookmark):
            return None
        lookback = found.get("lookback", "short")
        if lookback not in get_args(Lookback):
            raise StateError(
                f"state: window.lookback of {self.stream_name} is {lookback!r}{_REMEDY}"
            )
        start = self._instant(found.get("from"), "window.from")
        return OpenWindow(
            Window(start, end, lookback), self._integer(found.get("last_id"), "window.last_id")
        )

    def checkpoint(self, key: str, window: Window, last_id: int | None) -> None:
        """Note how far a window is read; the bookmark stays."""
        start = None if window.start is None else instant_text(window.start)
        found: dict[str, Any] = {
            "from": start,
            "to": instant_text(window.end),
            "lookback": window.lookback,
        }
        if last_id is not None:
            found["last_id"] = last_id
        self._state.write(self.stream_name, {"replication_key": key, "window": found})

    def drained(self, key: str, window: Window) -> None:
        """Move the bookmark to the end of a window whose rows are all emitted."""
        end = instant_text(window.end)
        changes: dict[str, Any] = {"replication_key": key, "replication_key_value": end}
        if window.lookback in {"deep", "daily", "handover", "none"}:
            changes["deep_lookback_at"] = end
        if window.lookback in {"daily", "handover", "none"}:
            changes["daily_lookback_at"] = end
        if self.handed_over():
            changes["handed_over"] = False
        self._state.write(self.stream_name, changes, dropped=("window",))

    def open_load(self) -> OpenLoad | None:
        """Return the full load that a former run did not complete."""
        found = self._entry().get("full_load")
        if not found:
            return None
        if not isinstance(found, dict):
            raise StateError(f"state: full_load of stream {self.stream_name} is no object{_REMEDY}")
        started_at = self._instant(found.get("started_at"), "full_load.started_at")
        if started_at is None or found.get("completed_at"):
            return None
        ranges = found.get("ranges")
        if ranges is None:
            return OpenLoad(started_at, None)
        if not isinstance(ranges, list) or not all(isinstance(item, dict) for item in ranges):
            raise StateError(
                f"state: full_load.ranges of {self.stream_name} is no list of ranges{_REMEDY}"
            )
        return OpenLoad(
            started_at,
            tuple(
                Interval(
                    self._integer(item.get("above"), "full_load.ranges.above"),
                    self._integer(item.get("below"), "full_load.ranges.below"),
                )
                for item in ranges
            ),
            self._integer(found.get("records"), "full_load.records") or 0,
        )

    def loading(
        self, started_at: datetime, ranges: Sequence[Interval] | None, records: int = 0
    ) -> None:
        """Note what a full load has still to read; None where it could not be resumed.

        completed_at is written as null, not left out: see `open_window` for why.
        """
        found: dict[str, Any] = {"started_at": instant_text(started_at), "completed_at": None}
        if ranges is not None:
            found["ranges"] = [{"above": item.above, "below": item.below} for item in ranges]
            found["records"] = records
        self._state.write(self.stream_name, {"full_load": found})

    def loaded(self, started_at: datetime, completed_at: datetime) -> None:
        """Note that a full load is complete; no range is left."""
        found = {
            "started_at": instant_text(started_at),
            "completed_at": instant_text(completed_at),
        }
        self._state.write(self.stream_name, {"full_load": found})

    def due_backfill(self) -> dict[str, list[int]]:
        """Return the facilities and companies whose history is still to be read, by entity."""
        found = self._entry().get("backfill") or {}
        if not isinstance(found, dict) or not all(isinstance(v, list) for v in found.values()):
            raise StateError(
                f"state: backfill of {self.stream_name} must map entities to ids{_REMEDY}"
            )
        return found

    def backfilled(self) -> None:
        """Note that no such history is left to read."""
        self._state.write(self.stream_name, {"backfill": {}})

    def use_filters(self, text: str) -> bool:
        """Note the filters that are in force, as one text; whether the stream begins anew.

        With other filters than before, its bookmark, window and load mean other rows.
        """
        before = self._entry().get("filters")
        anew = before is not None and before != text
        if anew:
            self._state.write(self.stream_name, {}, dropped=_OF_FILTERS)
        if text or anew:
            self._state.write(self.stream_name, {"filters": text})
        return anew
