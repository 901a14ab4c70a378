"""Bookmarks in a folder instead of Meltano's database, and a run that ignores them."""

import json

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("state_backend"), pytest.mark.timeout(300)]

JOB = "allocation-sync-job"
STATE = "dev:tap-oracle-wms-allocation-to-target-oracle-incremental"


@pytest.mark.long
def test_a_state_backend_is_used_by_all_and_a_full_refresh_begins_anew(make_rig, tmp_path):
    rig = make_rig(rows=40)
    folder = tmp_path / "states"
    folder.mkdir()
    rig.settings(
        FLEXT_TAP_ORACLE_WMS_ENTITIES=None,
        FLEXT_TAP_ORACLE_WMS_LOOKBACK_SECONDS="0",
        FLEXT_TAP_ORACLE_WMS_DEEP_LOOKBACK_SECONDS="0",
        FLEXT_TAP_ORACLE_WMS_DAILY_LOOKBACK_SECONDS="0",
        MELTANO_STATE_BACKEND_URI=folder.as_uri(),
    )

    def run(*options):
        (said,) = rig.flext("run", JOB, "--json", *options)
        assert said["outcome"] == "succeeded"
        return said["streams"].get("allocation", {"loaded": 0})["loaded"]

    assert run() == 40
    (shown,) = [json.loads(rig.text("state", "show", STATE))]
    assert shown["bookmarks"]["allocation"]["replication_key_value"]
    assert [path for path in folder.rglob("*") if path.is_file()]
    rig.admin("POST", "/clock", {"real": True})
    assert run() == 0
    assert run("--full-refresh") == 40
    assert int(rig.sql('SELECT COUNT(*) FROM "OIC"."WMS_ALLOCATION"')[0][0]) == 40
