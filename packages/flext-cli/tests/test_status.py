"""Run records and states become runs with an outcome and places with a lag."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_cli import status
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
