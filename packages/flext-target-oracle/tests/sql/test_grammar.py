"""Every statement of the target is Oracle's SQL by a grammar that is not ours: sqlfluff's."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from sqlfluff.core import FluffConfig, Linter

from flext_target_oracle.sql import (
    apply,
    control,
    fencing,
    loads,
    overview,
    staging,
    statements,
    types,
)
from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql.plan import Change, StreamSchema, TablePlan
from flext_target_oracle.sql.types import Choices

MODULES = (apply, control, fencing, loads, overview, staging, statements)
PROPERTIES = {
    "id": {"type": "integer"},
    "code": {"type": "string", "maxLength": 10},
    "mod_ts": {"type": ["string", "null"], "format": "date-time"},
    "day": {"type": "string", "format": "date"},
    "note": {"type": "object"},
    "select": {"type": "number"},
}
#: Statements that the grammar lacks, and the clause of Oracle's SQL Language Reference (19c) that
#: has them. Each must still be unknown to the grammar, so that the list shrinks by itself.
EXCEPTIONS: dict[str, str] = {
    "statements.SAVEPOINT": "SQL statements, SAVEPOINT: SAVEPOINT savepoint",
    "staging.lock": "LOCK TABLE: LOCK TABLE [schema.]table IN lockmode MODE NOWAIT",
    "staging.truncate": "TRUNCATE TABLE: TRUNCATE TABLE [schema.]table REUSE STORAGE",
    "statements.ROLLBACK_TO_SAVEPOINT": "SQL statements, ROLLBACK: TO [SAVEPOINT] savepoint",
}
#: Functions that return no statement, or a part of one that others contain.
NO_STATEMENTS = {
    "apply.binds", "apply.staged", "apply.shadow", "control.added_since", "staging.columns",
    "staging.suits_direct_path", "staging.plain_prefix", "staging.plain_table",
    "staging.direct_columns",
}  # fmt: skip


def plan(**options: Any) -> TablePlan:
    keys = options.pop("keys", ("id", "code"))
    order = options.pop("order", ("mod_ts",))
    source = StreamSchema("s", {"properties": PROPERTIES}, keys, order)
    wanted = {"append": False, "metadata": True} | options
    return plans.wanted(source, schema="OIC", table="WMS_S", **wanted)


PLANS = {
    "upsert": plan(),
    "last arrival": plan(guarded=False),
    "without metadata": plan(metadata=False),
    "every option": plan(extras=(plans.SEQUENCE, plans.TABLE_VERSION, plans.DELETED_AT)),
    "zoned": plan(choices=Choices(sized=True, plain_numbers=True, zoned=True)),
    "append-only": plan(append=True),
    "append-only by hash": plan(append=True, order=()),
    "without key": plan(append=True, keys=(), extras=(plans.TABLE_VERSION,)),
    "keys only": plans.wanted(
        StreamSchema("s", {"properties": {"id": {"type": "integer"}}}, ("id",)),
        schema="OIC", table="WMS_S", append=False, metadata=True,
    ),
}  # fmt: skip


def of_plan(name: str, made: TablePlan) -> Iterator[tuple[str, str]]:
    """Every statement about a table; the functions that make them, and what."""
    clob = ((plans.clob_name("NOTE"), types.CLOB),)
    for kind, columns in (
        ("create", ()), ("add", made.stored), ("finish_clob", clob), ("restart_clob", clob),
    ):  # fmt: skip
        for sql in statements.ddl(made, Change(kind, columns)):  # type: ignore[arg-type]  # literals
            yield "statements.ddl", sql
    for sql in statements.create_table(made):
        yield "statements.create_table", sql
    yield "statements.add_columns", statements.add_columns(made, made.stored)
    for sql in statements.column_to_clob(made, "NOTE"):
        yield "statements.column_to_clob", sql
    yield "staging.create_private", staging.create_private(made, "FLEXT")
    yield "staging.insert", staging.insert(made, "FLEXT")
    plain = staging.plain_table("OIC.WMS_S", "local", made, 0)
    yield "staging.create_plain", staging.create_plain(made, "FLEXT", plain)
    yield "staging.truncate", staging.truncate("FLEXT", plain)
    yield "staging.lock", staging.lock("FLEXT", plain)
    yield "staging.count", staging.count("FLEXT", plain)
    # Staging of either kind has one shape; a shadow is a whole load, which has no hint.
    for source, by_key in (
        (apply.staged(made, "FLEXT", plain if name == "upsert" else None), True),
        (apply.shadow(made, "FLEXT", "FLEXT_O_1"), False),
    ):
        yield "apply.apply", apply.apply(made, source, by_key=by_key)
        if made.key and not made.append:
            yield "apply.census", apply.census(made, source, by_key=by_key)
        if seen := apply.presence(made, source, 1):
            yield "apply.presence", seen[0]
    yield "apply.delete_absent", apply.delete_absent(made, "FLEXT", "FLEXT_O_1")
    yield "apply.count_emptied", apply.count_emptied(made, "FLEXT", "FLEXT_O_1")
    if name == "every option":
        yield "apply.count_missing", apply.count_missing(made)
        yield "apply.delete_missing", apply.delete_missing(made)
        yield "apply.mark_missing", apply.mark_missing(made)


def of_our_tables() -> Iterator[tuple[str, str]]:
    for module in (control, fencing, loads, overview):
        for name, function in functions(module):
            values = {"schema": "FLEXT", "wait_s": 60}
            wanted = inspect.signature(function).parameters
            if set(wanted) <= set(values):
                yield f"{short(module)}.{name}", function(**{key: values[key] for key in wanted})
    for table in control.TABLES:
        yield "control.create", control.create("FLEXT", table)
    for table, column in control.added_since(0):
        yield "control.add_column", control.add_column("FLEXT", table, column)
    yield "statements.drop_table", statements.drop_table("FLEXT", "FLEXT_O_1")


def constants() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        for name, value in vars(module).items():
            texts = value if isinstance(value, tuple) else (value,)
            for text in texts:
                if isinstance(text, str) and re.match(r"(SELECT|ALTER|SAVEPOINT|ROLLBACK) ", text):
                    yield f"{short(module)}.{name}", text


def functions(module: ModuleType) -> list[tuple[str, Any]]:
    found = inspect.getmembers(module, inspect.isfunction)
    return [
        (name, function)
        for name, function in found
        if function.__module__ == module.__name__ and not name.startswith("_")
    ]


def short(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


@cache
def corpus() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    every = [*constants(), *of_our_tables()]
    for name, made in PLANS.items():
        every += of_plan(name, made)
    for maker, sql in every:
        found.setdefault(maker, set()).add(sql)
    return found


@cache
def linter() -> Linter:
    return Linter(config=FluffConfig(overrides={"dialect": "oracle", "templater": "raw"}))


def unparsable(sql: str) -> list[str]:
    """The parts that the grammar does not know."""
    named = re.sub(r":(\d+)", r":B\1", sql)
    parsed = linter().parse_string(named + ";\n")
    if parsed.tree is None or parsed.violations:
        return [str(violation) for violation in parsed.violations] or ["no tree"]
    return [part.raw for part in parsed.tree.recursive_crawl("unparsable")]


def test_every_builder_is_in_the_corpus() -> None:
    every = {f"{short(m)}.{name}" for m in MODULES for name, _ in functions(m)}
    assert every - NO_STATEMENTS == {maker for maker in corpus() if maker in every}
    assert len({sql for texts in corpus().values() for sql in texts}) > 100


@pytest.mark.parametrize("maker", sorted(corpus()))
def test_the_grammar_knows_what_a_builder_makes(maker: str) -> None:
    for sql in sorted(corpus()[maker]):
        if maker in EXCEPTIONS:
            assert unparsable(sql), f"{maker} is known by now: take it from EXCEPTIONS"
        else:
            assert unparsable(sql) == [], sql


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT "A" FROM "T" LIMIT 1 OFFSET',
        'MERGE INTO "T" WHEN MATCHED UPDATE "A"',
        'CREATE TABLE "T" ("A" NUMBER(38) NOT)',
        'INSERT INTO "T" VALUES (:1, )',
    ],
)
def test_the_grammar_refuses_what_is_no_sql(sql: str) -> None:
    assert unparsable(sql)
