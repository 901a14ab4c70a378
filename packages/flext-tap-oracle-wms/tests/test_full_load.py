"""A full load against the emulator: every row once, in both page modes, resumable anywhere."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from flext_observability.testing import capture_events
from flext_tap_oracle_wms.client import WmsClient
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.errors import SyncFailedError
from flext_tap_oracle_wms.events import ProgressMade, RetryScheduled
from flext_tap_oracle_wms.tap import FlextTapOracleWms

STREAMS = ["allocation", "order_hdr", "order_dtl", "item", "location", "facility", "order_status"]


@pytest.mark.parametrize("page_mode", ["sequenced", "paged"])
@pytest.mark.parametrize("max_concurrency", [1, 4])
@pytest.mark.parametrize("ordering", ["-id", "id"])
def test_every_row_comes_once_and_equals_the_journal(
    read_only_wms, run_tap, fix, page_mode, max_concurrency, ordering
):
    run = run_tap(
        read_only_wms,
        sync_mode="full",
        entities=STREAMS,
        page_mode=page_mode,
        max_concurrency=max_concurrency,
        ordering=ordering,
    )
    assert run.error is None
    for stream in STREAMS:
        truth = fix.truth(read_only_wms, stream)
        assert truth
        counts = Counter(record["id"] for record in run.records(stream))
        assert counts == Counter(truth.keys())
        assert fix.latest(run, stream=stream) == truth


def test_newest_rows_come_first_in_one_range(read_only_wms, run_tap):
    run = run_tap(read_only_wms, sync_mode="full", entities=["allocation"], max_concurrency=1)
    ids = [record["id"] for record in run.records("allocation")]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 230


def test_the_order_of_messages(read_only_wms, run_tap):
    run = run_tap(read_only_wms, sync_mode="full", entities=["allocation"])
    kinds = [message["type"] for message in run.messages]
    assert kinds[:2] == ["SCHEMA", "STATE"]
    assert kinds[-2:] == ["ACTIVATE_VERSION", "STATE"]
    assert kinds.count("ACTIVATE_VERSION") == 1
    schema = run.messages[0]
    assert schema["key_properties"] == ["id"]
    assert schema["flext_run_id"]
    (activated,) = run.of_type("ACTIVATE_VERSION")
    assert activated["flext_complete"] is True
    version = activated["version"]
    assert {message["version"] for message in run.of_type("RECORD")} == {version}
    assert all(message["time_extracted"] for message in run.of_type("RECORD"))


def test_the_state_of_a_completed_load_has_its_start_and_no_ranges(read_only_wms, run_tap):
    run = run_tap(read_only_wms, sync_mode="full", entities=["allocation"])
    starts = {state["bookmarks"]["allocation"]["full_load"]["started_at"] for state in run.states}
    assert len(starts) == 1
    assert run.states[0]["bookmarks"]["allocation"]["full_load"]["completed_at"] is None
    load = run.state["bookmarks"]["allocation"]["full_load"]
    assert set(load) == {"started_at", "completed_at"}
    assert load["started_at"] <= load["completed_at"]


@pytest.mark.parametrize("max_concurrency", [1, 3])
def test_a_run_from_every_state_completes_the_load(read_only_wms, run_tap, fix, max_concurrency):
    settings = {"sync_mode": "full", "entities": ["allocation", "item"]}
    first = run_tap(read_only_wms, max_concurrency=max_concurrency, page_size=20, **settings)
    truths = {stream: fix.truth(read_only_wms, stream) for stream in settings["entities"]}
    unfinished = 0
    for number, state in enumerate(first.states):
        before = first.up_to_state(number)
        second = run_tap(
            read_only_wms, state=state, max_concurrency=4 - max_concurrency, **settings
        )
        assert second.error is None
        # The first STATE may be the other stream's.
        load = state["bookmarks"].get("allocation", {}).get("full_load")
        if load is None:
            assert not before.records("allocation")
        elif not load["completed_at"]:
            unfinished += 1
            # What the state promises is not read again.
            again = {r["id"] for r in second.records("allocation")}
            assert len(again) + len(before.records("allocation")) == 230
            assert (
                second.state["bookmarks"]["allocation"]["full_load"]["started_at"]
                == load["started_at"]
            )
        for stream, truth in truths.items():
            assert fix.latest(before, second, stream=stream) == truth
    assert unfinished > 5


def test_a_load_tells_how_far_it_is_and_how_much_there_is(read_only_wms, run_tap, monkeypatch):
    seconds = itertools.count()
    monkeypatch.setattr(FlextTapOracleWms, "clock", Clock(monotonic_s=lambda: float(next(seconds))))
    with capture_events() as events:
        run = run_tap(read_only_wms, sync_mode="full", entities=["allocation"], max_concurrency=4)
    assert run.error is None
    told = [event for event in events if isinstance(event, ProgressMade)]
    assert [event.pages for event in told] == list(range(1, len(told) + 1))
    assert (told[-1].records, told[-1].expected) == (230, 230)
    # Nothing is counted before the first page; then what is in flight is within the budget.
    assert told[0].expected is None
    assert {event.expected for event in told[1:]} == {230}
    assert all(0 <= event.in_flight <= 4 for event in told)
    assert told[-1].in_flight == 0


def test_an_entity_without_id_is_read_by_next_page(read_only_wms, run_tap, fix):
    run = run_tap(read_only_wms, sync_mode="full", entities=["rf_key_map"], page_size=7)
    assert run.error is None
    assert run.of_type("SCHEMA")[0]["key_properties"] == []
    expected = fix.truth_rows(read_only_wms, "rf_key_map")
    assert len(expected) > 7
    found = run.records("rf_key_map")
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert "ranges" not in run.states[0]["bookmarks"]["rf_key_map"]["full_load"]


def test_an_empty_entity_completes_without_records(read_only_wms, run_tap, fix):
    empty = fix.empty_entity(read_only_wms)
    run = run_tap(read_only_wms, sync_mode="full", entities=[empty])
    assert run.error is None
    assert run.of_type("RECORD") == []
    assert run.state["bookmarks"][empty]["full_load"]["completed_at"]


@pytest.mark.parametrize("page_mode", ["sequenced", "paged"])
def test_rows_that_stay_are_read_while_others_come_and_go(
    wms, run_tap, fix, monkeypatch, page_mode
):
    """Offset paging would skip rows here: those before the page in hand are removed."""
    before = fix.truth(wms, "allocation")
    newest = sorted(before, reverse=True)
    removed = iter(newest[:40])
    original = WmsClient.list_page

    def list_page(self, entity, params, size=None):
        page = original(self, entity, params, size)
        if entity == "allocation":
            gone = [next(removed), next(removed)]
            wms.changes(delete={"allocation": {"ids": gone}}, insert={"allocation": 3})
        return page

    monkeypatch.setattr(WmsClient, "list_page", list_page)
    run = run_tap(
        wms,
        sync_mode="full",
        entities=["allocation"],
        page_mode=page_mode,
        page_size=20,
        max_concurrency=1,
    )
    assert run.error is None
    stayed = before.keys() & fix.truth(wms, "allocation").keys()
    assert len(stayed) < len(before)
    assert stayed <= fix.latest(run, stream="allocation").keys()


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "status", "status": 503, "html": True},
        {"name": "status", "status": 429, "retry_after_s": 7},
        {"name": "status", "status": 409},
        {"name": "reset"},
        {"name": "cut"},
        {"name": "invalid_json"},
    ],
    ids=lambda fault: f"{fault['name']}{fault.get('status', '')}",
)
def test_faults_within_the_budget_are_survived(wms, run_tap, fix, quick_clock, fault):
    wms.faults({**fault, "ratio": 0.4, "match": "/entity/"}, seed=11)
    with capture_events() as events:
        run = run_tap(wms, sync_mode="full", entities=["allocation"], max_retries=12)
    wms.faults()
    assert run.error is None
    assert fix.latest(run, stream="allocation") == fix.truth(wms, "allocation")
    assert sum(isinstance(event, RetryScheduled) for event in events) > 0


@pytest.mark.parametrize("max_concurrency", [1, 4])
def test_a_stream_that_fails_is_reported_resumes_and_stops_no_other(
    wms, run_tap, fix, quick_clock, max_concurrency
):
    settings = {
        "sync_mode": "full",
        "entities": ["allocation", "order_hdr", "order_dtl"],
        "max_retries": 0,
        "page_size": 20,
        "max_concurrency": max_concurrency,
    }
    wms.faults({"name": "status", "status": 500, "match": "/order_dtl/?", "after": 4})
    first = run_tap(wms, **settings)
    wms.faults()
    assert isinstance(first.error, SyncFailedError)
    assert "order_dtl" in str(first.error)
    assert "500" in str(first.error)
    assert "order_hdr" not in str(first.error)
    for stream in ("allocation", "order_hdr"):
        assert fix.latest(first, stream=stream) == fix.truth(wms, stream)
        assert first.state["bookmarks"][stream]["full_load"]["completed_at"]
    assert not first.state["bookmarks"]["order_dtl"]["full_load"]["completed_at"]
    assert {message["stream"] for message in first.of_type("ACTIVATE_VERSION")} == {
        "allocation",
        "order_hdr",
    }
    second = run_tap(wms, state=first.state, **settings)
    assert second.error is None
    truth = fix.truth(wms, "order_dtl")
    assert len(second.records("order_dtl")) < len(truth)
    assert fix.latest(first, second, stream="order_dtl") == truth


def test_a_limit_leaves_the_load_open(read_only_wms, run_tap):
    run = run_tap(read_only_wms, sync_mode="full", entities=["allocation"], record_limit=60)
    assert len(run.records("allocation")) == 60
    assert run.of_type("ACTIVATE_VERSION") == []
    assert not run.state["bookmarks"]["allocation"]["full_load"]["completed_at"]


def test_the_given_state_comes_first_and_every_state_is_complete(read_only_wms, run_tap):
    given = {
        "bookmarks": {
            "elsewhere": {"replication_key_value": "2026-01-01T00:00:00+00:00"},
            "item": {"replication_key_value": "2026-01-01T00:00:00+00:00", "mine": 1},
        },
        "other": [1, 2],
    }
    run = run_tap(read_only_wms, sync_mode="full", entities=["item"], state=given)
    assert run.messages[0] == {"type": "STATE", "value": given}
    assert len(run.states) > 2
    for state in run.states:
        assert state["other"] == [1, 2]
        assert state["bookmarks"]["elsewhere"] == given["bookmarks"]["elsewhere"]
        assert state["bookmarks"]["item"].items() >= given["bookmarks"]["item"].items()
