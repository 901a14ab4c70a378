"""What the tables of FLEXT in Oracle say reaches people by `flext status`, `rejects`, doctor."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flext_cli import ends
from flext_cli.doctor import pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("ledger"), pytest.mark.timeout(300)]

SCOPE = "dev:tap-a-to-target-b"
TABLE = "OIC.WMS_ALLOCATION"
RUN_ID = "a-run-of-three-rows"
BOOKMARK = "2026-03-01T12:00:00+00:00"
LATER = "2026-03-01T12:30:00+00:00"
FINE = "1.12345678905"  # a decimal more than its column has
PROPERTIES = {
    "id": {"type": "integer"},
    "alloc_qty": {"type": "number"},
    "mod_ts": {"type": "string", "format": "date-time"},
}


def state(value):
    return {"bookmarks": {"allocation": {"replication_key_value": value}}}


def messages():
    schema = {"properties": PROPERTIES}
    yield json.dumps(
        {
            "type": "SCHEMA", "stream": "allocation", "schema": schema,
            "key_properties": ["id"], "bookmark_properties": ["mod_ts"],
        }
    )  # fmt: skip
    rows = ((1, "1.5", BOOKMARK), (2, FINE, BOOKMARK), (3, FINE, BOOKMARK), (3, "3", LATER))
    for key, qty, mod_ts in rows:
        record = {"id": key, "alloc_qty": "QTY", "mod_ts": mod_ts}
        head = {"type": "RECORD", "stream": "allocation", "time_extracted": LATER}
        yield json.dumps({**head, "record": record}).replace('"QTY"', qty)
    yield json.dumps({"type": "STATE", "value": state(BOOKMARK)})


@pytest.fixture(scope="module")
def loaded(shared_rig):
    """The environment of a workspace whose Oracle took two rows and refused two."""
    rig = shared_rig
    environ = ends.environment(rig.place.root, rig.environ)
    given = "".join(line + "\n" for line in messages())
    subprocess.run(
        [Path(sys.executable).parent / "flext-target-oracle", "--config", "ENV"],
        cwd=rig.place.root,
        env={
            **environ, "FLEXT_SCOPE": SCOPE, "MELTANO_RUN_ID": RUN_ID,
            "FLEXT_TARGET_ORACLE_MAX_REJECTS": "2",
        },
        input=given,
        text=True,
        capture_output=True,
        check=True,
    )  # fmt: skip
    return environ


def test_status_says_what_oracle_holds_and_rejects_what_it_refused(shared_rig, loaded):
    (answer,) = shared_rig.flext("status", "--json", "--no-bookmarks")
    assert answer["oracle"]["trouble"] is None
    (line,) = answer["oracle"]["tables"]
    assert (line["table"], line["scope"], line["holder"]) == (TABLE, SCOPE, None)
    assert line["bookmark"] == BOOKMARK
    counts = ("batches", "received", "inserted", "updated", "rejected", "deleted")
    assert [line[name] for name in counts] == [1, 4, 2, 0, 2, 0]
    age_s = (datetime.now(UTC) - datetime.fromisoformat(line["committed_at"])).total_seconds()
    assert -60 < age_s < 300

    refused = shared_rig.flext("rejects", "list", "--json")
    assert {(each["stream"], each["run_id"], each["column"]) for each in refused} == {
        ("allocation", RUN_ID, "ALLOC_QTY")
    }
    assert sorted(json.loads(each["record"])["id"] for each in refused) == [2, 3]
    assert all(FINE in each["record"] for each in refused)  # whole, digit for digit
    assert {each["extracted_at"] for each in refused} == {LATER}
    assert shared_rig.flext("rejects", "list", "--json", "--stream", "item") == []
    assert shared_rig.flext("rejects", "list", "--json", "--run", RUN_ID) == refused


def test_refused_rows_are_replayed_once_they_fit_and_never_over_later_ones(
    shared_rig, loaded, flext
):
    rig = shared_rig

    def replayed(**environ):
        return subprocess.run(
            [flext, "rejects", "replay", "--json"],
            cwd=rig.place.root, env={**loaded, **environ}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    def rows():
        return {
            key: (str(qty), moment)
            for key, qty, moment in rig.sql(
                'SELECT "ID", "ALLOC_QTY", "_SDC_EXTRACTED_AT" FROM "OIC"."WMS_ALLOCATION"'
            )
        }

    before = rows()
    assert before.keys() == {1, 3}

    # As long as nothing has changed they are refused again, and listed once each.
    done = replayed()
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["refused"] == 2
    again = rig.flext("rejects", "list", "--json")
    assert {each["run_id"] for each in again} == {json.loads(done.stdout)["run_id"]}
    assert len(again) == 2
    assert rows() == before

    done = replayed(FLEXT_TARGET_ORACLE_INEXACT_NUMBER="round")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["loaded"] == 2
    assert rig.flext("rejects", "list", "--json") == []
    read_at = datetime.fromisoformat(LATER).replace(tzinfo=None)
    assert rows() == {**before, 2: ("1.1234567891", read_at)}


def found(environ, value, scope=SCOPE):
    states = {scope: {"completed": {"singer_state": state(value)}, "partial": {}}}
    return list(pipeline.against_oracle(states, environ))


def test_a_bookmark_that_oracle_does_not_know_is_found(shared_rig, loaded):
    for value in (BOOKMARK, "2026-02-01T00:00:00+00:00"):
        assert [each.level for each in found(loaded, value)] == ["ok"]
    (ahead,) = found(loaded, "2026-03-01T12:00:01+00:00")
    assert ahead.level == "error"
    assert "ahead of what this database was last told" in ahead.text
    assert "flext refresh allocation" in ahead.remedy
    # Of a pipeline that never loaded here nothing can be said.
    assert [each.text for each in found(loaded, BOOKMARK, "dev:x-to-y")] == [
        "Oracle holds what 0 bookmarks promise"
    ]
    shared_rig.sql('DROP TABLE "OIC"."WMS_ALLOCATION" PURGE')
    (gone,) = found(loaded, BOOKMARK)
    assert "is gone" in gone.text
