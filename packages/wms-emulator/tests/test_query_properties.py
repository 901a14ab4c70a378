"""Pages and filters against a naive reading of the journal: docs/specs/wms-api.md §2.

The naive side works on the JSON of the journal with plain Python; it shares no code with the query
path.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RELAXED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# Fields of allocation by how they compare.
FIELDS: dict[str, Callable[[Any], Any]] = {
    "id": int,
    "alloc_qty": Decimal,
    "packed_qty": Decimal,
    "task_seq_nbr": int,
    "status_id": int,
    "order_dtl_id": lambda value: value["id"],
    "to_inventory_id": lambda value: value["id"],
    "mod_ts": datetime.fromisoformat,
    "picked_ts": datetime.fromisoformat,
    "pick_user": str,
    "final_oblpn_nbr": str,
}
TEXTS = ("pick_user", "final_oblpn_nbr")


def comparable(row: dict[str, Any], field: str) -> Any:
    return None if row[field] is None else FIELDS[field](row[field])


def as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@pytest.fixture(scope="session")
def truth(wms: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = wms.server.journal("allocation")
    assert len(rows) == 60
    return rows


def naive(lookup: str, value: Any, wanted: list[Any]) -> bool:
    if value is None:
        return False
    match lookup:
        case "exact":
            return bool(value == wanted[0])
        case "gt":
            return bool(value > wanted[0])
        case "gte":
            return bool(value >= wanted[0])
        case "lt":
            return bool(value < wanted[0])
        case "lte":
            return bool(value <= wanted[0])
        case "range":
            return bool(wanted[0] <= value <= wanted[1])
        case "in":
            return value in wanted
    raise AssertionError(lookup)


@st.composite
def filters(draw: st.DrawFn) -> tuple[str, str, list[int], bool]:
    field = draw(st.sampled_from(sorted(FIELDS)))
    lookup = draw(st.sampled_from(["exact", "gt", "gte", "lt", "lte", "range", "in"]))
    count = {"range": 2, "in": draw(st.integers(1, 4))}.get(lookup, 1)
    picks = draw(st.lists(st.integers(0, 59), min_size=count, max_size=count))
    return field, lookup, picks, draw(st.booleans())


@RELAXED
@given(
    st.lists(filters(), max_size=3),
    st.sampled_from(["id", "-id", ""]),
    st.integers(1, 70),
    st.sampled_from(["paged", "sequenced"]),
)
def test_walking_gives_what_a_naive_filter_gives(
    wms: Any,
    truth: list[dict[str, Any]],
    wanted: list[tuple[str, str, list[int], bool]],
    ordering: str,
    size: int,
    mode: str,
) -> None:
    """§2.2 to §2.5: in either mode, each row once, and no other."""
    parts: dict[str, str] = {"page_mode": mode, "page_size": str(size)}
    if ordering:
        parts["ordering"] = ordering
    expected = truth
    for field, lookup, picks, negated in wanted:
        values = [comparable(truth[pick], field) for pick in picks]
        values = [value for value in values if value is not None and "," not in as_text(value)]
        needed = 2 if lookup == "range" else 1
        key = f"{field}__{lookup}" + ("!" if negated else "")
        if len(values) < needed or key in parts:
            continue
        parts[key] = ",".join(map(as_text, values[: 2 if lookup == "range" else None]))
        expected = [
            row for row in expected if naive(lookup, comparable(row, field), values) is not negated
        ]
    query = "&".join(f"{key}={quote(value)}" for key, value in parts.items())
    rows = wms.walk(f"entity/allocation?{query}")
    if ordering == "-id":
        expected = expected[::-1]
    assert rows == expected


@RELAXED
@given(
    st.sampled_from(TEXTS),
    st.sampled_from(["contains", "startswith", "endswith"]),
    st.booleans(),
    st.integers(0, 59),
    st.integers(0, 8),
    st.integers(1, 6),
)
def test_text_lookups(
    wms: Any,
    truth: list[dict[str, Any]],
    field: str,
    lookup: str,
    insensitive: bool,
    pick: int,
    start: int,
    length: int,
) -> None:
    """§2.2: contains, startswith, endswith and their case-insensitive forms."""
    part = truth[pick][field][start : start + length]
    asked = part.swapcase() if insensitive else part
    key = f"{field}__{'i' if insensitive else ''}{lookup}"
    test = {"contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith}
    fold = str.casefold if insensitive else str
    expected = [row["id"] for row in truth if test[lookup](fold(row[field]), fold(asked))]
    rows = wms.walk(f"entity/allocation?page_size=100&ordering=id&{key}={quote(asked)}")
    assert [row["id"] for row in rows] == expected


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_isnull(wms: Any, truth: list[dict[str, Any]], field: str) -> None:
    """§2.2."""
    for text, null in (("true", True), ("false", False)):
        rows = wms.walk(f"entity/allocation?page_size=100&ordering=id&{field}__isnull={text}")
        expected = [row["id"] for row in truth if (row[field] is None) is null]
        assert [row["id"] for row in rows] == expected


@pytest.mark.parametrize("mode", ["paged", "sequenced"])
@pytest.mark.parametrize("field", sorted(FIELDS))
@pytest.mark.parametrize("sign", ["", "-"])
def test_ordering(wms: Any, truth: list[dict[str, Any]], field: str, sign: str, mode: str) -> None:
    """§2.1: sorted as numbers, instants and texts; nulls last, first when descending.

    Sequenced pages cannot pass nulls [open], so there only rows with a value are asked for.
    """
    query = f"ordering={sign}{field},id&page_mode={mode}&page_size=11&{field}__isnull=false"
    rows = wms.walk(f"entity/allocation?{query}")
    values = [comparable(row, field) for row in rows]
    assert values == sorted(values, reverse=bool(sign))
    assert {row["id"] for row in rows} == {row["id"] for row in truth if row[field] is not None}
    if mode == "paged":
        query = f"ordering={sign}{field}&page_size=1250"
        nulls = [row[field] is None for row in wms.walk(f"entity/allocation?{query}")]
        assert nulls == sorted(nulls, reverse=bool(sign))


@pytest.mark.parametrize(
    ("lookup", "part"),
    [
        ("year", lambda moment: moment.year),
        ("month", lambda moment: moment.month),
        ("day", lambda moment: moment.day),
        ("week_day", lambda moment: moment.isoweekday() % 7 + 1),
        ("hour", lambda moment: moment.hour),
        ("minute", lambda moment: moment.minute),
    ],
)
def test_parts_of_dates(
    wms: Any, truth: list[dict[str, Any]], lookup: str, part: Callable[[datetime], int]
) -> None:
    """§2.2: in the zone of the account's facility; week_day 1 is Sunday."""
    wanted = part(datetime.fromisoformat(truth[20]["mod_ts"]))
    rows = wms.walk(f"entity/allocation?mod_ts__{lookup}={wanted}&ordering=id&page_size=100")
    expected = [row["id"] for row in truth if part(datetime.fromisoformat(row["mod_ts"])) == wanted]
    assert [row["id"] for row in rows] == expected
