"""`flext demo` from outside: what it prints, what it leaves, and that a second one works."""

import json
import os
import re
import subprocess
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("demo"), pytest.mark.timeout(300)]

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


def check_result(result):
    assert result["equal"] is True
    streams = {each["stream"]: each for each in result["streams"]}
    assert list(streams) == STREAMS
    for each in streams.values():
        assert each["wms_rows"] == each["oracle_rows"] > 0
        assert each["inserted"] == each["wms_rows"]
        assert each["rejected"] == 0
        assert each["seconds"] > 0
    # After the full load 3 rows of allocation came and 6 were updated.
    assert streams["allocation"]["wms_rows"] == 63
    assert 0 < streams["allocation"]["updated"] <= 6
    assert streams["order_status"]["updated"] == 0


def test_the_demo_proves_what_it_moved_and_a_second_one_runs_beside_a_kept_one(flext, tmp_path):
    done, kept = run_demo(flext, tmp_path, "--keep")
    processes = [psutil.Process(pid) for pid in (kept or {}).get("kept", {}).get("pids", [])]
    try:
        assert done.returncode == 0, done.stderr
        check_result(kept)
        assert len(processes) == 2
        assert kept["kept"]["dsn"] in done.stderr
        assert f"kill {' '.join(str(each.pid) for each in processes)}" in done.stderr
        env_file = Path(kept["kept"]["env_file"])
        passwords = re.findall(r"PASSWORD='(.+)'", env_file.read_text())
        assert len(passwords) == 2
        done, second = run_demo(flext, tmp_path)
        assert done.returncode == 0, done.stderr
        check_result(second)
        assert all(each.is_running() for each in processes)
        assert list(tmp_path.glob(".flext/demo/*/.env")) == [env_file]
        for path in [*tmp_path.glob(".flext/demo/*/*.log"), tmp_path / ".env"]:
            text = path.read_text(encoding="utf-8")
            assert not any(password in text for password in passwords)
        assert not (tmp_path / ".token").exists()
        assert not (tmp_path / ".meltano").exists()
    finally:
        below = [child for each in processes for child in each.children(recursive=True)]
        for each in processes:
            each.terminate()
        assert psutil.wait_procs([*processes, *below], timeout=10)[1] == []
