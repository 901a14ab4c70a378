"""Sums and timings per stream, fed by events."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import ClassVar

import pytest

from flext_observability import Counter, Event, Metric, Timing, bound, emit, metrics
from flext_observability.testing import capture_events


@dataclass(frozen=True)
class BatchApplied(Event):
    """A batch was applied."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        Counter("batches"),
        Counter("rows", field="rows"),
        Timing("apply_seconds", field="seconds"),
        Counter("errors", label="error_class"),
    )
    rows: int
    seconds: float
    error_class: str = "none"
    stream: str | None = None


def test_one_event_feeds_all_that_its_class_declares() -> None:
    emit(BatchApplied(10, 0.5, stream="item"))
    emit(BatchApplied(5, 1.5, "timeout", stream="item"))
    assert metrics.snapshot() == {
        "item": {
            "counters": {"batches": 2, "rows": 15, "errors.none": 1, "errors.timeout": 1},
            "timings": {"apply_seconds": {"count": 2, "seconds": 2.0, "max_seconds": 1.5}},
        }
    }


def test_the_stream_is_the_events_own_else_the_bound_one_else_none() -> None:
    with bound(stream="bound"):
        emit(BatchApplied(1, 0.0, stream="own"))
        emit(BatchApplied(2, 0.0))
    emit(BatchApplied(4, 0.0))
    assert {s: v["counters"]["rows"] for s, v in metrics.snapshot().items()} == {
        "own": 1, "bound": 2, "": 4,
    }  # fmt: skip
    assert metrics.total("rows") == 7
    assert metrics.total("rows", "bound") == 2
    assert metrics.total("nothing") == 0


def test_a_snapshot_is_a_copy_and_reset_forgets() -> None:
    emit(BatchApplied(1, 1.0, stream="a"))
    taken = metrics.snapshot()
    taken["a"]["counters"]["rows"] = 99
    taken["a"]["timings"]["apply_seconds"]["count"] = 99
    assert metrics.snapshot()["a"]["counters"]["rows"] == 1
    assert metrics.snapshot()["a"]["timings"]["apply_seconds"]["count"] == 1
    metrics.reset()
    assert metrics.snapshot() == {}


class HeldUp(int):
    """A number whose addition gives another thread the time to come in between."""

    added = threading.Event()
    other_is_done = threading.Event()

    def __radd__(self, before: int) -> int:
        self.added.set()
        # Under the lock the other cannot get done: the wait then ends by itself.
        self.other_is_done.wait(0.5)
        return before + int(self)


def test_a_thread_that_comes_in_between_loses_no_count() -> None:
    def come_in_between() -> None:
        HeldUp.added.wait()
        metrics.feed(BatchApplied(2, 0.0, stream="a"))
        HeldUp.other_is_done.set()

    thread = threading.Thread(target=come_in_between)
    thread.start()
    metrics.feed(BatchApplied(HeldUp(1), 0.0, stream="a"))
    thread.join()
    assert metrics.total("rows") == 3


def test_singer_points_are_in_a_stable_order_with_singers_name_for_records() -> None:
    timings: dict[str, metrics.TimingStats] = {
        "t": {"count": 2, "seconds": 0.1234567, "max_seconds": 1.0}
    }
    values: dict[str, metrics.StreamMetrics] = {
        "b": {"counters": {"records": 2}, "timings": timings},
        "": {"counters": {"retries": 1}, "timings": {}},
    }
    assert metrics.singer_points(values) == [
        {"type": "counter", "metric": "retries", "value": 1, "tags": {}},
        {"type": "counter", "metric": "record_count", "value": 2, "tags": {"stream": "b"}},
        {"type": "timer", "metric": "t", "value": 0.123457, "tags": {"stream": "b"}},
    ]


def test_captured_events_are_those_emitted_meanwhile_in_order() -> None:
    first, second = BatchApplied(1, 0.0), BatchApplied(2, 0.0)
    with capture_events() as events:
        emit(first)
        with capture_events() as inner:
            emit(second)
    emit(BatchApplied(3, 0.0))
    assert events == [first, second]
    assert inner == [second]


def test_capturing_ends_with_an_error_too() -> None:
    with pytest.raises(KeyError), capture_events() as events:
        raise KeyError
    emit(BatchApplied(3, 0.0))
    assert events == []
