from datetime import UTC, datetime
from decimal import Decimal

import pytest

from flext_cli.compare import compare

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC).replace(tzinfo=None)
COLUMNS = ("ID", "QTY", "NOTE", "_SDC_EXTRACTED_AT", "_SDC_BATCHED_AT", "_SDC_RECEIVED_AT")
WANT = [
    {"ID": Decimal(1), "QTY": Decimal("1.5"), "NOTE": "a"},
    {"ID": Decimal(2), "QTY": None, "NOTE": None},
]
HAVE = [(1, Decimal("1.50"), "a", NOW, NOW, NOW), (2, None, None, NOW, NOW, NOW)]


def verdict(have, want=None, columns=COLUMNS):
    return compare("s", "ID", WANT if want is None else want, columns, have)


def test_equal_sides_are_equal():
    result = verdict(HAVE)
    assert result.equal
    assert (result.expected_rows, result.actual_rows) == (2, 2)


@pytest.mark.parametrize(
    ("have", "counts", "column"),
    [
        (HAVE[:1], (1, 0, 0), None),
        ([*HAVE, (3, None, None, NOW, NOW, NOW)], (0, 1, 0), None),
        ([*HAVE, HAVE[0]], (0, 1, 0), None),
        ([HAVE[0], (2, Decimal(0), None, NOW, NOW, NOW)], (0, 0, 1), "QTY"),
        ([HAVE[0], (2, None, " ", NOW, NOW, NOW)], (0, 0, 1), "NOTE"),
        ([(1, "1.5", "a", NOW, NOW, NOW), HAVE[1]], (0, 0, 1), "QTY"),
        ([(1, Decimal("1.5000000001"), "a", NOW, NOW, NOW), HAVE[1]], (0, 0, 1), "QTY"),
        ([(1, Decimal("1.5"), "a", NOW, None, NOW), HAVE[1]], (0, 0, 1), "_SDC_BATCHED_AT"),
    ],
    ids=["missing", "extra", "twice", "not null", "blank", "text", "digit", "ours empty"],
)
def test_each_kind_of_difference_is_found_and_named(have, counts, column):
    result = verdict(have)
    assert (result.missing, result.extra, result.changed) == counts
    assert result.first is not None
    assert result.first.column == column


def test_a_column_that_is_not_there_is_named():
    have = [(1, Decimal("1.5"), NOW, NOW, NOW)]
    result = verdict(have, WANT[:1], tuple(name for name in COLUMNS if name != "NOTE"))
    assert str(result.first) == "s ID=1, column NOTE: expected 'a', Oracle has no such column"


def test_a_filled_column_nobody_expects_is_a_difference():
    have = [(1, Decimal("1.5"), "a", NOW, NOW, NOW, "x")]
    result = verdict(have, WANT[:1], (*COLUMNS, "OTHER"))
    assert result.first is not None
    assert result.first.column == "OTHER"


def test_each_column_that_differs_is_counted_in_all_rows():
    wrong = [(1, Decimal(2), "b", NOW, NOW, NOW), (2, Decimal(0), None, NOW, None, NOW)]
    result = verdict([*wrong, (3, None, None, NOW, NOW, NOW)])
    assert result.columns == {"QTY": 2, "NOTE": 1, "_SDC_BATCHED_AT": 1}
    assert (result.changed, result.extra) == (2, 1)
    assert verdict(HAVE).columns == {}
