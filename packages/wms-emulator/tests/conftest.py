"""The servers and clients that these tests share."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wms_emulator.dataset.vocabulary import DEFAULT_ROWS
from wms_emulator.testing import WmsServer, running, server_fixture

ROWS = {
    **{name: min(count, 10) for name, count in DEFAULT_ROWS.items()},
    "allocation": 60,
    "order_hdr": 12,
    "order_dtl": 30,
    "item": 15,
    "location": 12,
    "inventory": 20,
    "container": 8,
    "rf_key_map": 25,
}

# Shared by tests that only read.
wms_server = server_fixture(scope="session", tls=False, rows=ROWS)


@pytest.fixture(scope="session")
def make_client() -> Callable[[WmsServer], Any]:
    """fix_client.Client; test modules cannot import each other in this import mode."""
    spec = importlib.util.spec_from_file_location(
        "wms_fix_client", Path(__file__).with_name("fix_client.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Callable[[WmsServer], Any] = module.Client
    return made


@pytest.fixture(scope="session")
def wms(wms_server: WmsServer, make_client: Callable[[WmsServer], Any]) -> Any:
    """A client of the shared server."""
    return make_client(wms_server)


@pytest.fixture
def own(make_client: Callable[[WmsServer], Any]) -> Iterator[Any]:
    """A client of a server that the test may change."""
    with running(tls=False, rows=ROWS) as server:
        yield make_client(server)
