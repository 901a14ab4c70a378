"""Full loads that say what is gone: ACTIVATE_VERSION, on_missing, and overwrite by a shadow."""

# ruff: noqa: DTZ001 -- TIMESTAMP columns hold naive UTC

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from flext_target_oracle import versions
from flext_target_oracle.errors import DeletesRefusedError, FenceHeldError, LoadRefusedError

V1, V2, V3 = 1, 2, 3
NOON = datetime(2026, 1, 1, 12)
SCHEMA = {
    "type": "SCHEMA",
    "stream": "s",
    "schema": {
        "properties": {
            "id": {"type": "integer"},
            "mod_ts": {"type": ["string", "null"], "format": "date-time"},
            "n": {"type": "integer"},
        }
    },
    "key_properties": ["id"],
    "bookmark_properties": ["mod_ts"],
}


def row(key: int, version: int | None = None, n: int = 0, day: int = 1) -> dict[str, Any]:
    values = {"id": key, "n": n, "mod_ts": f"2026-01-{day:02}T00:00:00Z"}
    message = {"type": "RECORD", "stream": "s", "record": values}
    return message if version is None else message | {"version": version}


def rows(keys: Any, version: int | None = None, n: int = 0) -> list[dict[str, Any]]:
    return [row(key, version, n) for key in keys]


def activate(version: int) -> dict[str, Any]:
    return {"type": "ACTIVATE_VERSION", "stream": "s", "version": version}


def complete(version: int) -> dict[str, Any]:
    """As our tap says it: never before the load's records."""
    return activate(version) | {"flext_complete": True}


def state(value: Any) -> dict[str, Any]:
    return {"type": "STATE", "value": {"bookmarks": {"s": value}}}


def ids(target: Any) -> list[int]:
    return [key for (key,) in target.table("S", "ID")]


HARD = {"on_missing": "hard", "max_delete_percent": 100}
SOFT = {"on_missing": "soft", "max_delete_percent": 100}
OVERWRITE = {"load_method": "overwrite"}


def test_hard_removes_what_the_newer_version_lacks(target: Any) -> None:
    target.ok([SCHEMA, *rows([1, 2, 3], V1), activate(V1)], **HARD)
    outcome = target.ok([SCHEMA, *rows([1, 3], V2), activate(V2)], **HARD)
    assert target.table("S", "ID", "_SDC_TABLE_VERSION") == [(1, V2), (3, V2)]
    assert [event.rows_removed for event in outcome.of("LoadEnded")] == [1]


def test_soft_marks_and_a_row_that_is_seen_again_is_unmarked(target: Any) -> None:
    target.ok([SCHEMA, *rows([1, 2, 3], V1), activate(V1)], **SOFT)
    target.ok([SCHEMA, *rows([1, 3], V2), activate(V2)], **SOFT)
    marked = [(key, at is not None) for key, at in target.table("S", "ID", "_SDC_DELETED_AT")]
    assert marked == [(1, False), (2, True), (3, False)]
    target.ok([SCHEMA, row(2)], **SOFT)  # an incremental sees it, unchanged
    assert [at for (at,) in target.table("S", "_SDC_DELETED_AT")] == [None] * 3


def test_presence_is_not_content(target: Any) -> None:
    target.ok([SCHEMA, row(1, V1, n=5, day=9), row(2, V1), activate(V1)], **HARD)
    before = target.table("S", "ID", "N", "_SDC_BATCHED_AT")
    # An older version of row 1 is guarded against, row 2 is unchanged: both were seen.
    target.ok([SCHEMA, row(1, V2, n=4, day=2), row(2, V2), activate(V2)], **HARD)
    assert target.table("S", "ID", "N", "_SDC_BATCHED_AT") == before
    assert target.table("S", "_SDC_TABLE_VERSION") == [(V2,), (V2,)]


def test_rows_that_others_batched_during_the_load_stay(target: Any) -> None:
    target.ok([SCHEMA, *rows([1, 2], V1), activate(V1)], **HARD)
    target.ok([SCHEMA, row(1, V2)], **HARD)
    target.ok([SCHEMA, row(7)], **HARD)
    target.ok([SCHEMA, row(1, V2), activate(V2)], **HARD)
    assert ids(target) == [1, 7]


def test_one_that_precedes_its_records_only_opens_the_version(target: Any) -> None:
    target.ok([SCHEMA, *rows([1, 2], V1), activate(V1)], **HARD)
    target.ok([SCHEMA, activate(V2)], **HARD)
    assert ids(target) == [1, 2]
    target.ok([SCHEMA, activate(V2), row(1, V2)], **HARD)
    assert ids(target) == [1, 2]
    target.ok([SCHEMA, activate(V2), row(1, V2), activate(V2)], **HARD)
    assert ids(target) == [1]


@pytest.mark.parametrize("method", ["hard", "soft", "overwrite"])
def test_a_source_that_became_empty_empties_its_table(target: Any, method: str) -> None:
    options = {"hard": HARD, "soft": SOFT}.get(method, OVERWRITE | {"max_delete_percent": 100})
    target.ok([SCHEMA, *rows([1, 2], V1), activate(V1)], **options)
    messages = [state(0), SCHEMA, complete(V2), state("complete")]
    outcome = target.ok(messages, **options)
    assert outcome.states[-1] == {"bookmarks": {"s": "complete"}}
    assert [event.rows_removed for event in outcome.of("LoadEnded")] == [2]
    if method == "soft":
        assert None not in [at for (at,) in target.table("S", "_SDC_DELETED_AT")]
    else:
        assert ids(target) == []
    assert shadows(target) == []
    again = target.ok(messages, **options)  # STATE did not arrive
    assert [event.version for event in again.of("VersionKept")] == [V2]
    target.ok([SCHEMA, *rows([2, 3], V3), complete(V3)], **options)
    assert ids(target) == ([1, 2, 3] if method == "soft" else [2, 3])


@pytest.mark.parametrize("method", ["hard", "soft", "overwrite"])
def test_a_load_whose_last_run_brings_no_record_is_complete(target: Any, method: str) -> None:
    """All rows came before, and the tap ended before it could say so."""
    options = {"hard": HARD, "soft": SOFT, "overwrite": OVERWRITE}[method]
    target.ok([SCHEMA, *rows([1, 2, 3], V1), activate(V1)], **options)
    target.ok([SCHEMA, *rows([1, 3], V2)], **options)
    outcome = target.ok([SCHEMA, complete(V2)], **options)
    assert [event.rows_removed for event in outcome.of("LoadEnded")] == [1]
    if method == "soft":
        marked = target.table("S", "ID", "_SDC_DELETED_AT")
        assert [key for key, at in marked if at is not None] == [2]
    else:
        assert ids(target) == [1, 3]


@pytest.mark.parametrize("method", ["hard", "soft", "overwrite"])
def test_an_empty_answer_is_held_to_the_share_of_deletes(target: Any, method: str) -> None:
    """What a broken source says looks the same; rows batched since do not make it smaller."""
    options = OVERWRITE if method == "overwrite" else {"on_missing": method}
    target.ok([SCHEMA, *rows([1, 2], V1), activate(V1)], **options)
    outcome = target.run([state(0), SCHEMA, complete(V2), state("complete")], **options)
    assert isinstance(outcome.error, DeletesRefusedError)
    assert "2 of the 2 rows" in str(outcome.error)
    assert "max_delete_percent" in str(outcome.error)
    assert {"bookmarks": {"s": "complete"}} not in outcome.states
    assert ids(target) == [1, 2]
    if method == "soft":
        assert target.table("S", "_SDC_DELETED_AT") == [(None,), (None,)]
    target.ok(
        [SCHEMA, *rows([2, 3], V3, n=3), complete(V3)], **options | {"max_delete_percent": 50}
    )
    assert (3, 3) in target.table("S", "ID", "N")


def test_an_empty_load_keeps_what_others_batched_meanwhile(target: Any) -> None:
    options = OVERWRITE | {"max_delete_percent": 100}
    target.ok([SCHEMA, row(1, V1), activate(V1)], **options)
    target.ok([SCHEMA, activate(V2)], **options)  # its first run, cut
    target.ok([SCHEMA, row(7)])
    target.ok([SCHEMA, complete(V2)], **options)
    assert ids(target) == [7]


def test_too_many_deletes_are_refused_and_nothing_is_removed(target: Any) -> None:
    target.ok([SCHEMA, *rows(range(20), V1), activate(V1)], on_missing="hard")
    target.ok([SCHEMA, *rows(range(19), V2), activate(V2)], on_missing="hard")
    assert ids(target) == list(range(19))
    messages = [state(0), SCHEMA, *rows(range(17), V3), activate(V3), state("complete")]
    outcome = target.run(messages, on_missing="hard")
    assert isinstance(outcome.error, DeletesRefusedError)
    assert "2 of the 19 rows" in str(outcome.error)
    assert ids(target) == list(range(19))
    assert {"bookmarks": {"s": "complete"}} not in outcome.states


def test_refused_rows_are_not_taken_for_gone(target: Any) -> None:
    target.ok([SCHEMA, *rows([1, 2], V1), activate(V1)], **HARD)
    bad = row(2, V2)
    bad["record"]["n"] = "x"
    outcome = target.ok([SCHEMA, row(1, V2), bad, activate(V2)], max_rejects=1, **HARD)
    assert ids(target) == [1, 2]
    assert ["refused" in event.reason for event in outcome.of("VersionKept")] == [True]


def test_a_load_that_began_untracked_removes_nothing(target: Any) -> None:
    target.ok([SCHEMA, *rows([1, 2], V1), activate(V1)])
    target.ok([SCHEMA, row(1, V2)])
    target.ok([SCHEMA, row(1, V2), activate(V2)], **HARD)
    assert ids(target) == [1, 2]


def test_keyless_streams_are_replaced_by_hard(target: Any) -> None:
    schema = SCHEMA | {"key_properties": []}
    target.ok([schema, *rows([1, 1, 2], V1), activate(V1)], **HARD)
    target.ok([schema, *rows([2, 2], V2), activate(V2)], **HARD)
    assert ids(target) == [2, 2]


def test_metadata_by_option(target: Any) -> None:
    target.ok([SCHEMA, row(1, V1)], add_sequence=True, add_table_version=True)
    ((sequence, version, received),) = target.table(
        "S", "_SDC_SEQUENCE", "_SDC_TABLE_VERSION", "_SDC_RECEIVED_AT"
    )
    assert version == V1
    assert sequence == (received - datetime(1970, 1, 1)) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (None, NOON),
        (1, NOON),  # a number, no time
        (1_767_268_740_000, datetime(2026, 1, 1, 11, 59)),  # the load's start, as taps have it
        (1_767_268_860_000, NOON),  # later than its first record: another clock
        (10**18, NOON),
    ],
)
def test_a_load_begins_no_later_than_it_says(version: int | None, expected: datetime) -> None:
    assert versions.not_before(version, NOON) == expected


# overwrite


def shadows(target: Any) -> list[str]:
    found = target.account.rows(
        "SELECT TABLE_NAME FROM USER_TABLES WHERE TABLE_NAME LIKE 'FLEXT_O_%'"
    )
    return [name for (name,) in found]


def test_overwrite_replaces_when_the_load_is_complete(target: Any) -> None:
    target.ok([SCHEMA, *rows([1, 2, 3], V1), activate(V1)], **OVERWRITE)
    assert ids(target) == [1, 2, 3]
    target.ok([SCHEMA, *rows([2, 4], V2, n=2)], **OVERWRITE)
    assert ids(target) == [1, 2, 3]  # the input ended early: nothing is swapped or deleted
    assert len(shadows(target)) == 1
    outcome = target.ok([SCHEMA, row(5, V2), activate(V2)], **OVERWRITE)  # the same load goes on
    assert target.table("S", "ID", "N") == [(2, 2), (4, 2), (5, 0)]
    assert [event.rows_removed for event in outcome.of("LoadEnded")] == [2]
    assert shadows(target) == []


def test_loads_leave_no_staging_table_of_their_own_behind(target: Any) -> None:
    found = list[set[str]]()
    for version in (V1, V2, V3):
        target.ok([SCHEMA, row(1, version), activate(version)], **OVERWRITE)
        names = target.account.rows("SELECT TABLE_NAME FROM USER_TABLES")
        found.append({name for (name,) in names if name.startswith("FLEXT_G_")})
    assert found[0]
    assert found == [found[0]] * 3


def test_overwrite_keeps_newer_rows_and_those_batched_since(target: Any) -> None:
    target.ok([SCHEMA, row(1, day=1), row(2, day=9, n=9)])
    target.ok([SCHEMA, row(2, V1, day=2)], **OVERWRITE)
    target.ok([SCHEMA, row(7)])  # an incremental, meanwhile
    target.ok([SCHEMA, row(3, V1), activate(V1)], **OVERWRITE)
    assert target.table("S", "ID", "N") == [(2, 9), (3, 0), (7, 0)]


def test_a_newer_version_begins_another_shadow(target: Any) -> None:
    target.ok([SCHEMA, *rows([1, 2], V1)], **OVERWRITE)
    first = shadows(target)
    target.ok([SCHEMA, row(3, V2)], **OVERWRITE)
    assert len(shadows(target)) == 1
    assert shadows(target) != first
    target.ok([SCHEMA, row(4, V2), activate(V2)], **OVERWRITE)
    assert ids(target) == [3, 4]


def test_an_older_version_cannot_go_on(target: Any) -> None:
    target.ok([SCHEMA, row(1, V2)], **OVERWRITE)
    outcome = target.run([SCHEMA, row(2, V1), activate(V1)], **OVERWRITE)
    assert isinstance(outcome.error, LoadRefusedError)
    assert ids(target) == []


def test_a_load_cannot_change_its_method(target: Any) -> None:
    target.ok([SCHEMA, row(1, V1)])
    outcome = target.run([SCHEMA, row(2, V1), activate(V1)], **OVERWRITE)
    assert isinstance(outcome.error, LoadRefusedError)
    assert ids(target) == [1]


def test_what_comes_after_the_version_is_complete_is_merged(target: Any) -> None:
    target.ok([SCHEMA, *rows([1, 2], V1), activate(V1)], **OVERWRITE)
    target.ok([SCHEMA, row(2, V1, n=0), row(3, V1), activate(V1)], **OVERWRITE)
    assert ids(target) == [1, 2, 3]


def test_a_shadow_that_is_gone_stops_the_load(target: Any) -> None:
    target.ok([SCHEMA, row(1, V1)], **OVERWRITE)
    (name,) = shadows(target)
    target.account.execute(f'DROP TABLE "{name}" PURGE')
    outcome = target.run([SCHEMA, row(2, V1), activate(V1)], **OVERWRITE)
    assert isinstance(outcome.error, LoadRefusedError)
    assert "is gone" in str(outcome.error)


def test_a_shadow_that_a_crash_left_goes_when_its_version_comes_again(
    target: Any, proxy: Any
) -> None:
    """No STATE said that the load is complete, so the tap says it again."""
    messages = [SCHEMA, row(1, V1), complete(V1)]
    proxy.arm(b"DROP TABLE", "before")
    outcome = target.run(messages, **OVERWRITE, port=proxy.port, reconnect_s=0)
    assert outcome.error is not None
    assert ids(target) == [1]
    assert len(shadows(target)) == 1
    target.ok([SCHEMA, complete(V1)], **OVERWRITE)
    assert shadows(target) == []
    assert ids(target) == [1]


def test_overwrite_without_versions_needs_the_setting(target: Any) -> None:
    outcome = target.run([SCHEMA, row(1)], **OVERWRITE)
    assert "overwrite_on_eof" in str(outcome.error)
    target.ok([SCHEMA, *rows([1, 2])], **OVERWRITE, overwrite_on_eof=True)
    messages = [state(0), SCHEMA, *rows([2, 3]), state(3)]
    outcome = target.ok(messages, **OVERWRITE, overwrite_on_eof=True, batch_size=1)
    assert ids(target) == [2, 3]
    # What only the shadow held was not reported before it was in the table.
    assert outcome.states == [{"bookmarks": {"s": 0}}, {"bookmarks": {"s": 3}}]


def test_overwrite_without_versions_forgets_a_load_that_failed(target: Any) -> None:
    target.ok([SCHEMA, *rows([1])], **OVERWRITE, overwrite_on_eof=True)
    bad = row(3)
    bad["record"]["n"] = "x"
    failed = [state(0), SCHEMA, row(2), state(1), bad, state(2)]
    outcome = target.run(failed, **OVERWRITE, overwrite_on_eof=True, batch_size=1)
    assert outcome.error is not None
    assert outcome.states == [{"bookmarks": {"s": 0}}]
    assert ids(target) == [1]
    target.ok([SCHEMA, row(4)], **OVERWRITE, overwrite_on_eof=True)
    assert ids(target) == [4]


def test_overwrite_of_a_stream_without_key(target: Any) -> None:
    schema = SCHEMA | {"key_properties": []}
    target.ok([schema, *rows([1, 1, 2], V1), activate(V1)], **OVERWRITE)
    target.ok([schema, *rows([2, 2, 3], V2), activate(V2)], **OVERWRITE)
    assert ids(target) == [2, 2, 3]


def test_a_long_text_widens_table_and_shadow(target: Any) -> None:
    schema = SCHEMA | {
        "schema": {"properties": {"id": {"type": "integer"}, "note": {"type": "string"}}}
    }
    long = {"type": "RECORD", "stream": "s", "version": V1,
            "record": {"id": 1, "note": "x" * 5000}}  # fmt: skip
    target.ok([schema, long, activate(V1)], **OVERWRITE)
    assert target.table("S", "ID", "NOTE") == [(1, "x" * 5000)]


@pytest.mark.parametrize("method", ["upsert", "overwrite"])
def test_activate_before_the_schema_is_refused(target: Any, method: str) -> None:
    assert target.run([activate(V1)], load_method=method).error is not None


def test_what_needs_the_table_for_itself_is_refused_beside_a_live_scope(target: Any) -> None:
    target.ok([SCHEMA, *rows([1, 2], V1), activate(V1)], **HARD)
    target.account.execute(
        'UPDATE "FLEXT_FENCE" SET "SCOPE" = \'other\', "RUN_ID" = \'theirs\', "EXPIRES_AT" ='
        " CAST(SYS_EXTRACT_UTC(SYSTIMESTAMP) AS TIMESTAMP(6)) + NUMTODSINTERVAL(3600, 'SECOND')",
        'UPDATE "FLEXT_LEDGER" SET "SCOPE" = \'other\'',
    )
    target.ok([SCHEMA, row(3)])  # an upsert may
    for messages, options in (
        ([row(1, V2), activate(V2)], HARD),
        ([row(1, V3), activate(V3)], OVERWRITE),
        ([row(1, n=1)], {"keep_newer": False}),
    ):
        outcome = target.run([SCHEMA, *messages], **options)
        assert isinstance(outcome.error, FenceHeldError)
        assert "theirs" in str(outcome.error)
        assert target.table("S", "ID", "N") == [(1, 0), (2, 0), (3, 0)]
