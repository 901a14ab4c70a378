"""Which server calls have been cut: every one that a run makes, met for the first time, is.

A call is known by its statement and by the call before it on its connection, so that the same
statement behind another is another call. What differs between runs that are alike (binds, cursors,
the hash in a staging table's name) is left out. Runs are repeated until one meets nothing new: then
each call of a whole run has been cut, and each of the calls that mend what a cut left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

When = Literal["before", "after"]
Call = tuple[bytes, bytes]

MOST_RUNS = 400
_STATEMENT = re.compile(
    rb"(?:SELECT|INSERT|UPDATE|DELETE|MERGE|CREATE|ALTER|DROP|TRUNCATE|SAVEPOINT|ROLLBACK TO)"
    rb" [ -~\n]+"
)
_TABLE = re.compile(rb"(?:FLEXT|WMS)_[A-Z0-9_]+")
_SHADOW = re.compile(rb"(FLEXT_O_[0-9A-F]{12})_[0-9A-F]{8}")
_STAGING = re.compile(rb"FLEXT_G_[0-9A-F]{20}")
_SESSION = (b"logon", b"ALTER SESSION")


@dataclass
class Explorer:
    """Cuts what is new, and remembers it.

    Attributes:
        whens: how each call is cut, one way after the other.
        reads: how one is cut that takes no effect: a query without lock, or what begins a session.
        is_fatal: whether a cut is the end: from then on the run reaches no server.
        only: of the calls, those whose statement, or the one before it, holds one of these texts;
            empty: all.
        cut: what was cut.
    """

    whens: tuple[When, ...]
    reads: tuple[When, ...]
    is_fatal: bool
    only: tuple[bytes, ...] = ()
    cut: set[tuple[Call, When]] = field(default_factory=set)
    cuts: int = 0
    calls: int = 0
    last_cut: tuple[Call, When] | None = None
    _first_link: int = 0
    _before: dict[int, bytes] = field(default_factory=dict)
    _shapes: dict[bytes, bytes] = field(default_factory=dict)  # of staging tables, by their names
    _tags: dict[bytes, bytes] = field(default_factory=dict)

    def runs(self, proxy: Any) -> Iterator[int]:
        """Let run after run be cut, and end behind one that met nothing new; counts from 1."""
        for number in range(1, MOST_RUNS + 1):
            self.cuts, self.calls, self._first_link, self.last_cut = 0, 0, 0, None
            self._before.clear()
            proxy.leave_to(self.judge)
            yield number
            if not self.cuts:
                return
        raise AssertionError(f"after {MOST_RUNS} runs there is still a new call: {self.last_cut}")

    def judge(self, link: int, place: int, head: bytes) -> When | None:
        """Say what is done to a request, see `fix_proxy.Judge`."""
        if self.is_fatal and self.cuts:
            return "before"
        self.calls += 1
        self._first_link = self._first_link or link
        label = self._label(link, place, head)
        before = self._before.get(link, b"")
        # What a new session begins with is what an old one was at: not another call.
        call = (b"" if before.startswith(_SESSION) else before, label)
        self._before[link] = label
        # A program that never reached its database says so and ends: no retries there.
        if not self.is_fatal and link == self._first_link and label.startswith(_SESSION):
            return None
        if self.only and not any(text in each for text in self.only for each in call):
            return None
        for when in self.reads if _is_read(label) else self.whens:
            if (call, when) not in self.cut and not (call[0] == b"" and self._was(label, when)):
                self.last_cut = call, when
                self.cut.add(self.last_cut)
                self.cuts += 1
                return when
        return None

    def _was(self, label: bytes, when: When) -> bool:
        """Whether the call was cut behind some other."""
        return any(cut[0][1] == label and cut[1] == when for cut in self.cut)

    def _label(self, link: int, place: int, head: bytes) -> bytes:
        found = _STATEMENT.search(head)
        if found is None:
            before = self._before.get(link, b"logon")
            return before + b"+"
        statement, binds = found.group(), head[found.end() :]
        names = b" ".join(_TABLE.findall(binds))
        if statement.startswith(b"CREATE GLOBAL"):
            (name,) = _STAGING.findall(statement)
            shape = _STAGING.sub(b"", statement)
            self._shapes[name] = self._tags.setdefault(shape, b"STAGING_%d" % len(self._tags))
        return self._alike(statement + b" | " + names)

    def _alike(self, text: bytes) -> bytes:
        text = _STAGING.sub(lambda found: self._shapes.get(found.group(), b"STAGING"), text)
        return _SHADOW.sub(rb"\1", text)


def _is_read(label: bytes) -> bool:
    if label.startswith(_SESSION):
        return True
    return label.startswith(b"SELECT") and b"FOR UPDATE" not in label and not label.endswith(b"+")
