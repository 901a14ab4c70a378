"""Rows made fast are the rows that the dataset defines, and their chain of work agrees."""

from collections import defaultdict
from decimal import Decimal
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from wms_emulator.dataset.rows import SIZED, Dataset, natural_key
from wms_emulator.records import Ref, columns_of, encoder, timestamp_text
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.seeding import prepared, timestamp_writer

ZONES = st.sampled_from(["America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "Asia/Kathmandu"])
SIZES = st.fixed_dictionaries(
    {
        "order_hdr": st.integers(0, 40),
        "order_dtl": st.integers(0, 120),
        "allocation": st.integers(0, 4000),
        "inventory": st.integers(0, 50),
        "facility": st.integers(0, 9),
    }
)


NO_ORDERS = {"order_hdr": 0, "order_dtl": 3, "allocation": 2, "inventory": 0, "facility": 0}


@example(0, NO_ORDERS, "order_dtl", "America/New_York")
@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), SIZES, st.sampled_from(sorted(SIZED)), ZONES)
def test_fast_rows_are_the_defined_rows(
    seed: int, sizes: dict[str, int], name: str, zone_name: str
) -> None:
    dataset, entity, zone = Dataset(seed, sizes), ENTITIES[name], ZoneInfo(zone_name)
    encode, columns = encoder(entity, zone), columns_of(entity)
    for ordinal, fast in enumerate(islice(prepared(dataset, entity, zone), 50)):
        row = dataset.row(entity, ordinal)
        record_id = dataset.id_of(name, ordinal)
        key = natural_key(entity, row) or None
        assert fast == (record_id, key, columns(row), encode(row, record_id))


@given(st.integers(0, 4_000_000_000_000_000), ZONES)
def test_fast_timestamps(instant_us: int, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    assert timestamp_writer(zone)(instant_us).decode() == f'"{timestamp_text(instant_us, zone)}"'


def _table(dataset: Dataset, name: str) -> dict[int, dict[str, object]]:
    return {dataset.id_of(name, n): row for n, row in enumerate(dataset.rows(ENTITIES[name]))}


def _ref(value: object) -> Ref:
    assert isinstance(value, Ref)
    return value


def test_the_chain_agrees() -> None:
    """§6: quantities add up and statuses fit, from the order to its allocations."""
    sizes = {"order_hdr": 100, "order_dtl": 600, "allocation": 900, "location": 80, "inventory": 90}
    dataset = Dataset(5, sizes)
    orders, lines = _table(dataset, "order_hdr"), _table(dataset, "order_dtl")
    allocations, stock = _table(dataset, "allocation"), _table(dataset, "inventory")
    places = _table(dataset, "location")
    asked: dict[int, Decimal] = defaultdict(Decimal)
    given_out: dict[int, Decimal] = defaultdict(Decimal)
    for row in lines.values():
        order = _ref(row["order_id"]).id
        asked[order] += Decimal(str(row["ord_qty"]))
        assert row["status_id"] == orders[order]["status_id"]
    edges = {dataset.id_of("allocation", ordinal) for ordinal in (3, 4)}  # odd on purpose
    odd = set()
    for key, row in allocations.items():
        line = _ref(row["order_dtl_id"]).id
        given_out[line] += Decimal(str(row["alloc_qty"]))
        if key in edges:
            odd.add(line)
        order_row = orders[_ref(lines[line]["order_id"]).id]
        facility = _ref(order_row["facility_id"])
        assert stock[_ref(row["from_inventory_id"]).id]["facility_id"] == facility
        assert (_ref(row["status_id"]).id == 90) is (_ref(order_row["status_id"]).id == 90)
    for key, row in lines.items():
        if key not in odd:
            assert row["alloc_qty"] == given_out[key]
    for key, row in orders.items():
        assert row["total_orig_ord_qty"] == asked[key]
    for row in stock.values():
        if row["location_id"]:
            assert places[_ref(row["location_id"]).id]["facility_id"] == row["facility_id"]
    statuses = {_ref(row["status_id"]).id for row in orders.values()}
    assert {0, 10, 20, 90} <= statuses
