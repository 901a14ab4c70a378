"""Incremental runs against the emulator: what changed, all of it, and little else."""

from __future__ import annotations

import datetime as dt

import pytest

from flext_tap_oracle_wms.errors import SyncFailedError

STREAMS = ["allocation", "order_hdr", "item"]


def bookmark(run, stream):
    return run.state["bookmarks"][stream]["replication_key_value"]


@pytest.mark.parametrize("page_mode", ["sequenced", "paged"])
def test_without_a_bookmark_the_whole_history_is_read(read_only_wms, run_tap, fix, page_mode):
    run = run_tap(read_only_wms, entities=[*STREAMS, "order_status"], page_mode=page_mode)
    assert run.error is None
    for stream in [*STREAMS, "order_status"]:
        truth = fix.truth(read_only_wms, stream)
        assert fix.latest(run, stream=stream) == truth
        assert len(run.records(stream)) == len(truth)
    for stream in STREAMS:
        entry = run.state["bookmarks"][stream]
        assert entry["replication_key"] == "mod_ts"
        assert "window" not in entry
    # No mod_ts: a full table, with its version.
    assert "replication_key_value" not in run.state["bookmarks"]["order_status"]
    assert [m["stream"] for m in run.of_type("ACTIVATE_VERSION")] == ["order_status"]
    assert run.of_type("SCHEMA", "item")[0]["bookmark_properties"] == ["mod_ts"]


def test_changes_are_found_and_little_else(wms, run_tap, fix, later):
    first = run_tap(wms, entities=STREAMS)
    wms.changes(insert={"allocation": 7}, update={"allocation": 11, "order_hdr": 2})
    later(wms)
    second = run_tap(wms, entities=STREAMS, state=first.state)
    assert second.error is None
    for stream in STREAMS:
        assert fix.latest(first, second, stream=stream) == fix.truth(wms, stream)
        assert bookmark(second, stream) > bookmark(first, stream)
    assert len(second.records("allocation")) == 18
    assert len(second.records("order_hdr")) == 2
    assert second.records("item") == []
    later(wms, 400)
    third = run_tap(wms, entities=STREAMS, state=second.state)
    later(wms)
    fourth = run_tap(wms, entities=STREAMS, state=third.state)
    assert fourth.of_type("RECORD") == []


def test_a_row_that_is_committed_late_is_found_by_the_look_behind(wms, run_tap, fix, later):
    first = run_tap(wms, entities=["allocation"])
    later(wms, 60)
    second = run_tap(wms, entities=["allocation"], state=first.state)
    wms.changes(insert={"allocation": 3}, mod_ts_lag_s=200)
    later(wms, 60)
    third = run_tap(wms, entities=["allocation"], state=second.state)
    assert fix.latest(first, second, third, stream="allocation") == fix.truth(wms, "allocation")
    # Without a look behind they would be lost: the bookmark is past them.
    blind = run_tap(wms, entities=["allocation"], state=second.state, lookback_seconds=0)
    assert blind.records("allocation") == []


def test_deep_look_behinds_come_once_an_hour(wms, run_tap, later):
    first = run_tap(wms, entities=["allocation"])
    wms.changes(insert={"allocation": 3})
    later(wms, 1200)
    second = run_tap(wms, entities=["allocation"], state=first.state)
    assert len(second.records("allocation")) == 3
    later(wms, 1200)
    third = run_tap(wms, entities=["allocation"], state=second.state)
    assert third.records("allocation") == []
    later(wms, 1800)
    fourth = run_tap(wms, entities=["allocation"], state=third.state)
    assert len(fourth.records("allocation")) == 3


@pytest.mark.parametrize("page_mode", ["sequenced", "paged"])
def test_a_run_from_every_state_finds_everything(wms, run_tap, fix, later, page_mode):
    first = run_tap(wms, entities=["allocation"])
    wms.changes(insert={"allocation": 40}, update={"allocation": 30})
    later(wms)
    settings = {"entities": ["allocation"], "page_size": 10, "page_mode": page_mode}
    second = run_tap(wms, state=first.state, **settings)
    assert len(second.states) > 6
    truth = fix.truth(wms, "allocation")
    assert fix.latest(first, second, stream="allocation") == truth
    for number, state in enumerate(second.states):
        before = second.up_to_state(number)
        third = run_tap(wms, state=state, **settings)
        assert fix.latest(first, before, third, stream="allocation") == truth
        assert bookmark(third, "allocation") > bookmark(first, "allocation")


def test_rows_modified_while_their_window_is_read_are_not_lost(
    wms, run_tap, fix, later, monkeypatch
):
    from flext_tap_oracle_wms.client import WmsClient

    first = run_tap(wms, entities=["allocation"])
    wms.changes(update={"allocation": 100})
    later(wms)
    original = WmsClient.list_page

    def list_page(self, entity, params, size=None):
        page = original(self, entity, params, size)
        wms.changes(update={"allocation": 5}, insert={"allocation": 1})
        return page

    monkeypatch.setattr(WmsClient, "list_page", list_page)
    second = run_tap(wms, entities=["allocation"], page_size=10, state=first.state)
    monkeypatch.undo()
    later(wms, 300)
    third = run_tap(wms, entities=["allocation"], state=second.state)
    truth = fix.truth(wms, "allocation")
    assert fix.latest(first, second, third, stream="allocation") == truth


def test_a_failed_stream_keeps_its_bookmark_and_stops_no_other(
    wms, run_tap, fix, later, quick_clock
):
    first = run_tap(wms, entities=STREAMS)
    wms.changes(update={"allocation": 30, "order_hdr": 5, "item": 3})
    later(wms)
    wms.faults({"name": "status", "status": 500, "match": "/allocation/?", "after": 1})
    second = run_tap(wms, entities=STREAMS, state=first.state, page_size=10, max_retries=1)
    wms.faults()
    assert isinstance(second.error, SyncFailedError)
    assert "1 of 3 streams failed" in str(second.error)
    assert bookmark(second, "allocation") == bookmark(first, "allocation")
    assert second.state["bookmarks"]["allocation"]["window"]["last_id"]
    for stream in ("order_hdr", "item"):
        assert bookmark(second, stream) > bookmark(first, stream)
        assert fix.latest(first, second, stream=stream) == fix.truth(wms, stream)
    third = run_tap(wms, entities=STREAMS, state=second.state, lookback_seconds=0)
    assert third.error is None
    assert fix.latest(first, second, third, stream="allocation") == fix.truth(wms, "allocation")
    # The window goes on where it stopped.
    assert len(second.records("allocation")) + len(third.records("allocation")) == 30


def test_after_a_hand_over_the_first_window_looks_back_once(wms, run_tap, later):
    full = run_tap(wms, sync_mode="full", entities=["allocation"])
    wms.changes(insert={"allocation": 4}, mod_ts_lag_s=20000)
    later(wms)
    started_at = full.state["bookmarks"]["allocation"]["full_load"]["started_at"]
    given = {
        "bookmarks": {
            "allocation": {
                "replication_key": "mod_ts",
                "replication_key_value": started_at,
                "handed_over": True,
            }
        }
    }
    first = run_tap(wms, entities=["allocation"], state=given)
    assert len(first.records("allocation")) == 4
    assert first.state["bookmarks"]["allocation"]["handed_over"] is False
    later(wms)
    second = run_tap(wms, entities=["allocation"], state=first.state)
    assert second.records("allocation") == []


def test_a_start_date_is_where_the_first_run_begins(read_only_wms, run_tap, fix):
    truth = fix.truth(read_only_wms, "allocation")
    stamps = sorted(dt.datetime.fromisoformat(row["mod_ts"]) for row in truth.values())
    start = stamps[len(stamps) // 2]
    run = run_tap(
        read_only_wms, entities=["allocation"], start_date=start.isoformat(), window_days=400
    )
    assert len(run.records("allocation")) == sum(stamp >= start for stamp in stamps)


def test_a_long_history_is_read_in_windows_that_move_the_bookmark(read_only_wms, run_tap, fix):
    run = run_tap(
        read_only_wms, entities=["allocation"], start_date="2024-01-01T00:00:00Z", window_days=200
    )
    marks = {state["bookmarks"]["allocation"].get("replication_key_value") for state in run.states}
    assert len(marks - {None}) > 3
    assert fix.latest(run, stream="allocation") == fix.truth(read_only_wms, "allocation")


def test_skewed_clocks_fail_the_stream(wms, run_tap):
    wms.clock(advance_s=3600)
    run = run_tap(wms, entities=["allocation"])
    assert isinstance(run.error, SyncFailedError)
    assert "max_clock_skew_seconds" in str(run.error)
    assert run.of_type("RECORD") == []


def test_a_bookmark_that_is_no_time_is_refused_by_name(read_only_wms, run_tap):
    given = {"bookmarks": {"allocation": {"replication_key_value": "yesterday"}}}
    run = run_tap(read_only_wms, entities=["allocation"], state=given)
    assert "replication_key_value of stream allocation" in str(run.error)
    assert run.of_type("RECORD") == []
