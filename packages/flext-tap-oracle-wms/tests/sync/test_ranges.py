"""Ranges: as many rows in each, whatever the ids, and together every row once."""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flext_observability.testing import capture_events
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.errors import (
    AccessError,
    NotFoundError,
    ServerError,
    UnreachableError,
)
from flext_tap_oracle_wms.events import RangesProbeFailed
from flext_tap_oracle_wms.paging import Envelope, Interval
from flext_tap_oracle_wms.sizing import PageSize
from flext_tap_oracle_wms.sync import ranges
from flext_tap_oracle_wms.sync.reading import Listing


@dataclass
class Wms:
    """A list of ids that understands what ranges ask; some ways of asking may be broken."""

    ids: set[int]
    counts: bool = True
    paged_error: Exception | None = None
    asked: list[dict[str, str]] = field(default_factory=list)

    def list_page(self, entity, params, size=None):
        assert entity == "x"
        self.asked.append(dict(params))
        paged = params["page_mode"] == "paged"
        if paged and self.paged_error is not None:
            raise self.paged_error
        found = [
            n
            for n in self.ids
            if int(params.get("id__gt", -1)) < n < int(params.get("id__lt", 10**9))
        ]
        found.sort(reverse=params.get("ordering") == "-id")
        rows = size.value if size is not None else int(params["page_size"])
        page = int(params.get("page", "1"))
        shown = found[(page - 1) * rows : page * rows]
        if not shown:
            raise NotFoundError("404")
        more = "https://h/x?page=2" if page * rows < len(found) else None
        count = len(found) if paged and self.counts else None
        return Envelope(msgspec.Raw(json.dumps([{"id": n} for n in shown]).encode()), more, count)

    def confirm(self, entity, *, anew):
        return entity == "x" and anew


def job_of(wms, *, max_concurrency=3, record_limit=None):
    return SimpleNamespace(
        stream="x",
        source=wms,
        clock=Clock(),
        settings=SimpleNamespace(max_concurrency=max_concurrency),
        record_limit=record_limit,
        emitted=0,
        expected=None,
    )


def listing_of(smallest=1, **params):
    return Listing("x", {"page_mode": "sequenced", **params}, PageSize(smallest))


def cut(wms, left, *, descending=True, smallest=1, **of_job):
    return ranges.cut(job_of(wms, **of_job), listing_of(smallest), left, descending=descending)


def rows_in(pieces, ids):
    return [
        sum(
            (piece.above is None or n > piece.above) and (piece.below is None or n < piece.below)
            for n in ids
        )
        for piece in pieces
    ]


skewed = st.sets(st.integers(0, 50) | st.integers(10**6, 10**6 + 9999), min_size=1, max_size=120)


@settings(deadline=None)  # probes are threads, which take turns when the machine lets them
@given(skewed, st.booleans(), st.integers(2, 8), st.integers(1, 30), st.data())
def test_ranges_hold_as_many_rows_each(ids, descending, workers, smallest, data):
    edge = data.draw(st.sampled_from(sorted(ids)))
    left = Interval(below=edge) if descending else Interval(above=edge)
    todo = {n for n in ids if (n < edge if descending else n > edge)}
    found = cut(Wms(ids), left, descending=descending, smallest=smallest, max_concurrency=workers)
    held = rows_in(found, todo)
    assert sum(held) == len(todo)
    assert rows_in(found, ids) == held  # and nothing beyond what was left
    assert len(found) == max(1, min(2 * workers, len(todo) // smallest))
    assert max(held) - min(held) <= 1
    assert [piece.above for piece in found] == sorted(
        (piece.above for piece in found), key=lambda n: -1 if n is None else n, reverse=True
    )


@given(skewed, st.booleans(), st.integers(1, 40), st.data())
def test_without_a_count_the_span_of_ids_is_cut_evenly(ids, descending, smallest, data):
    edge = data.draw(st.sampled_from(sorted(ids)))
    left = Interval(below=edge) if descending else Interval(above=edge)
    todo = {n for n in ids if (n < edge if descending else n > edge)}
    found = cut(Wms(ids, counts=False), left, descending=descending, smallest=smallest)
    assert sum(rows_in(found, todo)) == len(todo) == sum(rows_in(found, ids))
    # Outwards they stay open, so that rows which appear there are read too.
    assert (found[0].below, found[-1].above) == (left.below, left.above)
    extreme = (min(ids) if descending else max(ids), edge)
    span = abs(extreme[1] - extreme[0])
    assert len(found) == max(1, min(12, span // smallest))
    if len(found) > 2:
        inner = [piece.below - piece.above - 1 for piece in found[1:-1]]
        assert max(inner) - min(inner) <= 1
        assert abs(inner[0] - span / len(found)) <= 1


def test_whole_lists_are_read_side_by_side_each_from_its_newest_row():
    lists = [listing_of(3), listing_of(4)]
    found = list(ranges.read_lists(job_of(Wms(set(range(10)))), lists))
    for number, rows in enumerate((3, 4)):
        pages = [json.loads(bytes(page.results)) for n, page in found if n == number and page]
        assert [row["id"] for page in pages for row in page] == list(range(9, -1, -1))
        assert len(pages[0]) == rows
        assert (number, None) in found


def test_the_rows_that_were_counted_are_expected_beside_those_that_are_out():
    job = job_of(Wms(set(range(100))))
    job.emitted = 7
    assert len(ranges.cut(job, listing_of(), Interval(below=40), descending=True)) > 1
    assert job.expected == 47


@pytest.mark.parametrize("error", [ServerError("500"), None])
def test_a_count_that_fails_is_told_and_the_span_is_cut_instead(error):
    wms = Wms(set(range(100)), paged_error=error)
    with capture_events() as seen:
        found = cut(wms, Interval(below=100), max_concurrency=2)
    assert len(found) == (8 if error else 4)
    assert [event.stream for event in seen if isinstance(event, RangesProbeFailed)] == (
        ["x"] if error else []
    )
    assert sum(rows_in(found, wms.ids)) == 100


def test_when_nothing_can_be_probed_one_range_is_read():
    class Failing(Wms):
        def list_page(self, entity, params, size=None):
            self.asked.append(dict(params))
            raise UnreachableError("timeout")

    wms = Failing({1, 2, 3})
    with capture_events() as seen:
        assert cut(wms, Interval(below=3)) == [Interval(below=3)]
    assert len(wms.asked) == 2
    assert sum(isinstance(event, RangesProbeFailed) for event in seen) == 2


def test_a_refusal_is_no_reason_to_go_on():
    with pytest.raises(AccessError):
        cut(Wms({1, 2, 3}, paged_error=AccessError("403")), Interval(below=3))


@pytest.mark.parametrize("of_job", [{"max_concurrency": 1}, {"record_limit": 5}])
def test_one_reader_or_a_limit_needs_no_cut_and_no_request(of_job):
    wms = Wms(set(range(100)))
    assert cut(wms, Interval(below=90), **of_job) == [Interval(below=90)]
    assert wms.asked == []


def test_rows_that_are_gone_by_the_time_leave_one_range():
    assert cut(Wms(set()), Interval(below=5)) == [Interval(below=5)]
    assert cut(Wms(set(), counts=False), Interval(below=5)) == [Interval(below=5)]
    assert cut(Wms({7, 8}, counts=False), Interval(below=5)) == [Interval(below=5)]
    assert cut(Wms({1, 2}, counts=False), Interval(above=5), descending=False) == [
        Interval(above=5)
    ]
    assert cut(Wms({4}, counts=False), Interval(4, 9), descending=True) != []


@pytest.mark.parametrize(
    ("ids", "left", "descending"),
    [
        (set(), Interval(below=5), True),  # nothing is left at the far end
        (set(), Interval(above=5), False),
        ({1, 2}, Interval(), True),  # nothing is known of the near end
        ({1, 2}, Interval(below=5), False),
        ({7, 8}, Interval(below=5), True),  # all rows lie on the other side
        ({1, 2}, Interval(above=5), False),
        ({4}, Interval(below=5), True),  # one id is one range
    ],
)
def test_a_span_that_cannot_be_cut_stays_whole(ids, left, descending):
    wms = Wms(ids, paged_error=ServerError("500"))
    with capture_events():
        assert cut(wms, left, descending=descending) == [left]


@pytest.mark.parametrize(
    ("left", "descending", "starts"),
    [
        (Interval(below=101), True, [81, 61, 41, 21]),  # of the ids 1 to 100
        (Interval(above=20), False, [81, 61, 41]),  # of the ids 21 to 100
        (Interval(above=20, below=101), False, [81, 61, 41]),
    ],
)
def test_a_span_of_ids_is_cut_where_its_parts_are_even(left, descending, starts):
    wms = Wms(set(range(1, 101)), paged_error=ServerError("500"))
    with capture_events():
        found = cut(wms, left, descending=descending, smallest=20, max_concurrency=2)
    assert [piece.above + 1 for piece in found[:-1]] == starts


def test_rows_removed_while_they_are_probed_cost_a_cut_and_no_row():
    class Shrinking(Wms):
        def list_page(self, entity, params, size=None):
            found = super().list_page(entity, params, size)
            if "page" not in params:
                self.ids = set(range(40))  # after the count, half of the rows go
            return found

    found = cut(Shrinking(set(range(80))), Interval(below=80), max_concurrency=4)
    assert len(found) == 4
    assert sum(rows_in(found, range(80))) == 80


def test_what_is_asked_of_the_wms_keeps_the_filters_and_takes_one_row():
    wms = Wms(set(range(50)))
    ranges.cut(
        job_of(wms), listing_of(10, status_id="20"), Interval(above=9, below=50), descending=True
    )
    assert len(wms.asked) == 4
    for asked in wms.asked:
        assert asked["status_id"] == "20"
        assert (asked["id__gt"], asked["id__lt"]) == ("9", "50")
        assert (asked["page_mode"], asked["page_size"]) == ("paged", "1")
    assert sorted(asked.get("page", "") for asked in wms.asked) == ["", "11", "21", "31"]


def test_a_count_under_further_filters():
    wms = Wms({1, 2, 3})
    assert ranges.count(job_of(wms), listing_of(), {"id__gt": "1"}) == 2
    assert ranges.count(job_of(wms), listing_of(), {"id__gt": "3"}) == 0
    assert ranges.count(job_of(Wms({1}, counts=False)), listing_of(), {}) is None


def test_one_request_at_a_time_needs_no_threads():
    asking = set()

    class Seen(Wms):
        def list_page(self, entity, params, size=None):
            asking.add(threading.get_ident())
            return super().list_page(entity, params, size)

    todo = [Interval(above=9), Interval(4, 10), Interval(below=5)]
    job = job_of(Seen(set(range(20))), max_concurrency=1)
    numbers = [number for number, _ in ranges.read(job, listing_of(3), todo, descending=True)]
    assert numbers == sorted(numbers)
    assert asking == {threading.get_ident()}


@settings(deadline=None)  # threads take turns when the machine lets them
@given(skewed, st.integers(1, 4), st.integers(1, 9), st.booleans())
def test_ranges_are_read_to_their_ends_each_in_its_order(ids, workers, size, descending):
    wms = Wms(ids)
    todo = [Interval(above=10**6 - 1), Interval(19, 10**6), Interval(below=20)]
    job = job_of(wms, max_concurrency=workers)
    read = {0: [], 1: [], 2: []}
    ended = []
    for number, page in ranges.read(job, listing_of(size), todo, descending=descending):
        if page is None:
            ended.append(number)
            continue
        assert number not in ended
        read[number] += [row["id"] for row in json.loads(bytes(page.results))]
    assert sorted(ended) == [0, 1, 2]
    for number, piece in enumerate(todo):
        held = [n for n in ids if rows_in([piece], [n]) == [1]]
        assert read[number] == sorted(held, reverse=descending)
    assert sorted(itertools.chain(*read.values())) == sorted(ids)
