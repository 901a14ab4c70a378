"""Intervals of ids hold every id once; next_page leads nowhere else."""

from __future__ import annotations

import itertools
import json

import msgspec
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
    assert len(found) == max(1, min(pieces, (span + 1) // smallest))
    starts = [oldest, *(piece.above + 1 for piece in reversed(found[:-1])), newest + 1]
    widths = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert max(widths) - min(widths) <= 1
    assert found[0].below == whole.below
    assert found[-1].above == whole.above
    number = data.draw(st.integers(oldest - 10, newest + 10))
    assert sum(holds(interval, number) for interval in found) == holds(whole, number)
    for newer, older in itertools.pairwise(found):
        assert newer.above == older.below - 1
        assert not newer.empty


bounds = st.none() | st.integers(0, 60)


@given(bounds, bounds, st.lists(st.integers(-5, 65)))
def test_a_cut_at_ids_holds_every_id_exactly_once_and_none_of_its_pieces_is_empty(
    above, below, cuts
):
    whole = Interval(above, below)
    found = paging.cut_at(whole, cuts)
    for number in range(-10, 70):
        assert sum(holds(piece, number) for piece in found) == holds(whole, number)
    inside = {n for n in cuts if holds(whole, n) and n - 1 != above}
    assert len(found) == len(inside) + 1
    assert {piece.above + 1 for piece in found[:-1]} == inside
    assert whole.empty or not any(piece.empty for piece in found)
    for newer, older in itertools.pairwise(found):
        assert newer.above == older.below - 1


@given(st.integers(0, 5000), st.integers(1, 40), st.integers(0, 600))
def test_ranks_cut_rows_into_even_pieces(count, pieces, smallest):
    found = paging.ranks(count, pieces, smallest=smallest)
    assert len(found) + 1 == max(1, min(pieces, count // max(1, smallest)))
    edges = [1, *found, count + 1]
    sizes = [later - earlier for earlier, later in itertools.pairwise(edges)]
    assert max(sizes) - min(sizes) <= 1
    assert not found or min(sizes) >= max(1, smallest)


def test_cuts_at_the_edges_of_an_interval():
    assert paging.cut_at(Interval(4, 9), [10, 9, 8, 6, 6, 5, 4]) == [
        Interval(7, 9),
        Interval(5, 8),
        Interval(4, 6),
    ]
    assert paging.cut_at(Interval(), [0]) == [Interval(above=-1), Interval(below=0)]


def test_a_few_rows_make_a_piece_each():
    assert paging.ranks(3, 9, smallest=0) == paging.ranks(3, 9, smallest=1) == [2, 3]
    assert paging.ranks(7, 9, smallest=2) == [3, 5]
    assert paging.ranks(0, 9, smallest=1) == []


def test_no_more_pieces_than_ids():
    whole = Interval(4, 8)
    assert paging.cut(whole, 7, 5, 40, smallest=0) == [
        Interval(6, 8),
        Interval(5, 7),
        Interval(4, 6),
    ]
    assert paging.cut(whole, 7, 5, 40, smallest=4) == [whole]


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Interval(), "of any id"),
        (Interval(above=0), "above id 0"),
        (Interval(below=9), "below id 9"),
        (Interval(3, 9), "above id 3 and below id 9"),
    ],
)
def test_an_interval_in_words(interval, words):
    assert interval.text() == words


def test_a_page_without_rows_leaves_what_was_left():
    assert Interval(1, 9).after([], descending=True) == Interval(1, 9)


@given(st.lists(st.integers(), max_size=6), st.integers(0, 7))
def test_the_head_of_a_page_is_its_first_records(ids, limit):
    page = msgspec.Raw(json.dumps([{"id": n} for n in ids]).encode())
    found = json.loads(bytes(paging.head(page, limit)))
    assert [row["id"] for row in found] == ids[:limit]
    assert paging.count(page) == len(ids) == len(paging.ids(page))


def test_a_page_that_fits_keeps_its_bytes():
    page = msgspec.Raw(b'[ {"id": 1},{"id":2} ]')
    assert bytes(paging.head(page, 2)) == bytes(page)


@pytest.mark.parametrize("results", [b"{}", b"5", b'"x"', b"null"])
def test_results_that_are_no_list_are_refused(results):
    with pytest.raises(ProtocolError, match="without a list of results"):
        paging.count(msgspec.Raw(results))


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
    with pytest.raises(ProtocolError, match="lose rows") as raised:
        Interval(above=1, below=11).after(ids, descending=descending)
    # The one that is named is the first that cannot stand where it stands.
    assert f"sent id {ids[-1]} where" in str(raised.value)


@pytest.mark.parametrize(
    ("interval", "ids", "descending", "told"),
    [
        (Interval(), [7, 9, 3], True, "sent id 9 where ids between None and 7 in descending"),
        (Interval(above=5), [9, 7, 4], True, "sent id 4 where ids between 5 and 7 in descending"),
        (Interval(), [3, 5, 4, 9], False, "sent id 4 where ids between 5 and None in ascending"),
        (Interval(below=8), [3, 8], False, "sent id 8 where ids between 3 and 8 in ascending"),
        (Interval(above=8), [8], False, "sent id 8 where ids between 8 and None in ascending"),
    ],
)
def test_the_first_id_out_of_place_is_named(interval, ids, descending, told):
    with pytest.raises(ProtocolError) as raised:
        interval.after(ids, descending=descending)
    assert told in str(raised.value)


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


def test_a_refusal_names_where_the_address_leads():
    with pytest.raises(ProtocolError, match=r"leads to https://evil\.test:8443, not"):
        paging.check_next_page("https://evil.test:8443/env?cursor=1", BASE)
    with pytest.raises(ProtocolError, match="leads to no address, not"):
        paging.check_next_page("nowhere", BASE)


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
