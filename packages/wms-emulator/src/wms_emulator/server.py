"""One running emulator: rows, clock, faults, two ports. Assembles the parts; knows no endpoint."""

import asyncio
import ssl
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from wms_emulator.activity import Activity
from wms_emulator.admin import Admin
from wms_emulator.api import router
from wms_emulator.api.context import API_PATH, ApiUser, Context
from wms_emulator.certificate import server_context
from wms_emulator.changes import Seeded
from wms_emulator.clock import Clock
from wms_emulator.dataset.rows import Dataset
from wms_emulator.faults import Plan
from wms_emulator.http import Connection, Service
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.store import Store

HOST = "127.0.0.1"
_BACKLOG = 128


@dataclass(frozen=True)
class Options:
    """How an emulator is started. Port 0 takes a free one."""

    user: ApiUser
    port: int = 0
    admin_port: int = 0
    tls: bool = True
    seed: int = 7
    rows: Mapping[str, int] = field(default_factory=dict)
    state_dir: Path | None = None  # keeps rows and certificates; None: nothing stays


class StateError(Exception):
    """The state directory holds other rows than asked for."""


def _open_store(options: Options, clock: Clock) -> Seeded:
    """The rows: those of the state directory if they are the same seed's, else made now.

    Raises:
        StateError: the directory holds rows of another seed or size.
    """
    dataset = Dataset(options.seed, options.rows)
    path = options.state_dir / "wms.db" if options.state_dir else None
    store = Store(path, list(ENTITIES.values()), options.user.zone)
    seeded = Seeded(store, dataset, clock, options.user.zone)
    wanted = repr((options.seed, sorted(dataset.sizes.items()), str(options.user.zone)))
    held = store.fact("seeded from")
    if held is None:
        seeded.load()
        store.note("seeded from", wanted)
    elif held != wanted:
        store.close()
        raise StateError(
            f"--state-dir {options.state_dir} holds rows of another seed, size or zone:"
            " choose another directory, or remove it"
        )
    else:
        seeded.resume()
    return seeded


class Emulator:
    """A running emulator; use as an async context manager. Ports are known once entered."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.port = 0
        self.admin_port = 0
        self.ca_file: Path | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    @property
    def base_url(self) -> str:
        """What clients configure: everything before "entity/"."""
        scheme = "https" if self.options.tls else "http"
        return f"{scheme}://localhost:{self.port}{API_PATH}/"

    def _tls(self) -> ssl.SSLContext | None:
        if not self.options.tls:
            return None
        directory = self.options.state_dir
        if directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="wms-emulator-")
            directory = Path(self._directory.name)
        context, self.ca_file = server_context(directory)
        return context

    async def __aenter__(self) -> "Emulator":
        options = self.options
        if options.state_dir is not None:
            options.state_dir.mkdir(parents=True, exist_ok=True)
        clock = Clock()
        self._seeded = _open_store(options, clock)
        faults = Plan(options.seed)
        activity = Activity(self._seeded)
        admin = Admin(self._seeded, faults, activity, lambda: f"{self.base_url}entity/")
        context = Context(self._seeded.store, options.user)
        api = Service(
            lambda request: router.handle(context, request),
            clock.now,
            faults.decide,
            admin.requests.append,
        )
        self.port = await self._listen(api, options.port, self._tls())
        self.admin_port = await self._listen(
            Service(admin.handle, clock.now), options.admin_port, None
        )
        self._keep(asyncio.create_task(activity.run()))
        return self

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, service: Service, port: int, tls: ssl.SSLContext | None) -> int:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._keep(task)
            # Cancelled only by __aexit__, which waits for this task: nothing else needs to know.
            with suppress(asyncio.CancelledError):
                await Connection(service, reader, writer).serve()

        server = await asyncio.start_server(connected, HOST, port, ssl=tls, backlog=_BACKLOG)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._seeded.store.close()
        if self._directory is not None:
            self._directory.cleanup()
