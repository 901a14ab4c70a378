from datetime import datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from flext_cli import expected


def row(record, **types):
    return expected.row(record, types)


def test_an_id_object_becomes_its_id_and_its_key():
    fk = {"id": 316000001, "key": "ORD0001,12", "url": "https://h/e/order_dtl/316000001"}
    assert row({"order_dtl_id": fk}, order_dtl_id="relation") == {
        "ORDER_DTL_ID": Decimal(316000001),
        "ORDER_DTL_KEY": "ORD0001,12",
    }
    assert row({"a_id": None}, a_id="relation") == {"A_ID": None, "A_KEY": None}
    assert row({"a_id": {"id": 1, "key": "", "url": ""}}) == {"A_ID": Decimal(1), "A_KEY": None}


def test_a_status_stays_an_integer():
    assert row({"status_id": 10}, status_id="relation") == {"STATUS_ID": Decimal(10)}


def test_sets_become_counts():
    assert row({"order_dtl_set": {"result_count": 3, "url": "u"}}) == {
        "ORDER_DTL_SET_COUNT": Decimal(3)
    }
    assert row({"order_dtl_set": []}) == {"ORDER_DTL_SET_COUNT": Decimal(0)}


def test_instants_become_utc_and_keep_microseconds():
    assert row({"mod_ts": "2025-06-01T23:11:03.120044-03:00"}, mod_ts="datetime") == {
        "MOD_TS": datetime(2025, 6, 2, 2, 11, 3, 120044)  # noqa: DTZ001 -- as Oracle holds it
    }


def test_dates_are_midnight_and_empty_text_is_null_and_flags_are_numbers():
    record = {"ord_date": "2026-02-28", "note": "", "is_picking_flg": True, "cust_number_1": 0}
    assert row(record, ord_date="date", note="string") == {
        "ORD_DATE": datetime(2026, 2, 28),  # noqa: DTZ001 -- as Oracle holds it
        "NOTE": None,
        "IS_PICKING_FLG": Decimal(1),
        "CUST_NUMBER_1": Decimal(0),
    }


def test_digits_in_a_text_field_stay_text():
    assert row({"order_nbr": "00123"}, order_nbr="string") == {"ORDER_NBR": "00123"}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10, max_value=10**20))
def test_decimals_keep_their_digits(value):
    assert row({"alloc_qty": f"{value:f}"}, alloc_qty="decimal") == {"ALLOC_QTY": value}


def test_an_unknown_type_word_leaves_it_to_the_name():
    record = {"pack_ts": "2026-02-28T00:00:00Z", "ship_date": "2026-02-28", "code": "2026-02-28"}
    words = dict.fromkeys(record, "something new")
    day = datetime(2026, 2, 28)  # noqa: DTZ001 -- as Oracle holds it
    assert row(record, **words) == {"PACK_TS": day, "SHIP_DATE": day, "CODE": "2026-02-28"}


def test_the_address_of_a_record_is_no_column():
    assert row({"url": "https://h/e/item/1"}) == {}
