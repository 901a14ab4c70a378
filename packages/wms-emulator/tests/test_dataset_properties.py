"""Seeded rows: a function of the seed alone, at any size."""

from collections import Counter
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wms_emulator.dataset.rows import Dataset, natural_key
from wms_emulator.records import Ref, decimal_from_key, decimal_key, decimal_text, encoder
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.schema.model import Kind

SIZES = st.fixed_dictionaries(
    {
        "order_hdr": st.integers(0, 2_000_000),
        "order_dtl": st.integers(0, 5_000_000),
        "allocation": st.integers(0, 5_000_000),
        "item": st.integers(1, 100_000),
        "inventory": st.integers(0, 1000),
    }
)


@settings(deadline=None)
@given(st.integers(0, 2**31), SIZES, st.sampled_from(sorted(ENTITIES)), st.data())
def test_any_row_of_any_size_fits_its_definition(
    seed: int, sizes: dict[str, int], name: str, data: st.DataObject
) -> None:
    dataset, entity = Dataset(seed, sizes), ENTITIES[name]
    size = dataset.size(name)
    if not size:
        return
    ordinal = data.draw(st.integers(0, size - 1))
    row = dataset.row(entity, ordinal)
    assert row == Dataset(seed, sizes).row(entity, ordinal)
    record = msgspec.json.decode(encoder(entity, ZoneInfo("Asia/Kolkata"))(row, 1))
    assert set(record) == {field.name for field in entity.fields} | {"url"}
    for field in entity.fields:
        value = row[field.name]
        if field.kind is Kind.TEXT:
            assert isinstance(value, str)
            assert len(value) <= field.max_length
            assert "\x7f" not in value
        if isinstance(value, Ref) and field.target and not ENTITIES[field.target].lookup:
            assert _exists(dataset, field.target, value)


def _exists(dataset: Dataset, target: str, ref: Ref) -> bool:
    """Search by halves: ids grow with the ordinal."""
    low, high = 0, dataset.size(target) - 1
    while low < high:
        middle = (low + high) // 2
        if dataset.id_of(target, middle) < ref.id:
            low = middle + 1
        else:
            high = middle
    row = dataset.row(ENTITIES[target], low)
    return dataset.id_of(target, low) == ref.id and natural_key(ENTITIES[target], row) == ref.key


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(0, 90))
def test_sets_count_the_rows_below(headers: int, details: int) -> None:
    dataset = Dataset(1, {"order_hdr": headers, "order_dtl": details})
    below = Counter(row["order_id"] for row in dataset.rows(ENTITIES["order_dtl"]))
    for row in dataset.rows(ENTITIES["order_hdr"]):
        ref = Ref(row["id"], str(row["order_nbr"]))  # type: ignore[arg-type] # ids are integers
        assert (row["order_dtl_set"] or 0) == below[ref]


def test_ids_grow_with_gaps_and_times_are_in_order() -> None:
    rows = list(Dataset(3, {"allocation": 4000}).rows(ENTITIES["allocation"]))
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids))
    assert ids[-1] - ids[0] > len(ids)
    assert all(row["create_ts"] <= row["mod_ts"] for row in rows)  # type: ignore[operator] # integers
    assert Counter(row["mod_ts"] for row in rows).most_common(1)[0][1] > 1000


DECIMALS = st.decimals(
    allow_nan=False, allow_infinity=False, places=10,
    min_value=Decimal("-1e28"), max_value=Decimal("1e28"),
)  # fmt: skip


@settings(deadline=None)
@given(DECIMALS, DECIMALS)
def test_decimals_compare_as_their_keys(first: Decimal, second: Decimal) -> None:
    assert (first < second) == (decimal_key(first) < decimal_key(second))
    assert decimal_from_key(decimal_key(first)) == first
    assert Decimal(decimal_text(first)) == first


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("16.00", "16"),
        ("0.00", "0"),
        ("-0", "0"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("0.10", "0.1"),
    ],
)
def test_decimal_text(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text


def test_unknown_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Dataset(1, {"nonsense": 1})
