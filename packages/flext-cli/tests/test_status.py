"""Run records and states become runs with an outcome and places with a lag."""

import dataclasses
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import flext_coordination
from flext_cli import status
from flext_cli.commands import status_tables, token
from flext_cli.ledger import TableLine
from flext_cli.status import Place, Run, StreamFigures
from flext_observability.runs import RunRecord

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(component=status.TAP, *, run_id="r1", after_s=10.0, code=0, streams=None):
    ended = None if after_s is None else BEGIN + timedelta(seconds=after_s)
    code = None if after_s is None else code
    return RunRecord(run_id, component, BEGIN, ended, code, streams or {})


@pytest.mark.parametrize(
    ("parts", "held", "outcome"),
    [
        ([record(), record(status.TARGET)], set(), "succeeded"),
        ([record(), record(status.TARGET, code=1)], set(), "failed"),
        ([record(code=143), record(status.TARGET)], set(), "failed"),
        ([record(), record(status.TARGET, after_s=None)], {"r1"}, "running"),
        ([record(), record(status.TARGET, after_s=None)], {"r2"}, "died"),
        ([record(), record(status.TARGET)], {"r1"}, "running"),
    ],
)
def test_the_outcome_is_never_better_than_the_worst_part(parts, held, outcome):
    (run,) = status.runs(parts, frozenset(held))
    assert run.outcome == outcome
    assert (run.seconds is None) == any(part.ended_at is None for part in parts)


def test_of_two_parts_of_one_component_the_worse_end_counts():
    """A job with two pairs runs the tap twice."""
    later = dataclasses.replace(record(code=0), started_at=BEGIN + timedelta(seconds=1))
    for parts in ([record(code=3), later], [later, record(code=3)]):
        (run,) = status.runs(parts, frozenset())
        assert (run.outcome, run.exit_codes) == ("failed", {status.TAP: 3})


def test_tap_and_target_stand_side_by_side():
    tap = {
        "allocation": {
            "counters": {"records": 7, "retries": 2, "errors.timeout": 1, "errors.http_503": 3},
            "timings": {"seconds": {"count": 1, "seconds": 1.5, "max_seconds": 1.5}},
        },
        "": {"counters": {"requests": 9}, "timings": {}},
    }
    target = {
        "allocation": {
            "counters": {
                "records": 6, "rows_inserted": 3, "rows_updated": 1, "rows_unchanged": 1,
                "rows_rejected": 1, "batch_retries.ORA-00060": 1,
            },
            "timings": {},
        }
    }  # fmt: skip
    (run,) = status.runs([record(streams=tap), record(status.TARGET, streams=target)], frozenset())
    assert {name: dataclasses.asdict(each) for name, each in run.streams.items()} == {
        "allocation": {
            "extracted": 7, "loaded": 6, "inserted": 3, "updated": 1, "unchanged": 1,
            "rejected": 1, "retries": 3, "errors": 4, "seconds": 1.5,
        }
    }  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 100)), max_size=8))
def test_every_run_comes_out_once_and_newest_first(given_runs):
    records = [
        dataclasses.replace(
            record(f"part-{number}", run_id=run_id), started_at=BEGIN + timedelta(seconds=second)
        )
        for number, (run_id, second) in enumerate(given_runs)
    ]
    found = status.runs(records, frozenset())
    assert sorted(run.run_id for run in found) == sorted({run_id for run_id, _ in given_runs})
    begun = [run.started_at for run in found]
    assert begun == sorted(begun, reverse=True)


def test_the_lag_is_counted_from_the_bookmark():
    states = {
        "dev:a-to-b": {
            "completed": {
                "singer_state": {
                    "bookmarks": {
                        "item": {"replication_key_value": "2026-03-01T12:00:00+00:00"},
                        "location": {"full_load": {"started_at": "x", "ranges": []}},
                        "naive": {"replication_key_value": "2026-03-01T12:00:00"},
                    }
                }
            },
            "partial": {},
        }
    }
    found = {place.stream: place for place in status.places(states, BEGIN + timedelta(hours=1))}
    assert found["item"].lag_s == 3600.0
    assert found["item"].full_load is None
    assert (found["location"].lag_s, found["location"].full_load) == (None, "under way")
    assert found["naive"].lag_s is None


SCOPE = "staging:tap-oracle-wms-incremental-to-target-oracle-incremental"
COUNT = 1234567


def drawn(*tables):
    """The lines of tables as a terminal of 80 columns gets them."""
    console = Console(width=80, file=io.StringIO())
    for table in tables:
        console.print(table)
    return console.file.getvalue().splitlines()


def test_eighty_columns_are_enough_for_every_number_and_name():
    figures = StreamFigures(COUNT, COUNT, COUNT, COUNT, COUNT, 3, 2, 1, 12345.6)
    run = Run("fedcba9876", BEGIN, BEGIN + timedelta(days=1), "failed", {status.TARGET: 1},
              {"purchase_order_hdr": figures}, "incremental-sync-job")  # fmt: skip
    lines = drawn(status_tables.runs_table([run]))
    assert max(map(len, lines)) <= 80
    assert "\n".join(lines).count("1234567") == 4
    for text in ("fedcba98 failed", "incremental-sync-job", "12345.6", "3 rejected", "1 errors"):
        assert any(text in line for line in lines), text
    held = Place(SCOPE, "purchase_order_hdr", BEGIN.isoformat(), 100000.0, "under way")
    ((title, table),) = status_tables.places_tables([held])
    (line,) = [each for each in drawn(table) if "purchase_order_hdr" in each]
    assert SCOPE in title
    assert all(part in line for part in ("2026-03-01 12:00:00", "1 d 3 h", "under way"))
    loaded = TableLine("OIC.WMS_ALLOCATION", SCOPE, "a run", BEGIN.isoformat(), BEGIN, 1, COUNT,
                       COUNT, 0, 7, 0)  # fmt: skip
    ((title, table),) = status_tables.oracle_tables([loaded], 1.0)
    (line,) = [each for each in drawn(table) if "OIC.WMS_ALLOCATION" in each]
    assert SCOPE in title
    assert line.count("1,234,567") == 2
    assert any("7 rejected" in each for each in drawn(table))


def test_a_scope_is_one_word_and_its_holder_beside_it(tmp_path):
    with flext_coordination.acquire(tmp_path, SCOPE, run_id="r", owner="flext run"):
        lines = drawn(token.table(flext_coordination.read(tmp_path), str(tmp_path)))
    assert max(map(len, lines)) <= 80
    assert any("held" in line and SCOPE in line for line in lines)
    assert any("by flext run, process " in line for line in lines)


def test_why_a_run_failed_is_said_once_it_is_recorded():
    why = {"": {status.REASON: "flext-target-oracle: ORA-01017"}}
    parts = [record(status.TARGET, code=1), record("flext", code=1, streams=why)]
    (run,) = status.runs(parts, frozenset())
    assert (run.outcome, run.reason) == ("failed", "flext-target-oracle: ORA-01017")
    (said,) = status_tables.failures([run])
    assert "flext-target-oracle with exit code 1" in said
    assert said.endswith("; flext-target-oracle: ORA-01017")
    (well,) = status.runs([record("flext", streams=why)], frozenset())
    assert (well.reason, list(status_tables.failures([well]))) == (None, [])
