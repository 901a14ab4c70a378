"""The state machine of one connection: packets in, bytes out.

CONNECT is answered by ACCEPT (or REFUSE); then DATA packets bring the negotiation, the logon, and
calls until the client leaves. A call is decoded and run as soon as all of it is there. After an
interrupt what was received of a call is dropped, and a RESET from both sides puts them into step
again. `receive` belongs to one thread; `interrupt` may be called from another.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from oracle_emulator.session.context import ServerContext
from oracle_emulator.session.conversation import Conversation
from oracle_emulator.session.faults import CONNECTING, REFUSED_FOR_NOW
from oracle_emulator.session.interrupts import Interrupts
from oracle_emulator.tns.connect import (
    MIN_VERSION,
    Connect,
    agreed_sdu,
    as_descriptor,
    decode_connect,
    encode_accept,
    encode_refuse,
    parse_descriptor,
)
from oracle_emulator.tns.markers import Marker, decode_marker, encode_marker
from oracle_emulator.tns.packets import (
    FLAG_EOF,
    LARGE_LENGTH_VERSION,
    FramingError,
    Packet,
    PacketDecoder,
    PacketType,
    encode_data,
)

NO_SUCH_SERVICE = 12514
NO_SUCH_SID = 12505
REFUSED = 12502


class _Phase(enum.Enum):
    CONNECT = enum.auto()
    DESCRIPTOR = enum.auto()  # the descriptor follows CONNECT in a packet of its own
    CALLS = enum.auto()
    RESET = enum.auto()  # an interrupt was answered; the client's RESET is due
    FINISHED = enum.auto()


class Machine:
    """One connection."""

    def __init__(self, context: ServerContext) -> None:
        self.kill: Callable[[], None] = self.interrupt  # how the connection is ended from outside
        self._context = context
        self._decoder = PacketDecoder()
        self._interrupts = Interrupts()
        self._phase = _Phase.CONNECT
        self._connect: Connect | None = None
        self._descriptor = b""
        self._conversation: Conversation | None = None
        self._sdu = 0

    @property
    def finished(self) -> bool:
        """Tell whether the connection is at its end."""
        return self._phase is _Phase.FINISHED

    def split(self, data: bytes) -> list[Packet]:
        """Return the packets that bytes complete. For the reading thread. Raises FramingError."""
        return self._decoder.feed(data)

    def interrupt(self) -> None:
        """Cancel the call that is running, if any. For the reading thread."""
        self._interrupts.arrive()

    def receive(self, packet: Packet) -> bytes:
        """Take the next packet and return what is to be sent.

        Raises FramingError and MalformedError: close then.
        """
        if packet.type is PacketType.MARKER:
            return self._marker(decode_marker(packet.body))
        if packet.type is PacketType.CONNECT and self._phase is _Phase.CONNECT:
            return self._on_connect(decode_connect(packet.body))
        if packet.type is not PacketType.DATA:
            raise FramingError(f"a packet {packet.type.name} in phase {self._phase.name}")
        if packet.data_flags() & FLAG_EOF:
            self._phase = _Phase.FINISHED
            return b""
        return self._data(packet.payload())

    def _kill(self) -> None:
        self.kill()

    def close(self) -> None:
        """End the session; an open transaction is rolled back."""
        self._phase = _Phase.FINISHED
        if self._conversation is not None:
            self._conversation.close()

    def _on_connect(self, connect: Connect) -> bytes:
        self._connect = connect
        if connect.descriptor is not None:
            return self._on_descriptor(connect, connect.descriptor)
        self._phase = _Phase.DESCRIPTOR
        return b""

    def _on_descriptor(self, connect: Connect, text: str) -> bytes:
        wanted = parse_descriptor(text)
        served = self._context.service_name.upper()
        code = 0
        if connect.version < MIN_VERSION:
            code = REFUSED
        elif wanted.service_name is not None:
            code = 0 if wanted.service_name.upper() == served else NO_SUCH_SERVICE
        elif wanted.sid is None or wanted.sid.upper() != served:
            code = NO_SUCH_SID if wanted.sid is not None else NO_SUCH_SERVICE
        fault = self._context.faults.due(CONNECTING)
        if fault is not None:
            code = fault.code or REFUSED_FOR_NOW
        if code:
            self._phase = _Phase.FINISHED
            return encode_refuse(code)
        profile = self._context.profile
        version = min(connect.version, profile.protocol_version)
        self._sdu = agreed_sdu(connect.sdu)
        self._decoder.large = version >= LARGE_LENGTH_VERSION
        self._conversation = Conversation(self._context, self._interrupts, wanted, self._kill)
        self._phase = _Phase.CALLS
        return encode_accept(version, self._sdu, profile.accept_flags)

    def _data(self, payload: bytes) -> bytes:
        if self._phase is _Phase.RESET:
            return b""  # the rest of a call that was interrupted
        if self._phase is _Phase.DESCRIPTOR and self._connect is not None:
            self._descriptor += payload
            if len(self._descriptor) < self._connect.descriptor_bytes:
                return b""
            return self._on_descriptor(self._connect, as_descriptor(self._descriptor))
        if self._phase is not _Phase.CALLS or self._conversation is None:
            raise FramingError(f"data in phase {self._phase.name}")
        self._conversation.feed(payload)
        return self._output(self._conversation)

    def _output(self, conversation: Conversation) -> bytes:
        parts = [
            encode_data(response.payload, self._sdu, end_of_response=response.end_mark)
            for response in conversation.responder.take()
        ]
        if conversation.responder.interrupted:
            conversation.restart()
            self._phase = _Phase.RESET
            parts.append(encode_marker(Marker.BREAK))
        elif conversation.finished:
            self._phase = _Phase.FINISHED
        return b"".join(parts)

    def _marker(self, marker: Marker) -> bytes:
        if self._conversation is None:
            raise FramingError("a marker before the connection was accepted")
        if marker is not Marker.RESET:
            if not self._interrupts.take_marker():
                return b""
            self._conversation.restart()
            self._phase = _Phase.RESET
            return encode_marker(Marker.BREAK)
        self._conversation.restart()
        self._phase = _Phase.CALLS
        response = self._conversation.cancelled()
        return encode_marker(Marker.RESET) + encode_data(
            response.payload, self._sdu, end_of_response=response.end_mark
        )
