"""How many workers the processor has time for. Nothing is begun or waited for here."""

from __future__ import annotations

from collections.abc import Callable

from flext_target_oracle import clock

#: How long a look is worth; a batch of a thousand rows takes a third of that.
WINDOW_S = 0.05
#: Workers that need more than this of a processor's time are left alone: what they leave is not
#: worth what another one costs them.
BUSY_SHARE = 0.5
_LEAST_SHARE = 0.001


class Processor:
    """What the workers of this process need of a processor, looked at again and again.

    Python runs one thread at a time. Where the database answers at once, several at work on one
    stream only take turns, no batch is done earlier, and each costs a fifth more: what a worker has
    at hand has left the processor's cache when its turn comes again. Where the database is waited
    for, others have all the time that is waited.

    Args:
        monotonic_s: the clock on the wall.
        used_s: how much processor time this process has had.

    Attributes:
        workers: how many should be at work at most, at least one.
    """

    def __init__(
        self,
        monotonic_s: Callable[[], float] = clock.monotonic_s,
        used_s: Callable[[], float] = clock.process_s,
    ) -> None:
        self._monotonic_s, self._used_s = monotonic_s, used_s
        self._looked_s, self._had_s = monotonic_s(), used_s()
        self.workers = 1

    def look(self, at_work: int) -> None:
        """Judge by what so many workers needed since the last look, if that was long enough ago."""
        elapsed_s = self._monotonic_s() - self._looked_s
        if elapsed_s < WINDOW_S:
            return
        used_s = self._used_s()
        share = max((used_s - self._had_s) / elapsed_s, _LEAST_SHARE)
        self.workers = max(int(at_work * BUSY_SHARE / share), 1)
        self._looked_s += elapsed_s
        self._had_s = used_s
