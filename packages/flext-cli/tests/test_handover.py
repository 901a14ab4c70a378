import pytest

from flext_cli import handover
from flext_cli.errors import HandOverRefusedError
from flext_cli.handover import Pair

FULL = Pair("tap-full", "target-full")
INCREMENTAL = Pair("tap-inc", "target-inc")
ONE = Pair("tap-one", "target-inc", frozenset({"order_hdr"}))
START = "2026-11-23T08:00:00.000000+00:00"


def entry(bookmarks, partial=None):
    result = {"completed": {"singer_state": {"bookmarks": bookmarks}}, "partial": {}}
    if partial is not None:
        result["partial"] = {"singer_state": {"bookmarks": partial}}
    return result


def done(started_at=START):
    return {"full_load": {"started_at": started_at, "completed_at": "2026-11-23T09:00:00+00:00"}}


def plan(states, incremental=(INCREMENTAL,)):
    return handover.plan(states, environment="dev", full=[FULL], incremental=incremental)


def test_a_completed_load_gives_its_start_to_every_pair_that_reads_the_stream():
    states = {FULL.state_id("dev"): entry({"allocation": done(), "order_hdr": done()})}
    moves = plan(states, (INCREMENTAL, ONE))
    assert [(move.state_id, move.stream, move.after, move.changed) for move in moves] == [
        ("dev:tap-inc-to-target-inc", "allocation", START, True),
        ("dev:tap-inc-to-target-inc", "order_hdr", START, True),
        ("dev:tap-one-to-target-inc", "order_hdr", START, True),
    ]
    entries = handover.apply(states, moves)
    assert entries["dev:tap-one-to-target-inc"]["completed"]["singer_state"]["bookmarks"] == {
        "order_hdr": {
            "replication_key": "mod_ts",
            "replication_key_value": START,
            "handed_over": True,
        }
    }


def test_a_later_bookmark_stays_in_other_zones_too():
    # 06:30 at -03:00 is 09:30 UTC, later than the load although its text sorts before it.
    existing = {"replication_key_value": "2026-11-23T06:30:00-03:00", "window": {"last_id": 7}}
    states = {
        FULL.state_id("dev"): entry({"allocation": done()}),
        INCREMENTAL.state_id("dev"): entry({"allocation": existing}),
    }
    (move,) = plan(states)
    assert (move.after, move.changed) == ("2026-11-23T06:30:00-03:00", False)
    assert handover.apply(states, [move]) == {}


def test_an_earlier_bookmark_moves_and_its_window_goes_and_other_streams_stay():
    item = {"replication_key": "mod_ts", "replication_key_value": "2026-01-01T00:00:00+00:00"}
    states = {
        FULL.state_id("dev"): entry({"allocation": done()}),
        INCREMENTAL.state_id("dev"): entry(
            {
                "allocation": {
                    "replication_key_value": "2026-11-01T00:00:00+00:00",
                    "window": {"from": "a", "to": "b", "last_id": 5},
                },
                "item": item,
            }
        ),
    }
    state_id = INCREMENTAL.state_id("dev")
    bookmarks = handover.apply(states, plan(states))[state_id]["completed"]["singer_state"][
        "bookmarks"
    ]
    assert bookmarks["item"] == item
    assert bookmarks["allocation"]["replication_key_value"] == START
    assert "window" not in bookmarks["allocation"]


def test_a_load_under_way_is_not_handed_over():
    running = {"full_load": {"started_at": START, "ranges": [[1, 5]]}}
    with pytest.raises(HandOverRefusedError, match="no stream has a completed full load"):
        plan({FULL.state_id("dev"): entry({"allocation": running})})


def test_the_partial_state_lies_over_the_completed_one():
    later = "2026-11-23T10:00:00+00:00"
    states = {FULL.state_id("dev"): entry({"allocation": done()}, {"allocation": done(later)})}
    (move,) = plan(states)
    assert move.after == later


def test_another_environment_is_not_touched():
    with pytest.raises(HandOverRefusedError, match="prod:tap-full-to-target-full"):
        handover.plan(
            {FULL.state_id("dev"): entry({"allocation": done()})},
            environment="prod",
            full=[FULL],
            incremental=[INCREMENTAL],
        )


def test_a_bookmark_without_offset_is_refused_by_name():
    states = {
        FULL.state_id("dev"): entry({"allocation": done()}),
        INCREMENTAL.state_id("dev"): entry(
            {"allocation": {"replication_key_value": "2026-11-01T00:00:00"}}
        ),
    }
    with pytest.raises(HandOverRefusedError, match="no offset"):
        plan(states)
