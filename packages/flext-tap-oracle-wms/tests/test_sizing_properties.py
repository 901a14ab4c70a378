"""The page size after failures and good pages, step by step."""

from __future__ import annotations

from flext_tap_oracle_wms import sizing


def test_sizes_after_a_failure_and_after_good_pages():
    assert [sizing.smaller(n) for n in (500, 3, 2, 1)] == [250, 1, 1, 1]
    assert [sizing.larger(n, 1250) for n in (1, 3, 4, 8, 100, 1249)] == [2, 4, 5, 10, 125, 1250]
    assert sizing.larger(7, 7) == 7


def test_a_page_of_one_row_cannot_shrink_and_late_answers_of_larger_ones_count_for_nothing():
    size = sizing.PageSize(8)
    assert size.shrink(8)
    assert size.shrink(4)
    assert size.value == 2
    for _ in range(9):
        size.succeed(1)  # less was asked for than is asked for now
    assert size.value == 2
    assert size.shrink(8)  # a page that was asked for before: less is asked for already
    assert size.value == 2
    assert size.shrink(2)
    assert not size.shrink(1)
    assert size.value == 1


def test_growth_needs_as_many_good_pages_after_every_step():
    size = sizing.PageSize(100)
    size.shrink(100)
    sizes = []
    for _ in range(12):
        size.succeed(size.value)
        sizes.append(size.value)
    assert sizes == [50, 50, 50, 62, 62, 62, 62, 77, 77, 77, 77, 96]
    size.shrink(96)
    size.succeed(48)
    size.succeed(48)
    size.succeed(48)
    assert size.value == 48
