"""Single records, root, describe and the shapes of values: docs/specs/wms-api.md §3, §4."""

import re
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d*[1-9])?")


def test_record_is_bare(wms: Any) -> None:
    """§3.1: no envelope, Last-Modified in ISO-8601, no filters."""
    row = wms.get("entity/item?page_size=1&ordering=id").json["results"][0]
    answer = wms.get(f"entity/item/{row['id']}/")
    assert answer.json == row
    assert answer.headers["Last-Modified"] == row["mod_ts"]
    chosen = wms.get(f"entity/item/{row['id']}?fields=id,code").json
    assert chosen == {"id": row["id"], "code": row["code"]}
    assert wms.get(f"entity/item/{row['id']}?code=x").status == 400
    assert wms.get("entity/item/1").status == 404
    assert "Last-Modified" not in wms.get("entity/order_status/10").headers


def test_if_modified_since(wms: Any) -> None:
    """§3.2: HEAD on a record only, ISO-8601."""
    row = wms.get("entity/item?page_size=1").json["results"][0]
    path = f"entity/item/{row['id']}"
    for since, status in ((row["mod_ts"], 304), ("2001-01-01T00:00:00Z", 200), ("soon", 400)):
        assert wms.call("HEAD", path, {"If-Modified-Since": since}).status == status
        assert wms.call("GET", path, {"If-Modified-Since": since}).status == 200


def test_root(wms: Any) -> None:
    """§3.3: a flat sorted object, name to address."""
    root = wms.get("entity/").json
    assert list(root) == sorted(root)
    assert root["allocation"] == f"{wms.server.base_url}entity/allocation"
    assert {"order_hdr", "order_status", "rf_key_map", "movement_request_hdr"} <= set(root)


def test_describe_and_its_gaps(wms: Any) -> None:
    """§3.4: not the closed set of keys."""
    shown = wms.get("entity/order_hdr/describe/").json
    assert list(shown) == ["parameters", "fields"]
    record = wms.get("entity/order_hdr?page_size=1").json["results"][0]
    assert set(record) - set(shown["fields"]) == {"url", "facility_id", "company_id"}
    assert set(shown["fields"]) - set(shown["parameters"]) == {
        "order_dtl_set", "order_instructions_set", "order_lock_set",
    }  # fmt: skip
    assert shown["fields"]["status_id"]["type"] == "relation"
    assert shown["fields"]["create_ts"] == {"type": "datetime", "required": False, "default": "now"}
    assert shown["fields"]["order_nbr"] == {
        "type": "string", "required": True, "max_length": 30, "allow_blank": False,
    }  # fmt: skip
    assert shown["fields"]["priority"]["default"] == 3
    assert wms.get(f"entity/order_hdr?facility_id={record['facility_id']['id']}").status == 200


def test_entities_without_mod_ts_or_id(wms: Any) -> None:
    """§4."""
    statuses = wms.walk("entity/order_status")
    assert {"mod_ts", "create_ts"} & set(statuses[0]) == set()
    assert [row["id"] for row in statuses] == [0, 10, 20, 25, 27, 30, 40, 50, 90, 99]
    keys = wms.walk("entity/rf_key_map?page_mode=sequenced&page_size=7")
    assert len(keys) == 25
    assert "id" not in keys[0]
    assert "id" not in wms.get("entity/rf_key_map/describe").json["fields"]


@pytest.mark.parametrize("entity", ["allocation", "order_hdr", "order_dtl", "item", "location"])
def test_shapes_of_values(wms: Any, entity: str) -> None:
    """§4: each kind looks as documented, in every row."""
    types = {k: v["type"] for k, v in wms.get(f"entity/{entity}/describe").json["fields"].items()}
    rows = wms.walk(f"entity/{entity}?page_size=1250")
    assert len({tuple(row) for row in rows}) == 1
    assert list(rows[0])[:6] == ["id", "url", "create_user", "create_ts", "mod_user", "mod_ts"]
    for row in rows:
        assert row["url"] == f"{wms.server.base_url}entity/{entity}/{row['id']}"
        for name, value in row.items():
            _check_shape(types.get(name, "relation" if name != "url" else "string"), name, value)


def _check_shape(kind: str, name: str, value: Any) -> None:
    match kind:
        case "decimal":
            assert value is None or (_DECIMAL.fullmatch(value) and value != "-0"), (name, value)
        case "datetime":
            assert value is None or _STAMP.fullmatch(value), (name, value)
        case "relation" if name.endswith("status_id"):
            assert type(value) is int, (name, value)
        case "relation":
            assert value is None or list(value) == ["id", "key", "url"], (name, value)
        case "string":
            assert type(value) is str, (name, value)
        case "boolean":
            assert type(value) is bool, (name, value)
        case "integer":
            assert value is None or type(value) is int, (name, value)
        case "date":
            assert value is None or date.fromisoformat(value).isoformat() == value, (name, value)
        case "nested object":
            assert value is None or value == [] or list(value) == ["result_count", "url"]


def test_sets_count_their_rows(wms: Any) -> None:
    """§4: result_count is the number of rows behind the set's address."""
    details = wms.walk("entity/order_dtl")
    for header in wms.walk("entity/order_hdr"):
        lines = [row for row in details if row["order_id"]["id"] == header["id"]]
        shown = header["order_dtl_set"]
        assert (shown or {"result_count": 0})["result_count"] == len(lines)
        if shown:
            assert shown["url"].endswith(f"/entity/order_dtl/?order_id={header['id']}")
            assert wms.walk(shown["url"]) == lines


def test_relations_lead_to_rows(wms: Any) -> None:
    """§4: a relation's address answers, and its key is the target's."""
    checked = 0
    for row in wms.walk("entity/allocation?page_size=20")[:20]:
        for name, value in row.items():
            if isinstance(value, dict) and value["url"]:
                target = wms.get(value["url"])
                assert target.status == 200, (name, value)
                assert target.json["id"] == value["id"]
                checked += 1
        detail = wms.get(row["order_dtl_id"]["url"]).json
        key = f"{detail['order_id']['key']},{detail['seq_nbr']}"
        assert row["order_dtl_id"]["key"] == key
    assert checked > 40


def test_rows_that_break_careless_code(wms: Any) -> None:
    """§4: U+0000, longest texts, large decimals, blank keys, both offsets of a zone."""
    items = wms.walk("entity/item")
    assert any("\x00" in row["description"] for row in items)
    assert any(len(row["description"]) == 255 for row in items)
    assert max(Decimal(row["unit_cost"]) for row in items) == Decimal("9" * 28 + "." + "9" * 10)
    allocations = wms.walk("entity/allocation")
    relations = [v for row in allocations for v in row.values() if isinstance(v, dict)]
    assert any(value["key"] == "" and value["url"] == "" for value in relations)
    assert any(value["key"] == "" and value["url"] for value in relations)
    assert {row["create_ts"][-6:] for row in allocations} == {"-05:00", "-04:00"}
    ids = sorted(row["id"] for row in allocations)
    assert any(b - a > 1 for a, b in pairwise(ids))
