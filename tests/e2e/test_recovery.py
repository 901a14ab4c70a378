"""Runs that are cut, streams that fail, a WMS that changes: by real Meltano, both ends equal."""

import signal
import threading
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from flext_cli import clock, oracle

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("recovery"), pytest.mark.timeout(300)]

FULL_STATE = "dev:tap-oracle-wms-full-to-target-oracle-full"
INCREMENTAL_STATE = "dev:tap-oracle-wms-incremental-to-target-oracle-incremental"


def bookmarks(rig, state_id):
    return (rig.states().get(state_id, {}).get("singer_state") or {}).get("bookmarks", {})


def received(rig, run_id):
    """Rows that the target got in a run, by stream, as the ledger has it."""
    with oracle.connected(rig.ends.oracle) as connection, connection.cursor() as cursor:
        cursor.execute(
            'SELECT "STREAM", SUM("ROWS_RECEIVED") FROM "OIC"."FLEXT_LEDGER"'
            ' WHERE "RUN_ID" = :1 GROUP BY "STREAM" ORDER BY "STREAM"',
            [run_id],
        )
        return {stream: int(rows) for stream, rows in cursor.fetchall()}


def committed_rows(cursor):
    """Rows of allocation that are committed; 0 while the table is not there."""
    cursor.execute("SELECT TABLE_NAME FROM ALL_TABLES WHERE OWNER = 'OIC'")
    if ("WMS_ALLOCATION",) not in cursor.fetchall():
        return 0
    cursor.execute('SELECT COUNT(*) FROM "OIC"."WMS_ALLOCATION"')
    return int(cursor.fetchone()[0])


def target_of(meltano_process):
    for child in psutil.Process(meltano_process.pid).children(recursive=True):
        if any("flext-target-oracle" in part for part in child.cmdline()):
            return child
    return None


def test_kill_9_of_the_target_in_the_middle_loses_and_doubles_nothing(make_rig):
    rig = make_rig(rows=1000)
    rig.settings(FLEXT_TARGET_ORACLE_BATCH_SIZE="100", FLEXT_TAP_ORACLE_WMS_PAGE_SIZE="50")
    # Slow pages keep the load long enough to be hit in the middle; what is waited for is a commit.
    slow = {"name": "latency", "match": "/allocation/?", "latency_s": 0.3}
    rig.admin("POST", "/faults", {"faults": [slow]})
    process = rig.start("run", "full-sync-job")
    # One connection for all questions: a logon at each would take a core from the run.
    with oracle.connected(rig.ends.oracle) as connection, connection.cursor() as cursor:
        while committed_rows(cursor) < 100:
            assert process.poll() is None, process.stdout.read()
            clock.pause(0.2)
        target = target_of(process)
        target.send_signal(signal.SIGKILL)
        output, _ = process.communicate(timeout=120)
        rig.admin("POST", "/faults", {"faults": []})
        assert process.returncode != 0, output
        committed = committed_rows(cursor)
    assert 100 <= committed < 1000
    assert bookmarks(rig, INCREMENTAL_STATE) == {}

    rig.settings()  # the run that mends it is not to be hit: its pages and batches are as they are
    (outcome,) = rig.flext("run", "full-sync-job", "--json")
    assert outcome["outcome"] == "succeeded"
    # What was committed before the kill is loaded again at most, never left out.
    assert outcome["streams"]["allocation"]["loaded"] >= 1000 - committed
    result = rig.verdict(outcome["run_id"])
    assert result.first_difference is None
    assert set(bookmarks(rig, INCREMENTAL_STATE)) >= {"allocation", "order_hdr", "order_dtl"}

    (shown,) = rig.flext("status", "--json")
    second, first = shown["runs"]
    assert (first["outcome"], second["outcome"]) == ("died", "succeeded")
    loaded = {name: each["loaded"] for name, each in second["streams"].items()}
    assert loaded == received(rig, outcome["run_id"])
    assert {place["full_load"] for place in shown["streams"]} >= {"completed"}


class Warehouse:
    """A WMS at work: small transactions over several streams until told to stop."""

    def __init__(self, rig, streams):
        self.changed = 0
        self._rig, self._streams = rig, streams
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def _work(self):
        while not self._stop.wait(0.2):
            counts = dict.fromkeys(self._streams, 1)
            done = self._rig.admin("POST", "/changes", {"insert": counts, "update": counts})
            self.changed += sum(sum(each.values()) for each in done.values())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


@dataclass(frozen=True)
class Seen:
    """What two runs did to rows that changed meanwhile.

    Attributes:
        alone: the verdict after the full load, before the incremental run.
        asked: the queries of allocation's pages in the incremental run.
        rows: what the target received in it, by stream.
        most: how many rows may have changed at most.
    """

    rig: Any
    streams: list
    alone: Any
    both: Any
    asked: list
    rows: dict
    most: int


@pytest.fixture(scope="module")
def seen(make_module_rig):
    """A full load while the WMS changes, its hand-over, and an incremental run."""
    rig = make_module_rig(rows=1500)
    rig.settings(FLEXT_TAP_ORACLE_WMS_PAGE_SIZE="50")
    streams = ["allocation", "order_hdr", "order_dtl"]
    slow = {"name": "latency", "match": "/entity/", "latency_s": 0.1}
    rig.admin("POST", "/faults", {"faults": [slow]})
    with Warehouse(rig, streams) as warehouse:
        code, output = rig.run("run", "full-sync-job")
    assert code == 0, output
    rig.admin("POST", "/faults", {"faults": []})
    rig.admin("POST", "/clock", {"real": True})
    alone = rig.verdict()
    before = len(rig.admin("GET", "/requests"))
    run_id = str(uuid.uuid4())
    code, output = rig.run("run", "incremental-sync-job", run_id=run_id)
    assert code == 0, output
    requests = rig.admin("GET", "/requests")[before:]
    pages = [each for each in requests if "/allocation/?" in str(each["target"])]
    asked = [parse_qs(urlsplit(str(each["target"])).query) for each in pages]
    rows = received(rig, run_id)
    # A new order_dtl also modifies its order_hdr, hence at most twice as many rows as changes.
    return Seen(rig, streams, alone, rig.verdict(), asked, rows, 2 * warehouse.changed)


def test_a_full_load_while_the_wms_changes_then_incremental_misses_nothing(seen):
    # The load ran while rows changed, so it alone cannot be right; else this proves nothing.
    assert seen.alone.first_difference is not None
    assert seen.both.first_difference is None


def test_the_incremental_run_after_it_reads_what_changed_and_no_more(seen):
    # Whole pages only of what changed; one row may be asked for to see that the list works at all.
    whole = [query for query in seen.asked if query["page_size"] != ["1"]]
    assert whole
    assert all(any(name.startswith("mod_ts__") for name in query) for query in whole)
    total = {each.comparison.stream: each.comparison.expected_rows for each in seen.both.streams}
    for stream in seen.streams:
        assert 0 < seen.rows[stream] < total[stream]
    assert sum(seen.rows[stream] for stream in seen.streams) <= seen.most
    # Neither item nor location changed, so nothing of them was read again.
    assert {"item", "location"} & set(seen.rows) == set()


def test_a_failing_stream_keeps_its_place_and_the_others_go_on(seen):
    rig = seen.rig
    # Changes older than the safety lag, as if they had been made a while ago.
    rig.admin("POST", "/clock", {"advance_s": -45})
    rig.admin(
        "POST",
        "/changes",
        {"insert": {"allocation": 5, "order_hdr": 5}, "update": {"allocation": 5, "order_hdr": 5}},
    )
    rig.admin("POST", "/clock", {"real": True})
    before = bookmarks(rig, INCREMENTAL_STATE)
    fault = {"name": "status", "match": "/order_hdr/?", "status": 500}
    rig.admin("POST", "/faults", {"faults": [fault]})
    code, output = rig.run("run", "incremental-sync-job", FLEXT_TAP_ORACLE_WMS_MAX_RETRIES="0")
    assert code != 0
    assert "order_hdr" in output
    assert "Traceback" not in output
    between = bookmarks(rig, INCREMENTAL_STATE)
    assert set(between) >= set(before)
    key = "replication_key_value"
    assert between["allocation"][key] > before["allocation"][key]
    assert between["order_hdr"][key] == before["order_hdr"][key]
    verdicts = {each.comparison.stream: each.comparison for each in rig.verdict().streams}
    assert verdicts["allocation"].equal
    assert verdicts["order_hdr"].missing == 5

    rig.admin("POST", "/faults", {"faults": []})
    code, output = rig.run("run", "incremental-sync-job")
    assert code == 0, output
    assert rig.verdict().first_difference is None
