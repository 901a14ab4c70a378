"""A stream tells how far it is: now and then, by the clock that it is given."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from flext_observability import bound, emit, testing
from flext_observability.testing import capture_events
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.events import ProgressMade, RetryScheduled
from flext_tap_oracle_wms.sizing import PageSize
from flext_tap_oracle_wms.sync.job import PROGRESS_EVERY_S, Job
from flext_tap_oracle_wms.sync.reading import Listing

ROWS_PER_PAGE = 3


@dataclass
class Time:
    """Seconds that pass when a test says so."""

    now_s: float = 100.0
    clock: Clock = field(init=False)

    def __post_init__(self):
        self.clock = Clock(monotonic_s=lambda: self.now_s)


def job_at(time, **more):
    return Job(
        stream="x",
        listing=Listing("y", {}, PageSize(ROWS_PER_PAGE)),
        settings=None,
        source=SimpleNamespace(in_flight=lambda entity: {"y": 5}[entity]),
        emitter=SimpleNamespace(write_page=lambda *_: ROWS_PER_PAGE),
        state=None,
        clock=time.clock,
        **more,
    )


def told(events):
    return [event for event in events if isinstance(event, ProgressMade)]


def emit_page(job):
    job.emit_page(msgspec.Raw(b"[1,2,3]"), datetime.now(UTC))


@given(st.lists(st.floats(0, 5), max_size=40))
def test_it_tells_of_all_that_is_out_and_at_most_once_a_second(pauses):
    time = Time()
    with testing.clean_process():
        job, expected, last_s, pages = job_at(time), [], time.now_s, 0
        with capture_events() as events:
            for pause_s in pauses:
                time.now_s += pause_s
                emit_page(job)
                pages += 1
                if time.now_s - last_s >= PROGRESS_EVERY_S:
                    last_s = time.now_s
                    expected.append((pages * ROWS_PER_PAGE, pages))
    assert [(event.records, event.pages) for event in told(events)] == expected


def test_it_tells_what_is_on_its_way_what_there_is_and_what_was_asked_again():
    time = Time()
    job = job_at(time)
    job.expected = 70
    with bound(stream="x"):
        emit(RetryScheduled("/y/", "timeout", 1, 0.5))
    with bound(stream="other"):
        emit(RetryScheduled("/z/", "timeout", 1, 0.5))
    time.now_s += PROGRESS_EVERY_S
    with capture_events() as events:
        emit_page(job)
    assert told(events) == [ProgressMade("x", 3, 1, in_flight=5, expected=70, retries=1)]
