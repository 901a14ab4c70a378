"""The lease among real runs: a killed one, a paused one, and Meltano's own patience."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import flext_coordination
from flext_cli import clock

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("lease"), pytest.mark.timeout(300)]

JOB = "allocation-sync-job"
SCOPE = "dev:tap-oracle-wms-allocation-to-target-oracle-incremental"
SCHEMA = {
    "type": "SCHEMA", "stream": "allocation", "key_properties": ["id"],
    "schema": {"properties": {"id": {"type": "integer"}}},
}  # fmt: skip


def ask(rig, flext, *argv):
    return subprocess.run(
        [flext, *argv],
        cwd=rig.place.root,
        env=rig.environ,
        capture_output=True,
        text=True,
        check=False,
    )


def holder(rig):
    """The record of the pipeline's lease."""
    records = flext_coordination.read(rig.place.root)
    return next((each for each in records if each.scope == SCOPE), None)


def family(process):
    return [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]


def test_meltanos_refusal_is_lifted_only_once_the_lease_is_ours(make_rig, flext):
    rig = make_rig(rows=40)
    rig.settings(FLEXT_TAP_ORACLE_WMS_PAGE_SIZE="10", FLEXT_TAP_ORACLE_WMS_ENTITIES=None)
    slow = {"name": "latency", "match": "/allocation/?", "latency_s": 600}
    rig.admin("POST", "/faults", {"faults": [slow]})
    first = rig.start("run", JOB)
    while (held := holder(rig)) is None or held.state != "held":
        assert first.poll() is None, first.stdout.read()
        clock.pause(0.2)

    # Alive, whether it works or waits: neither Meltano nor we begin a second one.
    done = ask(rig, flext, "run", JOB)
    assert done.returncode == 1
    assert "is held by flext-target-oracle" in done.stderr
    assert "Meltano" not in done.stderr.split("flext:")[0]
    done = ask(rig, flext, "run", JOB, "--every", "60s", "--times", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "skipped"
    assert '"event":"RunSkipped"' in done.stderr
    assert holder(rig).run_id == held.run_id

    # Killed as a whole: Meltano alone would wait for minutes, we know that it is over.
    for each in reversed(family(first)):
        each.kill()
    first.communicate(timeout=60)
    # Its copies of the settings, secrets included, stay where Meltano was killed: known-gaps.md.
    shutil.rmtree(rig.place.root / ".meltano" / "run")
    rig.admin("POST", "/faults", {"faults": []})
    code, output = rig.run("run", JOB)
    assert code != 0
    assert "already running" in output
    done = ask(rig, flext, "run", JOB, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["streams"]["allocation"]["loaded"] == 40
    assert any("is gone" in event.text for event in holder(rig).events)
    assert int(rig.sql('SELECT COUNT(*) FROM "OIC"."WMS_ALLOCATION"')[0][0]) == 40


class Target(subprocess.Popen):
    """A target of its own that is fed by us."""

    def __init__(self, rig, run_id):
        command = [str(Path(sys.executable).parent / "flext-target-oracle"), "--config=ENV"]
        environ = {
            **rig.environ, **rig.ends.settings(), "FLEXT_SCOPE": SCOPE, "MELTANO_RUN_ID": run_id,
            "FLEXT_WORKSPACE": str(rig.place.root), "FLEXT_TARGET_ORACLE_BATCH_SIZE": "2",
        }  # fmt: skip
        pipe = subprocess.PIPE
        super().__init__(
            command, env=environ, stdin=pipe, stdout=pipe, stderr=pipe, text=True,
            cwd=rig.place.root,
        )  # fmt: skip

    def feed(self, *keys):
        for message in (SCHEMA, *({"type": "RECORD", "stream": "allocation",
                                   "record": {"id": key}} for key in keys)):  # fmt: skip
            self.stdin.write(json.dumps(message) + "\n")
        self.stdin.flush()


def ids(rig):
    found = rig.sql("SELECT TABLE_NAME FROM ALL_TABLES WHERE OWNER = 'OIC'")
    if ("WMS_ALLOCATION",) not in found:
        return []
    rows = rig.sql('SELECT "ID" FROM "OIC"."WMS_ALLOCATION" ORDER BY "ID"')
    return [int(key) for (key,) in rows]


def test_a_paused_target_that_wakes_after_a_take_over_commits_and_writes_nothing(shared_rig, flext):
    rig = shared_rig
    started = [first := Target(rig, "paused")]
    try:
        first.feed(1, 2)
        while ids(rig) != [1, 2]:
            assert first.poll() is None, first.stderr.read()
            clock.pause(0.2)
        os.kill(first.pid, signal.SIGSTOP)
        done = ask(rig, flext, "token", "release", SCOPE)
        assert done.returncode == 0, done.stderr
        started.append(second := Target(rig, "second"))
        second.feed(3, 4)
        _, said = second.communicate(timeout=120)
        assert second.returncode == 0, said
        before = (rig.place.root / ".token").read_bytes()
        os.kill(first.pid, signal.SIGCONT)
        first.feed(5, 6, 7, 8)
        out, said = first.communicate(timeout=120)
    finally:
        for each in started:
            each.kill()
            each.communicate()
    assert first.returncode not in {0, None}
    assert ids(rig) == [1, 2, 3, 4]
    assert out == ""
    assert "Traceback" not in said
    assert "RunFailed" in said
    after = (rig.place.root / ".token").read_bytes()
    assert after == before
