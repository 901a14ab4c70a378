"""What a command loads before it does anything: a demo starts dozens of processes.

The modules named here are large, and a command that only starts needs none of them. One that comes
back is usually an import at the top of a module that belongs into the function that needs it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = Path(__file__).resolve().parents[2] / "packages"
#: Rendering, other kinds of streams and targets, files of a batch, tools of tests.
NOBODYS = {
    "fsspec", "httpx", "joblib.parallel", "numpy.linalg", "pandas", "pyarrow", "pytest", "requests",
    "rich", "singer_sdk.sinks", "singer_sdk.sql", "singer_sdk.streams.rest", "singer_sdk.testing",
    "sqlalchemy", "sqlglot", "structlog",
}  # fmt: skip
PIPELINE = {"oracledb", "pydantic", "singer_sdk", "urllib3"}
STARTS = {
    "flext_tap_oracle_wms --version": NOBODYS | {"oracledb", "singer_sdk.target_base"},
    "flext_target_oracle --version": NOBODYS
    | {"cryptography.x509.base", "singer_sdk.tap_base", "urllib3"},
    "flext_cli --version": NOBODYS | PIPELINE,
    "flext_cli hand-over --help": (NOBODYS | PIPELINE) - {"rich"},
    "wms_emulator --help": NOBODYS | PIPELINE,
    "oracle_emulator --help": NOBODYS | PIPELINE,
}


@pytest.mark.parametrize("start", STARTS)
def test_a_start_loads_what_it_needs_and_no_more(start: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", *start.split()],
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(re.findall(r"^import time:.*\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert any(name.startswith(start.split(maxsplit=1)[0]) for name in loaded), done.stderr
    assert sorted(STARTS[start] & loaded) == []


def test_tap_and_target_put_off_the_sdks_start_in_the_same_way() -> None:
    """They share no package that the SDK is the business of, so each has the module."""
    tap, target = sorted(PACKAGES.glob("*/src/*/deferral.py"))
    assert tap.read_text() == target.read_text()
