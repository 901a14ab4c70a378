"""STATE: never ahead of what is durable, always complete, in the end the last one received."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle.state import Bookmarks, bookmark_of

STREAMS = ("a", "b", "c")
# A run: records and STATEs come in, and streams become durable up to somewhere.
STEPS = st.lists(
    st.tuples(st.just("record"), st.sampled_from(STREAMS))
    | st.tuples(st.just("state"), st.sampled_from(["bookmarks", "flat"]))
    | st.tuples(st.just("commit"), st.sampled_from(STREAMS)),
    max_size=40,
)


def state_of(counts: dict[str, int], form: str) -> dict[str, Any]:
    return {"bookmarks": dict(counts)} if form == "bookmarks" else dict(counts)


@given(STEPS)
def test_no_line_is_ahead_of_what_is_durable(steps: list[tuple[str, str]]) -> None:
    bookmarks = Bookmarks()
    received = dict.fromkeys(STREAMS, 0)
    durable = dict.fromkeys(STREAMS, 0)
    last: dict[str, Any] | None = None
    for step, name in steps:
        if step == "record":
            received[name] += 1
        elif step == "state":
            # The bookmark of a stream is how many of its records came before the STATE.
            last = state_of(received, name)
            bookmarks.received(last, dict(received))
        else:
            durable[name] = received[name]
            bookmarks.durable(name, durable[name])
        line = bookmarks.line()
        if line is not None:
            assert last is not None
            assert line.keys() == last.keys()
            for stream in STREAMS:
                assert bookmark_of(line, stream) <= durable[stream]
        if last is not None and durable == received:
            assert line in (None, last)


def test_everything_durable_gives_the_last_state_as_it_came() -> None:
    bookmarks = Bookmarks()
    bookmarks.received({"x": {"replication_key_value": "t"}, "other": [1]}, {"x": 3})
    assert bookmarks.line() is None
    bookmarks.durable("x", 2)
    assert bookmarks.line() is None
    bookmarks.durable("x", 3)
    assert bookmarks.line() == {"x": {"replication_key_value": "t"}, "other": [1]}
    assert bookmarks.line() is None


def test_one_stream_goes_on_while_another_waits() -> None:
    bookmarks = Bookmarks()
    bookmarks.received({"bookmarks": {"a": 0, "b": 0}}, {})
    assert bookmarks.line() == {"bookmarks": {"a": 0, "b": 0}}
    bookmarks.received({"bookmarks": {"a": 5, "b": 7}}, {"a": 5, "b": 7})
    bookmarks.durable("a", 5)
    assert bookmarks.line() == {"bookmarks": {"a": 5, "b": 0}}
    bookmarks.durable("b", 7)
    assert bookmarks.line() == {"bookmarks": {"a": 5, "b": 7}}


def test_no_line_leaves_a_stream_out() -> None:
    """The bookmark of b that the tap began with is unknown here: a line without b would lose it."""
    bookmarks = Bookmarks()
    bookmarks.received({"bookmarks": {"a": 5, "b": 7}}, {"a": 5, "b": 7})
    bookmarks.durable("a", 5)
    assert bookmarks.line() is None


def test_a_bookmark_of_no_known_stream_waits_for_all() -> None:
    bookmarks = Bookmarks()
    bookmarks.received({"bookmarks": {"A": 1}}, {"a": 1, "b": 1})
    bookmarks.durable("a", 1)
    assert bookmarks.line() is None
    bookmarks.durable("b", 1)
    assert bookmarks.line() == {"bookmarks": {"A": 1}}


def test_an_empty_state_is_never_written() -> None:
    bookmarks = Bookmarks()
    bookmarks.received({}, {})
    assert bookmarks.line() is None
