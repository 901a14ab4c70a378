"""Records handed over in files, tap and target in one pipe: what the WMS has is what Oracle has."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from flext_cli import compare, expected, oracle, wms
from flext_cli.demo import ends

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("batch")]

TAP, TARGET = "FLEXT_TAP_ORACLE_WMS_", "FLEXT_TARGET_ORACLE_"
STREAMS = ["allocation", "order_dtl", "order_status"]


def piped(rig, messages, **settings):
    """Run tap and target with a pipe between them, and keep what goes through it."""
    programs = Path(sys.executable).parent
    environ = {
        **rig.environ,
        **rig.ends.settings(),
        "FLEXT_WORKSPACE": str(rig.place.root),
        **settings,
    }
    with contextlib.ExitStack() as stack:

        def start(argv, given):
            return stack.enter_context(
                subprocess.Popen(
                    [str(each) for each in argv],
                    env=environ,
                    cwd=rig.place.root,
                    stdin=given,
                    stdout=subprocess.PIPE,
                )
            )

        tap = start([programs / "flext-tap-oracle-wms", "--config=ENV"], subprocess.DEVNULL)
        kept = start(["tee", messages], tap.stdout)
        target = start([programs / "flext-target-oracle", "--config=ENV"], kept.stdout)
        tap.stdout.close()
        kept.stdout.close()
        states, _ = target.communicate(timeout=170)
        assert (tap.wait(timeout=60), kept.wait(timeout=60), target.returncode) == (0, 0, 0)
    return [json.loads(line) for line in states.splitlines()]


def compared(rig, stream, table):
    types = wms.describe(rig.ends.wms, stream)
    truth = [expected.row(record, types) for record in wms.journal(rig.ends.wms, stream)]
    with oracle.connected(rig.ends.oracle) as connection:
        found = oracle.rows(connection, ends.SCHEMA, table)
        return compare.compare(stream, "ID", truth, found.columns, found.rows)


def test_records_in_files_arrive_as_the_wms_has_them(make_rig, tmp_path):
    rig = make_rig(rows=60)
    states = piped(
        rig,
        tmp_path / "messages",
        **{
            f"{TAP}ENTITIES": json.dumps(STREAMS),
            f"{TAP}SYNC_MODE": "full",
            f"{TAP}HAND_OVER": "batch",
            f"{TAP}PAGE_SIZE": "25",
        },
    )
    sent = [json.loads(line) for line in (tmp_path / "messages").read_bytes().splitlines()]
    kinds = [message["type"] for message in sent]
    assert kinds.count("BATCH") >= len(STREAMS)
    assert kinds.count("RECORD") == 0
    for stream in STREAMS:
        comparison = compared(rig, stream, f"{ends.TABLE_PREFIX}{stream.upper()}")
        assert comparison.first is None, str(comparison.first)
        assert comparison.actual_rows > 0
        rows = sum(
            sum(m["flext_rows"]) for m in sent if m.get("stream") == stream and "manifest" in m
        )
        assert rows == comparison.actual_rows
        assert states[-1]["bookmarks"][stream]["full_load"]["completed_at"]
    # The target removes what it has committed.
    assert list(rig.place.root.glob(".flext/batch/**/*.parquet")) == []
