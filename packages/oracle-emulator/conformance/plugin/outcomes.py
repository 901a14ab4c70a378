"""A pytest plugin: writes what became of every test as it ends, and ends a test that hangs.

Loaded by `-p outcomes` into the run of a suite that is not ours. Environment: CONFORMANCE_OUTCOMES
is the file (JSON lines), CONFORMANCE_TEST_TIMEOUT_S the seconds that a test may take,
CONFORMANCE_EXCLUDED the names (JSON) of the tests that are not to be run.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

_TEXT_LIMIT = 300


class TestTimeoutError(BaseException):
    """A test took longer than it may; no handler of the test itself may stop it."""

    __test__ = False


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TestTimeoutError("the test hangs")


def _write(entry: dict[str, Any]) -> None:
    with Path(os.environ["CONFORMANCE_OUTCOMES"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def pytest_configure() -> None:
    """Take the alarm."""
    signal.signal(signal.SIGALRM, _ring)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is excluded, whatever its parameters."""
    names = set(json.loads(os.environ.get("CONFORMANCE_EXCLUDED", "[]")))
    left_out = [item for item in items if item.name.partition("[")[0] in names]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.name.partition("[")[0] not in names]
    _write({"excluded": len(left_out)})


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note what is to be run."""
    _write({"collected": [item.nodeid for item in session.items]})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Give the test its time."""
    signal.alarm(int(os.environ["CONFORMANCE_TEST_TIMEOUT_S"]))
    try:
        return (yield)
    finally:
        signal.alarm(0)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what became of a test."""
    if report.when == "call" or report.outcome != "passed":
        outcome = report.outcome
        text = ""
        if outcome == "failed":
            crash = getattr(report.longrepr, "reprcrash", None)
            text = (crash.message if crash is not None else str(report.longrepr))[:_TEXT_LIMIT]
        _write({"test": report.nodeid, "outcome": outcome, "text": text})
