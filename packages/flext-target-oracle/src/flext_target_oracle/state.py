"""Which STATE may be written: bookmarks of what is durable, and each line complete.

A STATE line covers the records received before it. A stream's bookmark of that line may go out
when all those records of the stream are durable; anything else in the line when those of all
streams are. A line is written only when every part of the newest STATE has a value that may go
out, so that a reader who keeps the last line loses no stream. Pure; not safe under threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_BOOKMARKS = "bookmarks"
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Received:
    parts: dict[Path, Any]
    positions: dict[str, int]


class Bookmarks:
    """The STATE messages of a run against the records that are durable."""

    def __init__(self) -> None:
        self._pending: deque[_Received] = deque()
        self._durable: dict[str, int] = {}
        self._settled: dict[Path, Any] = {}
        self._newest: dict[str, Any] | None = None
        self._written: dict[str, Any] | None = None

    def received(self, state: dict[str, Any], positions: Mapping[str, int]) -> None:
        """Take a STATE message.

        Args:
            state: its value.
            positions: how many records of each stream came before it.
        """
        self._newest = state
        self._pending.append(_Received(dict(_parts(state)), dict(positions)))

    def covered(self, stream: str, position: int) -> Any:
        """Return the stream's newest bookmark that so many of its records cover; None if none."""
        found = None
        for entry in self._pending:
            if entry.positions.get(stream, 0) <= position:
                for path in ((_BOOKMARKS, stream), (stream,)):
                    found = entry.parts.get(path, found)
        return found

    def durable(self, stream: str, position: int) -> None:
        """Take note that the stream's records up to that position are committed.

        It may be told late: what comes after has been committed after it.
        """
        self._durable[stream] = max(position, self._durable.get(stream, 0))

    def line(self) -> dict[str, Any] | None:
        """Return the state to be written now; None if there is none, or none that is new."""
        self._settle()
        if not self._newest:
            return None
        found: dict[Path, Any] = {}
        for path, _ in _parts(self._newest):
            if path not in self._settled:
                return None
            found[path] = self._settled[path]
        state = _assembled(self._newest, found)
        if state == self._written:
            return None
        self._written = state
        return state

    def _settle(self) -> None:
        """Take over what has become durable, oldest first, and forget what is used up."""
        for entry in self._pending:
            whole = self._holds(entry)
            for path, value in entry.parts.items():
                if whole or self._stream_holds(entry, path):
                    self._settled[path] = value
        while self._pending and self._holds(self._pending[0]):
            self._pending.popleft()

    def _holds(self, entry: _Received) -> bool:
        return all(
            self._durable.get(stream, 0) >= position for stream, position in entry.positions.items()
        )

    def _stream_holds(self, entry: _Received, path: Path) -> bool:
        stream = path[-1]
        position = entry.positions.get(stream)
        return position is not None and self._durable.get(stream, 0) >= position


def _parts(state: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The values that stand for themselves: each bookmark, and each other key."""
    for key, value in state.items():
        if key == _BOOKMARKS and isinstance(value, Mapping):
            for stream, bookmark in value.items():
                yield (_BOOKMARKS, stream), bookmark
        else:
            yield (key,), value


def _assembled(form: Mapping[str, Any], parts: Mapping[Path, Any]) -> dict[str, Any]:
    """The parts in the form and order of a state."""
    state: dict[str, Any] = {}
    for key, value in form.items():
        if key == _BOOKMARKS and isinstance(value, Mapping):
            state[key] = {stream: parts[_BOOKMARKS, stream] for stream in value}
        else:
            state[key] = parts[(key,)]
    return state


def bookmark_of(state: Mapping[str, Any], stream: str) -> Any:
    """Return the stream's bookmark of a state in either form; None if it has none."""
    held = state.get(_BOOKMARKS)
    return held.get(stream) if isinstance(held, Mapping) else state.get(stream)
