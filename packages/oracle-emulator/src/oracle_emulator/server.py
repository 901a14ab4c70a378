"""The listeners: loopback sockets, plain and TLS, and a thread per connection."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from oracle_emulator.certificates import Certificates
from oracle_emulator.session.context import ServerContext
from oracle_emulator.session.machine import Machine
from oracle_emulator.transport import Connection, PlainChannel, TlsChannel

_log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_BACKLOG = 128
_TLS_HANDSHAKE_TIMEOUT_S = 30
_STOP_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen; 0 takes any port, None leaves the listener out."""

    tcp: int | None = 0
    tcps: int | None = 0


class Server:
    """Accepts connections from `start` to `stop`."""

    def __init__(self, context: ServerContext, certificates: Certificates, ports: Ports) -> None:
        self.context = context
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.load_cert_chain(certificates.certificate_file, certificates.key_file)
        self._wanted = ports
        self._listeners: list[socket.socket] = []
        self._threads: set[threading.Thread] = set()
        self._connections: set[Connection] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self.port: int | None = None
        self.tcps_port: int | None = None

    def start(self) -> None:
        """Listen. Raises OSError when a port is taken."""
        try:
            if self._wanted.tcp is not None:
                self.port = self._listen(self._wanted.tcp, tls=False)
            if self._wanted.tcps is not None:
                self.tcps_port = self._listen(self._wanted.tcps, tls=True)
        except OSError:
            self.stop()
            raise

    def _listen(self, port: int, *, tls: bool) -> int:
        listener = socket.create_server((LOOPBACK, port), backlog=_BACKLOG)
        self._listeners.append(listener)
        self._spawn(lambda: self._accept(listener, tls=tls), "accepting")
        bound: int = listener.getsockname()[1]
        return bound

    def _spawn(self, target: Callable[[], None], name: str) -> None:
        def run() -> None:
            try:
                target()
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=name, daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _accept(self, listener: socket.socket, *, tls: bool) -> None:
        while not self._stopping:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return  # closed by stop
            self._spawn(partial(self._serve, accepted, tls=tls), "executing")

    def _serve(self, sock: socket.socket, *, tls: bool) -> None:
        channel: PlainChannel | TlsChannel = PlainChannel(sock)
        if tls:
            try:
                sock.settimeout(_TLS_HANDSHAKE_TIMEOUT_S)
                channel = TlsChannel(PlainChannel(sock), self._tls)
                channel.handshake()
                sock.settimeout(None)
            except OSError as error:
                _log.warning("TLS handshake failed: %s", error)
                sock.close()
                return
        connection = Connection(channel, Machine(self.context))
        with self._lock:
            if self._stopping:
                channel.close()
                return
            self._connections.add(connection)
        try:
            connection.run()
        finally:
            with self._lock:
                self._connections.discard(connection)

    def stop(self) -> None:
        """Close the listeners and every connection; transactions are rolled back."""
        with self._lock:
            self._stopping = True
            connections, threads = list(self._connections), list(self._threads)
        for listener in self._listeners:
            with contextlib.suppress(OSError):  # not every system lets a listener be shut down
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in connections:
            connection.stop()
        for thread in threads:
            thread.join(_STOP_TIMEOUT_S)
