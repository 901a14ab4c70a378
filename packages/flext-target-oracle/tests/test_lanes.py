"""Lanes: begun in order, side by side while there is time, bounded, failing in one place."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from flext_target_oracle.lanes import Lanes
from flext_target_oracle.processor import Processor

WAIT_S = 10


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    idle = Processor(itertools.count().__next__, lambda: 0.0)
    made = Lanes(workers=2, buffer_bytes=100, waiting=nullcontext, processor=idle)
    yield made
    made.stop()


def test_tasks_that_are_alone_run_in_order(lanes: Lanes) -> None:
    done: list[int] = []
    for number in range(50):
        lanes.submit("a", lambda n=number: done.append(n), alone=True)  # type: ignore[misc]  # binds the number
    lanes.drain()
    assert done == list(range(50))


@pytest.mark.parametrize("second", ["a", "b"])
def test_tasks_run_at_the_same_time_in_one_lane_and_in_two(lanes: Lanes, second: str) -> None:
    together = threading.Barrier(2, timeout=WAIT_S)
    lanes.submit("a", lambda: together.wait() and None)
    lanes.submit(second, lambda: together.wait() and None)
    lanes.drain()
    lanes.check()
    assert not together.broken


def test_a_lane_begins_one_after_the_other_while_the_processor_is_busy() -> None:
    busy = Processor(itertools.count().__next__, itertools.count().__next__)
    lanes = Lanes(workers=5, buffer_bytes=100, waiting=nullcontext, processor=busy)
    gate, begun = threading.Event(), list[str]()

    def hold(name: str) -> None:
        begun.append(name)
        gate.wait(WAIT_S)

    for name in ("a1", "a2", "b1", "b2"):
        lanes.submit(name[0], lambda each=name: hold(each))  # type: ignore[misc]  # binds the name
        lanes.check()
    lanes.submit("c", gate.set)  # every lane has one at work
    lanes.drain()
    lanes.stop()
    assert sorted(begun[:2]) == ["a1", "b1"]
    assert sorted(begun) == ["a1", "a2", "b1", "b2"]


def test_what_waits_behind_one_that_waits_begins_once_the_processor_is_seen_idle() -> None:
    """By the process's own clocks: nothing is submitted or done in between."""
    lanes = Lanes(workers=2, buffer_bytes=100, waiting=nullcontext)
    together = threading.Barrier(2, timeout=WAIT_S)
    lanes.submit("a", lambda: together.wait() and None)
    lanes.submit("a", lambda: together.wait() and None)
    lanes.drain()
    lanes.check()
    lanes.stop()
    assert not together.broken


def test_a_barrier_waits_for_all_before_it_and_all_after_wait_for_it(lanes: Lanes) -> None:
    begun: list[str] = []
    gates = {name: threading.Event() for name in ("one", "two", "alone")}
    started = {name: threading.Event() for name in (*gates, "after")}

    def task(name: str) -> None:
        begun.append(name)
        started[name].set()
        if name in gates:
            gates[name].wait(WAIT_S)

    for name in ("one", "two", "alone", "after"):
        lanes.submit("a", lambda each=name: task(each), alone=name == "alone")  # type: ignore[misc]  # binds the name
    assert started["one"].wait(WAIT_S)
    assert started["two"].wait(WAIT_S)
    gates["one"].set()
    assert begun == ["one", "two"]
    gates["two"].set()
    assert started["alone"].wait(WAIT_S)
    assert begun[2:] == ["alone"]
    gates["alone"].set()
    lanes.drain()
    assert begun == ["one", "two", "alone", "after"]


def test_a_free_worker_goes_to_the_lane_with_the_fewest_at_work(lanes: Lanes) -> None:
    gate, begun = threading.Event(), threading.Event()
    order: list[str] = []

    def hold(name: str) -> None:
        order.append(name)
        begun.set()
        gate.wait(WAIT_S)

    lanes.submit("a", lambda: hold("a1"))
    lanes.submit("a", lambda: gate.wait(WAIT_S) and None)
    assert begun.wait(WAIT_S)
    lanes.submit("a", lambda: order.append("a3"))
    lanes.submit("b", lambda: order.append("b1"))
    gate.set()
    lanes.drain()
    assert order.index("b1") < order.index("a3")


def test_a_failed_lane_drops_its_tasks_and_others_go_on(lanes: Lanes) -> None:
    done: list[str] = []
    gate = threading.Event()

    def fail() -> None:
        gate.wait(WAIT_S)
        raise KeyError("no")

    lanes.submit("a", fail, alone=True)
    lanes.submit("a", lambda: done.append("after the failure"))
    lanes.submit("b", lambda: done.append("b"))
    gate.set()
    lanes.drain()
    lanes.submit("a", lambda: done.append("later"))
    lanes.submit("b", lambda: done.append("b again"))
    lanes.drain()
    assert sorted(done) == ["b", "b again"]
    with pytest.raises(KeyError):
        lanes.check()


def test_submitting_waits_while_too_much_is_held(lanes: Lanes) -> None:
    gate, submitted = threading.Event(), threading.Event()
    lanes.submit("a", lambda: gate.wait(WAIT_S) and None, size_bytes=90)

    def submit() -> None:
        lanes.submit("b", lambda: None, size_bytes=20)
        submitted.set()

    thread = threading.Thread(target=submit)
    thread.start()
    assert not submitted.wait(0.05)
    gate.set()
    assert submitted.wait(WAIT_S)
    thread.join()
    lanes.drain()


def test_a_thread_that_cannot_be_started_fails_its_lane_and_nobody_waits_for_it(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        lanes.submit("a", lambda: None, size_bytes=1000)
    lanes.drain()
    with pytest.raises(RuntimeError, match="start new thread"):
        lanes.check()


def test_what_is_larger_than_the_buffer_still_passes(lanes: Lanes) -> None:
    done: list[int] = []
    lanes.submit("a", lambda: done.append(1), size_bytes=1000)
    lanes.submit("a", lambda: done.append(2), size_bytes=1000)
    lanes.drain()
    assert done == [1, 2]


def test_stop_finishes_what_runs_and_drops_the_rest() -> None:
    lanes = Lanes(workers=1, buffer_bytes=100, waiting=nullcontext)
    started, gate, done = threading.Event(), threading.Event(), []

    def first() -> None:
        started.set()
        gate.wait(WAIT_S)
        done.append(1)

    lanes.submit("a", first)
    lanes.submit("a", lambda: done.append(2))
    assert started.wait(WAIT_S)
    stopper = threading.Thread(target=lanes.stop)
    stopper.start()
    gate.set()
    stopper.join()
    assert done == [1]
