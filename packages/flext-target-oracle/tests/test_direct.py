"""docs/specs/delivery.md §10: batches staged by direct path end as those of array insert do."""

from __future__ import annotations

import json
import os
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import flext_coordination
from flext_coordination import LeaseLostError, scope_from_env
from flext_target_oracle import planning, staging
from flext_target_oracle import settings as settings_of
from flext_target_oracle.connection import Database
from flext_target_oracle.errors import FenceLostError, RowRefusedError

LONG = pytest.mark.long
MOMENT = {"type": ["string", "null"], "format": "date-time"}
ID = {"id": {"type": "integer"}}
DIRECT = {"batch_size": 4, "direct_path_rows": 1, "max_parallelism": 1}
ARRAY = {"batch_size": 4, "direct_path_rows": 0, "max_parallelism": 1}
EVERY_TYPE: dict[str, Any] = ID | {
    "mod_ts": MOMENT,
    "amount": {"type": ["number", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "day": {"type": ["string", "null"], "format": "date"},
    "note": {"type": ["string", "null"]},
    "tree": {"type": ["object", "null"]},
    "wei rd": {"type": ["string", "null"], "maxLength": 10},
}
VALUES: dict[str, list[Any]] = {
    "mod_ts": ["2026-01-01T00:00:00.000001+02:00", "0001-01-01T00:00:00Z",
               "9999-12-31T23:59:59.999999Z"],
    "amount": [0.1, -0.0, 1e-10, 9999999999.9999999999, 10**27, -5, 1.50],
    "flag": [True, False],
    "day": ["0001-01-01", "2026-02-28"],
    "note": ["", "a\0é€😀", "x" * 4000, "é" * 2000],
    "tree": [{}, {"a": [1, "é" * 40_000]}],
    "wei rd": ["a" * 10, "😀" * 10, ""],
}  # fmt: skip


def keyed(
    properties: dict[str, Any], *records: dict[str, Any], stream: str = "s"
) -> list[dict[str, Any]]:
    schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}}
    return [
        schema | {"key_properties": ["id"]},
        *({"type": "RECORD", "stream": stream, "record": item} for item in records),
    ]


def plain(*keys: int, n: int = 0, stream: str = "s") -> list[dict[str, Any]]:
    properties = ID | {"n": {"type": "integer"}}
    return keyed(properties, *({"id": key, "n": n} for key in keys), stream=stream)


def ids(target: Any) -> list[int]:
    return [int(key) for (key,) in target.table("S", "ID")]


def loads(target: Any) -> list[int]:
    """How many rows came by direct path, by table, since the server counts."""
    seen = target.account.statistics()
    return [each["rows_received"] for each in seen if each["sql"].startswith("DIRECT PATH")]


def staging_tables(target: Any) -> list[str]:
    found = target.account.rows(
        "SELECT TABLE_NAME FROM USER_TABLES WHERE TABLE_NAME LIKE 'FLEXT!_S!_%' ESCAPE '!'"
        " ORDER BY TABLE_NAME"
    )
    return [name for (name,) in found]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_session_that_is_ended_within_a_load_is_no_end_of_the_process(
    target: Any, at: int
) -> None:
    """At the preparation, at the rows, at the end of it; the driver then sends to nobody."""
    if target.account.admin_port is None:
        pytest.skip("only oracle-emulator strikes: run without FLEXT_TEST_ORACLE_DSN")
    target.account.strike(fault="kill-session", on="direct-path", at=at, times=1)
    try:
        outcome = target.ok(plain(*range(12)), **DIRECT)
    finally:
        target.account.strike()
    assert target.table("S", "ID") == [(key,) for key in range(12)]
    assert len(outcome.of("BatchRetried")) == 1


@pytest.mark.parametrize("method", ["upsert", "append-only"])
def test_each_batch_is_eight_round_trips_and_one_for_each_chunk(
    target: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a TRUNCATE, which is the only DDL; nothing is asked of the catalogue."""
    if target.account.admin_port is None:
        pytest.skip("only oracle-emulator counts: run without FLEXT_TEST_ORACLE_DSN")
    monkeypatch.setattr(staging, "CHUNK_ROWS", 20)
    batches, rows = 8, 50  # of three chunks each

    def statements() -> dict[str, int]:
        return {each["sql"]: each["round_trips"] for each in target.account.statistics()}

    options = DIRECT | {"batch_size": rows, "direct_path_rows": rows, "load_method": method}
    options["replication_key"] = "id"
    target.ok(plain(*range(2 * rows)), **options)  # both plain tables are there from now on
    target.account.reset_statistics()
    target.ok(plain(*range(2 * rows)), **options)
    once = statements()
    target.account.reset_statistics()
    target.ok(plain(*range(batches * rows)), **options)
    more = {sql: n - once.get(sql, 0) for sql, n in statements().items() if n != once.get(sql, 0)}
    spent: dict[str, int] = {}
    for sql, number in more.items():
        kind = " ".join(sql.split()[:2]) if sql.startswith("DIRECT") else sql.split()[0]
        spent[kind] = spent.get(kind, 0) + number
    new = batches - 2
    assert spent.pop("TRUNCATE") == new
    assert spent.pop("DIRECT PATH") == new * (2 + 3)
    assert spent.pop("LOCK") == new
    if method == "upsert":
        assert spent == {"SELECT": 2 * new, "UPDATE": new, "MERGE": new, "INSERT": new}
    else:
        assert spent == {"SELECT": new, "UPDATE": new, "INSERT": 2 * new}
    assert not [sql for sql in more if "ALL_" in sql or "USER_" in sql]


@pytest.mark.parametrize("method", ["upsert", "append-only", "overwrite"])
def test_every_value_is_what_array_insert_makes_of_it(target: Any, method: str) -> None:
    target.account.reset_statistics()
    records = [{"id": 0}]
    for name, values in VALUES.items():
        records += [{"id": len(records) + n, name: value} for n, value in enumerate(values)]
    names = [name.upper() for name in EVERY_TYPE]
    version = {"version": 7} if method == "overwrite" else {}
    for stream, options in (("direct", DIRECT), ("array", ARRAY)):
        messages = [each | version for each in keyed(EVERY_TYPE, *records, stream=stream)]
        if version:
            messages.append({"type": "ACTIVATE_VERSION", "stream": stream} | version)
        target.ok(messages, **options, load_method=method)
    assert target.table("DIRECT", *names) == target.table("ARRAY", *names)
    assert len(target.table("DIRECT", "ID")) == len(records)
    assert sum(loads(target)) == len(records)


def test_a_table_made_by_hand_keeps_its_types(target: Any) -> None:
    """Characters as the unit, more than 10 decimals, NUMBER of any scale: judged before it goes."""
    columns = '"ID" NUMBER(38) PRIMARY KEY, "NOTE" VARCHAR2(10 CHAR), "N" NUMBER(20,15), "M" NUMBER'
    target.account.execute(f'CREATE TABLE "WMS_S" ({columns})')
    properties = ID | {"note": {"type": "string"}, "n": {"type": "number"}, "m": {"type": "number"}}
    text = '{"id": 1, "note": "éééééééééé", "n": 12345.123456789012345, "m": 1.%s}' % (
        "0" * 36 + "1"
    )
    target.account.reset_statistics()
    lines = target.text(keyed(properties)) + '{"type": "RECORD", "stream": "s", "record": %s}\n'
    target.ok_text(lines % text, **DIRECT)
    ((note, n, m),) = target.table("S", "NOTE", "N", "M")
    assert (note, str(n), str(m)) == ("é" * 10, "12345.123456789012345", "1." + "0" * 36 + "1")
    assert sum(loads(target)) == 1
    for bad in (text.replace("12345.123456789012345", "1.1234567890123456"),
                text.replace("é", "é", 1).replace('"éé', '"ééé')):  # fmt: skip
        outcome = target.run_source(
            iter((lines % bad).splitlines()), **DIRECT, on_overflow="reject"
        )
        assert isinstance(outcome.error, RowRefusedError)


def test_small_batches_and_other_types_go_by_array_insert(target: Any) -> None:
    target.account.reset_statistics()
    target.ok(plain(*range(6)), **DIRECT | {"direct_path_rows": 4})
    assert loads(target) == [4]  # the rest is a batch of 2
    target.account.reset_statistics()
    zoned = keyed(ID | {"at": MOMENT}, {"id": 1, "at": "2026-01-01T00:00:00Z"}, stream="z")
    target.ok(zoned, **DIRECT, timestamp_with_time_zone=True)
    target.ok(plain(*range(9)), batch_size=4, direct_path_rows=5)  # no batch gets so large
    assert loads(target) == []


def test_a_refused_row_ends_as_with_array_insert(target: Any) -> None:
    checked = 'CREATE TABLE "WMS_S" ("ID" NUMBER(38) PRIMARY KEY, "N" NUMBER(38) CHECK ("N" < 9))'
    target.account.execute(checked)
    bad = [*plain(1, 2), *plain(3, n=9)[1:], *plain(4)[1:]]
    outcome = target.run(bad, **DIRECT)
    assert isinstance(outcome.error, RowRefusedError)
    assert "'id': '3'" in str(outcome.error)
    assert ids(target) == []
    target.ok(bad, **DIRECT, max_rejects=1)
    assert ids(target) == [1, 2, 4]
    kept = target.account.rows('SELECT "CODE", "RECORD" FROM "FLEXT_REJECTS"')
    assert kept == [("ORA-02290", json.dumps({"id": 3, "n": 9}))]


def test_where_it_fails_array_insert_goes_on(target: Any) -> None:
    def drop() -> None:
        for name in staging_tables(target):
            target.account.execute(f'DROP TABLE "{name}" PURGE')

    options = {"direct_path_rows": 1, "max_parallelism": 1}
    outcome = target.interrupted(plain(1), drop, plain(2, 3)[1:], **options)
    assert outcome.error is None
    assert ids(target) == [1, 2, 3]
    (left,) = outcome.of("DirectPathRefused")
    assert (left.code, left.sequence) == ("ORA-00942", 2)
    target.ok(plain(4), direct_path_rows=1, batch_size=1)  # the next run makes them anew
    assert len(staging_tables(target)) == 2


def test_tables_of_another_shape_go_when_new_ones_come(target: Any) -> None:
    target.ok(plain(1), **DIRECT)
    first = staging_tables(target)
    wider = ID | {"n": {"type": "integer"}, "x": {"type": "string"}}
    target.ok(keyed(wider, {"id": 2, "x": "a"}), **DIRECT)
    second = staging_tables(target)
    assert len(first) == len(second) == 2
    assert not set(first) & set(second)
    assert target.table("S", "ID", "X") == [(1, None), (2, "a")]


def test_without_ddl_the_tables_are_asked_for(target: Any) -> None:
    outcome = target.run(plain(1), **DIRECT, ddl=False)
    asked = str(outcome.error)
    assert asked.count(f'CREATE TABLE "{target.account.user}"."FLEXT_S_') == 2
    planned = planned_ddl(target, plain(1)[0])
    assert len(planned) > 2
    assert all(statement in asked for statement in planned)
    target.account.execute(*planned)
    target.ok(plain(1), **DIRECT, ddl=False)
    assert planned_ddl(target, plain(1)[0]) == []


def planned_ddl(target: Any, schema: dict[str, Any]) -> list[str]:
    """What a plan says of the stream and our own tables."""
    settings = settings_of.load(target.account.settings() | DIRECT)
    with closing(Database(settings, run_id="plan")) as database:
        line = json.dumps(schema).encode()
        found = list(planning.needed(database, settings, [line], scope=scope_from_env(os.environ)))
    return [statement for each in found for statement in each.ddl]


@pytest.mark.parametrize("foreign", ["truncated", "added", "locked"])
def test_what_another_session_does_at_the_table_costs_no_row(
    target: Any, proxy: Any, foreign: str
) -> None:
    """Between the load and the lock: an older run of the scope that does not know yet."""
    target.ok(plain(0), **DIRECT)
    proxy.arm(b"LOCK TABLE", "hold")
    run = target.start(plain(1, 2, 3), port=proxy.port, **DIRECT)
    assert proxy.held.wait(60)
    (table,) = [name for name in staging_tables(target) if name.endswith("_1")]
    with target.account.connect() as other, other.cursor() as cursor:
        if foreign == "truncated":
            cursor.execute(f'TRUNCATE TABLE "{table}" REUSE STORAGE')
        elif foreign == "added":
            cursor.execute(f'INSERT INTO "{table}" ("ID", "FLEXT_BATCH") VALUES (9, \'1.1\')')
            other.commit()
        else:
            cursor.execute(f'LOCK TABLE "{table}" IN EXCLUSIVE MODE NOWAIT')
        proxy.let_go.set()
        assert run.join().error is None
    assert ids(target) == [0, 1, 2, 3]


def test_a_run_paused_at_any_call_of_its_staging_and_taken_over_brings_no_row(
    target: Any, proxy: Any, tmp_path: Path
) -> None:
    target.ok(plain(0), **DIRECT)
    proxy.arm(None)
    target.ok(plain(0, 0, 0), port=proxy.port, **DIRECT)
    begin = proxy.first(b"TRUNCATE")
    end = proxy.first(b"LOCK TABLE") - 1  # from there on the fence's row is locked
    assert end - begin >= 4
    for call in range(begin, end):
        proxy.arm(call, "hold")
        mine, theirs = (range(call * 10, call * 10 + 3), range(call * 10 + 5, call * 10 + 8))
        first = target.start(plain(*mine), port=proxy.port, **DIRECT)
        assert proxy.held.wait(60)
        flext_coordination.force_release(tmp_path, "local", by="the test")
        # Waiting for a table lock is Oracle's matter (DDL_LOCK_TIMEOUT); a smaller batch has none.
        waits = begin + 1 < call < end
        options = DIRECT | ({"direct_path_rows": 0} if waits else {})
        assert target.start(plain(*theirs), **options).join().error is None
        proxy.let_go.set()
        assert isinstance(first.join().error, FenceLostError | LeaseLostError), call
        assert set(theirs) <= set(ids(target))
        assert not set(mine) & set(ids(target)), call


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("when", "reconnect_s", "every"),
    [
        ("after", 60, False),
        pytest.param("before", 60, False, marks=LONG),
        pytest.param("before", 0, True, marks=LONG),
        pytest.param("after", 0, True, marks=LONG),
    ],
)
def test_a_cut_at_any_call_leaves_each_row_once(
    target: Any, proxy: Any, when: str, reconnect_s: int, every: bool
) -> None:
    """Those of the staging and of the apply behind it; `every`: of the whole run."""
    options = DIRECT | {"batch_size": 2, "port": proxy.port, "reconnect_s": reconnect_s}
    target.ok(plain(0), **options)
    proxy.arm(None)
    target.ok(plain(0, 0, 0, 0, 0), **options)
    begin = 1 if every else proxy.first(b"TRUNCATE")
    expected = {0}
    for call in count(begin):
        keys = [call * 10 + number for number in range(5)]
        expected.update(keys)
        proxy.arm(call, when)
        outcome = target.run(plain(*keys), **options)
        if not proxy.was_cut:
            assert call > 40
            break
        if outcome.error is not None:
            proxy.arm(None)
            target.ok(plain(*keys), **options)
        assert outcome.error is None or reconnect_s == 0 or call < begin + every * 12
        assert ids(target) == sorted(expected), call
        if not every and call == begin + 9:
            break  # its ledger row, which commits
