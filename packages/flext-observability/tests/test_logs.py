"""What reaches stderr, from a process of its own: form, keys, redaction, and nothing on stdout."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from flext_observability import Counter, Event, Level, Metric, bound, configure, emit, metrics
from flext_observability.context import set_process

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]

SECRET = "s3cr/t pass"
PROGRAM = """
import json, logging, sys, threading, warnings
from dataclasses import dataclass
from flext_observability import Event, bound, configure, emit, emit_metrics, Counter

SECRET = "s3cr/t pass"

@dataclass(frozen=True)
class PageFetched(Event):
    "A page came."
    metrics = (Counter("records", "records"),)
    stream: str
    records: int
    note: object = None

logging.basicConfig(stream=sys.stdout)
logging.getLogger("noisy").addHandler(logging.StreamHandler(sys.stdout))
configure("a-tap", run_id="r1", secrets=[SECRET])
emit(PageFetched("allocation", 500, note={"password": "p", "text": [SECRET]}))
with bound(stream="item", run_id="r2"):
    logging.getLogger("noisy.child").warning("retry of %s", SECRET, extra={"attempt": 2})
    logging.getLogger("noisy").error("bad args %d", SECRET)
    logging.getLogger("lib").info(
        "GET %s", "https://h/x?page=2", extra={"password": "plain", "stream": None}
    )
logging.getLogger("lib").debug("not wanted")
try:
    try:
        raise ValueError("inner " + SECRET)
    except ValueError as error:
        error.add_note("note " + SECRET)
        raise RuntimeError("outer " + SECRET) from error
except RuntimeError as error:
    emit(PageFetched("item", 1), error=error)
thread = threading.Thread(target=lambda: 1 / 0, name="worker")
thread.start(); thread.join()
emit_metrics()
raise KeyError("edge " + SECRET)
"""


def records_of(stderr: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.splitlines()]


@pytest.mark.parametrize("form", ["json", "meltano", "console"])
def test_nothing_reaches_stdout_and_no_secret_reaches_stderr(form: str, run_program: Run) -> None:
    done = run_program(PROGRAM, FLEXT_LOG_FORMAT=form)
    assert done.stdout == ""
    assert done.returncode == 1
    assert SECRET not in done.stderr
    assert "outer ***" in done.stderr
    assert "inner ***" in done.stderr
    assert "note ***" in done.stderr
    assert "edge ***" in done.stderr


def test_every_record_says_when_what_and_whose(run_program: Run) -> None:
    records = records_of(run_program(PROGRAM).stderr)
    for record in records:
        assert list(record)[:6] == ["timestamp", "level", "event", "run_id", "stream", "component"]
        assert record["component"] == "a-tap"
    by_event = {record["event"]: record for record in records}
    page = by_event["retry of ***"]
    assert (page["run_id"], page["stream"], page["level"]) == ("r2", "item", "WARNING")
    assert (page["attempt"], page["logger_name"]) == (2, "noisy.child")
    first = records[0]
    assert (first["event"], first["stream"], first["run_id"]) == ("PageFetched", "allocation", "r1")
    assert (first["level"], first["records"]) == ("INFO", 500)
    assert first["note"] == {"password": "***", "text": ["***"]}
    assert by_event["GET https://h/x?page=2"]["password"] == "***"
    assert "not wanted" not in by_event
    assert "bad args %d ('***',)" in by_event


def test_exceptions_carry_their_type_frames_and_cause(run_program: Run) -> None:
    records = records_of(run_program(PROGRAM).stderr)
    shown = next(r for r in records if r["event"] == "PageFetched" and "exception" in r)
    assert shown["exception"]["type"] == "RuntimeError"
    assert shown["exception"]["cause"]["message"] == "inner ***"
    assert shown["exception"]["cause"]["notes"] == ["note ***"]
    assert shown["exception"]["traceback"][0]["function"] == "<module>"
    escaped = [r for r in records if r["event"] == "ExceptionEscaped"]
    assert [(r["exception_type"], r["thread"], r["level"]) for r in escaped] == [
        ("ZeroDivisionError", "worker", "ERROR"),
        ("KeyError", "MainThread", "ERROR"),
    ]


def test_metrics_leave_as_singer_metric_lines(run_program: Run) -> None:
    records = records_of(run_program(PROGRAM).stderr)
    points = [json.loads(r["event"][8:]) for r in records if r["event"].startswith("METRIC: ")]
    assert {"type": "counter", "metric": "record_count", "value": 500,
            "tags": {"stream": "allocation"}} in points  # fmt: skip
    assert {"type": "counter", "metric": "record_count", "value": 1,
            "tags": {"stream": "item"}} in points  # fmt: skip


def test_meltano_reads_the_form_for_meltano(run_program: Run) -> None:
    import structlog
    from meltano.core.logging.parsers import SingerSDKLogParser

    lines = structlog.testing.CapturingLogger()
    logger = structlog.stdlib.BoundLogger(lines, [structlog.processors.JSONRenderer()], {})
    done = run_program(PROGRAM, SINGER_SDK_LOG_CONFIG="any.json")
    parsed = [SingerSDKLogParser().parse(line) for line in done.stderr.splitlines()]
    assert parsed
    for record in parsed:
        assert record is not None
        # As Meltano does: a key `event` would be given twice, and end its reader.
        logger.log(record.level, record.message, **record.extra)
        assert {"timestamp", "run_id", "stream", "component"} <= set(record.extra)
    assert parsed[0] is not None
    # The message has the fields too: on a terminal Meltano shows nothing else.
    assert parsed[0].message.startswith("PageFetched stream=allocation records=500")
    assert parsed[0].stream_name == "allocation"
    assert parsed[-1] is not None
    assert parsed[-1].exception is not None
    assert parsed[-1].exception.type == "KeyError"


def test_meltano_does_not_take_the_plain_form_for_its_own(run_program: Run) -> None:
    from meltano.core.logging.parsers import SingerSDKLogParser

    done = run_program(PROGRAM)
    assert [SingerSDKLogParser().parse(line) for line in done.stderr.splitlines()] == [None] * len(
        done.stderr.splitlines()
    )


def test_a_reader_of_stderr_that_is_gone_is_counted_and_ends_nothing(run_program: Run) -> None:
    source = """
import os, sys
from flext_observability import configure, emit, metrics
from flext_observability.events import ExceptionEscaped
configure("x")
read, write = os.pipe()
os.close(read)
os.dup2(write, 2)
emit(ExceptionEscaped("KeyError", "main"))
print(metrics.total("log_lines_lost"), metrics.total("exceptions_escaped"))
sys.stdout.flush()
os._exit(0)
"""
    done = run_program(source)
    assert (done.returncode, done.stdout) == (0, "1 1\n")


def test_ctrl_c_is_one_record_without_a_traceback(run_program: Run) -> None:
    source = "from flext_observability import configure; configure('x'); raise KeyboardInterrupt"
    (record,) = records_of(run_program(source).stderr)
    assert record["exception_type"] == "KeyboardInterrupt"
    assert "exception" not in record


@pytest.mark.parametrize(
    ("options", "named"),
    [({"level": "loud"}, "'LOUD'"), ({"fmt": "xml"}, "'xml'")],
)
def test_an_unknown_level_or_format_is_refused_with_the_known_ones(
    options: dict[str, str], named: str
) -> None:
    with pytest.raises(ValueError, match=f"{named} is unknown; known are .+, ") as caught:
        configure("x", **options)
    assert "known are" in str(caught.value)


@dataclass(frozen=True)
class RowCounted(Event):
    """A row was counted."""

    level: ClassVar[Level] = "DEBUG"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("rows", "rows"),)
    rows: int


def test_many_threads_lose_no_count_and_break_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("x", level="DEBUG", fmt="json", run_id="r")
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        with bound(stream=f"s{number}"):
            for _ in range(50):
                emit(RowCounted(2))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    out, err = capsys.readouterr()
    records = records_of(err)
    assert out == ""
    assert len(records) == 400
    assert metrics.total("rows") == 800
    assert {metrics.total("rows", f"s{n}") for n in range(8)} == {100}
    assert {r["stream"] for r in records} == {f"s{n}" for n in range(8)}
    assert {r["run_id"] for r in records} == {"r"}


def test_a_level_that_is_not_wanted_is_counted_and_not_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("x", level="INFO", fmt="json")
    emit(RowCounted(3))
    assert metrics.total("rows") == 3
    assert capsys.readouterr() == ("", "")


def test_a_run_id_learnt_later_is_seen_by_all(capsys: pytest.CaptureFixture[str]) -> None:
    configure("x", level="DEBUG", fmt="json")
    emit(RowCounted(1))
    set_process(run_id="late")
    emit(RowCounted(1))
    records = records_of(capsys.readouterr().err)
    assert [r["run_id"] for r in records] == [None, "late"]


def test_a_reserved_field_name_is_refused() -> None:
    @dataclass(frozen=True)
    class ThingHappened(Event):
        message: str

    with pytest.raises(TypeError, match="reserved field names message"):
        emit(ThingHappened("x"))
    assert metrics.snapshot() == {}
