"""Every fault of the emulator, and the end that is due: success with retries counted, or failure
with a message that says what to do and the bookmark where it was.
"""

from __future__ import annotations

import re

import pytest

from flext_observability.testing import capture_events
from flext_tap_oracle_wms.errors import SyncFailedError
from flext_tap_oracle_wms.events import BudgetChanged, PageHalved, RequestFailed, RetryScheduled
from wms_emulator.faults import FaultName

LIST = "/allocation/?"
STATUSES = [409, 429, 500, 502, 503, 504]


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


#: Faults that pass, with the class of error that must have been counted.
PASSING = [
    *[({"name": "status", "status": n, "times": 2}, f"http_{n}") for n in STATUSES],
    ({"name": "status", "status": 503, "html": True, "times": 2}, "http_503"),
    ({"name": "status", "status": 429, "retry_after_s": 3, "times": 2}, "http_429"),
    ({"name": "reset", "times": 2}, "connection"),
    ({"name": "cut", "times": 2}, None),
    ({"name": "invalid_json", "times": 2}, "body"),
    ({"name": "tls", "times": 2}, "connection"),
    ({"name": "parallel", "limit": 1}, None),
    ({"name": "parallel", "limit": 1, "queue": True}, None),
    ({"name": "latency", "latency_s": 0.02, "spread_s": 0.02, "per_row_s": 0.0001}, None),
    ({"name": "drip", "drip_bytes": 20_000, "drip_pause_s": 0.01, "times": 3}, None),
    ({"name": "date", "skew_s": 20}, None),
]
#: Faults that do not pass, with what the message must say.
LASTING = [
    *[({"name": "status", "status": n}, rf"{n}.*after 3 tries") for n in STATUSES],
    ({"name": "status", "status": 400}, "400.*check the settings"),
    ({"name": "status", "status": 401}, "401.*username and password"),
    ({"name": "status", "status": 403}, "403.*lgfapi_read_access"),
    ({"name": "expire"}, "401.*username and password"),
    ({"name": "reset"}, "after 3 tries"),
    ({"name": "cut"}, "after 3 tries"),
    ({"name": "invalid_json"}, "not the JSON.*after 3 tries"),
    ({"name": "date", "skew_s": 300, "match": ""}, "max_clock_skew_seconds"),
    ({"name": "latency", "latency_s": 3}, "timeout.*request_timeout"),
    ({"name": "drip", "drip_bytes": 100, "drip_pause_s": 0.2}, "timeout.*request_timeout"),
]


def test_every_fault_is_here():
    here = {fault["name"] for fault, _ in [*PASSING, *LASTING]} | {"repeat", "empty_page"}
    assert here == {name.value for name in FaultName}


@pytest.mark.parametrize(("fault", "error_class"), PASSING, ids=str)
def test_a_fault_that_passes_is_survived(wms, run_tap, fix, quick_clock, fault, error_class):
    wms.faults({"match": LIST, **fault})
    with capture_events() as events:
        run = run_tap(wms, entities=["allocation"], sync_mode="full", max_retries=8)
    assert run.error is None
    assert fix.latest(run, stream="allocation") == fix.truth(wms, "allocation")
    failed = of(events, RequestFailed)
    if error_class is not None:
        assert {event.error_class for event in failed} == {error_class}
        assert len(failed) == len(of(events, RetryScheduled)) == 2


@pytest.mark.parametrize(("fault", "told"), LASTING, ids=str)
def test_a_fault_that_lasts_fails_its_stream_and_no_other(
    wms, run_tap, later, quick_clock, fault, told
):
    first = run_tap(wms, entities=["allocation", "item"])
    wms.changes(update={"allocation": 20})
    later(wms)
    wms.faults({"match": LIST, **fault})
    slow = fault["name"] in {"latency", "drip"}
    second = run_tap(
        wms,
        entities=["allocation", "order_status"],
        state=first.state,
        page_size=1,
        max_retries=0 if slow else 2,
        request_timeout=0.8 if slow else 60,
    )
    assert isinstance(second.error, SyncFailedError)
    assert re.search(f"allocation .*{told}", str(second.error), re.DOTALL)
    before = first.state["bookmarks"]["allocation"]["replication_key_value"]
    assert second.state["bookmarks"]["allocation"]["replication_key_value"] == before
    if told.startswith("401"):
        return  # the user is refused: nothing else is tried with its credentials
    assert len(second.records("order_status")) > 0


def test_a_page_that_repeats_fails_instead_of_going_round(wms, run_tap, quick_clock):
    wms.faults({"name": "repeat", "match": LIST, "after": 2})
    run = run_tap(wms, entities=["allocation"], sync_mode="full", max_concurrency=1)
    assert "repeats rows or ignores filter or order" in str(run.error)
    assert run.of_type("ACTIVATE_VERSION") == []


@pytest.mark.parametrize("status", [502, 503, 504])
def test_pages_shrink_until_the_wms_can_answer(wms, run_tap, fix, quick_clock, status):
    wms.faults({"name": "status", "status": status, "page_size_over": 13, "match": LIST})
    with capture_events() as events:
        run = run_tap(wms, entities=["allocation"], sync_mode="full", page_size=100, max_retries=1)
    assert run.error is None
    assert fix.latest(run, stream="allocation") == fix.truth(wms, "allocation")
    halved = of(events, PageHalved)
    assert (halved[0].rows_before, halved[0].rows_now) == (100, 50)
    assert min(event.rows_now for event in halved) >= 6
    assert of(events, BudgetChanged) != [] or status == 502


@pytest.mark.parametrize(
    ("sync_mode", "max_concurrency"), [("full", 1), ("full", 4), ("incremental", 1)]
)
def test_a_page_that_fails_at_one_row_names_where(
    wms, run_tap, fix, quick_clock, sync_mode, max_concurrency
):
    pages = "page_mode=sequenced" if sync_mode == "full" else LIST  # not the probes of ranges
    wms.faults({"name": "status", "status": 504, "match": pages, "after": 3})
    run = run_tap(
        wms,
        entities=["allocation"],
        sync_mode=sync_mode,
        page_size=20,
        max_retries=1,
        max_concurrency=max_concurrency,
    )
    assert isinstance(run.error, SyncFailedError)
    place = r"(?:above id (\d+))?(?: and )?(?:below id (\d+))?"
    found = re.search(
        rf"one row: the next row of entity allocation {place} cannot be read", str(run.error)
    )
    above, below = found.groups()
    ids = [record["id"] for record in run.records("allocation")]
    assert ids
    if max_concurrency == 1:
        # Everything on this side of the place is out, and nothing beyond it.
        assert (above, below) in {(str(max(ids)), None), (None, str(min(ids)))}
    # The state says the same: what is left begins at that place.
    entry = run.state["bookmarks"]["allocation"]
    left = entry.get("window", {}).get("last_id") or entry["full_load"]["ranges"]
    if sync_mode == "incremental":
        assert left == int(above)
    else:
        bounds = {"above": above and int(above), "below": below and int(below)}
        assert bounds in left
    assert run.of_type("ACTIVATE_VERSION") == []


def test_a_slow_drip_ends_at_the_deadline_of_the_request(wms, run_tap):
    """Every single read is quick; only the whole request is not."""
    wms.faults({"name": "drip", "drip_bytes": 200, "drip_pause_s": 0.1, "match": LIST})
    with capture_events() as events:
        run = run_tap(wms, entities=["allocation"], page_size=1, max_retries=0, request_timeout=0.4)
    assert [event.error_class for event in of(events, RequestFailed)] == ["timeout"]
    assert "request_timeout" in str(run.error)


NOTHING = {
    "404": {"name": "status", "status": 404},
    "no rows": {"name": "empty_page"},
    "204": {"name": "empty_page", "no_content": True},
}


@pytest.mark.parametrize("nothing", list(NOTHING))
@pytest.mark.parametrize("times", [1, None], ids=["once", "from then on"])
@pytest.mark.parametrize("sync_mode", ["full", "incremental"])
def test_an_answer_without_rows_never_ends_a_list_quietly(
    wms, run_tap, fix, quick_clock, sync_mode, times, nothing
):
    """Everything arrives, or the stream fails and what it promised is no more than it had before.

    What cannot be told apart is a list that answers so from the first request on: that is an
    empty entity.
    """
    clean = run_tap(wms, entities=["allocation"], sync_mode=sync_mode, page_size=50)
    everything = fix.truth(wms, "allocation")
    assert fix.latest(clean, stream="allocation") == everything
    failed = 0
    # 204 and no rows are one answer after the client; 404 stands for all three at every place.
    places = range(0 if times else 1, 12, 1 if nothing == "404" else 3)
    for after in places:
        wms.faults({**NOTHING[nothing], "match": LIST, "after": after, "times": times})
        run = run_tap(wms, entities=["allocation"], sync_mode=sync_mode, page_size=50)
        bookmark = run.states[-1]["bookmarks"].get("allocation", {}) if run.states else {}
        if run.error is None:
            assert fix.latest(run, stream="allocation") == everything, after
        else:
            failed += 1
            assert "run again" in str(run.error), after
            assert not (bookmark.get("full_load") or {}).get("completed_at"), after
            assert "replication_key_value" not in bookmark, after
    assert failed >= len(places) // 4
