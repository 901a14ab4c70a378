"""The tap over a warehouse's life: whatever happens between and during runs, nothing is lost.

A machine of hypothesis changes rows, moves time, breaks answers, stops runs at any STATE and
goes on from it, with any concurrency and page size. The truth is the emulator's journal.
"""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from wms_emulator.testing import running

STREAMS = ["allocation", "order_hdr"]
ROWS = {"allocation": 40, "order_hdr": 12, "order_dtl": 24}
#: Longest delay of a commit that the deep look behind must find, once an hour.
DEEP_S = 7200
FAULTS = [
    {"name": "status", "status": 503, "ratio": 0.2},
    {"name": "status", "status": 429, "ratio": 0.2},
    {"name": "status", "status": 504, "ratio": 0.3, "page_size_over": 3},
    {"name": "status", "status": 500, "ratio": 0.2},
    {"name": "reset", "ratio": 0.1},
    {"name": "cut", "ratio": 0.2},
    {"name": "invalid_json", "ratio": 0.2},
]
counts = st.integers(1, 6)


class Life(RuleBasedStateMachine):
    """One warehouse, one reader of it, and what that reader has."""

    run_tap = fix = later = wms = None  # given by the test; one emulator serves all lives

    @initialize()
    def begin(self):
        self.had: dict[str, dict[int, dict]] = {stream: {} for stream in STREAMS}
        self.state: dict = {}
        self.beyond: set[int] = set()
        self.reads = self.found_late = 0

    @rule(inserts=counts, updates=counts)
    def change(self, inserts, updates):
        self.wms.changes(insert={"allocation": inserts}, update={"allocation": updates})
        self.wms.changes(update={"order_hdr": 1})

    @rule(count=counts, delay_s=st.integers(0, 280))
    def commit_late(self, count, delay_s):
        """Rows that carry a time up to the short look behind before now."""
        self.wms.changes(insert={"allocation": count}, mod_ts_lag_s=delay_s)

    @rule(count=counts)
    def commit_later_than_every_look_behind(self, count):
        """Rows that no window is due to find; only a full load does."""
        before = self.fix.truth(self.wms, "allocation").keys()
        self.wms.changes(insert={"allocation": count}, mod_ts_lag_s=5 * 86400)
        self.beyond |= self.fix.truth(self.wms, "allocation").keys() - before

    @rule(count=counts)
    def remove(self, count):
        gone = sorted(self.fix.truth(self.wms, "allocation"))[:count]
        if len(gone) < len(self.fix.truth(self.wms, "allocation")):
            self.wms.changes(delete={"allocation": {"ids": gone}})

    @rule(seconds=st.integers(1, 4000))
    def wait(self, seconds):
        self.later(self.wms, seconds)

    @rule(fault=st.sampled_from(FAULTS), seed=st.integers(0, 99))
    def break_answers(self, fault, seed):
        self.wms.faults({**fault, "match": "page_mode="}, seed=seed)  # not the journal's describe

    @rule()
    def mend_answers(self):
        self.wms.faults()

    @rule(
        concurrency=st.integers(1, 8),
        page_size=st.integers(2, 12),
        stop=st.one_of(st.none(), st.integers(0, 30)),
    )
    def read(self, concurrency, page_size, stop):
        """Run the tap and keep all of it, or only what came up to one of its STATEs."""
        run = self.run_tap(
            self.wms,
            entities=STREAMS,
            state=self.state,
            max_concurrency=concurrency,
            page_size=page_size,
            max_retries=20,
        )
        assert run.error is None
        self.reads += 1
        if stop is not None and run.states:
            run = run.up_to_state(min(stop, len(run.states) - 1))
        for stream in STREAMS:
            self.had[stream] |= self.fix.latest(run, stream=stream)
        if run.states:
            self.state = run.state

    @rule(concurrency=st.integers(1, 8), page_size=st.integers(2, 12), stop=st.integers(0, 12))
    def change_and_be_cut(self, concurrency, page_size, stop):
        """Changes, time past the lag, and a run that dies at one of its first STATEs."""
        self.change(4, 6)
        self.wait(90)
        self.read(concurrency, page_size, stop)

    @rule(concurrency=st.integers(1, 8), page_size=st.integers(2, 12))
    def go_on(self, concurrency, page_size):
        """A run that is let to its end."""
        self.read(concurrency, page_size, None)

    @invariant()
    def promises_are_kept(self):
        """Every row that is older than a stream's bookmark is here as it is in the journal."""
        for stream in STREAMS:
            mark = self.state.get("bookmarks", {}).get(stream, {}).get("replication_key_value")
            if mark is None:
                continue
            edge = dt.datetime.fromisoformat(mark) - dt.timedelta(seconds=300)
            for number, row in self.fix.truth(self.wms, stream).items():
                if number in self.beyond:
                    continue
                if dt.datetime.fromisoformat(row["mod_ts"]) < edge:
                    assert self.had[stream].get(number) == row, (stream, number)

    def converge(self):
        """After the trouble a quiet run has everything, as it is; a full load the rest."""
        if not hasattr(self, "had"):
            return
        self.wms.faults()
        self.later(self.wms, 400)
        self.read(4, 7, None)
        found = {}
        for stream in STREAMS:
            truth = self.fix.truth(self.wms, stream)
            found[stream] = {n: row for n, row in self.had[stream].items() if n in truth}
            late = truth.keys() - found[stream].keys()
            assert late <= self.beyond
            assert found[stream] == {n: row for n, row in truth.items() if n not in late}
            self.found_late += len(late)
        full = self.run_tap(self.wms, entities=STREAMS, state=self.state, sync_mode="full")
        assert full.error is None
        for stream in STREAMS:
            loaded = self.fix.latest(full, stream=stream)
            assert found[stream] | loaded == loaded == self.fix.truth(self.wms, stream)


def _lives(run_tap, fix, later, examples, steps):
    """Run the machine.

    The number of runs of the tap whose outcome was compared, and of rows only a full load found.
    """
    reads, found_late = [], []

    class Bound(Life):
        def teardown(self):
            self.converge()
            reads.append(self.reads)
            found_late.append(self.found_late)

    Bound.run_tap, Bound.fix, Bound.later = staticmethod(run_tap), fix, staticmethod(later)
    with running(rows=ROWS) as Bound.wms:
        run_state_machine_as_test(
            Bound,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.explicit, Phase.generate],  # time has passed: no example repeats
            ),
        )
    return sum(reads), sum(found_late)


def test_nothing_is_lost_whatever_happens(run_tap, fix, later, quick_clock):
    reads, _ = _lives(run_tap, fix, later, examples=8, steps=12)
    assert reads > 16


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_nothing_is_lost_in_many_lives(run_tap, fix, later, quick_clock):
    reads, found_late = _lives(run_tap, fix, later, examples=60, steps=20)
    assert reads > 120
    assert found_late > 10


def test_what_is_committed_later_than_every_look_behind_is_found_by_a_full_load(
    wms, run_tap, fix, later
):
    first = run_tap(wms, entities=["allocation"])
    later(wms, 100)
    second = run_tap(wms, entities=["allocation"], state=first.state)
    wms.changes(insert={"allocation": 4}, mod_ts_lag_s=3 * 86400)
    later(wms, 90_000)
    third = run_tap(wms, entities=["allocation"], state=second.state)
    truth = fix.truth(wms, "allocation")
    missing = truth.keys() - fix.latest(first, second, third, stream="allocation").keys()
    assert len(missing) == 4
    full = run_tap(wms, entities=["allocation"], sync_mode="full")
    assert fix.latest(full, stream="allocation") == truth


@pytest.mark.parametrize("delay_s", [0, 200, 6000, 80_000])
def test_commit_delays_up_to_a_look_behind_are_found_when_it_is_due(
    wms, run_tap, fix, later, delay_s
):
    runs = [run_tap(wms, entities=["allocation"])]
    later(wms, 60)
    runs.append(run_tap(wms, entities=["allocation"], state=runs[-1].state))
    wms.changes(insert={"allocation": 3}, mod_ts_lag_s=delay_s)
    for pause_s in (100, 3700, 86_000):
        later(wms, pause_s)
        runs.append(run_tap(wms, entities=["allocation"], state=runs[-1].state))
    assert fix.latest(*runs, stream="allocation") == fix.truth(wms, "allocation")
