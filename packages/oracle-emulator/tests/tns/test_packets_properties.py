import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.tns.packets import (
    FLAG_END_OF_RESPONSE,
    FramingError,
    PacketDecoder,
    PacketType,
    encode_data,
    encode_packet,
)

CUTS = st.lists(st.integers(1, 50), max_size=40)


def feed(decoder, data, cuts):
    packets, start = [], 0
    for size in [*cuts, len(data)]:
        packets += decoder.feed(data[start : start + size])
        start += size
    return packets


@given(st.binary(min_size=1, max_size=3000), st.integers(64, 500), CUTS, st.booleans())
def test_a_payload_comes_back_however_the_bytes_are_cut(payload, sdu, cuts, mark):
    decoder = PacketDecoder()
    decoder.large = True
    packets = feed(decoder, encode_data(payload, sdu, end_of_response=mark), cuts)
    assert b"".join(packet.payload() for packet in packets) == payload
    assert all(len(packet.body) + 8 <= sdu for packet in packets)
    flags = [packet.data_flags() for packet in packets]
    assert flags == [0] * (len(packets) - 1) + [FLAG_END_OF_RESPONSE if mark else 0]


@given(st.sampled_from(PacketType), st.binary(max_size=200), st.booleans(), CUTS)
def test_packets_come_back_with_either_length(kind, body, large, cuts):
    decoder = PacketDecoder()
    decoder.large = large
    data = encode_packet(kind, body, large=large) * 2
    assert [(p.type, p.body) for p in feed(decoder, data, cuts)] == [(kind, body)] * 2


@given(st.binary(max_size=100), st.booleans())
def test_any_bytes_are_packets_or_refused(data, large):
    decoder = PacketDecoder()
    decoder.large = large
    try:
        decoder.feed(data)
    except FramingError:
        assert len(data) >= 8


def test_a_packet_of_unlikely_size_is_refused_before_it_is_awaited():
    decoder = PacketDecoder()
    decoder.large = True
    with pytest.raises(FramingError, match="bytes"):
        decoder.feed(b"\xff\xff\xff\xff\x06\x00\x00\x00")
