"""What `flext plan` prints is what a run needs, no more and no less."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flext_cli import ends

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("plan"), pytest.mark.timeout(300)]

ENTITIES = "allocation,item,order_status"


def planned(rig, flext, *options, **environ):
    """Exit code, stdout and stderr of `flext plan`."""
    done = subprocess.run(
        [flext, "plan", *options],
        cwd=rig.place.root,
        env={**rig.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def piped(rig, **environ):
    """Exit codes of tap and target, one piped into the other."""
    beside = Path(sys.executable).parent
    settings = {**ends.environment(rig.place.root, rig.environ), **environ}
    with (
        subprocess.Popen(
            [beside / "flext-tap-oracle-wms", "--config", "ENV"],
            cwd=rig.place.root,
            env={**settings, "FLEXT_TAP_ORACLE_WMS_SYNC_MODE": "full"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as tap,
        subprocess.Popen(
            [beside / "flext-target-oracle", "--config", "ENV"],
            cwd=rig.place.root,
            env=settings,
            stdin=tap.stdout,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as target,
    ):
        tap.stdout.close()
        return tap.wait(), target.wait()


def test_a_dba_runs_what_the_plan_says_and_a_run_without_ddl_passes(make_rig, flext):
    rig = make_rig(rows=40)
    rig.settings(FLEXT_TAP_ORACLE_WMS_ENTITIES=ENTITIES)

    code, answer, _ = planned(rig, flext, "--json")
    assert code == 0
    streams = json.loads(answer)["streams"]
    assert [each["stream"] for each in streams] == ["", *ENTITIES.split(",")]
    counted = {each["stream"]: each["rows"] for each in streams[1:]}
    assert counted["allocation"] == 40
    assert all(rows > 0 for rows in counted.values())
    assert all(each["first_load_s"] > 0 for each in streams[1:])

    code, script, _ = planned(rig, flext, "--ddl")
    assert code == 0
    statements = [text.strip() for text in script.split(";\n") if text.strip()]
    assert len(statements) == sum(len(each["ddl"]) for each in streams)
    for statement in statements:
        rig.sql(statement.partition("\n")[2] if statement.startswith("--") else statement)

    assert piped(rig, FLEXT_TARGET_ORACLE_DDL="false") == (0, 0)
    ((loaded,),) = rig.sql('SELECT COUNT(*) FROM "OIC"."WMS_ALLOCATION"')
    assert loaded == 40

    rig.sql('ALTER TABLE "OIC"."WMS_ITEM" DROP COLUMN "DESCRIPTION"')
    rig.sql('ALTER TABLE "OIC"."WMS_ALLOCATION" DROP COLUMN "STATUS_ID"')
    rig.sql('ALTER TABLE "OIC"."WMS_ALLOCATION" ADD ("STATUS_ID" VARCHAR2(10))')
    code, answer, said = planned(rig, flext, "--json", "--no-estimate")
    by_stream = {each["stream"]: each for each in json.loads(answer)["streams"]}
    assert code == 1
    assert len(by_stream["item"]["ddl"]) == 1
    assert 'ADD ("DESCRIPTION"' in by_stream["item"]["ddl"][0]
    assert "STATUS_ID" in by_stream["allocation"]["trouble"]
    assert "STATUS_ID" in said
    assert by_stream["order_status"]["ddl"] == []
