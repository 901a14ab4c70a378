"""Ranges side by side: more readers than requests in flight, so that the budget is the limit."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import msgspec
import pytest

from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.paging import Envelope, Interval
from flext_tap_oracle_wms.sizing import PageSize
from flext_tap_oracle_wms.sync import ranges, reading

LISTING = reading.Listing("x", {"page_mode": "sequenced"}, PageSize(2))


class Meeting:
    """Answers only when so many readers ask at once; every range has one row, in its middle."""

    def __init__(self, readers):
        self.readers = threading.Barrier(readers, timeout=30)

    def list_page(self, _entity, params, _size=None):
        self.readers.wait()
        row = {"id": (int(params["id__gt"]) + int(params["id__lt"])) // 2}
        return Envelope(msgspec.Raw(json.dumps([row]).encode()), None)


@pytest.mark.parametrize(("max_concurrency", "readers"), [(1, 1), (2, 4), (8, 16)])
def test_twice_as_many_ranges_are_read_as_requests_may_be_in_flight(max_concurrency, readers):
    todo = [Interval(n * 10, n * 10 + 10) for n in range(readers * 2)]
    job = SimpleNamespace(
        settings=SimpleNamespace(max_concurrency=max_concurrency),
        source=Meeting(readers),
        clock=Clock(),
    )
    found = [page for _, page in ranges.read(job, LISTING, todo, descending=True) if page]
    assert sorted(page.last_id for page in found) == [n * 10 + 5 for n in range(readers * 2)]
