"""Settings, each by what it does to a run, where no other test shows it."""

from __future__ import annotations

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.tap import FlextTapOracleWms


def asked(server, part):
    """The queries of the requests whose address holds a text."""
    targets = [str(request["target"]) for request in server.requests()]
    return [parse_qs(urlsplit(target).query) for target in targets if part in target]


@pytest.mark.parametrize("kind", ["facilities", "companies"])
def test_codes_choose_rows_of_entities_that_have_them_and_all_of_others(
    read_only_wms, run_tap, fix, kind
):
    column = {"facilities": "facility_key", "companies": "company_key"}[kind]
    truth = fix.truth(read_only_wms, "order_hdr")
    code = min(row[column] for row in truth.values())
    run = run_tap(
        read_only_wms, entities=["order_hdr", "order_status"], sync_mode="full", **{kind: [code]}
    )
    assert run.error is None
    wanted = {number: row for number, row in truth.items() if row[column] == code}
    assert fix.latest(run, stream="order_hdr") == wanted
    assert fix.latest(run, stream="order_status") == fix.truth(read_only_wms, "order_status")


@pytest.mark.parametrize("page_mode", ["sequenced", "paged"])
def test_the_page_mode_is_what_the_wms_is_asked_for(wms, run_tap, page_mode):
    run_tap(wms, entities=["order_hdr"], page_mode=page_mode, page_size=33)
    pages = [query for query in asked(wms, "/order_hdr/?") if query["page_size"] != ["1"]]
    assert {query["page_mode"][0] for query in pages} == {page_mode}
    assert {query["page_size"][0] for query in pages} == {"33"}


def test_a_start_by_expression_goes_out_as_an_instant_in_utc(wms, run_tap):
    before = dt.datetime.now(dt.UTC).date()
    run_tap(wms, entities=["order_hdr"], start_date="today-7d")
    days = {before, dt.datetime.now(dt.UTC).date()}  # midnight may pass meanwhile
    starts = {
        query["mod_ts__gte"][0] for query in asked(wms, "/order_hdr/?") if "mod_ts__gte" in query
    }
    assert len(starts) == 1
    assert starts <= {f"{day - dt.timedelta(days=7)}T00:00:00.000000+00:00" for day in days}


def test_requests_per_second_space_all_requests_of_a_run(wms, run_tap, monkeypatch):
    now_s = [0.0]
    clock = Clock(
        monotonic_s=lambda: now_s[0],
        sleep=lambda seconds: now_s.__setitem__(0, now_s[0] + seconds),
    )
    monkeypatch.setattr(FlextTapOracleWms, "clock", clock)
    run = run_tap(
        wms, entities=["allocation"], sync_mode="full", requests_per_second=4, max_concurrency=1
    )
    assert run.error is None
    requests = len(wms.requests())
    assert requests > 5
    assert now_s[0] == pytest.approx((requests - 1) / 4)


@pytest.mark.parametrize(("age_s", "described"), [(3600, 0), (0, 2)])
def test_descriptions_are_asked_for_again_when_they_are_too_old(wms, run_tap, age_s, described):
    settings = {"entities": ["item", "location"], "discovery_cache_age_s": age_s}
    run_tap(wms, sync_mode="full", **settings)
    before = len(asked(wms, "/describe"))
    assert before == 2
    run_tap(wms, sync_mode="full", **settings)
    assert len(asked(wms, "/describe")) - before == described


@pytest.mark.parametrize(
    ("setting", "seconds_ago", "found"),
    [
        ("lookback_seconds", 500, True),
        ("lookback_seconds", 700, False),
        ("deep_lookback_seconds", 500, False),  # not due within the hour
        ("daily_lookback_seconds", 500, False),  # nor within the day
    ],
)
def test_a_look_behind_reaches_as_far_as_is_set(wms, run_tap, later, setting, seconds_ago, found):
    first = run_tap(wms, entities=["allocation"])
    later(wms, 60)
    second = run_tap(wms, entities=["allocation"], state=first.state)
    wms.changes(insert={"allocation": 2}, mod_ts_lag_s=seconds_ago)
    later(wms, 40)
    third = run_tap(wms, entities=["allocation"], state=second.state, **{setting: 600})
    assert len(third.records("allocation")) == (2 if found else 0)


def test_entities_patterns_and_exceptions_choose_the_streams(wms, run_tap):
    run = run_tap(
        wms,
        entities=["item", "order_hdr"],
        include=["order_stat*s", "facilit?", "order_hd*"],
        exclude=["order_hdr"],
        sync_mode="full",
    )
    assert {message["stream"] for message in run.of_type("SCHEMA")} == {
        "item",
        "order_status",
        "facility",
    }


@pytest.mark.parametrize("max_concurrency", [1, 4])
def test_a_backfill_of_ids_reads_exactly_these_within_the_filters(
    read_only_wms, run_tap, fix, tmp_path, max_concurrency
):
    truth = fix.truth(read_only_wms, "allocation")
    ids = sorted(truth)
    wanted = [*ids[::2], ids[0], ids[-1] + 1000]  # one twice, one that is not there
    path = tmp_path / "ids.json"
    path.write_text(json.dumps({"allocation": wanted, "item": [1]}), encoding="utf-8")
    options = {"sync_mode": "backfill", "ids_file": str(path), "max_concurrency": max_concurrency}
    run = run_tap(read_only_wms, entities=["allocation"], page_size=20, **options)
    assert run.error is None
    assert fix.latest(run, stream="allocation") == {key: truth[key] for key in set(ids[::2])}
    assert len(run.records("allocation")) == len(set(ids[::2]))
    assert run.of_type("ACTIVATE_VERSION") == []
    status = truth[ids[0]]["status_id"]
    run = run_tap(
        read_only_wms,
        entities=["allocation"],
        filters={"allocation": {"status_id": status}},
        **options,
    )
    kept = {key for key in ids[::2] if truth[key]["status_id"] == status}
    assert set(fix.latest(run, stream="allocation")) == kept


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        ("[7]", "must hold a JSON object"),
        ('{"item": [7]}', "has no list of ids for entity allocation"),
        ('{"allocation": ["7"]}', "has no list of ids for entity allocation"),
    ],
)
def test_a_file_of_ids_that_says_nothing_is_refused(
    read_only_wms, run_tap, tmp_path, content, said
):
    path = tmp_path / "ids.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    run = run_tap(read_only_wms, entities=["allocation"], sync_mode="backfill", ids_file=str(path))
    assert said in str(run.error)
    assert run.of_type("RECORD") == []
