"""The text of the last run of each job, read back by the library's own parser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from flext_observability import textfile
from flext_observability.runs import JobRuns, RunRecord

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
Sample = tuple[str, tuple[tuple[str, str], ...]]


def samples(text: str) -> dict[Sample, float]:
    found: dict[Sample, float] = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        for each in family.samples:
            key = (each.name, tuple(sorted(each.labels.items())))
            assert key not in found, "a sample twice"
            found[key] = each.value
    return found


def job_of(streams: dict[str, Any], *, code: int = 0, name: str = "load") -> JobRuns:
    ended = BEGIN + timedelta(seconds=61.5)
    parts = (
        RunRecord("r1", "flext", BEGIN, ended, code, {}, name),
        RunRecord("r1", "tap", BEGIN, ended, code, streams),
    )
    return JobRuns(parts, ended if code == 0 else None)


def value(text: str, name: str, **labels: str) -> float:
    return samples(text)[name, tuple(sorted(labels.items()))]


def test_what_was_counted_and_timed_is_exported_with_its_labels() -> None:
    streams = {
        "item": {
            "counters": {"records": 7, "errors.timeout": 2, "errors.http_503": 1},
            "timings": {
                "batch_seconds": {"count": 3, "seconds": 1.5, "max_seconds": 0.75},
                "seconds": {"count": 1, "seconds": 4.0, "max_seconds": 4.0},
            },
        },
        "": {"counters": {"bytes": 5000}, "timings": {}},
    }
    text = textfile.render({"load": job_of(streams)})
    here = {"job": "load", "component": "tap", "stream": "item"}
    assert value(text, "flext_last_run_records", kind="", **here) == 7
    assert value(text, "flext_last_run_errors", kind="timeout", **here) == 2
    assert value(text, "flext_last_run_batch_seconds", kind="", **here) == 1.5
    assert value(text, "flext_last_run_batch_seconds_max", kind="", **here) == 0.75
    assert value(text, "flext_last_run_batch_seconds_measurements", kind="", **here) == 3
    assert value(text, "flext_last_run_stream_seconds", kind="", **here) == 4
    assert value(text, "flext_last_run_bytes", kind="", **{**here, "stream": ""}) == 5000
    assert value(text, "flext_last_run_duration_seconds", job="load") == 61.5
    assert value(text, "flext_last_run_exit_code", job="load") == 0
    ended = (BEGIN + timedelta(seconds=61.5)).timestamp()
    assert value(text, "flext_last_success_timestamp_seconds", job="load") == ended


def test_a_job_that_never_succeeded_says_so_by_silence() -> None:
    text = textfile.render({"bad": job_of({}, code=3, name="bad"), "good": job_of({}, name="good")})
    assert value(text, "flext_last_run_exit_code", job="bad") == 3
    jobs = {
        labels for name, labels in samples(text) if name == "flext_last_success_timestamp_seconds"
    }
    assert jobs == {(("job", "good"),)}


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.dictionaries(st.sampled_from(["records", "rows_stale"]), st.integers(0, 2**53)),
        max_size=4,
    )
)
def test_any_name_of_a_stream_comes_back_with_its_figures(
    counters: dict[str, dict[str, int]],
) -> None:
    streams = {name: {"counters": each, "timings": {}} for name, each in counters.items()}
    found = samples(textfile.render({"load": job_of(streams)}))
    given_figures = {
        (f"flext_last_run_{counter}", stream): float(amount)
        for stream, each in counters.items()
        for counter, amount in each.items()
    }
    exported = {
        (name, dict(labels)["stream"]): amount
        for (name, labels), amount in found.items()
        if "stream" in dict(labels)
    }
    assert exported == given_figures


def test_the_file_is_replaced_whole_and_readable_by_its_collector(tmp_path: Path) -> None:
    path = tmp_path / "flext.prom"
    textfile.write(path, {"load": job_of({})})
    first = path.stat().st_ino
    with path.open(encoding="utf-8") as half_read:
        begin = half_read.read(10)
        textfile.write(path, {"load": job_of({}, code=1)})
        # Who has the old file open reads the old one to its end.
        assert begin + half_read.read() == textfile.render({"load": job_of({})})
    assert path.stat().st_ino != first
    assert path.read_text(encoding="utf-8") == textfile.render({"load": job_of({}, code=1)})
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["flext.prom"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(textfile.TextfileError, match=r"gone/a\.prom cannot be written: No such"):
        textfile.write(tmp_path / "gone" / "a.prom", {})
    assert list(tmp_path.iterdir()) == []
