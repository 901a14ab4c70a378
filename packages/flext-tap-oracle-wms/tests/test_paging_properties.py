"""Intervals of ids hold every id once; next_page leads nowhere else."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_tap_oracle_wms import paging
from flext_tap_oracle_wms.errors import ProtocolError
from flext_tap_oracle_wms.paging import Interval

BASE = "https://wms.example.com/env/wms/lgfapi/v10/"


def holds(interval: Interval, number: int) -> bool:
    return (interval.above is None or number > interval.above) and (
        interval.below is None or number < interval.below
    )


@given(
    st.integers(-1000, 10**9),
    st.integers(0, 10**9),
    st.integers(1, 40),
    st.integers(1, 2000),
    st.data(),
)
def test_a_cut_holds_every_id_exactly_once(oldest, span, pieces, smallest, data):
    newest = oldest + span
    whole = Interval(
        above=data.draw(st.none() | st.integers(oldest - 50, oldest - 1)),
        below=data.draw(st.none() | st.integers(newest + 1, newest + 50)),
    )
    found = paging.cut(whole, newest, oldest, pieces, smallest=smallest)
    assert len(found) <= pieces
    assert found[0].below == whole.below
    assert found[-1].above == whole.above
    number = data.draw(st.integers(oldest - 10, newest + 10))
    assert sum(holds(interval, number) for interval in found) == holds(whole, number)
    for newer, older in itertools.pairwise(found):
        assert newer.above == older.below - 1
        assert not newer.empty


@given(st.sets(st.integers(0, 500)), st.integers(1, 20), st.booleans())
def test_walking_by_what_is_left_reads_every_id_once(ids, size, descending):
    interval, read = Interval(), []
    while True:
        page = sorted((n for n in ids if holds(interval, n)), reverse=descending)[:size]
        if not page:
            break
        interval = interval.after(page, descending=descending)
        read += page
    assert read == sorted(ids, reverse=descending)


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_an_interval_is_empty_when_no_integer_lies_in_it(above, below):
    interval = Interval(above, below)
    assert interval.empty == (not any(holds(interval, n) for n in range(-50, 51)))
    assert not Interval(above, None).empty
    assert not Interval(None, below).empty


@pytest.mark.parametrize(
    ("ids", "descending"),
    [([5, 5], True), ([5, 6], True), ([6, 5], False), ([11], True), ([1], False)],
)
def test_rows_out_of_order_or_bounds_are_refused(ids, descending):
    with pytest.raises(ProtocolError, match="lose rows"):
        Interval(above=1, below=11).after(ids, descending=descending)


@pytest.mark.parametrize(
    "address",
    [
        BASE + "entity/x?cursor=1",
        "https://wms.example.com:443/env/wms/lgfapi/v10/entity/x?cursor=1",
        "HTTPS://WMS.example.com/y",
    ],
)
def test_the_same_origin_is_followed(address):
    assert paging.check_next_page(address, BASE) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://wms.example.com/env",
        "https://wms.example.com:444/env",
        "https://wms.example.com.evil.test/env",
        "https://wms.example.com@evil.test/env",
        "https://user:pw@wms.example.com/env",
        "//wms.example.com/env",
        "/env/wms",
        "",
        "https://[broken",
        "https://wms.example.com:port/",
        "ftp://wms.example.com/",
    ],
)
def test_credentials_go_nowhere_else(address):
    with pytest.raises(ProtocolError, match="base_url"):
        paging.check_next_page(address, BASE)


@given(st.text())
def test_any_text_is_followed_or_refused(address):
    try:
        paging.check_next_page(address, BASE)
    except ProtocolError:
        return
    assert paging.origin(address) == ("https", "wms.example.com", 443)


@pytest.mark.parametrize("default", [("https", 443), ("http", 80)])
def test_an_implied_port_is_the_explicit_one(default):
    scheme, port = default
    assert paging.origin(f"{scheme}://h/") == paging.origin(f"{scheme}://h:{port}/")
