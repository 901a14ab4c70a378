"""Filters: what goes out for what is written, and what is refused before anything goes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_tap_oracle_wms import filters, moments
from flext_tap_oracle_wms.errors import SettingsError
from flext_tap_oracle_wms.schema import Field

NOW = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
FIELDS = [
    Field("id", "integer"), Field("order_nbr", "text"), Field("mod_ts", "timestamp"),
    Field("create_ts", "timestamp"), Field("ord_date", "date"), Field("status_id", "status"),
    Field("facility_id", "relation"), Field("qty", "number"), Field("hold_flg", "boolean"),
]  # fmt: skip


def compiled(**wanted):
    return filters.compile_filters("x", wanted, FIELDS, NOW, windowed={"id", "mod_ts"})


@pytest.mark.parametrize(
    ("key", "value", "sent"),
    [
        ("status_id", 10, "10"),
        ("status_id__in!", [90, 99], "90,99"),
        ("status_id__range", "10,20", "10,20"),
        ("order_nbr__startswith", "A", "A"),
        ("order_nbr!", "A,B", "A,B"),
        ("facility_id__code", "F1", "F1"),
        ("facility_id__parent_company_id__code__in", ["A", "B"], "A,B"),
        ("create_ts__gte", "today-7d", "2026-02-25T00:00:00.000000+00:00"),
        ("create_ts__lt", "2026-01-01T00:00:00-03:00", "2026-01-01T03:00:00.000000+00:00"),
        ("create_ts__year", 2026, "2026"),
        ("ord_date__gte", "yesterday", "2026-03-03"),
        ("ord_date", "2026-01-31", "2026-01-31"),
        ("ord_date__isnull", True, "true"),
        ("hold_flg", False, "false"),
        ("qty__gt", "1.50", "1.50"),
    ],
)
def test_a_filter_goes_out_as_the_api_wants_it(key, value, sent):
    assert compiled(**{key: value}) == {key: sent}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("order_nr", "A", "did you mean order_nbr"),
        ("create_ts__geq", "today", "did you mean __gte"),
        ("create_ts__contains", "2026", "no lookup contains"),
        ("create_ts__gte", "2026-01-01T00:00:00", "offset"),
        ("create_ts__gte", "tomorow", "no expression"),
        ("status_id", "open", "no whole number"),
        ("hold_flg", "maybe", "neither true nor false"),
        ("qty__gt", "1e", "no number"),
        ("status_id__range", [1], "two values"),
        ("order_nbr__in", ["a,b"], "comma"),
        ("order_nbr", ["a", "b"], "__in"),
        ("mod_ts__gte", "today", "start_date"),
        ("id__gt", 5, "another field"),
        ("page_size", 5, "set by the tap itself"),
        ("order_nbr__code", "A", "leads to no other entity"),
    ],
)
def test_a_wrong_filter_is_refused_by_name(key, value, told):
    with pytest.raises(SettingsError, match=told) as caught:
        compiled(**{key: value})
    assert f"filters: x.{key}" in str(caught.value)


def test_an_entity_s_own_filters_stand_above_those_of_all():
    found = filters.of_entity({"*": {"a": 1, "b": 1}, "x": {"b": 2}}, "x")
    assert found == {"a": 1, "b": 2}
    assert filters.of_entity({"x": {"b": 2}}, "y") == {}


@given(
    st.sampled_from(["now", "today", "yesterday"]),
    st.lists(
        st.tuples(
            st.sampled_from("+-"), st.integers(0, 999), st.sampled_from(["min", "h", "d", "w"])
        ),
        max_size=3,
    ),
)
def test_expressions_add_up(word, steps):
    unit = {"min": 60, "h": 3600, "d": 86400, "w": 604800}
    seconds = sum((1 if sign == "+" else -1) * n * unit[u] for sign, n, u in steps)
    base = NOW if word == "now" else NOW.replace(hour=0, minute=0)
    expected = base + timedelta(seconds=seconds) - timedelta(days=word == "yesterday")
    assert moments.resolve(word + "".join(f"{s}{n}{u}" for s, n, u in steps), NOW) == expected


@given(st.text(max_size=20))
def test_any_text_is_an_instant_or_refused_in_words(text):
    try:
        instant = moments.resolve(text, NOW)
    except ValueError as error:
        told = str(error)
    else:
        told = repr(text) * (instant.utcoffset() == timedelta(0))
    assert repr(text) in told
