"""DATA TYPES negotiation: the client's capabilities and the representations it knows."""

from __future__ import annotations

from dataclasses import dataclass

from oracle_emulator.codec.buffers import Reader
from oracle_emulator.ttc.constants import Message
from oracle_emulator.ttc.protocol import FIELD_VERSION_INDEX

_TIME_ZONE_BYTES = 11


@dataclass(frozen=True, slots=True)
class DataTypes:
    """What the client can do. `field_version` is 0 when it does not say."""

    field_version: int


def decode_data_types(reader: Reader) -> DataTypes:
    """Return the request; its message type was read already."""
    reader.raw(5)  # two character sets and flags
    compile_capabilities = reader.bl() or b""
    runtime_capabilities = reader.bl() or b""
    if len(runtime_capabilities) > 1 and runtime_capabilities[1] & 1:
        reader.raw(_TIME_ZONE_BYTES)
    while reader.u16be():
        if reader.u16be():
            reader.raw(4)
    known = len(compile_capabilities) > FIELD_VERSION_INDEX
    return DataTypes(compile_capabilities[FIELD_VERSION_INDEX] if known else 0)


def encode_data_types() -> bytes:
    """Return the answer: no representations but the usual."""
    return bytes((Message.DATA_TYPES, 0, 0))
