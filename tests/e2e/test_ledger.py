"""What the tables of FLEXT in Oracle say reaches people by `flext status`, `rejects`, doctor."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flext_cli import ends, ledger
from flext_cli.doctor import pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(300)]

SCOPE = "dev:tap-a-to-target-b"
TABLE = "OIC.WMS_ALLOCATION"
RUN_ID = "a-run-of-three-rows"
BOOKMARK = "2026-03-01T12:00:00+00:00"
PROPERTIES = {
    "id": {"type": "integer"},
    "qty": {"type": "number"},
    "mod_ts": {"type": "string", "format": "date-time"},
}


def state(value):
    return {"bookmarks": {"allocation": {"replication_key_value": value}}}


def messages():
    yield {
        "type": "SCHEMA", "stream": "allocation", "schema": {"properties": PROPERTIES},
        "key_properties": ["id"], "bookmark_properties": ["mod_ts"],
    }  # fmt: skip
    for key, qty in ((1, "1.5"), (2, "9" * 60), (3, "3")):
        record = {"id": key, "qty": "QTY", "mod_ts": BOOKMARK}
        line = {"type": "RECORD", "stream": "allocation", "record": record}
        yield json.loads(json.dumps(line).replace('"QTY"', qty))
    yield {"type": "STATE", "value": state(BOOKMARK)}


@pytest.fixture(scope="module")
def loaded(shared_rig):
    """The environment of a workspace whose Oracle took two rows and refused one."""
    rig = shared_rig
    environ = ends.environment(rig.place.root, rig.environ)
    given = "".join(json.dumps(message) + "\n" for message in messages())
    subprocess.run(
        [Path(sys.executable).parent / "flext-target-oracle", "--config", "ENV"],
        cwd=rig.place.root,
        env={
            **environ, "FLEXT_SCOPE": SCOPE, "MELTANO_RUN_ID": RUN_ID,
            "FLEXT_TARGET_ORACLE_MAX_REJECTS": "1",
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
    assert [line[name] for name in counts] == [1, 3, 2, 0, 1, 0]
    age_s = (datetime.now(UTC) - datetime.fromisoformat(line["committed_at"])).total_seconds()
    assert -60 < age_s < 300

    (refused,) = shared_rig.flext("rejects", "list", "--json")
    assert (refused["stream"], refused["run_id"], refused["column"]) == (
        "allocation",
        RUN_ID,
        "QTY",
    )
    assert json.loads(refused["record"])["id"] == 2
    assert refused["record"].count("9") >= 60  # whole, digit for digit
    assert shared_rig.flext("rejects", "list", "--json", "--stream", "item") == []
    assert shared_rig.flext("rejects", "list", "--json", "--run", RUN_ID) == [refused]


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
    with ends.oracle_side(loaded, run_id="t") as side:
        assert ledger.rejects(side, stream="allocation", run_id=None, limit=1)
