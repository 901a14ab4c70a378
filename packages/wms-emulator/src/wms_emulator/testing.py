"""A running emulator for tests: `running` is a context manager, `server_fixture` a pytest fixture.

The server runs in a thread of this process, on free loopback ports.
"""

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from wms_emulator.api.context import RELEASES, ApiUser
from wms_emulator.server import HOST, Emulator, Options

USERNAME = "tap_user"
PASSWORD = "emulator"  # noqa: S105 - documented; it protects nothing
_START_S = 120


@dataclass(frozen=True)
class WmsServer:
    """A running emulator as a test sees it."""

    base_url: str
    ca_file: Path | None
    port: int
    admin_port: int
    username: str
    password: str

    def admin(self, method: str, path: str, body: object = None) -> bytes:
        """One request of the admin API; the answer's bytes.

        Raises:
            RuntimeError: an answer other than 200.
        """
        connection = http.client.HTTPConnection(HOST, self.admin_port, timeout=60)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, body=text)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {answer.decode()}")
        return answer

    def changes(self, **wanted: object) -> dict[str, dict[str, int]]:
        """Change rows now: insert={"allocation": 3}, update=…, delete=…, mod_ts_lag_s=…."""
        done: dict[str, dict[str, int]] = json.loads(self.admin("POST", "/changes", wanted))
        return done

    def journal(self, entity: str, at: str = "") -> list[dict[str, object]]:
        """The rows of an entity as they are now, or were at an ISO instant ("+" as %2B)."""
        answer = self.admin("GET", f"/journal/{entity}" + (f"?at={at}" if at else ""))
        return [json.loads(line) for line in answer.split(b"\n") if line]

    def clock(self, **wanted: object) -> str:
        """Move the clock (now="…", advance_s=…, speed=…, real=True); the instant it shows."""
        return str(json.loads(self.admin("POST", "/clock", wanted))["now"])

    def faults(self, *faults: Mapping[str, object], seed: int | None = None) -> None:
        """Replace the plan of faults; none at all ends them."""
        body: dict[str, object] = {"faults": [dict(fault) for fault in faults]}
        self.admin("POST", "/faults", body if seed is None else {**body, "seed": seed})

    def activity(self, **rates: object) -> dict[str, object]:
        """Let rows change in the background: inserts_per_s=…, updates_per_s=…; none ends it."""
        shown: dict[str, object] = json.loads(self.admin("POST", "/activity", rates))
        return shown

    def life(self, **rates: object) -> dict[str, object]:
        """Let the warehouse work: orders_per_h=…, waves_per_h=…; none ends it."""
        shown: dict[str, object] = json.loads(self.admin("POST", "/life", rates))
        return shown

    def pass_time(self, seconds: float) -> dict[str, object]:
        """Let so much of the emulator's time pass at once, with all that `life` brings in it."""
        shown: dict[str, object] = json.loads(self.admin("POST", "/pass", {"seconds": seconds}))
        return shown

    def account(self, **changed: object) -> dict[str, object]:
        """Change the API's account: facilities=[…], password=…, rows_per_page=…, revoke=True."""
        shown: dict[str, object] = json.loads(self.admin("POST", "/account", changed))
        return shown

    def requests(self) -> list[dict[str, object]]:
        """The API's latest requests: method, target, status, faults, handled_s."""
        seen: list[dict[str, object]] = json.loads(self.admin("GET", "/requests"))
        return seen


class _Running:
    """An emulator in an event loop of a thread of its own."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.emulator: Emulator | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None

    async def serve(self, options: Options) -> None:
        """Run until `stop`."""
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with Emulator(options) as emulator:
                self.emulator = emulator
                self.ready.set()
                await self._ending.wait()
        finally:
            self.ready.set()

    def stop(self) -> None:
        """End it, from another thread."""
        if self._loop is not None and self._ending is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)


@contextmanager
def running(
    *,
    tls: bool = True,
    seed: int = 7,
    rows: Mapping[str, int] | None = None,
    user: ApiUser | None = None,
    state_dir: Path | None = None,
    release: str = RELEASES[-1],
    **user_options: object,
) -> Iterator[WmsServer]:
    """Run an emulator in a thread while the block runs.

    `user_options` change the account: zone, rows_per_page, forbidden, facilities, token_life_s, …
    """
    account = replace(user or ApiUser(USERNAME, PASSWORD), **user_options)  # type: ignore[arg-type] # checked by the dataclass
    options = Options(
        user=account,
        tls=tls,
        seed=seed,
        rows=rows or {},
        release=release,
        state_dir=state_dir,
    )
    thread = _Running()
    with ThreadPoolExecutor(1, thread_name_prefix="wms-emulator") as executor:
        ended = executor.submit(lambda: asyncio.run(thread.serve(options)))
        try:
            thread.ready.wait(_START_S)
            if thread.emulator is None:
                raise ended.exception(_START_S) or RuntimeError("the emulator did not start")
            yield WmsServer(
                thread.emulator.base_url,
                thread.emulator.ca_file,
                thread.emulator.port,
                thread.emulator.admin_port,
                account.username,
                account.password,
            )
        finally:
            thread.stop()
        ended.result()  # raises what went wrong inside


def server_fixture(
    scope: Literal["session", "package", "module", "class", "function"] = "module",
    **options: Any,
) -> Callable[..., Iterator[WmsServer]]:
    """A pytest fixture that gives a WmsServer, to be bound to a name in a conftest.

    `options` are those of `running`. pytest is imported here only: it is no dependency.
    """
    import pytest

    def wms_server() -> Iterator[WmsServer]:
        with running(**options) as server:
            yield server

    return pytest.fixture(scope=scope)(wms_server)
