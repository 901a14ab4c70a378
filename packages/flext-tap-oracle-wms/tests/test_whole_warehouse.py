"""What the user sees, wants and may: eligibility, backfill, filters, tokens, skewed ids, drift."""

from __future__ import annotations

import json

import pytest

from flext_observability.testing import capture_events
from flext_tap_oracle_wms.errors import SyncFailedError
from flext_tap_oracle_wms.events import (
    CountCompared,
    EligibilityExtended,
    EligibilityReduced,
    FiltersChanged,
    LoadStarted,
)
from flext_tap_oracle_wms.tap import FlextTapOracleWms


def account(server, **wanted):
    server.admin("POST", "/account", wanted)


def codes(server):
    return sorted(row["code"] for row in server.journal("facility"))


def test_the_history_of_a_facility_that_becomes_visible_is_read(wms, run_tap, fix, later):
    truth = fix.truth(wms, "order_hdr")
    account(wms, facilities=codes(wms)[:1])
    first = run_tap(wms, entities=["order_hdr"])
    assert 0 < len(first.records("order_hdr")) < len(truth)
    account(wms, facilities=None)
    later(wms)
    refused = run_tap(wms, entities=["order_hdr"], state=first.state, on_eligibility_growth="fail")
    assert "the user sees more than before: facility" in str(refused.error)
    assert refused.state == first.state
    with capture_events() as events:
        second = run_tap(wms, entities=["order_hdr"], state=first.state)
    assert second.error is None
    assert fix.latest(first, second, stream="order_hdr") == truth
    assert [e.entity for e in events if isinstance(e, EligibilityExtended)] == ["facility"]
    for number, state in enumerate(second.states):
        again = run_tap(wms, entities=["order_hdr"], state=state)
        assert fix.latest(first, second.up_to_state(number), again, stream="order_hdr") == truth
    accepted = run_tap(
        wms, entities=["order_hdr"], state=first.state, on_eligibility_growth="accept"
    )
    assert accepted.records("order_hdr") == []


def test_a_facility_that_is_taken_away_warns_and_deletes_nothing(wms, run_tap, later):
    first = run_tap(wms, entities=["order_hdr"])
    account(wms, facilities=codes(wms)[:1])
    later(wms)
    with capture_events() as events:
        second = run_tap(wms, entities=["order_hdr"], state=first.state)
    assert second.error is None
    assert any(isinstance(event, EligibilityReduced) for event in events)
    assert second.of_type("ACTIVATE_VERSION") == second.of_type("RECORD") == []


@pytest.mark.parametrize("max_concurrency", [1, 4])
def test_a_backfill_reads_a_stretch_and_touches_no_bookmark(
    read_only_wms, run_tap, fix, max_concurrency
):
    truth = fix.truth(read_only_wms, "allocation")
    stamps = sorted(row["mod_ts"] for row in truth.values())
    start = "2025-01-01T00:00:00+00:00"
    given = {"bookmarks": {"allocation": {"replication_key_value": start, "mine": 1}}}
    run = run_tap(
        read_only_wms,
        entities=["allocation", "order_status"],
        sync_mode="backfill",
        state=given,
        page_size=20,
        max_concurrency=max_concurrency,
    )
    assert run.error is None
    assert fix.latest(run, stream="allocation") == truth
    assert len(run.records("allocation")) == len(truth) == len(stamps)
    assert run.of_type("ACTIVATE_VERSION") == []
    assert all(state == given for state in run.states)
    part = run_tap(
        read_only_wms,
        entities=["allocation", "order_status"],
        sync_mode="backfill",
        start_date=start,
        end_date="now-1d",
    )
    assert 0 < len(part.records("allocation")) < len(truth)
    assert "entity order_status has no replication key" in str(part.error)


def test_ranges_hold_as_many_rows_however_the_ids_lie(wms, run_tap, fix):
    ids = sorted(fix.truth(wms, "allocation"))
    wms.changes(delete={"allocation": {"ids": ids[10:150]}})
    wms.changes(insert={"allocation": 100})
    with capture_events() as events:
        run = run_tap(wms, entities=["allocation"], sync_mode="full", page_size=5)
    truth = fix.truth(wms, "allocation")
    assert fix.latest(run, stream="allocation") == truth
    assert [e.records for e in events if isinstance(e, CountCompared)] == [len(truth)]
    assert any(isinstance(event, LoadStarted) for event in events)
    widest = max(
        (s["bookmarks"]["allocation"]["full_load"].get("ranges") or [] for s in run.states), key=len
    )
    assert len(widest) == 8  # two for each request in flight
    bounds = sorted(item["above"] or 0 for item in widest)
    rows = [
        sum(low < number <= high for number in truth)
        for low, high in zip(bounds, [*bounds[1:], max(truth)], strict=True)
    ]
    assert max(rows) <= 2 * min(rows) + 5


def test_a_load_that_lost_rows_fails_and_begins_anew(wms, run_tap, fix, monkeypatch):
    from flext_tap_oracle_wms.sync import ranges

    original = ranges.read

    def forgetful(job, listing, todo, *, descending):
        return original(job, listing, todo[:-1], descending=descending)

    monkeypatch.setattr(ranges, "read", forgetful)
    run = run_tap(wms, entities=["allocation"], sync_mode="full", page_size=10)
    assert "rows were read, but the WMS counts" in str(run.error)
    assert run.of_type("ACTIVATE_VERSION") == []
    monkeypatch.undo()
    again = run_tap(wms, entities=["allocation"], sync_mode="full", state=run.state)
    assert fix.latest(again, stream="allocation") == fix.truth(wms, "allocation")


def test_filters_choose_rows_and_another_choice_begins_anew(read_only_wms, run_tap, fix):
    truth = fix.truth(read_only_wms, "allocation")
    status = next(iter(truth.values()))["status_id"]
    wanted = {n: row for n, row in truth.items() if row["status_id"] == status}
    assert len(wanted) < len(truth)
    first = run_tap(
        read_only_wms, entities=["allocation"], filters={"allocation": {"status_id": status}}
    )
    assert fix.latest(first, stream="allocation") == wanted
    with capture_events() as events:
        second = run_tap(read_only_wms, entities=["allocation"], state=first.state)
    assert fix.latest(second, stream="allocation") == truth
    assert any(isinstance(event, FiltersChanged) for event in events)


def test_a_filter_that_describe_does_not_know_stops_its_stream_before_any_request(wms, run_tap):
    run = run_tap(wms, entities=["allocation"], filters={"*": {"statu_id": 1}}, sync_mode="full")
    assert "did you mean status_id" in str(run.error)
    targets = [str(request["target"]) for request in wms.requests()]
    assert not [target for target in targets if "/allocation/?" in target]


def test_facilities_and_companies_are_filters(read_only_wms, run_tap, fix):
    code = codes(read_only_wms)[0]
    run = run_tap(read_only_wms, entities=["order_hdr"], facilities=[code], sync_mode="full")
    truth = fix.truth(read_only_wms, "order_hdr")
    assert fix.latest(run, stream="order_hdr") == {
        number: row for number, row in truth.items() if row["facility_key"] == code
    }


def test_an_end_date_bounds_rows_and_bookmark(read_only_wms, run_tap, fix):
    end = "2025-06-01T00:00:00+00:00"
    run = run_tap(read_only_wms, entities=["allocation"], end_date=end)
    entry = run.state["bookmarks"]["allocation"]
    assert entry["replication_key_value"] == "2025-06-01T00:00:00.000000+00:00"
    assert 0 < len(run.records("allocation")) < len(fix.truth(read_only_wms, "allocation"))


def test_another_replication_key_for_one_entity(read_only_wms, run_tap, fix):
    run = run_tap(
        read_only_wms,
        entities=["allocation", "item"],
        replication_keys={"allocation": "create_ts", "item": "no_such"},
    )
    assert run.state["bookmarks"]["allocation"]["replication_key"] == "create_ts"
    assert fix.latest(run, stream="allocation") == fix.truth(read_only_wms, "allocation")
    assert "replication_keys: no_such is no timestamp" in str(run.error)


@pytest.mark.parametrize("grant", ["password", "client_credentials"])
def test_oauth_tokens_are_fetched_refreshed_and_renewed(wms, run_tap, fix, quick_clock, grant):
    token_url = wms.base_url.replace("lgfapi/v10/", "api/oauth2/token/")
    oauth = {
        "auth": "oauth2",
        "oauth_token_url": token_url,
        "oauth_client_id": "emulator_client",
        "oauth_client_secret": "emulator_secret",
        "oauth_grant": grant,
        "password": wms.password if grant == "password" else "not-asked-for",
    }
    wms.faults({"name": "expire", "match": "/allocation/?", "after": 2, "times": 1})
    run = run_tap(wms, entities=["allocation"], sync_mode="full", **oauth)
    assert run.error is None
    assert fix.latest(run, stream="allocation") == fix.truth(wms, "allocation")
    wms.faults()
    from flext_tap_oracle_wms.errors import AuthenticationError

    with pytest.raises(AuthenticationError, match=r"invalid_client.*check the oauth settings"):
        run_tap(wms, entities=["allocation"], **{**oauth, "oauth_client_secret": "wrong"})


def test_a_catalog_of_the_full_pair_serves_the_incremental_one(wms, run_tap, tap_config, later):
    catalogs = [
        FlextTapOracleWms(config=tap_config(wms, sync_mode=mode)).catalog_dict
        for mode in ("full", "incremental")
    ]
    assert catalogs[0] == catalogs[1]
    first = run_tap(wms, catalog=catalogs[0])
    later(wms, 400)
    second = run_tap(wms, catalog=catalogs[0], state=first.state)
    assert second.of_type("RECORD") == second.of_type("ACTIVATE_VERSION") == []


def test_sets_as_json_and_addresses_as_columns_by_option(read_only_wms, run_tap):
    run = run_tap(
        read_only_wms, entities=["order_hdr"], sync_mode="full", sets="json", url_columns=True
    )
    row = run.records("order_hdr")[0]
    assert row["url"].endswith(f"/order_hdr/{row['id']}")
    assert row["facility_url"].startswith("https://")
    sets = [name for name in row if name.endswith("_set_count")]
    assert sets
    for name in sets:
        text = row[name.removesuffix("_count")]
        found = None if text is None else json.loads(text)
        size = found["result_count"] if isinstance(found, dict) else found and len(found)
        assert row[name] == size or (found == [] and row[name] == 0)


def test_an_entity_without_permission_stops_no_other(wms, run_tap, fix):
    account(wms, forbidden=["item"])
    run = run_tap(wms, entities=["allocation", "item"], sync_mode="full")
    assert isinstance(run.error, SyncFailedError)
    assert "1 of 2 streams failed" in str(run.error)
    assert "lgfapi_read_access" in str(run.error)
    assert fix.latest(run, stream="allocation") == fix.truth(wms, "allocation")
