"""A pytest fixture: import it into a conftest, or name this module in `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oracle_emulator.testing import RunningServer, running_server


@pytest.fixture(scope="session")
def oracle_server() -> Iterator[RunningServer]:
    """Run one server of the default profile for the whole test session."""
    with running_server() as server:
        yield server
