"""The request budget and the page size: bounds that always hold, back-off and recovery."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_observability.testing import capture_events
from flext_tap_oracle_wms import budget, sizing
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.events import BudgetChanged

outcomes = st.tuples(st.sampled_from(["good", "other", "overload"]), st.floats(0, 30))


def spend(made, outcome, seconds, kind="page"):
    with made.slot(kind) as slot:
        slot.outcome, slot.seconds = outcome, seconds


@given(st.integers(1, 8), st.lists(outcomes, max_size=60))
def test_the_budget_stays_between_one_and_its_limit(limit, history):
    made = budget.Budget(limit, Clock())
    for outcome, seconds in history:
        spend(made, outcome, seconds)
        assert 1 <= made.size <= limit


@given(st.floats(1, 8))
def test_growth_is_by_one_a_round_and_overload_halves(size):
    assert size < budget.grown(size, 9) <= size + 1
    assert budget.halved(size) == max(1, size / 2)
    assert budget.halved(size) <= budget.eased(size) <= size


def test_overload_halves_once_for_all_that_were_in_flight_then():
    made = budget.Budget(8, Clock())
    with capture_events() as events:
        slots = [made.slot("page") for _ in range(8)]
        held = [slot.__enter__() for slot in slots]
        for slot in held:
            slot.outcome = "overload"
        for slot in slots:
            slot.__exit__(None, None, None)
    assert made.size == 4
    assert [(e.in_flight_before, e.in_flight_now) for e in events] == [(8, 4)]
    assert all(isinstance(event, BudgetChanged) for event in events)
    spend(made, "overload", 1)
    assert made.size == 2


def test_rising_latency_shrinks_the_budget_and_its_end_restores_it():
    made = budget.Budget(8, Clock())
    for _ in range(20):
        spend(made, "good", 0.3)
    assert made.size == 8
    for _ in range(20):
        spend(made, "good", 6)
    assert made.size < 8
    for _ in range(200):
        spend(made, "good", 0.3)
    assert made.size == 8


def test_requests_of_another_kind_do_not_look_like_rising_latency():
    made = budget.Budget(8, Clock())
    for _ in range(50):
        spend(made, "good", 0.02, "probe")
        spend(made, "good", 4, "page")
    assert made.size == 8


def test_never_more_in_flight_than_the_budget():
    made = budget.Budget(3, Clock())
    lock, inside, most = threading.Lock(), [0], [0]
    full, through = threading.Barrier(3, timeout=20), threading.Semaphore(0)

    def work():
        # Once each: a thread that came late could not stand with itself in the last three.
        with made.slot("page") as slot:
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            full.wait()
            with lock:
                inside[0] -= 1
            slot.outcome = "good"
        through.release()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(18)]
    for thread in threads:
        thread.start()
    assert all(through.acquire(timeout=20) for _ in threads)
    assert most == [3]


class Line(deque):
    """Who waits for a place; tells each time that somebody has come."""

    def __init__(self):
        super().__init__()
        self.came = threading.Semaphore(0)

    def append(self, turn):
        super().append(turn)
        self.came.release()  # the lock is held here, until the newcomer waits or has its place


def test_who_waits_longest_goes_next_and_nobody_waits_for_ever():
    made, gone = budget.Budget(1, Clock()), queue.SimpleQueue()

    def work(number):
        with made.slot("page"):
            gone.put(number)

    made._turns = line = Line()
    with made.slot("page"):
        assert line.came.acquire(timeout=20)
        for number in range(4):
            threading.Thread(target=work, args=(number,), daemon=True).start()
            assert line.came.acquire(timeout=20)
    assert [gone.get(timeout=20) for _ in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize("limit", [1, 3])
def test_who_comes_when_all_places_are_taken_waits_however_often_they_were_given_back(limit):
    made = budget.Budget(limit, Clock())
    made._turns = line = Line()
    for _ in range(2):
        counted = threading.Event()

        def work(counted=counted):
            with made.slot("page"):
                counted.wait(timeout=20)

        newcomer = threading.Thread(target=work, daemon=True)
        with contextlib.ExitStack() as held:
            for _ in range(limit):
                held.enter_context(made.slot("page"))
                assert line.came.acquire(timeout=20)
            newcomer.start()
            assert line.came.acquire(timeout=20)
            assert made.in_flight("page") == limit
        counted.set()
        newcomer.join(timeout=20)
        assert not newcomer.is_alive()


@given(st.floats(0.5, 100), st.integers(2, 20))
def test_requests_per_second_are_spaced(rate, requests):
    now = [0.0]
    clock = Clock(
        monotonic_s=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds)
    )
    made = budget.Budget(4, clock, requests_per_second=rate)
    for _ in range(requests):
        spend(made, "good", 0)
    assert abs(now[0] - (requests - 1) / rate) < 1e-6 * requests


@given(st.integers(1, 1250), st.lists(st.booleans(), max_size=80))
def test_a_page_size_stays_between_one_and_its_ceiling(ceiling, history):
    size = sizing.PageSize(ceiling)
    for good in history:
        before = size.value
        if good:
            size.succeed(before)
            assert size.value >= before
        else:
            assert size.shrink(before) == (before > 1)
            assert size.value == max(1, before // 2)
        assert 1 <= size.value <= ceiling


def test_pages_that_fail_together_halve_once_and_good_ones_restore_slowly():
    size = sizing.PageSize(500)
    assert [size.shrink(500) for _ in range(4)] == [True] * 4
    assert size.value == 250
    sizes = []
    for _ in range(40):
        size.succeed(size.value)
        sizes.append(size.value)
    assert sizes[:4] == [250, 250, 250, 312]
    assert sizes[-1] == 500


@pytest.mark.parametrize(
    ("now_s", "usual_s", "slow"),
    [
        (3.0, 1.0, False),  # three times as long is not more than that
        (3.1, 1.0, True),
        (0.6, 0.125, False),  # many times as long, yet by less than half a second
        (0.7, 0.125, True),
        (0.5, 0.0, False),
        (0.85, 0.3, False),  # more than half a second longer, yet not three times
    ],
)
def test_what_counts_as_slow(now_s, usual_s, slow):
    assert budget.Pace(now_s, usual_s).slow is slow


def test_a_pace_follows_the_latest_answers_and_forgets_the_best_slowly():
    first = budget.paced(None, 1.0)
    assert first == budget.Pace(1.0, 1.0)
    assert budget.paced(first, 2.0) == budget.Pace(1.25, 1.02)
    assert budget.paced(first, 0.5) == budget.Pace(0.875, 0.875)


def test_the_very_first_answer_can_tell_of_overload():
    made = budget.Budget(8, Clock())
    spend(made, "overload", 1)
    assert made.size == 4


def test_answers_that_are_slow_together_shrink_the_budget_once():
    made = budget.Budget(8, Clock())
    for _ in range(20):
        spend(made, "good", 0.1)
    slots = [made.slot("page") for _ in range(4)]
    held = [slot.__enter__() for slot in slots]
    for slot in held:
        slot.outcome, slot.seconds = "good", 60
    for slot in slots:
        slot.__exit__(None, None, None)
    assert made.size == 6


def test_what_is_in_flight_is_counted_by_what_it_asks_for():
    made = budget.Budget(3, Clock())
    assert made.in_flight("/a/ ") == 0
    with made.slot("/a/ 500"), made.slot("/a/ 250"), made.slot("/ab/ 500"):
        assert made.in_flight("/a/ ") == 2
        assert made.in_flight("/") == 3
    assert made.in_flight("/") == 0
