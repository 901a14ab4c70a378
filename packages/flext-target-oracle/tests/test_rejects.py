"""docs/specs/delivery.md §2, §6: which rows are refused or stale; what becomes of the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle.applying import first_refused
from flext_target_oracle.errors import ContendedError, RowDataError, RowRefusedError

ID = {"id": {"type": "integer"}, "n": {"type": "integer"}}
TABLE = 'CREATE TABLE "WMS_S" ("ID" NUMBER(38) PRIMARY KEY, "N" NUMBER(38)'
LOW = TABLE + ', CONSTRAINT "LOW" CHECK ("N" < 5))'
ONE_N = TABLE + " UNIQUE)"
MOMENT = {"type": "string", "format": "date-time"}


def keyed(*records: dict[str, Any], **properties: Any) -> list[dict[str, Any]]:
    schema = {"type": "SCHEMA", "stream": "s", "schema": {"properties": ID | properties}}
    return [
        schema | {"key_properties": ["id"]},
        *({"type": "RECORD", "stream": "s", "record": item} for item in records),
    ]


def rows(*pairs: tuple[int, int]) -> list[dict[str, Any]]:
    return keyed(*({"id": key, "n": number} for key, number in pairs))


def test_what_oracle_refuses_when_applied_is_named_and_the_batch_rolled_back(target: Any) -> None:
    target.account.execute(LOW)
    outcome = target.run(rows((1, 1), (7, 9)))
    assert isinstance(outcome.error, RowRefusedError)
    for part in ("stream s", "'id': '7'", "ORA-02290", "LOW", "max_rejects"):
        assert part in str(outcome.error)
    assert target.table("S", "ID") == []
    assert target.account.rows('SELECT "LAST_SEQ" FROM "FLEXT_FENCE"') == [(0,)]
    assert target.account.rows('SELECT COUNT(*) FROM "FLEXT_REJECTS"') == [(0,)]


def test_within_the_allowance_the_rest_of_the_batch_arrives(target: Any) -> None:
    target.account.execute(LOW)
    messages = rows(*((key, 9 if key % 4 == 0 else 1) for key in range(1, 14)))
    state = {"bookmarks": {"s": 13}}
    outcome = target.ok([*messages, {"type": "STATE", "value": state}], max_rejects=3)
    assert outcome.states == [state]
    assert target.table("S", "ID") == [(key,) for key in range(1, 14) if key % 4]
    kept = target.account.rows('SELECT "CODE", "RECORD" FROM "FLEXT_REJECTS"')
    assert sorted(kept) == [("ORA-02290", f'{{"id": {key}, "n": 9}}') for key in (12, 4, 8)]
    (committed,) = outcome.of("BatchCommitted")
    assert (committed.rows_inserted, committed.rows_rejected, committed.rows_unchanged) == (
        10,
        3,
        0,
    )
    (ledger,) = target.account.rows('SELECT "ROWS_REJECTED", "SEQ" FROM "FLEXT_LEDGER"')
    assert ledger == (3, 1)


def test_beyond_the_allowance_nothing_of_the_batch_is_in(target: Any) -> None:
    target.account.execute(LOW)
    outcome = target.run(rows((1, 1), (2, 9), (3, 9)), max_rejects=1)
    assert isinstance(outcome.error, RowRefusedError)
    assert target.table("S", "ID") == []
    assert target.account.rows('SELECT COUNT(*) FROM "FLEXT_REJECTS"') == [(0,)]


def test_a_refused_newest_version_lets_the_one_before_it_stand(target: Any) -> None:
    """Both in one batch; only the newest is tried at first."""
    target.account.execute(LOW)
    target.ok(rows((1, 1), (2, 2), (2, 9)), max_rejects=1)
    assert target.table("S", "ID", "N") == [(1, 1), (2, 2)]


def test_a_unique_index_that_a_row_breaks_is_that_rows_fault(target: Any) -> None:
    """Two rows of one batch break it only together: the later one is refused."""
    target.account.execute(ONE_N)
    outcome = target.run(rows((1, 5), (2, 5)), max_retries=0)
    assert isinstance(outcome.error, RowRefusedError)
    assert "'id': '2'" in str(outcome.error)
    target.ok(rows((1, 5), (2, 5), (3, 6)), max_retries=0, max_rejects=1)
    assert target.table("S", "ID", "N") == [(1, 5), (3, 6)]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(0, 9))
def test_the_row_that_is_found_is_refused_and_the_rows_before_it_pass(
    numbers: list[int], limit: int
) -> None:
    """The judge of the search: what it says holds by asking once more."""
    given_rows = [(number,) for number in numbers]

    def attempt(some: list[tuple[int, ...]]) -> None:
        # A row is refused for its own value, or together with an equal one before it.
        if any(number > limit for (number,) in some) or len(set(some)) < len(some):
            raise RowDataError("no", code="ORA-02290")

    try:
        attempt(given_rows)
    except RowDataError as error:
        position, found = first_refused(given_rows, error, attempt)
        assert found.code == "ORA-02290"
        attempt(given_rows[:position])
        with pytest.raises(RowDataError):
            attempt(given_rows[: position + 1])


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_all_refused_rows_are_found_one_after_the_other(faults: list[bool]) -> None:
    found, _ = searched(faults)
    assert found == [number for number, is_fault in enumerate(faults) if is_fault]


def test_a_cluster_of_refused_rows_costs_two_tries_each() -> None:
    found, tries = searched([False] * 100 + [True] * 110)
    assert len(found) == 110
    assert tries < 2 * 110 + 10  # by halving all that is left for each of them: nine times as many


def searched(faults: list[bool]) -> tuple[list[int], int]:
    """Search as a batch does: all rows, then the one at fault, then all that are left."""
    rows, found, tries = list(enumerate(faults)), list[int](), 0
    known: int | None = None

    def attempt(some: list[tuple[Any, ...]]) -> None:
        nonlocal tries
        tries += 1
        if any(is_fault for _, is_fault in some):
            raise RowDataError("no", code="ORA-02290")

    while True:
        try:
            attempt(rows)
        except RowDataError as error:
            known, _ = first_refused(rows, error, attempt, known)
            found.append(rows.pop(known)[0])
        else:
            return found, tries


def test_a_deadlock_is_no_rows_fault() -> None:
    deadlock = ContendedError("no", code="ORA-00060")
    with pytest.raises(ContendedError):
        first_refused([(1,)], deadlock, lambda _: None)


def test_an_older_update_is_counted_and_told_apart(target: Any) -> None:
    """§2: it is not applied, and neither log nor ledger call it unchanged."""
    new, old = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"
    records = [{"id": 1, "n": 1, "mod_ts": new}, {"id": 2, "n": 1, "mod_ts": new}]
    target.ok(keyed(*records, mod_ts=MOMENT))
    late = [{"id": 1, "n": 2, "mod_ts": old}, records[1], {"id": 3, "n": 1, "mod_ts": old}]
    outcome = target.ok(keyed(*late, mod_ts=MOMENT))
    (committed,) = outcome.of("BatchCommitted")
    assert (committed.rows_inserted, committed.rows_updated) == (1, 0)
    assert (committed.rows_stale, committed.rows_unchanged) == (1, 1)
    assert [event.rows for event in outcome.of("OlderRowsFound")] == [1]
    assert target.table("S", "ID", "N") == [(1, 1), (2, 1), (3, 1)]
    ledger = 'SELECT "ROWS_STALE", "ROWS_UNCHANGED" FROM "FLEXT_LEDGER" ORDER BY "FENCE"'
    assert target.account.rows(ledger) == [(0, 0), (1, 1)]


@pytest.mark.parametrize("fast", [True, False])
def test_an_extraction_time_past_the_databases_clock_is_refused(target: Any, fast: bool) -> None:
    """It would freeze the row; `fast`: whether the batch is read by the compiled decoder."""
    soon, far = (
        (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat() for seconds in (100, 1000)
    )
    messages = keyed({"id": 1, "n": 1}, {"id": 2, "n": 1})
    messages[1]["time_extracted"] = soon
    messages[2]["time_extracted"] = far
    if not fast:
        messages[1]["record"]["undeclared"] = 1
    outcome = target.run(messages)
    assert isinstance(outcome.error, RowRefusedError)
    for part in ("EXTRACTED_AHEAD", "_SDC_EXTRACTED_AT", "'id': '2'", "clock"):
        assert part in str(outcome.error)
    target.ok(messages, max_rejects=1)
    assert target.table("S", "ID") == [(1,)]
    target.ok(messages, max_clock_skew_s=2000)
    assert target.table("S", "ID") == [(1,), (2,)]


def test_a_record_over_5_mib_is_refused_by_name(target: Any) -> None:
    messages = keyed(
        {"id": 1, "n": 1}, {"id": 2, "n": 2, "t": "x" * (5 * 1024 * 1024)}, t={"type": "string"}
    )
    outcome = target.run(messages)
    assert isinstance(outcome.error, RowRefusedError)
    assert "RECORD_TOO_LARGE" in str(outcome.error)
    assert '{"id":2}' in str(outcome.error)
    target.ok(messages, max_rejects=1)
    assert target.table("S", "ID") == [(1,)]
