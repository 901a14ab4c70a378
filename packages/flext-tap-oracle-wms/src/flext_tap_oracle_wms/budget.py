"""How many requests are in flight at a time, over all streams: the one brake on the WMS.

Additive increase, multiplicative decrease: the budget starts at its limit, halves on 429, 503
and timeouts, shrinks by a quarter while answers take much longer than they used to, and grows
back by one for every round of good answers. What a request is, is not known here.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from flext_observability import emit
from flext_tap_oracle_wms.events import BudgetChanged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flext_tap_oracle_wms.clock import Clock

Outcome: TypeAlias = Literal["good", "other", "overload"]
#: Answers this much slower than usual, and by this much, tell of a server under strain.
_SLOWER_TIMES = 3.0
_SLOWER_S = 0.5
#: Weight of the newest answer in what counts as the present pace.
_NEWEST = 0.25
#: The usual pace gives way to a slower one by this much per answer, so that it is not for ever.
_FORGETTING = 1.02


def grown(size: float, limit: int) -> float:
    """Return the budget after a good answer: one more request for each round of them."""
    return min(float(limit), size + 1.0 / size)


def halved(size: float) -> float:
    """Return the budget after a sign of overload."""
    return max(1.0, size / 2.0)


def eased(size: float) -> float:
    """Return the budget after answers have become slow."""
    return max(1.0, size * 0.75)


@dataclass(frozen=True)
class Pace:
    """How long answers of a kind take: now, and usually.

    Attributes:
        now_s: a moving mean of the latest answers.
        usual_s: the least mean of late, slowly forgotten.
    """

    now_s: float
    usual_s: float

    @property
    def slow(self) -> bool:
        """Whether answers take much longer than usual."""
        return self.now_s > self.usual_s * _SLOWER_TIMES and self.now_s > self.usual_s + _SLOWER_S


def paced(before: Pace | None, seconds: float) -> Pace:
    """Return the pace with one more answer in it."""
    if before is None:
        return Pace(seconds, seconds)
    now_s = before.now_s + _NEWEST * (seconds - before.now_s)
    return Pace(now_s, min(before.usual_s * _FORGETTING, now_s))


@dataclass
class Slot:
    """A request's place among those in flight; its holder says how it went."""

    number: int
    kind: str
    outcome: Outcome = "other"
    seconds: float = 0.0


class Budget:
    """The requests that may be in flight, shared by all threads of a run."""

    def __init__(self, limit: int, clock: Clock, *, requests_per_second: float | None = None):
        self._limit = limit
        self._clock = clock
        self._interval_s = 1.0 / requests_per_second if requests_per_second else 0.0
        self._size = float(limit)
        self._in_flight = 0
        self._kinds: Counter[str] = Counter()
        self._begun = 0
        #: Requests that began before this one say nothing new of an overload.
        self._judged_from = 0
        self._paces: dict[str, Pace] = {}
        self._next_at_s = 0.0
        #: Who waits, in the order of coming: ranges that are read side by side end side by side.
        self._turns: deque[threading.Condition] = deque()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Return how many requests may be in flight now."""
        with self._lock:
            return int(self._size)

    def in_flight(self, prefix: str) -> int:
        """Return how many requests are in flight now whose kind begins like this."""
        with self._lock:
            return sum(n for kind, n in self._kinds.items() if kind.startswith(prefix))

    @contextlib.contextmanager
    def slot(self, kind: str) -> Iterator[Slot]:
        """Wait for a place; the block sets `outcome` and `seconds` of what it is given.

        Args:
            kind: what is asked for; only requests of one kind are compared in time.
        """
        held = self._enter(kind)
        try:
            yield held
        finally:
            self._leave(held)

    def _enter(self, kind: str) -> Slot:
        with self._lock:
            turn = threading.Condition(self._lock)
            self._turns.append(turn)
            try:
                turn.wait_for(lambda: self._turns[0] is turn and self._in_flight < int(self._size))
                self._in_flight += 1
                self._kinds[kind] += 1
            finally:
                self._turns.remove(turn)
                self._call_next()
            self._begun += 1
            held = Slot(self._begun, kind)
            pause_s = self._reserve()
        if pause_s > 0:
            self._clock.sleep(pause_s)
        return held

    def _reserve(self) -> float:
        """Take the next instant at which a request may start; return the wait for it."""
        if not self._interval_s:
            return 0.0
        now_s = self._clock.monotonic_s()
        start_s = max(now_s, self._next_at_s)
        self._next_at_s = start_s + self._interval_s
        return start_s - now_s

    def _leave(self, held: Slot) -> None:
        with self._lock:
            self._in_flight -= 1
            self._kinds[held.kind] -= 1
            before = int(self._size)
            reason = self._judge(held)
            after = int(self._size)
            self._call_next()
        if after != before:
            emit(BudgetChanged(before, after, reason))

    def _call_next(self) -> None:
        """Let whoever is first see whether its turn has come; only that one can go."""
        if self._turns:
            self._turns[0].notify()

    def _judge(self, held: Slot) -> str:
        if held.outcome == "overload":
            if held.number > self._judged_from:
                self._size = halved(self._size)
                self._judged_from = self._begun
            return "overload"
        if held.outcome == "good":
            pace = self._paces[held.kind] = paced(self._paces.get(held.kind), held.seconds)
            if not pace.slow:
                self._size = grown(self._size, self._limit)
                return "recovery"
            if held.number > self._judged_from:
                self._size = eased(self._size)
                self._judged_from = self._begun
            return "latency"
        return "other"
