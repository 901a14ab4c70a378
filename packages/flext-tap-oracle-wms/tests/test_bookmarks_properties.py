"""State: what is written is read back, and nothing that was given is lost."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_tap_oracle_wms.bookmarks import State
from flext_tap_oracle_wms.errors import StateError
from flext_tap_oracle_wms.paging import Interval
from flext_tap_oracle_wms.windows import Window

instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis wants naive bounds
bounds = st.none() | st.integers(-(10**18), 10**18)
lookbacks = st.sampled_from(["none", "short", "deep", "daily", "handover"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
given_states = st.fixed_dictionaries(
    {},
    optional={
        "bookmarks": st.dictionaries(
            st.text(min_size=1), st.dictionaries(st.text(), json_values, max_size=3), max_size=3
        ),
        "extra": json_values,
    },
)


def passed_on(state: State) -> State:
    """The state as the next run gets it, through JSON."""
    return State(json.loads(json.dumps(state.value())))


@given(instants, st.integers(1, 10**9), lookbacks, bounds)
def test_an_open_window_is_read_back(start, length_s, lookback, last_id):
    window = Window(start, start + timedelta(seconds=length_s), lookback)
    state = State({})
    state.stream("s").checkpoint("mod_ts", window, last_id)
    found = passed_on(state).stream("s").open_window()
    assert (found.window, found.last_id) == (window, last_id)
    assert passed_on(state).stream("s").bookmark() is None


@given(instants, st.integers(1, 10**9), lookbacks)
def test_a_drained_window_is_the_bookmark_and_not_open(start, length_s, lookback):
    window = Window(start, start + timedelta(seconds=length_s), lookback)
    state = State({"bookmarks": {"s": {"handed_over": True}}})
    progress = state.stream("s")
    progress.checkpoint("mod_ts", window, 5)
    stale = state.value()["bookmarks"]["s"]["window"]
    progress.drained("mod_ts", window)
    again = passed_on(state).stream("s")
    assert again.bookmark() == window.end
    assert again.open_window() is None
    assert not again.handed_over()
    assert (again.looked_back_at()[1] == window.end) == (lookback in {"daily", "handover", "none"})
    assert (again.looked_back_at()[0] == window.end) == (lookback != "short")
    # Meltano merges partial states: the window may come back, and must not be read again.
    merged = state.value()
    merged["bookmarks"]["s"]["window"] = stale
    assert State(merged).stream("s").open_window() is None


@given(instants, st.none() | st.lists(st.tuples(bounds, bounds), max_size=5))
def test_an_open_load_is_read_back(started_at, ranges):
    intervals = None if ranges is None else [Interval(*pair) for pair in ranges]
    state = State({})
    state.stream("s").loading(started_at, intervals, 7)
    found = passed_on(state).stream("s").open_load()
    assert found.started_at == started_at
    # What cannot be resumed has read nothing that counts.
    assert found.records == (0 if ranges is None else 7)
    assert found.ranges == (None if intervals is None else tuple(intervals))


@given(instants, st.integers(0, 10**9))
def test_a_completed_load_is_not_open_even_with_ranges_from_a_merge(started_at, length_s):
    state = State({})
    progress = state.stream("s")
    progress.loading(started_at, [Interval()])
    stale = state.value()["bookmarks"]["s"]["full_load"]
    progress.loaded(started_at, started_at + timedelta(seconds=length_s))
    done = state.value()["bookmarks"]["s"]["full_load"]
    assert set(done) == {"started_at", "completed_at"}
    assert passed_on(state).stream("s").open_load() is None
    merged = State({"bookmarks": {"s": {"full_load": stale | done}}})
    assert merged.stream("s").open_load() is None
    reopened = State({"bookmarks": {"s": {"full_load": done | stale}}})
    assert reopened.stream("s").open_load() is not None


@given(given_states, instants)
def test_nothing_given_is_lost_and_the_given_is_not_changed(given_state, instant):
    before = json.dumps(given_state)
    state = State(given_state)
    state.stream("our stream").drained("mod_ts", Window(None, instant, "none"))
    assert json.dumps(given_state) == before
    after = state.value()
    assert {k: v for k, v in after.items() if k != "bookmarks"} == {
        k: v for k, v in given_state.items() if k != "bookmarks"
    }
    for stream, entry in given_state.get("bookmarks", {}).items():
        if stream != "our stream":
            assert after["bookmarks"][stream] == entry


@given(st.integers(-12, 12), instants)
def test_a_bookmark_in_any_zone_is_the_same_instant(hours, instant):
    from datetime import timezone

    local = instant.astimezone(timezone(timedelta(hours=hours))).isoformat()
    state = State({"bookmarks": {"s": {"replication_key_value": local}}})
    assert state.stream("s").bookmark() == instant


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"replication_key_value": "yesterday"}, "replication_key_value"),
        ({"replication_key_value": 5}, "replication_key_value"),
        ({"replication_key_value": "2026-01-01T00:00:00"}, "offset"),
        ({"window": 5}, "window"),
        ({"window": {"to": "2026-01-01T00:00:00Z", "last_id": "7"}}, "last_id"),
        ({"window": {"to": "2026-01-01T00:00:00Z", "lookback": "far"}}, "lookback"),
        ({"full_load": []}, None),
        ({"full_load": {"started_at": "x"}}, "started_at"),
        ({"full_load": {"started_at": "2026-01-01T00:00:00Z", "ranges": 5}}, "ranges"),
    ],
)
def test_a_state_that_cannot_be_read_is_named(entry, named):
    progress = State({"bookmarks": {"s": entry}}).stream("s")

    def read():
        return progress.bookmark(), progress.open_window(), progress.open_load()

    if named is None:
        assert read() == (None, None, None)
        return
    with pytest.raises(StateError, match=named) as raised:
        read()
    assert re.search(r"(of|stream) s (is|must)", str(raised.value))
    assert re.search("remove the stream's bookmark|add one", str(raised.value))


@pytest.mark.parametrize("given_state", [{"bookmarks": []}, {"bookmarks": {"s": "x"}}])
def test_bookmarks_of_another_shape_are_refused(given_state):
    with pytest.raises(StateError, match="bookmarks"):
        State(given_state)


def test_a_load_that_has_read_nothing_says_so():
    started_at = datetime(2026, 1, 1, tzinfo=UTC)
    state = State({})
    state.stream("s").loading(started_at, [Interval()])
    assert state.value()["bookmarks"]["s"]["full_load"]["records"] == 0
    assert state.stream("s").open_load().records == 0
    older = {"started_at": "2026-01-01T00:00:00Z", "ranges": []}
    found = State({"bookmarks": {"s": {"full_load": older}}}).stream("s").open_load()
    assert (found.records, found.ranges) == (0, ())


@given(given_states)
def test_the_line_on_stdout_holds_the_whole_state(given_state):
    state = State(given_state)
    assert json.loads(state.encoded()) == state.value() == given_state


def test_a_hand_over_holds_until_a_window_is_drained():
    state = State({"bookmarks": {"s": {"handed_over": True}}})
    assert state.stream("s").handed_over() is True
    assert State({}).stream("s").handed_over() is False


IDS = {"facility": [3, 1], "company": []}


def test_what_the_user_sees_is_read_back_in_order():
    state = State({})
    assert state.visible() == {}
    state.see(IDS, {"facility": []})
    assert passed_on(state).visible() == {"facility": [1, 3], "company": []}


@pytest.mark.parametrize("wrong", [[], "x", {"facility": 5}, {"facility": ["1"]}, {"a": [1, None]}])
def test_what_the_user_saw_is_refused_in_another_shape(wrong):
    with pytest.raises(StateError, match="visible"):
        State({"visible": wrong}).visible()


def test_new_facilities_are_due_for_every_stream_that_has_read_something():
    state = State(
        {
            "bookmarks": {
                "read": {"replication_key_value": "2026-01-01T00:00:00Z"},
                "begun": {"window": {"to": "2026-01-01T00:00:00Z"}},
                "fresh": {"full_load": {}},
                "due": {"window": {"to": "x"}, "backfill": {"facility": [9], "company": [2]}},
            }
        }
    )
    state.see({"facility": [1, 7, 8]}, {"facility": []})
    assert state.stream("read").due_backfill() == {}
    state.see({"facility": [1, 7, 8]}, {"facility": [8, 7]})
    again = passed_on(state)
    assert again.visible() == {"facility": [1, 7, 8]}
    assert again.stream("read").due_backfill() == {"facility": [7, 8]}
    assert again.stream("begun").due_backfill() == {"facility": [7, 8]}
    # What has no bookmark reads everything anyway.
    assert again.stream("fresh").due_backfill() == {}
    assert again.stream("due").due_backfill() == {"facility": [7, 8, 9], "company": [2]}
    again.stream("due").backfilled()
    assert passed_on(again).stream("due").due_backfill() == {}


@pytest.mark.parametrize("wrong", [[1], "x", {"facility": 5}, {"facility": [1], "company": "x"}])
def test_a_backfill_in_another_shape_is_refused(wrong):
    with pytest.raises(StateError, match="backfill of s "):
        State({"bookmarks": {"s": {"backfill": wrong}}}).stream("s").due_backfill()


FULL_ENTRY = {
    "replication_key": "mod_ts",
    "replication_key_value": "2026-01-01T00:00:00+00:00",
    "window": {"to": "2026-01-02T00:00:00+00:00"},
    "full_load": {"started_at": "2026-01-01T00:00:00+00:00"},
    "deep_lookback_at": "2026-01-01T00:00:00+00:00",
    "daily_lookback_at": "2026-01-01T00:00:00+00:00",
    "handed_over": True,
    "backfill": {"facility": [1]},
    "theirs": 1,
}


@pytest.mark.parametrize(
    ("before", "now", "anew", "kept"),
    [
        (None, "", False, None),
        (None, "a", False, "a"),  # as the hand-over makes it: rows of these filters
        ("a", "a", False, "a"),
        ("a", "b", True, "b"),
        ("a", "", True, ""),
        ("", "a", True, "a"),
        ("", "", False, ""),
    ],
)
def test_other_filters_than_the_bookmark_s_begin_anew(before, now, anew, kept):
    entry = FULL_ENTRY if before is None else {**FULL_ENTRY, "filters": before}
    state = State({"bookmarks": {"s": entry}})
    assert state.stream("s").use_filters(now) is anew
    found = state.value()["bookmarks"]["s"]
    assert found.pop("filters", None) == kept
    # Whoever else keeps something there finds it again.
    expected = {"replication_key": "mod_ts", "theirs": 1} if anew else FULL_ENTRY
    assert found == expected


def test_a_held_stream_is_written_as_it_was_until_it_is_held_anew():
    state = State({"bookmarks": {"a": {"n": 1}, "b": {"n": 1}}, "other": 5})
    state.hold("a")
    state.hold("new")
    for stream in ("a", "b", "new"):
        state.write(stream, {"n": 2})
    assert json.loads(state.encoded()) == {
        "bookmarks": {"a": {"n": 1}, "b": {"n": 2}},
        "other": 5,
    }
    state.hold("a")
    state.hold("new")
    assert json.loads(state.encoded()) == state.value()


def test_what_is_held_before_anything_was_there_is_not_written():
    state = State({})
    state.hold("new")
    assert json.loads(state.encoded()) == {}
    state.write("new", {"n": 2})
    assert json.loads(state.encoded()) == {"bookmarks": {}}
