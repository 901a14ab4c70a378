"""Parallel reading: everything comes out, in order within a source; an error ends it all."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flext_tap_oracle_wms import parallel


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(), max_size=6), max_size=8), st.integers(1, 8))
def test_every_item_comes_out_in_the_order_of_its_source(sources, workers):
    found = {number: [] for number in range(len(sources))}
    ended = []
    for number, item in parallel.read(sources, iter, workers=workers):
        assert number not in ended
        if item is None:
            ended.append(number)
        else:
            found[number].append(item)
    assert list(found.values()) == sources
    assert sorted(ended) == list(found)


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_is_raised_after_the_items_before_it(workers):
    def items(source):
        yield source
        if source == 1:
            raise RuntimeError("broken")

    seen = []

    def read_all():
        for _, item in parallel.read([1, 2, 3, 4, 5, 6], items, workers=workers):
            seen.append(item)

    with pytest.raises(RuntimeError, match="broken"):
        read_all()
    assert 1 in seen


def test_no_thread_is_left_when_the_reader_goes():
    before = threading.active_count()
    found = parallel.read(range(50), lambda n: range(n, n + 50), workers=4)
    next(found)
    found.close()
    assert threading.active_count() == before


def test_no_more_sources_are_open_than_workers():
    lock, open_now, most = threading.Lock(), [0], [0]

    def items(source):
        with lock:
            open_now[0] += 1
            most[0] = max(most[0], open_now[0])
        yield source
        with lock:
            open_now[0] -= 1

    assert len(list(parallel.read(range(40), items, workers=3))) == 80
    assert most[0] <= 3
