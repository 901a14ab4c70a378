"""A TCP proxy that counts the client's requests and cuts the connection, or pauses, at one of them.

A request is what the client sends after the server has spoken (or first of all), its goodbye
excepted: whether that comes after the answer to the logoff is a race. Cut "before", a request never
reaches the server; cut "after", the server has carried it out and its answer never arrives. Held, a
request waits until it is let go: to the server, its client has stopped.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

_CHUNK_BYTES = 65_536
_HOLD_S = 120
When = Literal["before", "after", "hold"]
#: Says of a request what is done to it: connection and place on it, both from 1, and how it begins.
Judge = Callable[[int, int, bytes], When | None]


@dataclass
class Proxy:
    """Counts requests over all connections, in the order in which they begin."""

    address: tuple[str, int]
    listener: socket.socket
    requests: int = 0
    connections: int = 0
    cut_at: int | bytes | None = None
    when: When = "before"
    judge: Judge | None = None
    was_cut: bool = False
    seen: list[bytes] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where clients connect."""
        return int(self.listener.getsockname()[1])

    def arm(self, cut_at: int | bytes | None, when: When = "before") -> None:
        """Count from zero, and cut or hold a request if any is given.

        It is named by its number (from 1), or by a text that it is the first to hold.
        """
        with self._lock:
            self.held.clear()
            self.let_go.clear()
            self.requests, self.cut_at, self.when, self.was_cut = 0, cut_at, when, False
            self.seen, self.judge = [], None

    def leave_to(self, judge: Judge) -> None:
        """Let someone else say of each request what is done to it."""
        self.arm(None)
        self.judge = judge

    def serve(self) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(self.address)
            _Link(self, client, server, self.connections).start(self._threads)

    def first(self, text: bytes) -> int:
        """The number of the first request since `arm` that holds a text."""
        return next(number for number, head in enumerate(self.seen, 1) if text in head)

    def begin_request(self, link: int, place: int, head: bytes) -> When | None:
        """Count a request that begins so, and say what is done to it."""
        with self._lock:
            self.seen.append(head)
            self.requests += 1
            if self.judge is not None:
                return self.judge(link, place, head)
            if isinstance(self.cut_at, bytes):
                is_it = not self.was_cut and self.cut_at in head
            else:
                is_it = self.requests == self.cut_at
            self.was_cut = self.was_cut or is_it
            return self.when if is_it else None

    def join(self) -> None:
        """Wait for the pumps of closed connections."""
        for thread in self._threads:
            thread.join(10)


def _is_goodbye(packet: bytes) -> bool:
    """A DATA packet (type 6) without content whose flags say end of file (0x40)."""
    return len(packet) == 10 and packet[4] == 6 and packet[8:10] == b"\x00\x40"


class _Link:
    def __init__(
        self, proxy: Proxy, client: socket.socket, server: socket.socket, number: int
    ) -> None:
        self.proxy, self.client, self.server, self.number = proxy, client, server, number
        self.requests = 0
        self.server_spoke = True
        self.cutting = False

    def start(self, threads: list[threading.Thread]) -> None:
        for pump in (self.upwards, self.downwards):
            thread = threading.Thread(target=pump, daemon=True)
            threads.append(thread)
            thread.start()

    def upwards(self) -> None:
        with suppress(OSError):
            while data := self.client.recv(_CHUNK_BYTES):
                if self.server_spoke and not _is_goodbye(data):
                    self.server_spoke = False
                    self.requests += 1
                    when = self.proxy.begin_request(self.number, self.requests, data)
                    if when == "hold":
                        self.proxy.held.set()
                        self.proxy.let_go.wait(_HOLD_S)
                    elif when == "before":
                        break
                    self.cutting = when == "after"
                self.server.sendall(data)
        self.close()

    def downwards(self) -> None:
        with suppress(OSError):
            while data := self.server.recv(_CHUNK_BYTES):
                if self.cutting:
                    break
                self.server_spoke = True
                self.client.sendall(data)
        self.close()

    def close(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def listening(host: str, port: int) -> Iterator[Proxy]:
    """A proxy to that address for as long as the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy((host, port), listener)
        thread = threading.Thread(target=proxy.serve, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            proxy.join()
