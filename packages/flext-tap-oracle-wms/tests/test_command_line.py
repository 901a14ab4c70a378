"""The command as Meltano runs it: its answers, and one message for whatever is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PASSWORD = "pa55-w0rd+/=ü"
SELECTED = [{"breadcrumb": [], "metadata": {"selected": True}}]
COMMAND = [sys.executable, "-m", "flext_tap_oracle_wms"]


@pytest.fixture
def command(tmp_path):
    """Run the tap as a process with settings from the environment."""

    def run(server, *arguments, state=None, catalog=None, stdin=None, **settings):
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FLEXT_", "MELTANO_"))
        }
        environment["FLEXT_WORKSPACE"] = str(tmp_path)
        known = {"base_url": server.base_url, "username": server.username}
        known |= {"password": server.password, "ca_file": server.ca_file, "max_retries": 0}
        for name, value in (known | settings).items():
            if value is not None:
                environment[f"FLEXT_TAP_ORACLE_WMS_{name.upper()}"] = str(value)
        extra = []
        for option, value in (("--state", state), ("--catalog", catalog)):
            if value is not None:
                path = tmp_path / f"{option[2:]}.json"
                path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
                extra += [option, str(path)]
        return subprocess.run(
            [*COMMAND, "--config=ENV", *arguments, *extra],
            env=environment,
            cwd=tmp_path,
            stdin=stdin,
            capture_output=True,
            check=False,
            timeout=120,
        )

    return run


def messages(done):
    return [json.loads(line) for line in done.stdout.split(b"\n") if line]


def failure(done):
    """The one message of a failed run, after the checks that hold for all of them."""
    assert done.returncode == 1
    text = done.stderr.decode()
    assert "Traceback" not in text
    assert PASSWORD not in text + done.stdout.decode()
    reasons = [
        found["reason"]
        for line in text.splitlines()
        if (found := json.loads(line)).get("event") == "RunFailed"
    ]
    assert len(reasons) == 1
    return reasons[0]


def test_discover_prints_a_catalog(read_only_wms, command):
    done = command(read_only_wms, "--discover", entities="allocation,order_status")
    assert done.returncode == 0
    streams = {item["tap_stream_id"]: item for item in json.loads(done.stdout)["streams"]}
    assert set(streams) == {"allocation", "order_status"}
    allocation, status = streams["allocation"], streams["order_status"]
    assert allocation["key_properties"] == ["id"]
    assert allocation["replication_method"] == "INCREMENTAL"
    assert allocation["replication_key"] == "mod_ts"
    assert status["replication_method"] == "FULL_TABLE"
    properties = allocation["schema"]["properties"]
    assert properties["order_dtl_id"]["type"] == ["integer", "null"]
    assert properties["order_dtl_key"]["type"] == ["string", "null"]
    assert properties["mod_ts"]["format"] == "date-time"
    assert properties["alloc_qty"]["type"] == ["number", "null"]
    assert "url" not in properties


def test_about_names_every_setting(read_only_wms, command):
    from flext_tap_oracle_wms.settings import Settings

    done = command(read_only_wms, "--about", "--format=json")
    assert done.returncode == 0
    about = json.loads(done.stdout)
    assert set(about["settings"]["properties"]) == set(Settings.model_fields)
    assert "state" in about["capabilities"]


def test_test_reads_one_record_of_each_stream(read_only_wms, command):
    done = command(read_only_wms, "--test", entities="allocation,item", sync_mode="full")
    assert done.returncode == 0
    streams = [m["stream"] for m in messages(done) if m["type"] == "RECORD"]
    assert sorted(streams) == ["allocation", "item"]


def test_the_catalog_decides_what_is_read(read_only_wms, command):
    found = command(read_only_wms, "--discover", entities="allocation,item,order_hdr")
    catalog = json.loads(found.stdout)
    wanted = {"id", "mod_ts", "alloc_qty", "order_dtl_key"}
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] == "allocation"
            else:
                entry["metadata"]["selected"] = entry["breadcrumb"][1] in wanted
    done = command(
        read_only_wms, catalog=catalog, sync_mode="full", discovery_cache_age_s=0, entities="item"
    )
    assert done.returncode == 0
    schemas = [m for m in messages(done) if m["type"] == "SCHEMA"]
    assert [m["stream"] for m in schemas] == ["allocation"]
    assert set(schemas[0]["schema"]["properties"]) == wanted
    records = [m["record"] for m in messages(done) if m["type"] == "RECORD"]
    assert len(records) == 230
    assert all(set(record) == wanted for record in records)
    asked = [str(request["target"]) for request in read_only_wms.requests()]
    recent = asked[asked.index(next(t for t in reversed(asked) if t.endswith("/entity/"))) + 1 :]
    latest = [target for target in asked if "/allocation/?" in target][-1]
    assert "fields=alloc_qty%2Cid%2Cmod_ts%2Corder_dtl_id" in latest
    assert recent is not None


def test_stream_maps_take_the_slow_way_with_the_same_rows(read_only_wms, command, fix):
    maps = {"allocation": {"twice": "alloc_qty * 2", "__alias__": "picks"}}
    done = command(
        read_only_wms, entities="allocation", sync_mode="full", stream_maps=json.dumps(maps)
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    schemas = [m for m in messages(done) if m["type"] == "SCHEMA"]
    assert schemas[0]["stream"] == "picks"
    assert "twice" in schemas[0]["schema"]["properties"]
    truth = fix.truth(read_only_wms, "allocation")
    records = {m["record"]["id"]: m["record"] for m in messages(done) if m["type"] == "RECORD"}
    assert records.keys() == truth.keys()
    for number, record in records.items():
        assert record["twice"] == pytest.approx(float(2 * truth[number]["alloc_qty"]))
        assert record["mod_ts"] == truth[number]["mod_ts"]


def test_a_run_leaves_its_record(read_only_wms, command, tmp_path):
    from flext_observability import runs

    command(read_only_wms, entities="item", sync_mode="full")
    (record,) = runs.read(tmp_path)
    assert record.component == "flext-tap-oracle-wms"
    assert record.exit_code == 0
    assert record.streams["item"]["counters"]["records"] > 0


def test_the_cache_holds_no_secret_and_is_private(read_only_wms, command, tmp_path):
    command(read_only_wms, entities="item", sync_mode="full")
    (path,) = (tmp_path / ".flext" / "cache").iterdir()
    text = path.read_text()
    assert "mod_ts" in text
    assert read_only_wms.password not in text
    assert read_only_wms.username not in text
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("argument", ["--discover", "--test", None])
@pytest.mark.parametrize("setting", ["base_url", "username", "password"])
def test_a_missing_setting_is_named(read_only_wms, command, setting, argument):
    arguments = [] if argument is None else [argument]
    reason = failure(command(read_only_wms, *arguments, **{setting: ""}))
    assert f"{setting}: is missing" in reason
    assert f"FLEXT_TAP_ORACLE_WMS_{setting.upper()}" in reason


@pytest.mark.parametrize("argument", ["--discover", None])
def test_a_wrong_password(read_only_wms, command, argument):
    arguments = [] if argument is None else [argument]
    reason = failure(command(read_only_wms, *arguments, password=PASSWORD))
    assert "401" in reason
    assert "password" in reason


def test_a_password_that_turns_wrong_is_not_tried_again_and_again(read_only_wms, command):
    found = command(read_only_wms, "--discover", entities="allocation,item,order_hdr")
    catalog = json.loads(found.stdout)
    before = len(read_only_wms.requests())
    reason = failure(command(read_only_wms, catalog=catalog, password=PASSWORD))
    assert "password" in reason
    refused = [r for r in read_only_wms.requests()[before:] if r["status"] == 401]
    assert 1 <= len(refused) <= 4


def test_an_entity_without_permission_fails_alone(read_only_wms, command):
    done = command(read_only_wms, entities="item,user", sync_mode="full")
    reason = failure(done)
    assert "1 of 2 streams failed" in reason
    assert "user" in reason
    assert "403" in reason
    assert "lgfapi_read_access" in reason
    assert {m["stream"] for m in messages(done) if m["type"] == "RECORD"} == {"item"}


def test_an_unknown_entity(read_only_wms, command):
    reason = failure(command(read_only_wms, entities="alocation"))
    assert "no entity alocation" in reason
    assert "did you mean allocation" in reason


def test_an_unknown_host(read_only_wms, command):
    done = command(read_only_wms, base_url="https://wms.invalid/x/wms/lgfapi/v10/")
    reason = failure(done)
    assert "base_url" in reason


def test_a_closed_port(read_only_wms, command):
    reason = failure(command(read_only_wms, base_url="https://127.0.0.1:9/x/wms/lgfapi/v10/"))
    assert "base_url" in reason


def test_an_untrusted_certificate(read_only_wms, command):
    reason = failure(command(read_only_wms, ca_file=None))
    assert "ca_file" in reason


def test_an_unreadable_ca_file(read_only_wms, command, tmp_path):
    reason = failure(command(read_only_wms, ca_file=tmp_path / "none.pem"))
    assert "ca_file" in reason
    assert "none.pem" in reason


def test_plain_http_to_another_machine(read_only_wms, command):
    reason = failure(command(read_only_wms, base_url="http://wms.example.com/x/"))
    assert "base_url" in reason
    assert "https://" in reason


def test_an_unknown_setting_is_not_ignored(read_only_wms, command, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"page_sise": 10}))
    reason = failure(command(read_only_wms, "--config", str(path)))
    assert "page_sise" in reason
    assert "page_size" in reason


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "was not found"), (b'{"page_size": ', "Expecting"), (b"7", "int"), (b"\xff", "utf-8")],
    ids=["missing", "cut", "no object", "no text"],
)
def test_a_config_file_that_cannot_be_read(read_only_wms, command, tmp_path, content, told):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    reason = failure(command(read_only_wms, "--config", str(path)))
    assert str(path) in reason
    assert told in reason
    assert "JSON object of settings" in reason


def test_a_config_file_works_like_the_environment(read_only_wms, command, tmp_path):
    path = Path(tmp_path) / "config.json"
    path.write_text(json.dumps({"entities": ["item"], "sync_mode": "full", "page_size": 7}))
    done = command(read_only_wms, "--config", str(path))
    assert done.returncode == 0
    assert {m["stream"] for m in messages(done) if m["type"] == "RECORD"} == {"item"}


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("state", b'{"bookmarks": {', "is not JSON (Expecting"),
        ("state", {"type": "STATE", "value": {"bookmarks": {}}}, "is a whole message"),
        ("catalog", {"streams": [{"stream": "item"}]}, "streams[0] must have a tap_stream_id"),
    ],
)
def test_a_broken_file_is_named_with_the_remedy(read_only_wms, command, option, value, told):
    done = command(read_only_wms, entities="item", **{option: value})
    reason = failure(done)
    assert reason.startswith(f"--{option} ")
    assert f"{option}.json: " in reason
    assert told in reason
    assert ("leave --state out" if option == "state" else "--discover") in reason
    assert done.stdout == b""


def test_state_and_catalog_may_come_from_pipes(read_only_wms, command):
    found = command(read_only_wms, "--discover", entities="item")
    descriptor, writer = os.pipe()
    os.write(writer, json.dumps({"bookmarks": {"elsewhere": {"x": 1}}}).encode())
    os.close(writer)
    try:
        done = command(
            read_only_wms,
            "--state=/dev/stdin",
            stdin=descriptor,
            catalog=json.loads(found.stdout),
            sync_mode="full",
        )
    finally:
        os.close(descriptor)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert messages(done)[0]["value"] == {"bookmarks": {"elsewhere": {"x": 1}}}


@pytest.mark.parametrize(
    ("path", "with_catalog"),
    [("wms/lgfapi/v9/", False), ("wms/lgfapi/v10/entity/", False), ("wms/", True)],
)
def test_a_wrong_path_in_base_url(read_only_wms, command, path, with_catalog):
    """With a catalog the list of entities is never asked for; then describe is what is missing."""
    base_url = read_only_wms.base_url.replace("wms/lgfapi/v10/", path)
    catalog = {"streams": [{"tap_stream_id": "item", "metadata": SELECTED}]}
    given = {"catalog": catalog} if with_catalog else {}
    reason = failure(command(read_only_wms, base_url=base_url, entities="item", **given))
    assert "the path in base_url" in reason
    assert "item" in reason or "404 for the list of entities" in reason


def test_a_web_page_where_the_api_should_be(wms, command):
    """A proxy's 404 is no empty list, and no entity that does not exist."""
    page = {"name": "status", "status": 404, "html": True}
    wms.faults({**page, "match": "/entity/"})
    assert "came as a web page" in failure(command(wms, entities="item"))
    wms.faults({**page, "match": "/item/?"})
    reason = failure(command(wms, entities="item,order_status", sync_mode="full"))
    assert "1 of 2 streams failed" in reason
    assert "came as a web page, which the API never sends; check the path in base_url" in reason


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_sigterm_leaves_whole_lines_and_a_state_to_go_on_from(
    wms, command, fix, tmp_path, unbuffered
):
    # The pipe is full when the signal comes, so a write is in the middle of a page.
    wms.faults({"name": "latency", "latency_s": 0.4, "match": "/allocation/?", "after": 3})
    settings = {"entities": "allocation", "sync_mode": "full", "page_size": 20}
    environment = {
        "FLEXT_WORKSPACE": str(tmp_path),
        "FLEXT_TAP_ORACLE_WMS_BASE_URL": wms.base_url,
        "FLEXT_TAP_ORACLE_WMS_USERNAME": wms.username,
        "FLEXT_TAP_ORACLE_WMS_PASSWORD": wms.password,
        "FLEXT_TAP_ORACLE_WMS_CA_FILE": str(wms.ca_file),
    } | {f"FLEXT_TAP_ORACLE_WMS_{name.upper()}": str(v) for name, v in settings.items()}
    process = subprocess.Popen(
        [*COMMAND, "--config=ENV"],
        env={**os.environ, **environment, "PYTHONUNBUFFERED": unbuffered},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # communicate() would not see what a buffer has read ahead
    )
    head = [process.stdout.readline() for _ in range(25)]
    process.terminate()
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors.decode()[-2000:]
    assert b"Traceback" not in errors
    assert b"RunTerminated" in errors
    first = fix.Run([json.loads(line) for line in (b"".join(head) + rest).split(b"\n") if line])
    assert first.of_type("ACTIVATE_VERSION") == []
    assert not first.state["bookmarks"]["allocation"]["full_load"]["completed_at"]
    wms.faults()
    done = command(wms, state=first.state, **settings)
    assert done.returncode == 0
    read = fix.latest(first, fix.Run(messages(done)), stream="allocation")
    assert read.keys() == fix.truth(wms, "allocation").keys()
