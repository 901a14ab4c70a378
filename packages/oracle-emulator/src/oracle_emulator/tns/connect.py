"""CONNECT, ACCEPT and REFUSE, and the connect descriptor that a client sends with CONNECT."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from oracle_emulator.tns.packets import FramingError, PacketType, encode_packet

MIN_VERSION = 315  # older ones have 2-byte lengths only, which the clients of today refuse too
MAX_SDU_BYTES = 2_097_152
MIN_SDU_BYTES = 512

_CONNECT_HEAD = struct.Struct(">HHHHHHHHHH")
_CONNECT_SDU_OFFSET = 50
_OPTIONS = 0x0001  # no out-of-band attention: breaks come as markers in the stream
_ACCEPT_DATA_OFFSET = 45
_NSI_FLAGS = 0x04  # no native encryption or authentication


@dataclass(frozen=True, slots=True)
class Connect:
    """A client's CONNECT.

    `descriptor_bytes` of its descriptor are still to come in a DATA packet when `descriptor` is
    None.
    """

    version: int
    sdu: int
    descriptor_bytes: int
    descriptor: str | None


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a connect descriptor says: which service is wanted, and who asks."""

    service_name: str | None
    sid: str | None
    program: str
    host: str
    user: str


def decode_connect(body: bytes) -> Connect:
    """Return a CONNECT. Raises FramingError."""
    if len(body) < _CONNECT_HEAD.size:
        raise FramingError(f"a CONNECT of {len(body)} bytes")
    head = _CONNECT_HEAD.unpack_from(body)
    version, sdu, length, offset = head[0], head[3], head[8], head[9] - 8
    if len(body) >= _CONNECT_SDU_OFFSET + 4 and version >= MIN_VERSION:
        sdu = struct.unpack_from(">I", body, _CONNECT_SDU_OFFSET)[0] or sdu
    data = body[offset : offset + length] if offset > 0 else b""
    return Connect(version, sdu, length, as_descriptor(data) if len(data) == length else None)


def as_descriptor(data: bytes) -> str:
    """Return the bytes of a descriptor as text. Raises FramingError."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FramingError("a connect descriptor that is not UTF-8") from error


def parse_descriptor(text: str) -> Descriptor:
    """Return what a descriptor says; keys that are absent are None or empty."""

    def find(key: str, where: str = text) -> str | None:
        match = re.search(rf"\(\s*{key}\s*=\s*([^()]*?)\s*\)", where, re.IGNORECASE)
        return match.group(1) if match else None

    cid_start = text.upper().find("(CID=")
    cid = text[cid_start:] if cid_start >= 0 else ""
    return Descriptor(
        service_name=find("SERVICE_NAME"),
        sid=find("SID"),
        program=find("PROGRAM", cid) or "",
        host=find("HOST", cid) or "",
        user=find("USER", cid) or "",
    )


def agreed_sdu(wanted: int) -> int:
    """Return the packet size of both directions."""
    return max(MIN_SDU_BYTES, min(wanted, MAX_SDU_BYTES))


def encode_accept(version: int, sdu: int, flags: int) -> bytes:
    """Return the ACCEPT packet; its own length field is still the short one."""
    short = min(sdu, 0xFFFF)
    head = struct.pack(">HHHHHHH", version, _OPTIONS, short, short, 1, 0, _ACCEPT_DATA_OFFSET)
    body = head + bytes((_NSI_FLAGS, _NSI_FLAGS)) + bytes(8) + struct.pack(">IIB", sdu, sdu, 0)
    if version >= 318:
        body += flags.to_bytes(4, "big")
    return encode_packet(PacketType.ACCEPT, body, large=False)


def encode_refuse(code: int) -> bytes:
    """Return the REFUSE packet of a listener: no such service (12514) or SID (12505)."""
    stack = f"(ERROR_STACK=(ERROR=(CODE={code})(EMFI=4)))"
    text = f"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR={code}){stack})"
    data = text.encode()
    return encode_packet(
        PacketType.REFUSE, b"\x22\x00" + len(data).to_bytes(2, "big") + data, large=False
    )
