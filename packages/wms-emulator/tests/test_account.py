"""What the account decides silently: docs/specs/wms-api.md §1.3, §1.4."""

from typing import Any

import pytest


def ids(own: Any, entity: str, query: str = "") -> list[int]:
    return [row["id"] for row in own.walk(f"entity/{entity}?page_size=1250&ordering=id{query}")]


def test_eligibility_filters_silently_and_changes(own: Any) -> None:
    """§1.4: other facilities' rows are left out, at any distance, and come back."""
    every = {name: ids(own, name) for name in ("facility", "order_hdr", "order_dtl", "allocation")}
    orders = own.server.journal("order_hdr")
    lines = own.server.journal("order_dtl")
    allocations = own.server.journal("allocation")
    own.server.account(facilities=["F001", "F002"])
    of_order = {row["id"]: row["facility_id"]["key"] for row in orders}
    of_line = {row["id"]: of_order[row["order_id"]["id"]] for row in lines}
    seen = {"F001", "F002"}
    assert ids(own, "order_hdr") == [key for key, code in of_order.items() if code in seen]
    assert ids(own, "order_dtl") == [key for key, code in of_line.items() if code in seen]
    assert ids(own, "allocation") == [
        row["id"] for row in allocations if of_line[row["order_dtl_id"]["id"]] in seen
    ]
    hidden = next(key for key, code in of_order.items() if code not in seen)
    assert own.get(f"entity/order_hdr/{hidden}").status == 404
    assert own.call("HEAD", f"entity/order_hdr/{hidden}").status == 404
    assert len(ids(own, "facility")) == 2
    assert len(own.server.journal("order_hdr")) == len(orders)  # the truth does not shrink
    own.server.account(facilities=None)
    assert {name: ids(own, name) for name in every} == every


def test_companies(own: Any) -> None:
    """§1.4: the same by company, with one request spanning several facilities."""
    rows = own.server.journal("item")
    own.server.account(companies=["C01"])
    assert ids(own, "item") == [row["id"] for row in rows if row["company_id"]["key"] == "C01"]
    assert own.get("entity/item?company_id__code=C02").status == 404


def test_no_facility_at_all_is_an_empty_list(own: Any) -> None:
    own.server.account(facilities=[])
    assert own.get("entity/order_hdr").status == 404
    assert own.get("entity/uom").status == 200  # belongs to no facility


def test_without_the_read_permission(own: Any) -> None:
    """§1.3: 403 on everything."""
    own.server.account(read_access=False)
    for path in ("entity/", "entity/item", "entity/item/1", "entity/item/describe/"):
        assert own.get(path).status == 403, path
    assert own.call("HEAD", "entity/item").status == 403


def test_rows_per_page_is_the_accounts(own: Any) -> None:
    """§1.4: the default page size."""
    own.server.account(rows_per_page=10)
    assert len(own.get("entity/allocation").json["results"]) == 10


@pytest.mark.parametrize(
    "changed", [{"nonsense": 1}, {"facilities": "F001"}, {"rows_per_page": 0}, {"read_access": 1}]
)
def test_changes_that_make_no_sense(own: Any, changed: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="400"):
        own.server.account(**changed)
