"""Lists: docs/specs/wms-api.md §1, §2."""

import base64
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest


def test_paged_envelope_and_links(wms: Any) -> None:
    """§2.3: six keys; links keep the query, keys sorted, no slash before `?`; null at the ends."""
    answer = wms.get("entity/allocation/?page_size=25&ordering=id").json
    assert list(answer) == [
        "result_count", "page_count", "page_nbr", "next_page", "previous_page", "results",
    ]  # fmt: skip
    assert (answer["result_count"], answer["page_count"], answer["page_nbr"]) == (60, 3, 1)
    base = wms.server.base_url
    assert answer["next_page"] == f"{base}entity/allocation?ordering=id&page=2&page_size=25"
    assert answer["previous_page"] is None
    middle = wms.get(answer["next_page"]).json
    assert middle["previous_page"] == f"{base}entity/allocation?ordering=id&page=1&page_size=25"
    last = wms.get(middle["next_page"]).json
    assert last["next_page"] is None
    assert len(last["results"]) == 10


def test_sequenced_envelope_and_cursor(wms: Any) -> None:
    """§2.4: three keys; the cursor is base64 of the position of the first ordering field."""
    answer = wms.get("entity/allocation?page_mode=sequenced&page_size=7").json
    assert list(answer) == ["next_page", "previous_page", "results"]
    assert answer["previous_page"] is None
    query = parse_qs(urlsplit(answer["next_page"]).query)
    assert base64.b64decode(query["cursor"][0]).decode() == f"p={answer['results'][-1]['id']}"
    assert "?cursor=" in answer["next_page"]


def test_links_carry_the_host_as_asked(wms: Any) -> None:
    """§2.3: the host of links and record addresses is the one of the request."""
    headers = {"Host": "wms.example:443"}
    answer = wms.call("GET", "entity/item?page_size=1", headers).json
    assert answer["next_page"].startswith("http://wms.example:443/emu/wms/")
    assert answer["results"][0]["url"].startswith("http://wms.example:443/emu/wms/")


def test_previous_pages_lead_back(wms: Any) -> None:
    """§2.4: walking back gives the same rows."""
    first = wms.get("entity/allocation?page_mode=sequenced&page_size=7&ordering=-id").json
    second = wms.get(first["next_page"]).json
    back = wms.get(second["previous_page"]).json
    assert back["results"] == first["results"]
    assert back["previous_page"] is None


@pytest.mark.parametrize(
    ("asked", "given"), [("5", 5), ("1250", 1250), ("99999", 1250), ("0", 25), ("x", 25), ("", 25)]
)
def test_page_size(wms: Any, asked: str, given: int) -> None:
    """§2.1: 1250 at most, the account's own when nothing usable is asked."""
    answer = wms.get(f"entity/allocation?page_size={asked}&ordering=id").json
    assert len(answer["results"]) == min(given, 60)
    assert answer["page_count"] == -(-60 // given)


@pytest.mark.parametrize("page", ["0", "4", "x", "-1"])
def test_page_out_of_range(wms: Any, page: str) -> None:
    """§2.3 [open]: 404."""
    assert wms.get(f"entity/allocation?page={page}").status == 404


def test_cursor_that_is_none(wms: Any) -> None:
    """§2.4 [open]: 404."""
    for text in ("!!", base64.b64encode(b"p=abc").decode(), base64.b64encode(b"o=-1").decode()):
        url = f"entity/allocation?page_mode=sequenced&cursor={quote(text)}"
        assert wms.get(url).status == 404, text


def test_empty_list(wms: Any) -> None:
    """§2.5: 404 with an error body, or what the client asked for."""
    answer = wms.get("entity/movement_request_hdr/")
    assert answer.status == 404
    assert set(answer.json) == {"reference", "code", "message"}
    asked = wms.get("entity/movement_request_hdr/?empty_response_http_code=200")
    assert asked.status == 200
    assert asked.json["results"] == []
    assert asked.json["result_count"] == 0
    sequenced = "entity/allocation?id=1&page_mode=sequenced&empty_response_http_code="
    none = {"next_page": None, "previous_page": None, "results": []}
    assert wms.get(sequenced + "200").json == none
    gone = wms.get(sequenced + "204")
    assert (gone.status, gone.raw) == (204, b"")


def test_last_of_a_repeated_key_wins(wms: Any) -> None:
    """§1.2."""
    rows = wms.get("entity/item?page_size=1250&ordering=id").json["results"]
    low, high = rows[0]["id"], rows[-1]["id"]
    answer = wms.get(f"entity/item?id__gte={high}&id__gte={low}").json
    assert answer["result_count"] == len(rows)


def test_slashes(wms: Any) -> None:
    """§1.1: with or without a slash at the end, doubled ones too."""
    bodies = {wms.get(f"entity{path}?page_size=2").raw for path in ("/item", "/item/", "//item//")}
    assert len(bodies) == 1


def test_fields(wms: Any) -> None:
    """§2.1: the same rich objects, fewer keys."""
    row = wms.get("entity/order_dtl?fields=id,order_id&page_size=1").json["results"][0]
    whole = wms.get(f"entity/order_dtl/{row['id']}").json
    assert row == {"id": whole["id"], "order_id": whole["order_id"]}


@pytest.mark.parametrize(
    "query",
    [
        "nonsense=1",
        "id__nonsense=1",
        "id=abc",
        "mod_ts__gte=yesterday",
        "mod_ts__gte=2026-01-01T00:00:00+00:00",  # an unescaped plus is a space
        "alloc_qty=1e5",
        "is_picking_flg__gt=true",
        "id__range=1",
        "id__isnull=maybe",
        "ordering=nonsense",
        "fields=nonsense",
        "page_mode=nonsense",
        "order_dtl_id__nonsense=1",
        "id__contains=1",
    ],
)
def test_invalid_queries(wms: Any, query: str) -> None:
    """§2.2, §5: 400 VALIDATION_ERROR that names the key."""
    answer = wms.get(f"entity/allocation?{query}")
    assert answer.status == 400
    assert answer.json["code"] == "VALIDATION_ERROR"
    key = query.partition("=")[0]
    assert list(answer.json["details"]) == [key]
    assert wms.call("HEAD", f"entity/allocation?{query}").status == 400


def test_sets_can_not_be_filtered(wms: Any) -> None:
    """§2.2: computed fields and sets are no filters."""
    assert wms.get("entity/order_hdr?order_dtl_set=1").status == 400


def test_what_is_not_emulated_says_so(wms: Any) -> None:
    for query in ("values_list=id&distinct=1", "distinct=1", "format=xml"):
        assert wms.get(f"entity/allocation?{query}").status == 501, query


def test_inventory_history_needs_filters(wms: Any) -> None:
    """§2.2: certain combinations only."""
    assert wms.get("entity/inventory_history").status == 400
    needed = "company_id__code=C00&facility_id__code=F000"
    assert wms.get(f"entity/inventory_history?{needed}").status == 400
    assert wms.get(f"entity/inventory_history?{needed}&group_nbr=1").status in {200, 404}


def test_naive_timestamps_are_read_in_the_facility_zone(own: Any) -> None:
    """§2.2: America/New_York here, five hours behind UTC in January, four in July."""
    for instant, naive in (
        ("2026-01-15T12:00:00+00:00", "2026-01-15T07:00:00"),
        ("2026-07-15T12:00:00+00:00", "2026-07-15T08:00:00"),
    ):
        own.server.clock(now=instant)
        own.server.changes(update={"item": 1})
        for text in (naive, instant.replace("+", "%2B"), instant[:-6] + "Z"):
            assert own.get(f"entity/item?mod_ts={text}").json["result_count"] == 1, text


def test_relations(wms: Any) -> None:
    """§2.2: filters and orderings reach through relations."""
    rows = wms.walk("entity/order_dtl?page_size=1250")
    number = rows[0]["order_id"]["key"]
    found = wms.walk(f"entity/order_dtl?order_id__order_nbr={number}")
    assert [row["id"] for row in found] == [r["id"] for r in rows if r["order_id"]["key"] == number]
    headers = {row["id"]: row for row in wms.walk("entity/order_hdr")}
    facility = headers[rows[0]["order_id"]["id"]]["facility_id"]
    details = {
        row["id"] for row in rows if headers[row["order_id"]["id"]]["facility_id"] == facility
    }
    wanted = [
        row["id"]
        for row in wms.walk("entity/allocation?page_size=1250")
        if row["order_dtl_id"]["id"] in details
    ]
    deep = wms.walk(f"entity/allocation?order_dtl_id__order_id__facility_id={facility['id']}")
    coded = f"order_dtl_id__order_id__facility_id__code={facility['key']}"
    assert [row["id"] for row in deep] == wanted
    assert [row["id"] for row in wms.walk(f"entity/allocation?{coded}")] == wanted
    ordered = wms.walk("entity/order_dtl?ordering=-order_id__order_nbr,id&page_size=1250")
    keys = [row["order_id"]["key"] for row in ordered]
    assert keys == sorted(keys, reverse=True)


def test_status_text_by_relation(wms: Any) -> None:
    """§2.2: a status, though shown as an integer, is a relation in filters."""
    rows = wms.walk("entity/order_hdr?status_id__description=Shipped")
    every = wms.walk("entity/order_hdr")
    assert [row["id"] for row in rows] == [row["id"] for row in every if row["status_id"] == 90]


def test_ordering_by_mod_ts_cannot_pass_a_mass_update(make_client: Any) -> None:
    """§2.4 [open]: more than 1000 rows of one mod_ts, the offset is cut at 1000."""
    from wms_emulator.testing import running

    with running(tls=False, rows={"allocation": 3001}) as server:
        client = make_client(server)
        page = client.get("entity/allocation?page_mode=sequenced&ordering=mod_ts&page_size=500")
        seen: list[int] = []
        visited: set[str] = set()
        following = page.json["next_page"]
        seen += [row["id"] for row in page.json["results"]]
        while following is not None and following not in visited:
            visited.add(following)
            page = client.get(following).json
            seen += [row["id"] for row in page["results"]]
            following = page["next_page"]
        assert following is not None  # it goes round in circles
        assert len(set(seen)) < 3001
        by_id = client.walk("entity/allocation?page_mode=sequenced&ordering=-id&page_size=500")
        assert len({row["id"] for row in by_id}) == len(by_id) == 3001
        stamps = [row["mod_ts"] for row in by_id]
        assert max(map(stamps.count, set(stamps))) > 1000
