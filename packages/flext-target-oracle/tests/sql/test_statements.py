"""The statements on the tables, as docs/specs/target-sql.md gives them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle.sql import apply, control, fencing, staging, statements
from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql.plan import StreamSchema, TablePlan

PROPERTIES = {
    "id": {"type": "integer"},
    "mod_ts": {"type": "string", "format": "date-time"},
    "note": {"type": "object"},
}


def make_plan(
    properties: dict[str, Any] = PROPERTIES, keys: tuple[str, ...] = ("id",), **options: Any
) -> TablePlan:
    source = StreamSchema("s", {"properties": properties}, keys, ("mod_ts",))
    wanted = {"append": False, "metadata": True} | options
    return plans.wanted(source, schema="OIC", table="WMS_S", **wanted)


def test_a_table_with_a_key() -> None:
    (sql,) = statements.create_table(make_plan())
    assert sql == (
        'CREATE TABLE "OIC"."WMS_S" (\n'
        '  "ID" NUMBER(38) NOT NULL,\n'
        '  "MOD_TS" TIMESTAMP,\n'
        '  "NOTE" CLOB,\n'
        '  "_SDC_EXTRACTED_AT" TIMESTAMP,\n'
        '  "_SDC_BATCHED_AT" TIMESTAMP,\n'
        '  "_SDC_RECEIVED_AT" TIMESTAMP,\n'
        '  CONSTRAINT "PK_WMS_S" PRIMARY KEY ("ID"))'
    )


def test_an_append_only_table_has_an_index_instead_of_a_key() -> None:
    table, index = statements.create_table(make_plan(append=True))
    assert "PRIMARY KEY" not in table
    assert index == 'CREATE INDEX "OIC"."IX_WMS_S" ON "OIC"."WMS_S" ("ID", "MOD_TS")'


def test_without_metadata_the_table_has_none_but_staging_orders_by_it() -> None:
    plan = make_plan(metadata=False)
    assert "_SDC_" not in statements.create_table(plan)[0]
    assert '"_SDC_EXTRACTED_AT"' in staging.create_private(plan, "C")
    assert (
        "_SDC_"
        not in apply.apply(plan, apply.staged(plan, "C"), by_key=True).partition(" WHEN MATCHED")[2]
    )


def test_a_batch_is_looked_up_by_the_key_and_a_whole_load_is_left_to_the_optimizer() -> None:
    plan = make_plan()
    source = apply.staged(plan, "C")
    hint = '/*+ LEADING(N) USE_NL(T) INDEX(T ("ID")) */'
    assert apply.apply(plan, source, by_key=True).startswith(f"MERGE {hint} INTO ")
    assert apply.census(plan, source, by_key=True).startswith(f"SELECT {hint} NVL(")
    kept = make_plan(append=True)
    assert '/*+ NO_UNNEST INDEX(T ("ID", "MOD_TS")) */' in apply.apply(kept, source, by_key=True)
    for made in (plan, kept):
        assert "/*+" not in apply.apply(made, source, by_key=False)
    assert "/*+" not in apply.census(plan, source, by_key=False)


def test_a_stream_of_keys_alone_has_nothing_to_update() -> None:
    plan = make_plan({"id": {"type": "integer"}})
    assert "WHEN MATCHED" not in apply.apply(plan, apply.staged(plan, "C"), by_key=True)


def test_a_key_is_never_updated() -> None:
    assert (
        'T."ID" = N."ID",'
        not in apply.apply(make_plan(), apply.staged(make_plan(), "C"), by_key=True).partition(
            "SET"
        )[2]
    )


@given(st.permutations(list(PROPERTIES)), st.booleans(), st.booleans())
def test_binds_and_columns_agree(names: list[str], append: bool, metadata: bool) -> None:
    plan = make_plan({name: PROPERTIES[name] for name in names}, append=append, metadata=metadata)
    staged = staging.columns(plan)
    sql = staging.insert(plan, "C")
    assert sql.endswith(f":{len(staged)})")
    assert sql.count('"') // 2 == len(staged) + 2


def test_values_of_our_tables_are_binds() -> None:
    for sql in (
        control.write_ledger("C"), control.write_rejects("C"), control.read_version("C"),
        control.insert_version("C"), control.update_version("C"), control.prune_ledger("C"),
        fencing.step("C"), fencing.take("C"), fencing.lock("C", 60), fencing.insert("C"),
        fencing.renew("C"), fencing.give_back("C"), fencing.remember("C"), fencing.forget("C"),
        fencing.write_bookmark("C"), fencing.mark("C"), fencing.lock_others("C", 60),
        fencing.fence_others_off("C"), fencing.exclusive_others("C"), fencing.lock_free("C"),
    ):  # fmt: skip
        assert ":1" in sql
        assert sql.startswith(("UPDATE ", "INSERT ", "SELECT ", "DELETE "))
