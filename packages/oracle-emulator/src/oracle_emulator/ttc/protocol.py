"""PROTOCOL negotiation: what the server calls itself and its capabilities."""

from __future__ import annotations

from dataclasses import dataclass

from oracle_emulator.codec.buffers import Reader, bl
from oracle_emulator.profiles import Profile
from oracle_emulator.ttc.constants import Message

CHARSET_AL32UTF8 = 873
CHARSET_AL16UTF16 = 2000

_COMPILE_CAPABILITIES_LENGTH = 55
FIELD_VERSION_INDEX = 7
_END_OF_RESPONSE_INDEX = 40
_END_OF_RESPONSE_BIT = 0x20
_COMPILE_CAPABILITIES = {
    0: 6,
    4: 0xEA,
    5: 8,
    8: 1,
    15: 0x29,
    16: 0x90,
    17: 3,
    18: 7,
    19: 3,
    21: 1,
    23: 0xCF,
    26: 4,
    27: 1,
    31: 0x10,
    34: 12,
    37: 0xB8,
    39: 8,
    42: 5,
}
_RUNTIME_CAPABILITIES_LENGTH = 11
_LONG_STRINGS_INDEX = 6
_LONG_STRINGS_BIT = 0x04

LONG_THRESHOLD_BYTES = 32767  # binds declared longer stand at the row's end


@dataclass(frozen=True, slots=True)
class ProtocolRequest:
    """The client's side of the negotiation."""

    driver: str


def decode_protocol(reader: Reader) -> ProtocolRequest:
    """Return the request; its message type was read already."""
    _until_zero(reader)
    return ProtocolRequest(_until_zero(reader).decode(errors="replace"))


def _until_zero(reader: Reader) -> bytes:
    collected = bytearray()
    while byte := reader.u8():
        collected.append(byte)
    return bytes(collected)


def encode_protocol(profile: Profile) -> bytes:
    """Return the server's answer."""
    national = bytes(9) + CHARSET_AL16UTF16.to_bytes(2, "big")
    return b"".join(
        (
            bytes((Message.PROTOCOL, 6, 0)),
            profile.banner.encode() + b"\x00",
            CHARSET_AL32UTF8.to_bytes(2, "little"),
            b"\x01",
            bytes(2),
            len(national).to_bytes(2, "big") + national,
            bl(compile_capabilities(profile)),
            bl(_runtime_capabilities()),
        )
    )


def compile_capabilities(profile: Profile) -> bytes:
    """Return the capabilities that a server of this profile announces."""
    capabilities = bytearray(_COMPILE_CAPABILITIES_LENGTH)
    for index, value in _COMPILE_CAPABILITIES.items():
        capabilities[index] = value
    capabilities[FIELD_VERSION_INDEX] = profile.field_version
    if profile.end_of_response:
        capabilities[_END_OF_RESPONSE_INDEX] = _END_OF_RESPONSE_BIT
    return bytes(capabilities)


def _runtime_capabilities() -> bytes:
    capabilities = bytearray(_RUNTIME_CAPABILITIES_LENGTH)
    capabilities[0] = 2
    capabilities[_LONG_STRINGS_INDEX] = _LONG_STRINGS_BIT
    return bytes(capabilities)
