"""The state machine alone, fed with what a real client sent, in the same and in other portions."""

import itertools
import threading
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle_emulator.codec.buffers import MalformedError
from oracle_emulator.profiles import PROFILES
from oracle_emulator.session import logon
from oracle_emulator.session.context import ServerContext
from oracle_emulator.session.machine import Machine
from oracle_emulator.tns.markers import Marker, encode_marker
from oracle_emulator.tns.packets import FramingError, Packet, PacketDecoder, PacketType


@pytest.fixture
def predictable(monkeypatch):
    """Make the server's random bytes the same every time, so that a recorded logon fits."""

    def restart():
        numbers = itertools.count()
        fixed = SimpleNamespace(token_bytes=lambda size: bytes([next(numbers) % 256]) * size)
        monkeypatch.setattr(logon, "secrets", fixed)  # only here: the driver has its own

    restart()
    return restart


@pytest.fixture
def recording(predictable, engine, server, connect, monkeypatch):
    """Return the packets that a client sent in a session, and the context of the server."""
    packets = []
    receive = Machine.receive

    def record(machine, packet):
        packets.append(packet)
        return receive(machine, packet)

    monkeypatch.setattr(Machine, "receive", record)
    before = set(threading.enumerate())
    connection = connect()
    with connection.cursor() as cursor:
        cursor.executemany("insert into t values (:1, :2)", [(n, "x" * n) for n in range(50)])
        cursor.execute("insert into t values (:1, :2)", [1, "y" * 40_000])
        assert len(cursor.execute("select count to 300 from dual").fetchall()) == 300
    connection.module = "m"
    connection.commit()
    connection.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    monkeypatch.setattr(Machine, "receive", receive)
    return packets


def payloads(answers):
    decoder = PacketDecoder()
    packets = decoder.feed(answers[0])
    decoder.large = True
    packets += [packet for answer in answers[1:] for packet in decoder.feed(answer)]
    return [packet.payload() for packet in packets if packet.type is PacketType.DATA]


def replay(engine, profile, packets):
    machine = Machine(ServerContext(engine, profile, "FREEPDB1"))
    answers = [machine.receive(packet) for packet in packets]
    assert machine.finished
    machine.close()
    return b"".join(payloads([answer for answer in answers if answer]))


def cut(packet, sizes):
    if packet.type is not PacketType.DATA:
        return [packet]
    data, parts, start = packet.payload(), [], 0
    for size in itertools.cycle(sizes):
        if start >= len(data):
            break
        parts.append(data[start : start + size])
        start += size
    flags = packet.body[:2]
    return [Packet(PacketType.DATA, flags + part) for part in parts or [b""]]


def test_answers_do_not_depend_on_packets(engine, profile, recording, predictable):
    predictable()
    whole = replay(engine, profile, recording)
    rows = list(engine.rows)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.integers(1, 3000), min_size=1, max_size=5))
    def cuts(sizes):
        engine.rows.clear()
        predictable()
        assert (
            replay(engine, profile, [p for packet in recording for p in cut(packet, sizes)])
            == whole
        )
        assert engine.rows == rows[-51:]

    cuts()
    predictable()
    bytewise = [p for packet in recording for p in cut(packet, [1])]
    assert replay(engine, profile, bytewise) == whole


def test_garbage_instead_of_any_message_is_refused(engine, profile, recording, predictable):
    refused = 0
    for position in range(1, len(recording)):
        predictable()
        machine = Machine(ServerContext(engine, profile, "FREEPDB1"))
        answers = [machine.receive(packet) for packet in recording[:position]]
        if answers[-1] and not machine.finished:  # so that a new message is due
            with pytest.raises((FramingError, MalformedError)):
                machine.receive(Packet(PacketType.DATA, b"\x00\x00" + b"\xfa\xfb\xfc" * 20))
            refused += 1
        machine.close()
    assert refused >= 6


def test_an_interrupt_drops_what_was_received_of_a_call(engine, profile, recording, predictable):
    predictable()
    machine = Machine(ServerContext(engine, profile, "FREEPDB1"))
    first_insert = next(n for n, p in enumerate(recording) if b"insert into t" in p.body)
    for packet in recording[:first_insert]:
        machine.receive(packet)
    engine.rows.clear()
    half = recording[first_insert].body[:80]
    assert machine.receive(Packet(PacketType.DATA, half)) == b""
    machine.interrupt()
    marker = Packet(PacketType.MARKER, bytes((1, 0, Marker.BREAK)))
    assert machine.receive(marker) == encode_marker(Marker.BREAK)
    assert machine.receive(Packet(PacketType.DATA, b"\x00\x00rest of the call")) == b""
    answer = machine.receive(Packet(PacketType.MARKER, bytes((1, 0, Marker.RESET))))
    assert answer.startswith(encode_marker(Marker.RESET))
    assert b"ORA-01013" in answer
    for packet in recording[first_insert : first_insert + 1]:
        machine.receive(packet)
    machine.close()
    assert len(engine.rows) == 50


def test_data_before_connect_is_refused(engine):
    machine = Machine(ServerContext(engine, PROFILES["19c"], "FREEPDB1"))
    with pytest.raises(FramingError):
        machine.receive(Packet(PacketType.DATA, b"\x00\x00\x01"))


def test_a_marker_before_connect_is_refused(engine):
    machine = Machine(ServerContext(engine, PROFILES["19c"], "FREEPDB1"))
    with pytest.raises(FramingError):
        machine.receive(Packet(PacketType.MARKER, bytes((1, 0, 3))))
