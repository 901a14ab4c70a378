"""What a table needs, compared with what it is."""

from __future__ import annotations

import pytest

from flext_target_oracle.errors import SchemaRefusedError
from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql import statements, types
from flext_target_oracle.sql.plan import Existing, StreamSchema, TablePlan
from flext_target_oracle.sql.types import ColumnType

SCHEMA = {
    "properties": {
        "id": {"type": "integer"},
        "mod_ts": {"type": "string", "format": "date-time"},
        "note": {"type": "string"},
        "extra": {"type": "object"},
    }
}


def wanted(**changes: object) -> TablePlan:
    keys = tuple(changes.pop("keys", ("id",)))  # type: ignore[arg-type]  # a test's shorthand
    order = tuple(changes.pop("order", ("mod_ts",)))  # type: ignore[arg-type]  # likewise
    schema = changes.pop("schema", SCHEMA)
    source = StreamSchema("allocation", schema, keys, order)  # type: ignore[arg-type]  # likewise
    options = {"append": False, "metadata": True} | changes
    return plans.wanted(source, schema="OIC", table="WMS_ALLOCATION", **options)  # type: ignore[arg-type]  # likewise


def existing_for(plan: TablePlan, **changes: ColumnType | None) -> Existing:
    columns = dict(plan.stored) | changes
    present = {name: kind for name, kind in columns.items() if kind is not None}
    return Existing(present, (frozenset(plan.key),))


def test_a_missing_table_is_created() -> None:
    plan, changes = plans.settle(wanted(), None)
    assert [change.kind for change in changes] == ["create"]
    assert plan.key == ("ID",)
    assert plan.order == ("MOD_TS",)


def test_a_table_that_fits_is_left_alone() -> None:
    plan, changes = plans.settle(wanted(), existing_for(wanted()))
    assert changes == []
    assert plan == wanted()


def test_missing_columns_are_added_metadata_too() -> None:
    plan, changes = plans.settle(wanted(), existing_for(wanted(), NOTE=None, _SDC_BATCHED_AT=None))
    (change,) = changes
    (sql,) = statements.ddl(plan, change)
    assert sql == (
        'ALTER TABLE "OIC"."WMS_ALLOCATION" ADD ("NOTE" VARCHAR2(4000 BYTE),'
        ' "_SDC_BATCHED_AT" TIMESTAMP)'
    )


def test_the_types_the_table_has_are_the_ones_values_are_judged_by() -> None:
    narrow = types.text(10)
    plan, _ = plans.settle(wanted(), existing_for(wanted(), NOTE=narrow))
    assert dict(plan.stored)["NOTE"] == narrow


def test_a_table_without_the_key_is_refused_with_the_remedy() -> None:
    with pytest.raises(SchemaRefusedError, match=r'ADD CONSTRAINT "PK_WMS_ALLOCATION" PRIMARY KEY'):
        plans.settle(wanted(), Existing(dict(wanted().stored)))


def test_a_keyed_table_is_refused_for_append_only() -> None:
    with pytest.raises(SchemaRefusedError, match="append-only keeps several rows per key"):
        plans.settle(wanted(append=True), existing_for(wanted()))


def test_a_stream_without_key_is_refused_for_a_keyed_table() -> None:
    with pytest.raises(SchemaRefusedError, match=r'no key_properties.* has a key on \("ID"\)'):
        plans.settle(wanted(keys=(), append=True), existing_for(wanted()))


def test_a_column_of_another_kind_is_refused_with_its_name() -> None:
    with pytest.raises(SchemaRefusedError, match='column "NOTE": NUMBER'):
        plans.settle(wanted(), existing_for(wanted(), NOTE=types.INTEGER))


def test_a_clob_in_the_making_is_begun_anew_or_finished() -> None:
    copy = plans.clob_name("NOTE")
    both = Existing({**dict(wanted().stored), copy: types.CLOB}, (frozenset({"ID"}),))
    plan, changes = plans.settle(wanted(), both)
    assert [(c.kind, statements.ddl(plan, c)) for c in changes] == [
        ("restart_clob", [f'ALTER TABLE "OIC"."WMS_ALLOCATION" DROP COLUMN "{copy}"'])
    ]
    only = Existing({k: v for k, v in both.columns.items() if k != "NOTE"}, both.keys)
    plan, changes = plans.settle(wanted(), only)
    assert [(c.kind, statements.ddl(plan, c)) for c in changes] == [
        (
            "finish_clob",
            [f'ALTER TABLE "OIC"."WMS_ALLOCATION" RENAME COLUMN "{copy}" TO "NOTE"'],
        )
    ]
    assert dict(plan.stored)["NOTE"] == types.CLOB


def test_a_lob_orders_nothing() -> None:
    assert wanted(order=("extra",)).order == ()
    assert plans.to_clob(wanted(order=("note",)), ["NOTE"]).order == ()


def test_another_shape_has_another_staging_table() -> None:
    assert wanted().staging_table != plans.to_clob(wanted(), ["NOTE"]).staging_table
    assert len(wanted().staging_table) <= 30


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": {"type": "object"}}, "no properties"),
        ({"keys": ("nope",)}, "key property 'nope'"),
        ({"keys": ("extra",)}, "object or array"),
        ({"schema": {"properties": {"flext_pos": {}}}, "keys": ()}, "reserved"),
        (
            {"schema": {"properties": {f"c{n}": {} for n in range(1000)}}, "keys": ()},
            "holds 1000 columns",
        ),
    ],
)
def test_a_schema_no_table_can_hold_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SchemaRefusedError, match=message):
        wanted(**changes)


def test_metadata_in_the_schema_is_ours() -> None:
    schema = {"properties": {"id": {"type": "integer"}, "_sdc_extracted_at": {"type": "string"}}}
    assert [name for name, _ in wanted(schema=schema).stored].count("_SDC_EXTRACTED_AT") == 1
