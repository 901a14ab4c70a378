"""Flat rows, limits, reverse filters and addresses below a record: docs/specs/wms-api.md §2."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from wms_emulator.testing import running


def test_flat_rows(wms: Any) -> None:
    """§2.6: relations as bare integers, traversals under their path or alias."""
    asked = "id,order_id,order_id__order_nbr,order_id__facility_id__code:fac,ord_qty,status_id"
    rows = wms.get(f"entity/order_dtl?values_list={asked},mod_ts&ordering=id").json["results"]
    whole = wms.get("entity/order_dtl?ordering=id").json["results"]
    orders = {row["id"]: row for row in wms.walk("entity/order_hdr")}
    for flat, row in zip(rows, whole, strict=True):
        assert flat == {
            "id": row["id"],
            "order_id": row["order_id"]["id"],
            "order_id__order_nbr": row["order_id"]["key"],
            "fac": orders[row["order_id"]["id"]]["facility_id"]["key"],
            "ord_qty": row["ord_qty"],
            "status_id": row["status_id"],
            "mod_ts": row["mod_ts"],
        }


def test_same_envelope_and_cursor(wms: Any) -> None:
    """§2.6: pages as ever, also when the ordering field is not in the list."""
    page = wms.get("entity/allocation?values_list=alloc_qty&page_mode=sequenced&page_size=7").json
    assert list(page) == ["next_page", "previous_page", "results"]
    assert "values_list=alloc_qty" in page["next_page"]
    rows = wms.walk("entity/allocation?values_list=id&page_mode=sequenced&page_size=7")
    assert [row["id"] for row in rows] == [row["id"] for row in wms.walk("entity/allocation")]


def test_flat_record(wms: Any) -> None:
    """§2.6: by id one flat object."""
    row = wms.get("entity/allocation?ordering=id").json["results"][0]
    flat = wms.get(f"entity/allocation/{row['id']}?values_list=id,wave_id__run_nbr:wave").json
    assert flat == {"id": row["id"], "wave": row["wave_id"]["key"]}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("id:a,create_user:a", "Values list alias names must be unique. a"),
        ("id,create_user:id", "Values list alias names must be unique. id"),
        ("order_dtl_set", "order_dtl_set"),
        ("nonsense", "no field 'nonsense'"),
        ("order_nbr__nonsense", "no field"),
        ("url", "no field 'url'"),
        ("id:", "an alias is expected"),
        ("", "at least one field"),
    ],
)
def test_lists_that_make_no_sense(wms: Any, asked: str, told: str) -> None:
    """§2.6: sets, unknown fields and aliases that are not unique: 400."""
    answer = wms.get(f"entity/order_hdr?values_list={asked}")
    assert (answer.status, answer.json["code"]) == (400, "VALIDATION_ERROR")
    assert told in answer.json["details"]["values_list"]


def test_limit(wms: Any) -> None:
    """§2.1: only the first rows of the list, in the normal envelope."""
    answer = wms.get("entity/allocation?limit=9&page_size=5&ordering=-id").json
    every = sorted((row["id"] for row in wms.walk("entity/allocation")), reverse=True)
    assert (answer["result_count"], answer["page_count"]) == (9, 2)
    assert [row["id"] for row in answer["results"]] == every[:5]
    assert wms.get("entity/allocation?limit=x").status == 400


def test_reverse_relations(wms: Any) -> None:
    """§2.2: {model}__isnull and {model}__{field}, the model's name without underscores."""
    lines = wms.walk("entity/order_dtl?page_size=1250")
    orders = [row["id"] for row in wms.walk("entity/order_hdr?ordering=id")]
    held = {row["order_id"]["id"] for row in lines}
    with_lines = wms.walk("entity/order_hdr?orderdtl__isnull=false&ordering=id")
    assert [row["id"] for row in with_lines] == [key for key in orders if key in held]
    without = wms.walk("entity/order_hdr?orderdtl__isnull=true&ordering=id")
    assert [row["id"] for row in without] == [key for key in orders if key not in held]
    negated = wms.walk("entity/order_hdr?orderdtl__isnull!=true&ordering=id")
    assert negated == with_lines
    item = lines[0]["item_id"]["key"]
    found = wms.walk(f"entity/order_hdr?orderdtl__item_id__code={item}&ordering=id")
    wanted = {row["order_id"]["id"] for row in lines if row["item_id"]["key"] == item}
    assert [row["id"] for row in found] == sorted(wanted)


@pytest.mark.parametrize(
    ("entity", "model"),
    [
        ("purchase_order_hdr", "purchaseorderdtl"),
        ("ib_shipment", "ibshipmentdtl"),
        ("work_order_hdr", "workorderkit"),
        ("work_order_kit", "workordercomponent"),
        ("container", "containerlockxref"),
        ("order_hdr", "orderlockxref"),
        ("inventory", "inv_serial_nbr_id"),
    ],
)
def test_documented_reverse_filters(wms: Any, entity: str, model: str) -> None:
    """§2.2: each splits the entity in two."""
    every = {row["id"] for row in wms.walk(f"entity/{entity}")}
    some = {row["id"] for row in wms.walk(f"entity/{entity}?{model}__isnull=false")}
    none = {row["id"] for row in wms.walk(f"entity/{entity}?{model}__isnull=true")}
    assert some | none == every
    assert not some & none


def test_orders_of_a_container(make_client: Any) -> None:
    """§2.6: /container/{id}/orders/ is a list of order_hdr."""
    with running(tls=False, rows={"allocation": 300, "container": 20, "inventory": 60}) as server:
        own = make_client(server)
        stock = {row["id"]: row for row in own.server.journal("inventory")}
        lines = {row["id"]: row for row in own.server.journal("order_dtl")}
        wanted: dict[int, set[int]] = {}
        for row in own.server.journal("allocation"):
            if row["to_inventory_id"] and stock[row["to_inventory_id"]["id"]]["container_id"]:
                container = stock[row["to_inventory_id"]["id"]]["container_id"]["id"]
                order = lines[row["order_dtl_id"]["id"]]["order_id"]["id"]
                wanted.setdefault(container, set()).add(order)
        assert wanted
        for container, orders in wanted.items():
            found = own.walk(f"entity/container/{container}/orders/?page_size=1250")
            assert {row["id"] for row in found} == orders
            assert "order_nbr" in found[0]
        assert own.get("entity/container/1/orders/").status == 404


def test_releases(make_client: Any) -> None:
    """§2.5, §3.5: what a release does not have yet."""
    seen = {}
    for release in ("25B", "26A", "26C"):
        with running(tls=False, rows={"allocation": 5}, release=release) as server:
            own = make_client(server)
            names = set(own.get("entity/").json)
            empty = own.get("entity/movement_request_hdr?empty_response_http_code=200").status
            seen[release] = (names, empty, own.get("schema/?format=json").status)
    assert [seen[one][1:] for one in seen] == [(400, 404), (200, 404), (200, 200)]
    assert seen["26A"][0] - seen["25B"][0] >= {"barcode_preproc", "serial_nbr_history"}
    assert seen["26C"][0] - seen["26A"][0] >= {"pallet_history", "in_transit_inventory"}
    assert not seen["25B"][0] - seen["26C"][0]
    assert len(seen["25B"][0]) >= 300


def test_subsets_are_the_same_rows(wms: Any) -> None:
    """§3.6: iblpn and oblpn are container by type; the locations by type_id."""
    containers = {row["id"]: row for row in wms.walk("entity/container")}
    for name, base, field, value in (
        ("iblpn", "container", "type", "I"),
        ("oblpn", "container", "type", "O"),
        ("active_location", "location", "type_id", 1),
        ("reserve_location", "location", "type_id", 2),
    ):
        rows = wms.walk(f"entity/{name}?ordering=id")
        every = wms.walk(f"entity/{base}?ordering=id")
        chosen = [row for row in every if row[field] == value or _id(row[field]) == value]
        assert [row["id"] for row in rows] == [row["id"] for row in chosen]
        for row, whole in zip(rows, chosen, strict=True):
            assert row["url"].endswith(f"/entity/{name}/{row['id']}")
            assert {**row, "url": ""} == {**whole, "url": ""}
            assert wms.get(row["url"]).json == row
    other = next(key for key, row in containers.items() if row["type"] == "O")
    assert wms.get(f"entity/iblpn/{other}").status == 404


def _id(value: object) -> object:
    return value["id"] if isinstance(value, dict) else None


def test_json_suffix(wms: Any) -> None:
    """§1.5: .json is the default's other name; .xml is not emulated, and says so."""
    assert wms.get("entity/item.json?page_size=1").json == wms.get("entity/item?page_size=1").json
    assert wms.get("entity/item/.json").status == 200
    assert wms.get("entity/item.xml").status == 501


def test_links_keep_everything_but_their_own_key(wms: Any) -> None:
    """§2.4: the cursor's link keeps all other parameters."""
    page = wms.get(
        "entity/item?page_mode=sequenced&page_size=2&code__startswith=SKU&fields=id"
    ).json
    query = parse_qs(urlsplit(page["next_page"]).query)
    assert set(query) == {"cursor", "page_mode", "page_size", "code__startswith", "fields"}
