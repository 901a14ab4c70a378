"""Descriptions: kinds by type word, by name where the word is unknown, and derived columns."""

from __future__ import annotations

import pytest

from flext_tap_oracle_wms import schema


@pytest.mark.parametrize(
    ("name", "word", "kind"),
    [
        ("note", "string", "text"),
        ("note", "VARCHAR", "text"),
        ("qty", "decimal", "number"),
        ("id", "pk", "integer"),
        ("id", "unheard-of", "integer"),
        ("item_id", "unheard-of", "relation"),
        ("status_id", "relation", "status"),
        ("qc_status_id", "relation", "status"),
        ("order_dtl_set", "relation", "set"),
        ("host_flg", "unheard-of", "boolean"),
        ("mod_ts", "unheard-of", "timestamp"),
        ("ord_date", "unheard-of", "date"),
        ("start_time", "unheard-of", "time"),
        ("lpn_count", "unheard-of", "number"),
        ("image_data", "unheard-of", "text"),
    ],
)
def test_the_kind_of_a_field(name: str, word: str, kind: str):
    assert schema.fields_of("x", {name: {"type": word}})[0].kind == kind


def test_known_extras_come_with_the_entities_that_carry_them():
    names = [item.name for item in schema.fields_of("order_hdr", {"id": {"type": "integer"}})]
    assert names == ["id", "facility_id", "company_id"]
    assert len(schema.fields_of("allocation", {"id": {"type": "integer"}})) == 1


def test_what_changes_without_mod_ts_is_marked_volatile():
    fields = schema.fields_of(
        "x",
        {
            "id": {"type": "integer"},
            "item_id": {"type": "relation"},
            "order_dtl_set": {"type": "set"},
            "received_qty": {"type": "method"},
            "note": {"type": "string"},
        },
    )
    columns = schema.columns_of(fields)
    volatile = {column.name for column in columns if column.schema["x-wms"].get("volatile")}
    assert volatile == {"item_key", "order_dtl_set_count", "received_qty"}


def test_a_derived_column_never_takes_the_name_of_a_field():
    fields = schema.fields_of(
        "x", {"item_id": {"type": "relation"}, "item_key": {"type": "string"}}
    )
    names = [column.name for column in schema.columns_of(fields)]
    assert len(set(names)) == len(names) == 3


def test_id_is_the_only_column_that_cannot_be_null():
    fields = schema.fields_of("x", {"id": {"type": "integer"}, "n": {"type": "integer"}})
    properties = schema.json_schema(schema.columns_of(fields))["properties"]
    assert properties["id"]["type"] == ["integer"]
    assert properties["n"]["type"] == ["integer", "null"]
