"""Fixtures of the tap's tests; what is larger stands in fix_tap.py."""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flext_observability import testing
from wms_emulator.testing import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wms_emulator.testing import WmsServer

# Test modules cannot import each other in this import mode; fixtures carry what they share.
_spec = importlib.util.spec_from_file_location(
    "tap_fix_tap", Path(__file__).with_name("fix_tap.py")
)
assert _spec is not None
assert _spec.loader is not None
_fix = sys.modules["tap_fix_tap"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fix)
quick_clock, later = _fix.quick_clock, _fix.later
run_tap, tap_config = _fix.run_tap, _fix.tap_config

ROWS = {"allocation": 230, "order_hdr": 60, "order_dtl": 120}


@pytest.fixture
def fix() -> Any:
    """The module fix_tap."""
    return _fix


@pytest.fixture(scope="session")
def read_only_wms() -> Iterator[WmsServer]:
    """An emulator that no test changes."""
    with running(rows=ROWS) as server:
        yield server


@pytest.fixture
def wms() -> Iterator[WmsServer]:
    """An emulator of the test's own."""
    with running(rows=ROWS) as server:
        yield server


@pytest.fixture(autouse=True)
def _process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A workspace of the test's own, clean metrics, and the signal handlers that the SDK takes."""
    monkeypatch.setenv("FLEXT_WORKSPACE", str(tmp_path))
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with testing.clean_process():
        yield
    for number, handler in kept.items():
        signal.signal(number, handler)
