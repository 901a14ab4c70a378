"""`flext demo` from outside: what it prints, what it leaves, and that a second one works."""

import json
import os
import subprocess
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
STREAMS = ["allocation", "order_hdr", "order_dtl", "item", "location", "facility", "order_status"]


def run_demo(flext, tmp_path, *options):
    (tmp_path / "meltano.yml").write_bytes((ROOT / "meltano.yml").read_bytes())
    # The user's own settings must not reach the demo: with these it could not work.
    (tmp_path / ".env").write_text("FLEXT_TARGET_ORACLE_SCHEMA='NOT_MINE'\n", encoding="utf-8")
    done = subprocess.run(
        [flext, "demo", "--json", "--rows", "60", *options],
        cwd=tmp_path,
        env={**os.environ, "FLEXT_TAP_ORACLE_WMS_PAGE_SIZE": "nonsense"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, json.loads(done.stdout) if done.stdout else None


def test_the_demo_moves_everything_and_proves_it(flext, tmp_path):
    done, result = run_demo(flext, tmp_path)
    assert done.returncode == 0, done.stderr
    assert result["equal"] is True
    streams = {each["stream"]: each for each in result["streams"]}
    assert list(streams) == STREAMS
    for each in streams.values():
        assert each["wms_rows"] == each["oracle_rows"] > 0
        assert each["inserted"] == each["wms_rows"]
        assert each["rejected"] == 0
    # 3 rows in twenty of allocation were changed after the full load, some of them twice.
    assert streams["allocation"]["updated"] > 0
    assert streams["allocation"]["wms_rows"] == 63
    assert streams["order_status"]["updated"] == 0
    assert not list(tmp_path.glob(".flext/demo/*/.env"))
    assert not (tmp_path / ".token").exists()


def test_a_second_demo_runs_beside_a_kept_one(flext, tmp_path):
    done, kept = run_demo(flext, tmp_path, "--keep")
    processes = [psutil.Process(pid) for pid in (kept or {}).get("kept", {}).get("pids", [])]
    try:
        assert done.returncode == 0, done.stderr
        assert len(processes) == 2
        assert kept["kept"]["dsn"] in done.stderr
        assert f"kill {' '.join(str(each.pid) for each in processes)}" in done.stderr
        assert "PASSWORD" in Path(kept["kept"]["env_file"]).read_text()
        done, second = run_demo(flext, tmp_path)
        assert done.returncode == 0, done.stderr
        assert second["equal"] is True
        assert all(each.is_running() for each in processes)
    finally:
        for each in processes:
            each.terminate()
        psutil.wait_procs(processes, timeout=10)
