import struct

import pytest

from oracle_emulator.tns.connect import (
    agreed_sdu,
    decode_connect,
    encode_accept,
    encode_refuse,
    parse_descriptor,
)
from oracle_emulator.tns.packets import FramingError

TEXT = (
    "(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=localhost)(PORT=1521))"
    "(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)(CID=(PROGRAM=loader)(HOST=box)(USER=me))))"
)


def connect_body(descriptor, sdu=8192, *, inline=True):
    head = struct.pack(">HHHHHHHHHHI", 319, 300, 1, sdu, sdu, 0x4F98, 0, 1, len(descriptor), 74, 0)
    body = head + bytes(2 + 24) + struct.pack(">IIII", sdu, sdu, 0, 0)
    return body + (descriptor if inline else b"")


def test_a_descriptor_in_the_packet_and_one_that_follows():
    inline = decode_connect(connect_body(TEXT.encode()))
    assert (inline.version, inline.sdu, inline.descriptor) == (319, 8192, TEXT)
    later = decode_connect(connect_body(TEXT.encode(), inline=False))
    assert (later.descriptor, later.descriptor_bytes) == (None, len(TEXT))


def test_the_large_sdu_counts():
    assert decode_connect(connect_body(b"x", 65535)).sdu == 65535
    assert agreed_sdu(10**9) == 2_097_152
    assert agreed_sdu(1) == 512


def test_what_a_descriptor_says():
    descriptor = parse_descriptor(TEXT)
    assert (descriptor.service_name, descriptor.sid) == ("FREEPDB1", None)
    assert (descriptor.program, descriptor.host, descriptor.user) == ("loader", "box", "me")
    assert parse_descriptor("(CONNECT_DATA=( sid = XE ))").sid == "XE"


def test_a_short_connect_is_refused():
    with pytest.raises(FramingError):
        decode_connect(b"\x01\x3f")


def test_the_fields_of_accept_stand_where_clients_read_them():
    packet = encode_accept(319, 8192, 0x12000000)
    body = packet[8:]
    assert int.from_bytes(packet[:2], "big") == len(packet)
    assert struct.unpack_from(">HH", body) == (319, 1)
    assert not body[14] & 0x10
    assert struct.unpack_from(">I", body, 24) == (8192,)
    assert struct.unpack_from(">I", body, 33) == (0x12000000,)


def test_a_refusal_names_its_code():
    packet = encode_refuse(12514)
    assert b"(ERR=12514)" in packet
    assert packet[4] == 4
