"""One accepted connection: its socket, plain or TLS, and its two threads.

The reading thread only splits bytes into packets, so that an interrupt is seen while a statement
runs; the executing thread feeds the packets to the machine and sends what it answers.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import ssl
import threading
from typing import Protocol

from oracle_emulator.codec.buffers import MalformedError
from oracle_emulator.session.faults import DroppedError
from oracle_emulator.session.machine import Machine
from oracle_emulator.tns.markers import Marker, decode_marker
from oracle_emulator.tns.packets import FramingError, Packet, PacketType

_log = logging.getLogger(__name__)

_RECEIVE_BYTES = 1 << 17
_QUEUED_PORTIONS = 16  # of what was received at once; then the client has to wait


class Channel(Protocol):
    """Bytes in both directions. `receive` and `send` may be used by two threads at once."""

    def receive(self) -> bytes:
        """Return bytes; none at the end of the stream. Raises OSError."""
        ...

    def send(self, data: bytes) -> None:
        """Send all bytes. Raises OSError."""
        ...

    def shutdown(self) -> None:
        """End both directions; a thread that waits in `receive` wakes up. For any thread."""
        ...

    def close(self) -> None:
        """Release the socket, once nobody uses it any more."""
        ...


class PlainChannel:
    """A TCP socket."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock

    def receive(self) -> bytes:
        """Return bytes; none at the end of the stream."""
        return self._socket.recv(_RECEIVE_BYTES)

    def send(self, data: bytes) -> None:
        """Send all bytes."""
        self._socket.sendall(data)

    def shutdown(self) -> None:
        """End both directions."""
        with contextlib.suppress(OSError):  # the peer may have gone before
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()


class TlsChannel:
    """TLS over a TCP socket.

    The TLS state is used under a lock, and never while waiting for the network.
    """

    def __init__(self, plain: PlainChannel, context: ssl.SSLContext) -> None:
        self._plain = plain
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._state_lock = threading.Lock()
        self._send_lock = threading.Lock()

    def handshake(self) -> None:
        """Agree on keys. Raises OSError, ssl.SSLError among them."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._plain.receive()
                if not data:
                    raise ConnectionError("the client left during the TLS handshake") from None
                self._incoming.write(data)
            else:
                self._flush()
                return

    def receive(self) -> bytes:
        """Return bytes; none at the end of the stream."""
        while True:
            with self._state_lock:
                data = self._read_available()
            self._flush()
            if data is not None:
                return data
            encrypted = self._plain.receive()
            if not encrypted:
                return b""
            with self._state_lock:
                self._incoming.write(encrypted)

    def _read_available(self) -> bytes | None:
        """Return what can be decrypted: None when more has to come, nothing at the end."""
        parts: list[bytes] = []
        while True:
            try:
                part = self._tls.read(_RECEIVE_BYTES)
            except ssl.SSLWantReadError:
                return b"".join(parts) if parts else None
            except ssl.SSLZeroReturnError:
                return b"".join(parts)
            if not part:
                return b"".join(parts)
            parts.append(part)

    def send(self, data: bytes) -> None:
        """Send all bytes."""
        with self._send_lock:
            with self._state_lock:
                self._tls.write(data)
                encrypted = self._outgoing.read()
            self._plain.send(encrypted)

    def _flush(self) -> None:
        """Send what TLS itself wants to say; without waiting for a sender when there is nothing."""
        with self._state_lock:
            if not self._outgoing.pending:
                return
        with self._send_lock:
            with self._state_lock:
                encrypted = self._outgoing.read()
            self._plain.send(encrypted)

    def shutdown(self) -> None:
        """End both directions."""
        self._plain.shutdown()

    def close(self) -> None:
        """Release the socket."""
        self._plain.close()


class Connection:
    """Runs one machine over one channel until either is at its end."""

    def __init__(self, channel: Channel, machine: Machine) -> None:
        self._channel = channel
        self._machine = machine
        machine.kill = self.stop
        self._packets: queue.Queue[list[Packet] | None] = queue.Queue(_QUEUED_PORTIONS)
        self._stopped = threading.Event()
        self._ended = threading.Event()  # from outside

    def run(self) -> None:
        """Serve the client; returns when the connection is closed and its session ended."""
        reading = threading.Thread(target=self._read, name="reading", daemon=True)
        reading.start()
        try:
            self._execute()
        except (MalformedError, FramingError) as error:
            _log.warning("connection closed: %s", error)
        except DroppedError as dropped:
            self._drop(dropped)
        except OSError:
            _log.debug("the client went away")
        finally:
            self._stopped.set()
            self._channel.shutdown()
            self._machine.close()
            reading.join()
            self._channel.close()

    def _drop(self, dropped: DroppedError) -> None:
        """Close the socket as a fault wants it; the session may have something left to do."""
        _log.info("connection closed by a fault")
        self._channel.shutdown()
        if dropped.finish is not None and not self._ended.wait(dropped.seconds):
            dropped.finish()

    def stop(self) -> None:
        """Close the connection from another thread; a running statement is cancelled."""
        self._ended.set()
        self._machine.interrupt()
        self._channel.shutdown()

    def _execute(self) -> None:
        while (packets := self._packets.get()) is not None:
            for packet in packets:
                answer = self._machine.receive(packet)
                if answer:
                    self._channel.send(answer)
                if self._machine.finished:
                    return

    def _read(self) -> None:
        try:
            while data := self._channel.receive():
                packets = self._machine.split(data)
                for _ in filter(_is_interrupt, packets):
                    self._machine.interrupt()
                if packets:
                    self._put(packets)
        except FramingError as error:
            _log.warning("connection closed: %s", error)
        except OSError:
            _log.debug("the connection was lost")
        self._machine.interrupt()  # nobody waits for the answer any more
        self._put(None)

    def _put(self, packets: list[Packet] | None) -> None:
        """Queue packets unless the executing side is gone: no one would take them."""
        while not self._stopped.is_set():
            try:
                self._packets.put(packets, timeout=1)
            except queue.Full:
                continue
            return


def _is_interrupt(packet: Packet) -> bool:
    return packet.type is PacketType.MARKER and decode_marker(packet.body) is not Marker.RESET
