"""Changes, journal, clock and activity: what the API serves is what the journal says."""

from datetime import datetime
from typing import Any

import pytest

MOMENT = "2026-05-01T12:00:00+00:00"


def served(client: Any, entity: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.walk(
        f"entity/{entity}?page_mode=sequenced&ordering=id&page_size=1250"
    )
    return rows


def test_every_entity_serves_its_journal(wms: Any) -> None:
    for entity in wms.get("entity/").json:
        if entity in {"user", "inventory_history", "rf_key_map"} or "planned_parcel" in entity:
            continue  # not allowed, filters needed, no id to order by
        assert served(wms, entity) == wms.server.journal(entity), entity


def test_changes_show_in_api_and_journal(own: Any) -> None:
    before = {row["id"]: row for row in own.server.journal("allocation")}
    own.server.clock(now=MOMENT)
    done = own.server.changes(
        insert={"allocation": 7}, update={"allocation": 9}, delete={"allocation": 3}
    )
    assert done == {
        "insert": {"allocation": 7}, "update": {"allocation": 9}, "delete": {"allocation": 3},
    }  # fmt: skip
    after = {row["id"]: row for row in own.server.journal("allocation")}
    assert list(after.values()) == served(own, "allocation")
    assert len(after) == len(before) + 4
    new = set(after) - set(before)
    gone = set(before) - set(after)
    changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    # Nine were updated; of them, and of the seven, some may be among the three that went.
    assert max(before) < min(new)
    assert len(new) >= 4
    assert len(gone) <= 3
    assert changed
    for key in new | changed:
        assert datetime.fromisoformat(after[key]["mod_ts"]) == datetime.fromisoformat(MOMENT)
    for key in new:
        assert after[key]["create_ts"] == after[key]["mod_ts"] or key in changed
    for key in changed:
        assert after[key]["create_ts"] == before[key]["create_ts"]


def test_an_incremental_filter_finds_exactly_the_changes(own: Any) -> None:
    own.server.clock(now=MOMENT)
    own.server.changes(insert={"order_hdr": 2, "order_dtl": 4}, update={"item": 3})
    query = "mod_ts__gte=2026-05-01T00:00:00Z&ordering=id&page_mode=sequenced"
    assert len(own.walk(f"entity/item?{query}")) == 3
    assert len(own.walk(f"entity/order_dtl?{query}")) == 4
    assert len(own.walk(f"entity/order_hdr?{query}")) == 2
    assert own.get(f"entity/facility?{query}").status == 404


def test_new_details_go_to_new_orders_and_are_counted(own: Any) -> None:
    known = {row["id"] for row in served(own, "order_hdr")}
    own.server.changes(insert={"order_dtl": 4, "order_hdr": 2})
    headers = [row for row in served(own, "order_hdr") if row["id"] not in known]
    details = served(own, "order_dtl")
    assert len(headers) == 2
    assert (
        sum((row["order_dtl_set"] or {"result_count": 0})["result_count"] for row in headers) == 4
    )
    last = details[-1]
    own.server.changes(delete={"order_dtl": {"ids": [last["id"]]}})
    header = own.get(f"entity/order_hdr/{last['order_id']['id']}").json
    left = [row for row in details[:-1] if row["order_id"] == last["order_id"]]
    assert (header["order_dtl_set"] or {"result_count": 0})["result_count"] == len(left)


def test_values_can_be_given(own: Any) -> None:
    row = own.server.journal("item")[0]
    given = {"unit_cost": "-0.10", "description": "\x00 漢", "hazmat": True}
    own.server.changes(update={"item": {"ids": [row["id"]], "set": given}})
    shown = own.get(f"entity/item/{row['id']}").json
    assert (shown["unit_cost"], shown["description"], shown["hazmat"]) == ("-0.1", "\x00 漢", True)
    assert own.get("entity/item?unit_cost=-0.1").json["result_count"] == 1
    same = {"code", "create_ts", "short_descr", "company_id"}
    assert {name: shown[name] for name in same} == {name: row[name] for name in same}


def test_late_commits(own: Any) -> None:
    """Rows appear now, their mod_ts lies in the past."""
    own.server.clock(now=MOMENT)
    own.server.changes(insert={"allocation": 1}, mod_ts_lag_s=3600)
    row = own.server.journal("allocation")[-1]
    assert row["mod_ts"] == "2026-05-01T07:00:00.000000-04:00"
    earlier = "2026-05-01T11:30:00Z"
    assert row not in own.server.journal("allocation", at=earlier)


def test_journal_of_an_instant(own: Any) -> None:
    first = own.server.journal("item")
    own.server.clock(now=MOMENT)
    own.server.changes(update={"item": 5}, delete={"item": 2}, insert={"item": 1})
    own.server.clock(advance_s=60)
    own.server.changes(update={"item": 5})
    assert own.server.journal("item", at="2026-05-01T11:59:59Z") == first
    between = own.server.journal("item", at="2026-05-01T12:00:30Z")
    assert between not in (first, own.server.journal("item"))
    assert len(between) == len(first) - 1


@pytest.mark.parametrize(
    "wanted",
    [
        {"insert": {"nonsense": 1}},
        {"insert": {"order_status": 1}},
        {"insert": {"item": -1}},
        {"insert": [1]},
        {"nonsense": {}},
        {"update": {"item": {"ids": [1]}}},
        {"update": {"item": {"count": 1, "set": {"nonsense": 1}}}},
        {"update": {"item": {"count": 1, "set": {"unit_cost": 1.5}}}},
        {"update": {"item": {"count": 1, "set": {"code": "x"}}}},
        {"update": {"order_dtl": {"count": 1, "set": {"item_id": 1}}}},
        {"insert": {"item": 3}, "delete": {"allocation": {"ids": [1]}}},
        {"mod_ts_lag_s": -1},
    ],
)
def test_refused_changes_change_nothing(own: Any, wanted: dict[str, Any]) -> None:
    before = {name: own.server.journal(name) for name in ("item", "allocation", "order_dtl")}
    with pytest.raises(RuntimeError, match="400"):
        own.server.changes(**wanted)
    assert {name: own.server.journal(name) for name in before} == before
    own.server.changes(insert={"item": 1})
    assert served(own, "item") == own.server.journal("item")


def test_rows_change_while_a_client_reads(own: Any) -> None:
    """Activity: a walk by id meets every row that was there from start to end exactly once."""
    start = own.server.journal("allocation")
    own.server.activity(inserts_per_s=200, updates_per_s=400)
    seen: list[dict[str, Any]] = []
    while True:
        url: str | None = "entity/allocation?page_mode=sequenced&ordering=-id&page_size=10"
        seen = []
        while url is not None:
            page = own.get(url).json
            seen += page["results"]
            url = page["next_page"]
        shown = own.server.activity()
        if min(shown["done"]["insert"], shown["done"]["update"]) > 0:
            break
        own.server.activity(inserts_per_s=200, updates_per_s=400)
    ids = [row["id"] for row in seen]
    assert len(set(ids)) == len(ids)
    assert {row["id"] for row in start} <= set(ids)
    assert served(own, "allocation") == own.server.journal("allocation")


def test_clock(own: Any) -> None:
    assert own.server.clock(now=MOMENT) == MOMENT
    assert own.get("entity/item").headers["Date"] == "Fri, 01 May 2026 12:00:00 GMT"
    assert own.server.clock(advance_s=1.5) == "2026-05-01T12:00:01.500000+00:00"
    own.server.clock(real=True)
    assert own.server.clock() != own.server.clock(advance_s=86400)
    with pytest.raises(RuntimeError, match="offset"):
        own.server.clock(now="2026-05-01T12:00:00")
