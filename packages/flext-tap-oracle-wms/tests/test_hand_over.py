"""Records in files (docs/specs/batch.md): complete, named when whole, covered by STATE after."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow.parquet as pq
import pytest

from flext_observability.testing import capture_events
from flext_tap_oracle_wms import events, settings, spool
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.errors import HandOverError, SettingsError

FULL = {"sync_mode": "full", "entities": ["allocation"], "hand_over": "batch"}


@pytest.fixture
def small_files(monkeypatch):
    """Files of 60 rows, so that a small entity needs several."""
    monkeypatch.setattr(spool, "FILE_ROWS", 60)
    monkeypatch.setattr(spool, "ROW_GROUP_ROWS", 25)


def path_of(message):
    (address,) = message["manifest"]
    assert address.startswith("file:///")
    return Path(unquote(urlsplit(address).path))


def opened(fix, run):
    """The run with the RECORD messages that its BATCH messages stand for."""
    found = []
    for message in run.messages:
        if message["type"] != "BATCH":
            found.append(message)
            continue
        assert message["encoding"] == {"format": "parquet", "compression": "zstd"}
        rows = pq.read_table(path_of(message)).to_pylist()
        assert message["flext_rows"] == [len(rows)]
        for row in rows:
            extracted = row.pop("_sdc_extracted_at")
            assert extracted.tzinfo is not None
            found.append({"type": "RECORD", "stream": message["stream"], "record": row})
    return fix.Run(found, run.error, run.given)


def plain(rows, schema):
    """Rows with times as instants and numbers as decimals, however they are written."""
    kinds = schema["properties"]
    found = {}
    for key, row in rows.items():
        shown = dict(row)
        for name, value in row.items():
            if value is not None and kinds[name].get("format") == "date-time":
                text = value if isinstance(value, datetime) else datetime.fromisoformat(value)
                shown[name] = text.astimezone(UTC)
            elif value is not None and "number" in kinds[name]["type"]:
                shown[name] = Decimal(value)
        found[key] = shown
    return found


def same(fix, server, stream, *runs):
    schema = next(run for run in runs if run.of_type("SCHEMA", stream)).of_type("SCHEMA", stream)[0]
    read = plain(fix.latest(*runs, stream=stream), schema["schema"])
    return read == plain(fix.truth(server, stream), schema["schema"])


@pytest.mark.parametrize("max_concurrency", [1, 3])
def test_a_full_load_is_in_the_files(read_only_wms, run_tap, fix, small_files, max_concurrency):
    more = {"page_size": 20, "max_concurrency": max_concurrency}
    run = run_tap(read_only_wms, **{**FULL, "entities": ["allocation", "item"]}, **more)
    assert run.error is None
    assert run.of_type("RECORD") == []
    batches = run.of_type("BATCH", "allocation")
    assert len(batches) > 2
    (version,) = {message["version"] for message in batches}
    assert run.of_type("ACTIVATE_VERSION", "allocation")[0]["version"] == version
    for stream in ("allocation", "item"):
        of_stream = [m["type"] for m in run.messages if m.get("stream") == stream]
        assert of_stream[0] == "SCHEMA"
        assert of_stream[-1] == "ACTIVATE_VERSION"
        assert same(fix, read_only_wms, stream, opened(fix, run))
    assert run.messages[-1]["type"] == "STATE"


def test_a_run_from_every_state_completes_the_load(read_only_wms, run_tap, fix, small_files):
    first = run_tap(read_only_wms, page_size=20, max_concurrency=3, **FULL)
    unfinished = 0
    for number, state in enumerate(first.states):
        before = opened(fix, first.up_to_state(number))
        second = run_tap(read_only_wms, state=state, **FULL)
        assert second.error is None
        load = state["bookmarks"]["allocation"]["full_load"]
        if not load["completed_at"]:
            unfinished += 1
            again = opened(fix, second).records("allocation")
            assert len(again) + len(before.records("allocation")) == 230
        assert same(fix, read_only_wms, "allocation", before, opened(fix, second))
    assert unfinished > 2


def test_an_incremental_run_moves_its_bookmark_after_the_file(wms, run_tap, fix, later):
    chosen = {"entities": ["allocation"], "hand_over": "batch"}
    first = run_tap(wms, **chosen)
    assert same(fix, wms, "allocation", opened(fix, first))
    kinds = [message["type"] for message in first.messages]
    assert kinds == ["SCHEMA", "BATCH", "STATE"]
    assert first.state["bookmarks"]["allocation"]["replication_key_value"]
    assert "version" not in first.of_type("BATCH")[0]


def test_one_streams_state_does_not_promise_what_another_has_not_named(
    read_only_wms, run_tap, fix, monkeypatch
):
    monkeypatch.setattr(spool, "FILE_ROWS", 100)
    streams = ["allocation", "order_dtl"]
    run = run_tap(read_only_wms, **{**FULL, "entities": streams}, page_size=10, max_concurrency=4)
    for number, state in enumerate(run.states):
        before = opened(fix, run.up_to_state(number))
        for stream in streams:
            load = state["bookmarks"].get(stream, {}).get("full_load", {})
            if not load.get("completed_at"):
                assert load.get("records", 0) == len(before.records(stream))


def test_a_stream_that_fails_hands_over_the_pages_it_had(wms, run_tap, fix):
    wms.faults({"name": "status", "status": 500, "match": "/allocation/?", "after": 4})
    chosen = {**FULL, "page_size": 20, "max_concurrency": 1, "max_retries": 0}
    first = run_tap(wms, **chosen)
    assert first.error is not None
    wms.faults()
    assert first.messages[-1]["type"] == "STATE"
    read = opened(fix, first)
    load = first.state["bookmarks"]["allocation"]["full_load"]
    assert 0 < load["records"] == len(read.records("allocation")) < 230
    second = opened(fix, run_tap(wms, state=first.state, **chosen))
    assert len(second.records("allocation")) == 230 - load["records"]
    assert same(fix, wms, "allocation", read, second)


def test_files_and_folders_are_the_users_alone(read_only_wms, run_tap, tmp_path):
    run = run_tap(read_only_wms, **FULL)
    path = path_of(run.of_type("BATCH")[0])
    assert path.is_relative_to(tmp_path / ".flext" / "batch" / "local")
    assert path.name == "allocation-000001.parquet"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(found.name for found in path.parent.iterdir()) == [path.name, "lock"]
    for folder in (path.parent, path.parent.parent, tmp_path / ".flext" / "batch"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    groups = pq.ParquetFile(path).metadata
    assert {groups.row_group(0).column(n).compression for n in range(3)} == {"ZSTD"}


def test_a_disk_that_refuses_ends_the_stream_and_no_state_goes_beyond(
    read_only_wms, run_tap, fix, tmp_path, small_files, monkeypatch
):
    kept = Path.rename
    renamed = []

    def rename(self, target):
        if renamed:
            raise OSError(28, "No space left on device")
        renamed.append(target)
        return kept(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    run = run_tap(read_only_wms, page_size=20, max_concurrency=1, **FULL)
    assert "No space left on device" in str(run.error)
    assert "hand_over" in str(run.error)
    assert len(run.of_type("BATCH")) == 1
    load = run.state["bookmarks"]["allocation"]["full_load"]
    assert load["records"] == len(opened(fix, run).records("allocation"))
    assert list(tmp_path.rglob("*.part")) == []


@pytest.fixture
def folders(tmp_path):
    """A spool of this moment, and a run's folder of any age beside it."""
    made = []

    def make(name, age):
        folder = tmp_path / ".flext" / "batch" / "local" / name
        folder.mkdir(parents=True)
        for file in ("lock", "item-000001.parquet", ".item-000002.part"):
            (folder / file).write_bytes(b"x")
        then = (datetime.now(UTC) - age).timestamp()
        for path in (*folder.iterdir(), folder):
            os.utime(path, (then, then))
        return folder

    def start():
        made.append(spool.Spool(tmp_path, "local", "run-1", clock=Clock()))
        return made[-1].open()

    yield make, start
    for each in made:
        each.close()


def test_leftovers_of_dead_runs_go_and_others_stay(folders):
    make, start = folders
    dead, young = make("dead", timedelta(hours=2)), make("young", timedelta(minutes=50))
    held = make("held", timedelta(hours=2))
    with (held / "lock").open("rb") as lock, capture_events() as seen:
        fcntl.flock(lock, fcntl.LOCK_SH)
        own = start()
    assert sorted(own.parent.iterdir()) == sorted([own, young, held])
    (event,) = [each for each in seen if isinstance(each, events.LeftoversRemoved)]
    assert (event.folder, event.files) == (str(dead), 3)


def test_a_run_that_named_nothing_leaves_nothing(tmp_path):
    made = spool.Spool(tmp_path, "other", "run/../2", clock=Clock())
    folder = made.open()
    assert folder.parent == tmp_path / ".flext" / "batch" / "other"
    assert "run-..-2" in folder.name
    (folder / ".x-000001.part").write_bytes(b"x")
    made.close()
    assert not folder.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / ".flext").write_bytes(b"a file where a folder is due")
    with pytest.raises(HandOverError, match=r"hand_over: .*\.flext/batch/local"):
        spool.Spool(tmp_path, "local", "r", clock=Clock()).open()


@pytest.mark.parametrize(
    ("environ", "scope"),
    [
        ({}, "local"),
        ({"FLEXT_SCOPE": "prod:a-to-b"}, "prod-a-to-b"),
        ({"FLEXT_SCOPE": "../../x"}, "-..-x"),
        ({"MELTANO_ENVIRONMENT": "dev", "MELTANO_EXTRACTOR_NAME": "tap-x"}, "dev-tap-x"),
    ],
)
def test_the_scope_is_one_safe_name(environ, scope):
    assert spool.scope_of(environ) == scope


def test_stream_maps_and_files_do_not_go_together():
    given = {"base_url": "https://h/v10", "username": "u", "password": "p", "hand_over": "batch"}
    with pytest.raises(SettingsError, match="stream_maps"):
        settings.parse({**given, "stream_maps": {"item": {"x": "1"}}})
    assert settings.parse(given).hand_over == "batch"


def test_sigterm_names_no_file_that_is_not_whole(wms, fix, tmp_path, run_tap):
    wms.faults({"name": "latency", "latency_s": 0.4, "match": "/allocation/?", "after": 5})
    config = tmp_path / "config.json"
    given = {"base_url": wms.base_url, "username": wms.username, "ca_file": str(wms.ca_file)}
    config.write_text(json.dumps({**given, **FULL, "password": wms.password, "page_size": 20}))
    process = subprocess.Popen(
        [sys.executable, "-m", "flext_tap_oracle_wms", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LOGLEVEL": "DEBUG"},
    )
    while b"PageEmitted" not in (line := process.stderr.readline()):
        assert line, "ended before its first page"
    assert list(tmp_path.rglob("*.part"))
    process.terminate()
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors.decode()[-2000:]
    first = fix.Run([json.loads(line) for line in out.split(b"\n") if line])
    assert first.of_type("BATCH") == []
    assert list(tmp_path.rglob("*.part")) == []
    assert list((tmp_path / ".flext" / "batch").rglob("*.parquet")) == []
    wms.faults()
    second = run_tap(wms, state=first.state, **FULL)
    assert same(fix, wms, "allocation", opened(fix, second))
