"""Lines of a run's log become figures per stream."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_cli.commands import run
from flext_cli.progress import Progress, masked


def line(event, **fields):
    return json.dumps({"event": event, "level": fields.pop("level", "info"), **fields}) + "\n"


def batch(stream, rows, inserted):
    return line(
        "BatchCommitted rows_received=…", stream=stream, rows_received=rows, rows_inserted=inserted,
        rows_updated=0, rows_rejected=0,
    )  # fmt: skip


def test_batches_are_summed_per_stream():
    progress = Progress()
    for second, each in enumerate([batch("item", 10, 4), batch("item", 30, 1), batch("lpn", 1, 0)]):
        progress.take(each, float(second))
    item = progress.streams["item"]
    assert (item.loaded, item.changed, item.batches, item.rate) == (40, 5, 2, 40.0)
    assert progress.streams["lpn"].rate is None


def test_trouble_retries_and_ends_are_seen():
    progress = Progress()
    progress.take(line("RetryScheduled path=/item", level="warning", stream="item"), 1.0)
    progress.take(line("StreamSynced records=3", stream="item"), 2.0)
    progress.take(line("StreamFailed reason=x", level="error", stream="lpn"), 2.0)
    assert progress.streams["item"].retries == 1
    assert (progress.streams["item"].ended, progress.streams["lpn"].ended) == ("done", "failed")
    assert progress.trouble == "StreamFailed reason=x"


def test_what_the_tap_has_read_and_what_is_left_is_said():
    progress = Progress()
    told = [(0.0, 0, None), (1.0, 500, 10_500), (3.0, 2500, 10_500)]
    for now_s, records, expected in told:
        event = {"records": records, "pages": 1, "in_flight": 4, "expected": expected, "retries": 0}
        progress.take(line("ProgressMade …", stream="item", **event), now_s)
    item = progress.streams["item"]
    assert (item.extracted, item.in_flight, item.expected) == (2500, 4, 10_500)
    # 2,500 records in 3 s, 8,000 to go.
    assert item.left_s(3.0) == pytest.approx(9.6)
    (cells,) = zip(*(column.cells for column in run.table("j", progress, 3.0).columns), strict=True)
    assert cells[:3] == ("item", "2500", "4")
    assert cells[-1] == "23 %, 9 s left"
    progress.take(line("StreamSynced …", stream="item"), 4.0)
    assert (item.in_flight, item.left_s(4.0)) == (0, None)
    assert list(run.table("j", progress, 4.0).columns[-1].cells) == ["done"]


@given(
    read=st.lists(st.integers(0, 10**6), min_size=1, max_size=5).map(sorted),
    expected=st.none() | st.integers(0, 10**7),
)
def test_an_estimate_is_never_negative_and_only_made_where_there_is_something_to_go_by(
    read, expected
):
    progress = Progress()
    for second, records in enumerate(read):
        fields = {"records": records, "in_flight": 1, "expected": expected}
        progress.take(line("ProgressMade …", stream="item", **fields), float(second))
    left_s = progress.streams["item"].left_s(float(len(read)))
    known = expected is not None and read[-1] > read[0]
    assert (left_s is not None) == known
    assert left_s is None or left_s >= 0


@given(
    st.text() | st.builds(json.dumps, st.recursive(st.none() | st.integers() | st.text(), st.lists))
)
def test_what_is_no_event_changes_nothing(text):
    progress = Progress()
    progress.take(text, 1.0)
    assert progress.streams == {}


def test_the_first_error_of_tap_or_target_is_why_a_run_failed():
    """Meltano's own errors come last and say only that a plugin has failed."""
    progress = Progress()
    for line in (
        {"event": "Force option is enabled", "level": "warning"},
        {"event": "RunFailed error=x", "error": "ORA-01017: no", "component": "flext-target-oracle",
         "level": "error"},
        {"event": "StreamFailed x", "reason": "a pipe", "component": "flext-tap-oracle-wms",
         "stream": "item", "level": "error"},
        {"event": "Block run completed", "level": "error"},
    ):  # fmt: skip
        progress.take(json.dumps(line), 0.0)
    assert progress.reason == "flext-target-oracle: ORA-01017: no"
    assert progress.trouble == "Block run completed"
    progress = Progress()
    progress.take(json.dumps({"event": "Block run completed", "level": "error"}), 0.0)
    assert progress.reason == "Block run completed"


@given(st.text(max_size=20))
def test_a_value_that_is_no_number_is_not_shown(value):
    """Meltano shows the value of such a setting, which may be a password in the wrong line."""
    secret = f"s3cr3t{value}/t4il"
    for convert in (int, float):
        with pytest.raises(ValueError, match="s3cr3t") as caught:
            convert(secret)
        logged = line(
            str(caught.value), level="error", exception=[{"exc_value": str(caught.value)}]
        )
        shown = masked(logged)
        assert "s3cr3t" not in shown
        assert "t4il" not in shown
        assert json.loads(shown)["level"] == "error"


def test_a_reason_is_one_line_that_no_terminal_obeys():
    progress = Progress()
    said = {
        "event": "RunFailed",
        "level": "error",
        "component": "tap",
        "error": "a\x1b[2J\r\n b\x9bc",
    }
    progress.take(json.dumps(said), 0.0)
    assert progress.reason == "tap: a [2J b c"
