"""One run with faults: what it did is the same wherever it is told.

Told by the logs' events, the Singer METRIC lines, the run records, the ledger in Oracle, `flext run
--json`, `flext status --json`, the Prometheus file, and by both ends themselves.
"""

import json
import subprocess
from collections import Counter, defaultdict

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flext_cli import wms
from flext_observability import runs

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("facts"), pytest.mark.timeout(300)]

TAP, TARGET = "flext-tap-oracle-wms", "flext-target-oracle"
FAULTS = [
    {"name": "status", "match": "/allocation/?", "status": 503, "times": 2, "after": 1},
    {"name": "reset", "match": "/order_hdr/?", "times": 1},
]


def narrow_table(rig):
    """A table whose column is a byte too short for the longest texts; answers how many they are."""
    rows = list(wms.journal(rig.ends.wms, "item"))
    for name in sorted(rows[0]):
        sizes = [len(row[name].encode()) for row in rows if isinstance(row[name], str)]
        too_long = sizes.count(max(sizes, default=0))
        if name != "mod_ts" and 1 <= too_long < len(rows) / 2:
            rig.sql(
                'CREATE TABLE "OIC"."WMS_ITEM" ("ID" NUMBER(38) NOT NULL PRIMARY KEY,'
                f' "{name.upper()}" VARCHAR2({max(sizes) - 1} BYTE))'
            )
            return too_long
    raise AssertionError("no text of an item is longer than the others")


@pytest.fixture(scope="module")
def told(make_module_rig, flext):
    """The run, and all that was said of it."""
    rig = make_module_rig(rows=60)
    rig.settings(
        FLEXT_TARGET_ORACLE_ON_OVERFLOW="reject",
        FLEXT_TARGET_ORACLE_MAX_REJECTS="50",
        FLEXT_TAP_ORACLE_WMS_PAGE_SIZE="20",
        FLEXT_METRICS_FILE="flext.prom",
    )
    rig.too_long = narrow_table(rig)
    rig.admin("POST", "/faults", {"faults": FAULTS})
    done = subprocess.run(
        [flext, "run", "full-sync-job", "--json"],
        cwd=rig.place.root,
        env=rig.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    rig.admin("POST", "/faults", {"faults": []})
    assert done.returncode == 0, done.stderr
    rig.said = json.loads(done.stdout)
    rig.log = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    rig.records = {
        each.component: each for each in runs.read(rig.place.root, run_id=rig.said["run_id"])
    }
    ((status,),) = [rig.flext("status", "--json", "--run", rig.said["run_id"])]
    (rig.status,) = status["runs"]
    return rig


def named(rig, event):
    """The log's records of an event; Meltano shows it as the first word of `event`."""
    return [each for each in rig.log if str(each["event"]).partition(" ")[0] == event]


def points(rig, component):
    """The Singer METRIC values of a plugin, by stream and metric."""
    found = {}
    for each in rig.log:
        if str(each["event"]).startswith("METRIC: ") and each["component"] == component:
            point = json.loads(each["event"].removeprefix("METRIC: "))
            found[point["tags"].get("stream", ""), point["metric"]] = point["value"]
    return found


def counter(rig, component, stream, name):
    return rig.records[component].streams.get(stream, {}).get("counters", {}).get(name, 0)


def exported(rig):
    """The Prometheus file's values, by name, stream, component and kind."""
    text = (rig.place.root / "flext.prom").read_text(encoding="utf-8")
    return {
        (each.name, *(each.labels.get(name, "") for name in ("stream", "component", "kind"))):
        each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }  # fmt: skip


def test_the_run_has_one_name_everywhere(told):
    run_id = told.said["run_id"]
    ours = [each for each in told.log if each.get("component")]
    assert {each["component"] for each in ours} >= {TAP, TARGET}
    assert {each["run_id"] for each in told.log if each.get("run_id")} == {run_id}
    assert set(told.records) == {TAP, TARGET, "flext"}
    assert told.status["run_id"] == run_id
    assert {row[0] for row in told.sql('SELECT DISTINCT "RUN_ID" FROM "OIC"."FLEXT_LEDGER"')} == {
        run_id
    }


def test_records_agree(told):
    ledger = {
        stream: tuple(map(int, counts))
        for stream, *counts in told.sql(
            'SELECT "STREAM", SUM("ROWS_RECEIVED"), SUM("ROWS_INSERTED"), SUM("ROWS_REJECTED")'
            ' FROM "OIC"."FLEXT_LEDGER" GROUP BY "STREAM"'
        )
    }
    streams = set(told.said["streams"])
    assert {stream for stream, counts in ledger.items() if counts[0]} == streams
    logged = defaultdict(Counter)
    for each in named(told, "BatchCommitted"):
        for name in ("rows_received", "rows_inserted", "rows_rejected"):
            logged[each["stream"]][name] += each[name]
    extracted = {each["stream"]: each["records"] for each in named(told, "LoadCompleted")}
    tap, target, file = points(told, TAP), points(told, TARGET), exported(told)
    for stream in streams:
        read = len(list(wms.journal(told.ends.wms, stream)))
        assert {
            read,
            extracted[stream],
            tap[stream, "record_count"],
            counter(told, TAP, stream, "records"),
            file["flext_last_run_records", stream, TAP, ""],
            logged[stream]["rows_received"],
            target[stream, "record_count"],
            counter(told, TARGET, stream, "records"),
            file["flext_last_run_records", stream, TARGET, ""],
            told.said["streams"][stream]["loaded"],
            told.status["streams"][stream]["extracted"],
            told.status["streams"][stream]["loaded"],
            ledger[stream][0],
        } == {read}
        inserted = logged[stream]["rows_inserted"]
        assert {
            inserted,
            target[stream, "rows_inserted"],
            counter(told, TARGET, stream, "rows_inserted"),
            file["flext_last_run_rows_inserted", stream, TARGET, ""],
            told.said["streams"][stream]["changed"],
            told.status["streams"][stream]["inserted"],
            ledger[stream][1],
            int(told.sql(f'SELECT COUNT(*) FROM "OIC"."WMS_{stream.upper()}"')[0][0]),
        } == {inserted}


def test_the_rejected_row_is_one_everywhere(told):
    stream = "item"
    (kept,) = told.sql('SELECT COUNT(*) FROM "OIC"."FLEXT_REJECTS"')
    (ledger,) = told.sql('SELECT SUM("ROWS_REJECTED") FROM "OIC"."FLEXT_LEDGER"')
    assert {
        told.too_long,
        int(kept[0]),
        int(ledger[0]),
        len(named(told, "RowRejected")),
        sum(each["rows_rejected"] for each in named(told, "BatchCommitted")),
        points(told, TARGET)[stream, "rows_rejected"],
        counter(told, TARGET, stream, "rows_rejected"),
        exported(told)["flext_last_run_rows_rejected", stream, TARGET, ""],
        told.said["streams"][stream]["rejected"],
        told.status["streams"][stream]["rejected"],
        len(told.flext("rejects", "list", "--json")),
    } == {told.too_long}


@pytest.mark.parametrize(
    ("stream", "kind", "times"), [("allocation", "http_503", 2), ("order_hdr", "connection", 1)]
)
def test_errors_and_retries_agree(told, stream, kind, times):
    failed = [each for each in named(told, "RequestFailed") if f"/{stream}" in each["path"]]
    assert {each["error_class"] for each in failed} == {kind}
    assert {
        times,
        len(failed),
        points(told, TAP)[stream, f"errors.{kind}"],
        counter(told, TAP, stream, f"errors.{kind}"),
        exported(told)["flext_last_run_errors", stream, TAP, kind],
        told.status["streams"][stream]["errors"],
        len([each for each in named(told, "RetryScheduled") if each["stream"] == stream]),
        points(told, TAP)[stream, "retries"],
        counter(told, TAP, stream, "retries"),
        told.said["streams"][stream]["retries"],
        told.status["streams"][stream]["retries"],
    } == {times}


def test_seconds_agree(told):
    file = exported(told)
    assert {
        told.said["seconds"],
        told.status["seconds"],
        file["flext_last_run_duration_seconds", "", "", ""],
        (told.records["flext"].ended_at - told.records["flext"].started_at).total_seconds(),
    } == {told.said["seconds"]}
    for each in named(told, "StreamSynced"):
        stream = each["stream"]
        timing = told.records[TAP].streams[stream]["timings"]["seconds"]
        assert {
            each["seconds"],
            points(told, TAP)[stream, "seconds"],
            timing["seconds"],
            told.status["streams"][stream]["seconds"],
            file["flext_last_run_stream_seconds", stream, TAP, ""],
        } == {each["seconds"]}
    for stream in told.said["streams"]:
        batches = [each for each in named(told, "BatchCommitted") if each["stream"] == stream]
        for name in ("seconds", "stage_seconds", "apply_seconds", "commit_seconds"):
            metric = "batch_seconds" if name == "seconds" else name
            spent = sum(each[name] for each in batches)
            assert points(told, TARGET)[stream, metric] == pytest.approx(spent, abs=1e-5)
            timing = told.records[TARGET].streams[stream]["timings"][metric]
            assert timing["seconds"] == pytest.approx(spent, abs=1e-5)
            assert timing["count"] == len(batches)
    # No part took longer than the whole.
    for record in told.records.values():
        assert (record.ended_at - record.started_at).total_seconds() <= told.said["seconds"]


def test_no_arguments_of_tap_or_target_held_a_secret(told, witness):
    """The witness looks after each test; here that it could see both programs."""
    for program in (TAP, TARGET):
        assert any(program in line for line in witness.started()), program
