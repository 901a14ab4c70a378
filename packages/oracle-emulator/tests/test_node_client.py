"""The Node.js driver, which shares no code with Python's, in its thin mode."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".conformance" / "node"
VERSION = "26.0.0"


@pytest.fixture(scope="module")
def node_modules():
    """Install the driver by npm, once, into a directory that git ignores."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip(
            "node and npm are not installed: install Node.js 18 or later (Debian: apt install "
            "nodejs npm), then run: pytest packages/oracle-emulator/tests/test_node_client.py"
        )
    package = CACHE / "node_modules" / "oracledb" / "package.json"
    if not package.exists() or json.loads(package.read_text())["version"] != VERSION:
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "package.json").write_text('{"private": true}\n')
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--loglevel=error"]
        subprocess.run(["npm", "install", *quiet, f"oracledb@{VERSION}"], cwd=CACHE, check=True)
    return CACHE / "node_modules"


def test_the_thin_driver_of_node(node_modules, served_release):
    server = served_release
    dsn = f"localhost:{server.port}/{server.service_name}"
    run = subprocess.run(
        ["node", HERE / "node_client.js", "system", server.system_password, dsn],
        env=os.environ | {"NODE_PATH": str(node_modules)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen.pop("version").startswith("19." if server.profile == "19c" else "23.")
    code, text = seen.pop("error")
    assert (code, "ORA-00942" in text) == (942, True)
    assert seen == {
        "thin": True,
        "rowsAffected": 500,
        "batchErrors": [["ORA-00001", 500], ["ORA-12899", 501]],
        "returned": [1, 2],
        "clobIsRight": True,
        "count": 500,
        "columns": ["ID", "NAME", "AT", "NOTE"],
        "first": [1, "row 1", True, None],
    }
