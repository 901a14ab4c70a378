"""The Singer SDK's standard test suite for taps, in a pytest of its own.

The suite asks the tap for its streams while its tests are collected, so it needs an emulator
that runs before pytest does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

SUITE = """
import json, os
from singer_sdk.testing import get_tap_test_class, SuiteConfig
from flext_tap_oracle_wms.tap import FlextTapOracleWms

TestTap = get_tap_test_class(
    FlextTapOracleWms,
    config=json.loads(os.environ["SUITE_CONFIG"]),
    suite_config=SuiteConfig(max_records_limit=40),
    parse_env_config=False,
)
"""

OPTIONS = ("-p", "no:cacheprovider", "-p", "no:xdist", "--junitxml=out.xml")


@pytest.mark.parametrize("sync_mode", ["full", "incremental"])
def test_the_standard_suite_passes(read_only_wms, tap_config, tmp_path, sync_mode):
    entities = ["allocation", "order_hdr", "order_dtl", "item", "location", "facility"]
    config = tap_config(
        read_only_wms, sync_mode=sync_mode, entities=[*entities, "order_status", "rf_key_map"]
    )
    (tmp_path / "test_suite.py").write_text(SUITE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *OPTIONS, "test_suite.py"],
        cwd=tmp_path,
        env={**os.environ, "SUITE_CONFIG": json.dumps(config)},
        capture_output=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout.decode()[-3000:]
    counts = ET.parse(tmp_path / "out.xml").getroot().find("testsuite").attrib
    assert (int(counts["failures"]), int(counts["errors"])) == (0, 0)
    assert int(counts["tests"]) > 200
