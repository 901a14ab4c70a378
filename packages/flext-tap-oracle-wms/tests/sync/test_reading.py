"""The end of a list: null in next_page, or a 404 that holds; nothing else ends it quietly."""

from __future__ import annotations

import json

import msgspec
import pytest

from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.errors import (
    AccessError,
    NotFoundError,
    ProtocolError,
    ServerError,
    UnreachableError,
)
from flext_tap_oracle_wms.paging import Envelope, Interval
from flext_tap_oracle_wms.sizing import PageSize
from flext_tap_oracle_wms.sync import reading

MORE = "https://h/x?cursor=1"


def page(*ids, more=None, counted=None):
    return Envelope(msgspec.Raw(json.dumps([{"id": n} for n in ids]).encode()), more, counted)


class Source:
    """Answers as scripted; None is 404."""

    def __init__(self, *answers, described=True):
        self.answers = list(answers)
        self.described = described
        self.asked = []
        self.confirmed = []

    def list_page(self, entity, params, size=None):
        rows = {} if size is None else {"page_size": str(size.value)}
        self.asked.append({**params, **rows})
        return self._next()

    def follow(self, next_page):
        self.asked.append(next_page)
        return self._next()

    def _next(self):
        answer = self.answers.pop(0)
        if answer is None:
            raise NotFoundError("404")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def confirm(self, entity, *, anew):
        self.confirmed.append(anew)
        return self.described

    def server_now(self):
        raise AssertionError


def by_id(source, interval=Interval(), *, descending=False, rows=2, **params):  # noqa: B008 -- frozen
    listing = reading.Listing("x", {"page_mode": "sequenced", **params}, PageSize(rows))
    found = []
    for item in reading.by_id(source, listing, interval, Clock(), descending=descending):
        found.extend(row["id"] for row in json.loads(bytes(item.results)))
    return found


def by_next_page(source, ordering=None):
    listing = reading.Listing("x", {}, PageSize(2))
    pages = reading.by_next_page(source, listing, Clock(), ordering=ordering)
    return [row["id"] for item in pages for row in json.loads(bytes(item.results))]


def test_pages_go_on_from_the_last_id_until_none_follows():
    source = Source(page(1, 2, more=MORE), page(5, 7, more=MORE), page(9))
    assert by_id(source) == [1, 2, 5, 7, 9]
    assert [asked.get("id__gt") for asked in source.asked] == [None, "2", "7"]
    assert {asked["ordering"] for asked in source.asked} == {"id"}


def test_descending_pages_go_on_below_the_last_id():
    source = Source(page(9, 7, more=MORE), page(5))
    assert by_id(source, Interval(above=3), descending=True) == [9, 7, 5]
    assert source.asked[1]["id__lt"] == "7"
    assert source.asked[1]["id__gt"] == "3"
    assert source.asked[1]["ordering"] == "-id"


def test_a_short_page_is_not_the_last_one():
    assert by_id(Source(page(1, more=MORE), page(2, more=MORE), page(3))) == [1, 2, 3]


def test_a_full_page_without_next_page_is_the_last_one():
    assert by_id(Source(page(1, 2))) == [1, 2]


NOTHING = pytest.mark.parametrize("nothing", [None, page()], ids=["404", "no rows"])
BOUNDED = pytest.mark.parametrize("bounds", [Interval(above=3), Interval(below=9)])


@NOTHING
def test_nothing_at_all_of_a_described_entity_is_an_empty_list(nothing):
    source = Source(nothing, nothing)
    assert by_id(source) == []
    assert source.confirmed == [True]
    assert source.asked[0] == source.asked[1]


@NOTHING
def test_nothing_that_does_not_hold_fails(nothing):
    with pytest.raises(ProtocolError, match="run again"):
        by_id(Source(nothing, page(1)))


def test_404_for_list_and_description_is_no_empty_list():
    with pytest.raises(ProtocolError, match="not an empty list"):
        by_id(Source(None, None, described=False))


@NOTHING
def test_nothing_later_is_the_end_when_it_holds_and_the_list_works(nothing):
    source = Source(page(1, 2, more=MORE), nothing, nothing, page(1, more=MORE))
    assert by_id(source) == [1, 2]
    assert source.asked[1] == source.asked[2]
    assert source.asked[3] == {"page_mode": "sequenced", "page_size": "1"}


@NOTHING
def test_nothing_later_that_does_not_hold_fails(nothing):
    with pytest.raises(ProtocolError, match="run again"):
        by_id(Source(page(1, 2, more=MORE), nothing, page(3)))


@NOTHING
def test_nothing_later_from_a_list_that_has_stopped_working_fails(nothing):
    with pytest.raises(ProtocolError, match="after it has sent some"):
        by_id(Source(page(1, 2, more=MORE), nothing, nothing, nothing))


@NOTHING
@BOUNDED
def test_nothing_in_a_range_is_the_end_only_while_the_list_works(nothing, bounds):
    assert by_id(Source(nothing, nothing, page(1)), bounds) == []
    with pytest.raises(ProtocolError, match="after it has sent some"):
        by_id(Source(nothing, nothing, nothing), bounds)
    with pytest.raises(ProtocolError, match="run again"):
        by_id(Source(nothing, page(5)), bounds)


@pytest.mark.parametrize("second", [page(1, 2, more=MORE), page(2, 3), page(4, 3), page(more=MORE)])
def test_a_repeated_page_or_one_that_leads_nowhere_fails(second):
    with pytest.raises(ProtocolError):
        by_id(Source(page(1, 2, more=MORE), second))


def test_a_record_without_an_id_fails():
    bad = Envelope(msgspec.Raw(b'[{"key": 1}]'), None)
    with pytest.raises(ProtocolError, match="integer id"):
        by_id(Source(bad))


def test_an_interval_without_ids_is_not_asked_for():
    source = Source()
    assert by_id(source, Interval(above=4, below=5)) == []
    assert source.asked == []


def test_without_ids_next_page_is_followed_to_its_end():
    source = Source(page(1, more="https://h/2"), page(2, more="https://h/3"), page(3))
    assert by_next_page(source) == [1, 2, 3]
    assert source.asked[1:] == ["https://h/2", "https://h/3"]


def test_without_ids_a_loop_fails():
    with pytest.raises(ProtocolError, match="read already"):
        by_next_page(Source(page(1, more=MORE), page(2, more=MORE)))


def test_without_ids_404_on_a_later_page_fails():
    with pytest.raises(ProtocolError, match="404"):
        by_next_page(Source(page(1, more=MORE), None))


@NOTHING
def test_without_ids_nothing_on_the_first_page_is_empty_if_it_holds(nothing):
    assert by_next_page(Source(nothing, nothing)) == []
    with pytest.raises(ProtocolError, match="run again"):
        by_next_page(Source(nothing, page(1)))


def test_without_ids_a_last_page_without_rows_must_hold():
    assert by_next_page(Source(page(1, more=MORE), page(), page())) == [1]
    with pytest.raises(ProtocolError, match="run again"):
        by_next_page(Source(page(1, more=MORE), page(), page(2)))


def test_pages_say_whether_more_follow_and_what_is_left():
    listing = reading.Listing("x", {}, PageSize(2))
    source = Source(page(1, 2, more=MORE), page(3, 4, more=MORE), page(9))
    found = list(reading.by_id(source, listing, Interval(), Clock(), descending=False))
    assert [item.more for item in found] == [True, True, False]
    assert [item.left for item in found] == [Interval(above=2), Interval(above=4), None]
    assert [item.last_id for item in found] == [2, 4, 9]
    source = Source(page(1, more=MORE), page(2))
    found = list(reading.by_next_page(source, listing, Clock(), ordering=None))
    assert [(item.more, item.left, item.last_id) for item in found] == [
        (True, None, None),
        (False, None, None),
    ]


def test_a_bounded_range_ends_where_its_last_id_is_read():
    source = Source(page(8, 7, more=MORE))
    assert by_id(source, Interval(6, 9), descending=True) == [8, 7]
    assert len(source.asked) == 1


def test_a_user_s_order_goes_out_where_there_are_no_ids_to_go_by():
    source = Source(page(1))
    by_next_page(source, "-mod_ts")
    assert source.asked == [{"page_size": "2", "ordering": "-mod_ts"}]
    source = Source(page(1))
    by_next_page(source)
    assert source.asked == [{"page_size": "2"}]


SHORT = page(3, counted=2)


def test_a_last_page_with_fewer_rows_than_are_counted_is_asked_for_again():
    assert by_id(Source(page(1, counted=1))) == [1]
    assert by_id(Source(page(1, more=MORE, counted=9), page(2, counted=1))) == [1, 2]
    assert by_id(Source(SHORT, SHORT, SHORT, page(3, 4, counted=2))) == [3, 4]
    # Patience begins anew with every page that is whole.
    first = (SHORT, SHORT, SHORT, page(3, 4, more=MORE, counted=4))
    later = page(5, counted=2)
    source = Source(*first, later, later, later, page(5, 6, counted=2))
    assert by_id(source) == [3, 4, 5, 6]
    with pytest.raises(ProtocolError, match=r"counts 2 rows and sends fewer.*4 times in a row"):
        by_id(Source(SHORT, SHORT, SHORT, SHORT, page(3, 4, counted=2)))


def test_nothing_under_a_filter_is_the_end_when_the_list_works_without_it():
    source = Source(None, None, page(7))
    assert by_id(source, status_id="20") == []
    assert source.asked[2] == {"page_mode": "sequenced", "page_size": "1"}
    assert source.confirmed == []
    # An entity that is empty altogether is one that describe knows.
    source = Source(None, None, None)
    assert by_id(source, status_id="20") == []
    assert source.confirmed == [True]
    with pytest.raises(ProtocolError, match="not an empty list"):
        by_id(Source(None, None, None, described=False), status_id="20")


@pytest.mark.parametrize("error", [ServerError("500"), UnreachableError("timeout")])
def test_a_page_that_fails_says_which_rows_were_due(error):
    with pytest.raises(type(error), match="; rows of entity x of any id were due"):
        by_id(Source(error))
    with pytest.raises(type(error), match="; rows of entity x above id 2 were due"):
        by_id(Source(page(1, 2, more=MORE), error))


@pytest.mark.parametrize("rows", [1, 2])
def test_a_page_of_one_row_that_fails_says_which_row(rows):
    class Shrinking(Source):
        def list_page(self, entity, params, size=None):
            assert size is not None
            size.shrink(size.value)  # as the client does before it gives up
            return super().list_page(entity, params, size)

    source = Shrinking(page(9, more=MORE), ServerError("504"))
    with pytest.raises(ServerError, match="one row: the next row of entity x below id 9 cannot"):
        by_id(source, descending=True, rows=rows)


def test_a_refusal_of_the_user_stays_what_it_is():
    with pytest.raises(AccessError, match=r"^403$"):
        by_id(Source(AccessError("403")))
