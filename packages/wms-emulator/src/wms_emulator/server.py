"""One running emulator: rows, clock, faults, two ports. Assembles the parts; knows no endpoint."""

import asyncio
import errno
import hashlib
import shutil
import ssl
import tempfile
import time
import weakref
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

from wms_emulator.accounts import Account
from wms_emulator.activity import Activity
from wms_emulator.admin import Admin
from wms_emulator.api import router
from wms_emulator.api.context import API_PATH, RELEASES, ApiUser, Context
from wms_emulator.certificate import server_context
from wms_emulator.clock import Clock
from wms_emulator.dataset.rows import Dataset
from wms_emulator.faults import Fault, Plan
from wms_emulator.http import Connection, Service
from wms_emulator.life import Life
from wms_emulator.store.database import Database
from wms_emulator.warehouse import Warehouse

HOST = "127.0.0.1"
HOST_IPV6 = "::1"
_SEEDS = 2  # which rows a seed stands for; counted up whenever that changes
_PORT_TRIES = 20
_SMALL_ROWS = 10_000
_KEPT_IMAGES = 4
_TEMPLATE_ROWS = 100_000  # of a private database, which its template's copy keeps in memory
_IMAGES: dict[str, bytes] = {}  # small seeds ready to use, by what they are seeded from
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
    release: str = RELEASES[-1]
    faults: tuple[Fault, ...] = ()
    state_dir: Path | None = None  # keeps rows and certificates; None: nothing stays
    templates: Path | None = None  # where seeded rows are that another start may begin with


class InternalError(Exception):
    """The emulator itself failed while serving: its answers cannot be trusted."""


class StateError(Exception):
    """The state directory holds other rows than asked for."""


def _build(path: Path, dataset: Dataset, zone: tzinfo, wanted: str) -> None:
    """Write a kept database of seeded rows; under its name only once it is whole."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with Database(part, zone, building=True) as database:
        Warehouse(database, dataset, Clock(), zone).load()
        database.note("seeded from", wanted)
    part.rename(path)


def _template(directory: Path, dataset: Dataset, zone: tzinfo, wanted: str) -> Path:
    """A database of these rows that is never opened to be changed; made by the first to ask."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    template = directory / f"wms-{hashlib.sha256(wanted.encode()).hexdigest()[:32]}.db"
    if not template.exists():
        with tempfile.TemporaryDirectory(prefix="making-wms-", dir=directory) as place:
            made = Path(place) / "made.db"
            _build(made, dataset, zone, wanted)
            made.replace(template)  # of two that make it at once, either's
    return template


def _fill(warehouse: Warehouse, wanted: str, templates: Path | None) -> None:
    """Give a private database its rows; small ones are remembered for the next emulator here."""
    image = _IMAGES.get(wanted)
    if image is not None:
        warehouse.database.take(image)
        return
    if templates is not None and sum(warehouse.dataset.sizes.values()) <= _TEMPLATE_ROWS:
        made = _template(templates, warehouse.dataset, warehouse.zone, wanted)
        warehouse.database.take(made.read_bytes())
        return
    warehouse.load()
    if sum(warehouse.dataset.sizes.values()) <= _SMALL_ROWS:
        while len(_IMAGES) >= _KEPT_IMAGES:
            del _IMAGES[next(iter(_IMAGES))]
        _IMAGES[wanted] = warehouse.database.image()


def _open_store(options: Options, clock: Clock) -> Warehouse:
    """The rows: those of the state directory if they are the same seed's, else made now.

    Raises:
        StateError: the directory holds rows of another seed or size.
    """
    dataset = Dataset(options.seed, options.rows)
    path = options.state_dir / "wms.db" if options.state_dir else None
    wanted = repr((_SEEDS, options.seed, sorted(dataset.sizes.items()), str(options.user.zone)))
    if path is not None and not path.exists():
        if options.templates is None:
            _build(path, dataset, options.user.zone, wanted)
        else:
            part = path.with_suffix(".part")
            shutil.copyfile(_template(options.templates, dataset, options.user.zone, wanted), part)
            part.rename(path)
    database = Database(path, options.user.zone)
    warehouse = Warehouse(database, dataset, clock, options.user.zone)
    held = wanted if path is None else database.fact("seeded from")
    if path is None:
        _fill(warehouse, wanted, options.templates)
    elif held != wanted:
        database.close()
        raise StateError(
            f"--state-dir {options.state_dir} holds rows of another seed, size or zone:"
            " choose another directory, or remove it"
        )
    else:
        warehouse.resume()
    return warehouse


Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def _bind(
    connected: Connected, port: int, tls: ssl.SSLContext | None
) -> list[asyncio.Server]:
    """Listen on 127.0.0.1 and, where the machine has it, on the same port of ::1.

    Raises:
        OSError: the port is taken.
    """
    for _ in range(_PORT_TRIES):
        server = await asyncio.start_server(connected, HOST, port, ssl=tls, backlog=_BACKLOG)
        taken = int(server.sockets[0].getsockname()[1])
        try:
            other = await asyncio.start_server(
                connected, HOST_IPV6, taken, ssl=tls, backlog=_BACKLOG
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return [server]  # no IPv6 here
            server.close()
            await server.wait_closed()
            if port:
                raise
            continue  # a free port there was not free here: another one
        return [server, other]
    raise OSError(errno.EADDRINUSE, "found no port that is free on 127.0.0.1 and ::1")


class Emulator:
    """A running emulator; use as an async context manager. Ports are known once entered."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.port = 0
        self.admin_port = 0
        self.build_s = 0.0  # what making or opening the rows took
        self.ca_file: Path | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._transports: weakref.WeakSet[asyncio.WriteTransport] = weakref.WeakSet()
        self._servers: list[asyncio.Server] = []
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._failures: list[BaseException] = []

    @property
    def base_url(self) -> str:
        """What clients configure: everything before "entity/"."""
        scheme = "https" if self.options.tls else "http"
        return f"{scheme}://localhost:{self.port}{API_PATH}/"

    def _tls(self, clock: Clock) -> ssl.SSLContext | None:
        if not self.options.tls:
            return None
        directory = self.options.state_dir
        if directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="wms-emulator-")
            directory = Path(self._directory.name)
        context, self.ca_file = server_context(directory, clock.now())
        return context

    async def __aenter__(self) -> "Emulator":
        options = self.options
        asyncio.get_running_loop().set_exception_handler(self._failed)
        if options.state_dir is not None:
            options.state_dir.mkdir(parents=True, exist_ok=True)
        clock = Clock()
        started = time.perf_counter()
        self._warehouse = _open_store(options, clock)
        self.build_s = round(time.perf_counter() - started, 3)
        faults = Plan(options.seed, clock.now_us)
        faults.set(list(options.faults))
        account = Account(options.user, clock)
        life = Life(self._warehouse, account)
        activity = Activity(self._warehouse, life)
        admin = Admin(
            self._warehouse, faults, activity, life, account, lambda: f"{self.base_url}entity/"
        )
        context = Context(self._warehouse.database, account, options.release)
        api = Service(
            lambda request: router.handle(context, request),
            clock.now,
            faults.decide,
            admin.requests.append,
            account.revoke,
        )
        tls = self._tls(clock)
        if tls is not None:
            tls.sni_callback = lambda *_: (  # called for every client, named or not
                ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE if faults.breaks_handshake() else None
            )
        self.port = await self._listen(api, options.port, tls)
        self.admin_port = await self._listen(
            Service(admin.handle, clock.now), options.admin_port, None
        )
        task = asyncio.create_task(activity.run())
        self._keep(task)
        task.add_done_callback(self._activity_ended)
        return self

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A bug in a connection or in the activity: shown now, and raised at the end."""
        self._failures.append(context.get("exception") or RuntimeError(context["message"]))
        loop.default_exception_handler(context)

    @staticmethod
    def _activity_ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            context = {"message": "the activity failed", "exception": task.exception()}
            task.get_loop().call_exception_handler(context)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, service: Service, port: int, tls: ssl.SSLContext | None) -> int:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._keep(task)
            self._transports.add(writer.transport)
            # Cancelled only by __aexit__, which waits for this task: nothing else needs to know.
            with suppress(asyncio.CancelledError):
                await Connection(service, reader, writer).serve()

        servers = await _bind(connected, port, tls)
        self._servers += servers
        return int(servers[0].sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # failures came to _failed
        # A client that does not answer the end of TLS would keep its socket past the loop's end.
        for transport in list(self._transports):
            transport.abort()
        self._warehouse.database.close()
        if self._directory is not None:
            self._directory.cleanup()
        if self._failures:
            raise InternalError(
                f"{len(self._failures)} internal failures while serving"
            ) from self._failures[0]
