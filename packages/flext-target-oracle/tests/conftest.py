"""Fixtures of the component tests: an Oracle account of its own per test, and a target to run."""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from flext_observability.testing import clean_process
from flext_target_oracle import processor, versions

SHADOWS = 24


def _load(name: str) -> ModuleType:
    """Test modules cannot import each other in this import mode; fixtures are loaded by path."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"flext_target_oracle_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_oracle = _load("fix_oracle")
_target = _load("fix_target")
_proxy = _load("fix_proxy")
_explorer = _load("fix_explorer")
_forker = _load("fix_forker")


@pytest.fixture(scope="session")
def oracle_server() -> Iterator[Any]:
    """FLEXT_TEST_ORACLE_DSN's server, or an emulator that ends with the session."""
    with _oracle.server() as server:
        yield server


@pytest.fixture
def oracle_account(oracle_server: Any) -> Iterator[Any]:
    """A new user with its own schema; nothing in it says which server it is on."""
    with oracle_server.account() as account:
        yield account


@pytest.fixture(scope="module")
def module_account(oracle_server: Any) -> Iterator[Any]:
    """One for a module that cuts calls: they are told by their statements, which hold its name.

    And what the server has parsed it need not parse again.
    """
    with oracle_server.account() as account:
        yield account


@pytest.fixture
def target(oracle_account: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs the target in this process, on the account.

    Batches of a stream are always at work side by side, however busy the processor is: what can
    come of that is what is tested.
    """
    monkeypatch.setattr(processor, "BUSY_SHARE", 1e6)
    monkeypatch.setattr(processor, "WINDOW_S", 1e-9)
    monkeypatch.setenv("FLEXT_WORKSPACE", str(tmp_path))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with clean_process():
        yield _target.Runner(oracle_account, tmp_path)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def proxy(oracle_account: Any) -> Iterator[Any]:
    """A way to the server that can be cut at any request."""
    with _proxy.listening(oracle_account.host, oracle_account.port) as made:
        yield made


@pytest.fixture
def recurring_shadows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shadows' names that come again: what the server has parsed it need not parse for every run.

    No shadow lives so long that another would have its name; if one did, its rows would show.
    """

    def shadow_name(held: Any, _version: int | None) -> str:
        return f"{versions.shadow_prefix(held)}{held.number % SHADOWS:08X}"

    monkeypatch.setattr(versions, "shadow_name", shadow_name)


@pytest.fixture(scope="session")
def explorer() -> Any:
    """The class `fix_explorer.Explorer`: who uses it says what it is to cut."""
    return _explorer.Explorer


@pytest.fixture
def forker(tmp_path: Path) -> Iterator[Any]:
    """Starts the target in processes that may be killed."""
    with _forker.forking(tmp_path) as made:
        yield made
