"""Lines of a run's log become figures per stream."""

import json

from hypothesis import given
from hypothesis import strategies as st

from flext_cli.progress import Progress


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


@given(
    st.text() | st.builds(json.dumps, st.recursive(st.none() | st.integers() | st.text(), st.lists))
)
def test_what_is_no_event_changes_nothing(text):
    progress = Progress()
    progress.take(text, 1.0)
    assert progress.streams == {}
