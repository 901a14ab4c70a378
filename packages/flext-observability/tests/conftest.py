"""Fixtures of these tests: a clean process around each, and programs of their own to run."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from flext_observability.testing import clean_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMEOUT_S = 60


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    with clean_process():
        yield


@pytest.fixture
def run_program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs Python source in a process of its own."""

    def run(source: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MELTANO", "FLEXT"))}
        options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": TIMEOUT_S}
        command = [sys.executable, "-W", "error", "-c", source, *arguments]
        return subprocess.run(command, env=inherited | environ, check=False, **options)

    return run
