"""How many workers: as many as leave half of a processor, by what they were seen to need."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle.processor import BUSY_SHARE, WINDOW_S, Processor


class Clocks:
    """A process of which so many workers each need a share of a processor."""

    def __init__(self) -> None:
        self.wall_s = self.used_s = 0.0

    def pass_by(self, seconds: float, workers: int, share: float) -> None:
        self.wall_s += seconds
        self.used_s += seconds * min(workers * share, 1.0)


@given(st.floats(0.005, 1.0), st.integers(1, 20), st.integers(1, 20))
def test_as_many_as_leave_half_of_it_wherever_it_begins(
    share: float, at_work: int, most: int
) -> None:
    clocks = Clocks()
    processor = Processor(lambda: clocks.wall_s, lambda: clocks.used_s)
    for _ in range(12):
        clocks.pass_by(2 * WINDOW_S, at_work, share)
        processor.look(at_work)
        at_work = min(processor.workers, most)
    assert processor.workers in _near(BUSY_SHARE / share)


def _near(wanted: float) -> set[int]:
    """Where it is a whole number, the clocks' rounding decides."""
    return {max(int(wanted * factor), 1) for factor in (1 - 1e-6, 1, 1 + 1e-6)}


@given(st.floats(0, WINDOW_S * 0.99), st.integers(0, 5))
def test_a_look_too_soon_says_nothing_new(elapsed_s: float, at_work: int) -> None:
    clocks = Clocks()
    processor = Processor(lambda: clocks.wall_s, lambda: clocks.used_s)
    clocks.pass_by(1.0, 1, 0.1)
    processor.look(1)
    assert processor.workers == 5
    clocks.pass_by(elapsed_s, 1, 1.0)
    processor.look(at_work)
    assert processor.workers == 5


def test_where_none_is_at_work_one_may_be() -> None:
    clocks = Clocks()
    processor = Processor(lambda: clocks.wall_s, lambda: clocks.used_s)
    clocks.pass_by(1.0, 0, 0.0)
    processor.look(0)
    assert processor.workers == 1
