import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.codec.buffers import MalformedError, Reader, bl
from oracle_emulator.session.stream import InputStream

MESSAGES = st.lists(st.binary(min_size=1, max_size=600), min_size=1, max_size=6)
CUTS = st.lists(st.integers(1, 300), min_size=1, max_size=30)


def consume(stream, done, count):
    for _ in range(count):
        done.append((yield from stream.complete(Reader.bl)))


def consume_many(stream, done, count):
    done.extend((yield from stream.complete_many(Reader.bl, count)))


@given(MESSAGES, CUTS)
def test_a_message_is_there_as_soon_as_its_last_byte_is(messages, cuts):
    stream, done, start = InputStream(), [], 0
    steps = consume(stream, done, len(messages))
    next(steps, None)
    data = b"".join(map(bl, messages))
    for size in [*cuts, len(data)]:
        if data[start : start + size] and stream.feed(data[start : start + size]):
            next(steps, None)
        start = min(start + size, len(data))
        whole, complete = 0, 0
        for message in messages:
            whole += len(bl(message))
            complete += whole <= start
        assert done == messages[:complete]
    assert stream.total() == len(data)


@given(MESSAGES, CUTS)
def test_many_are_decoded_once_each(messages, cuts):
    stream, done, start = InputStream(), [], 0
    steps = consume_many(stream, done, len(messages))
    next(steps, None)
    data = b"".join(map(bl, messages))
    for size in [*cuts, len(data)]:
        if data[start : start + size] and stream.feed(data[start : start + size]):
            next(steps, None)
        start = min(start + size, len(data))
        assert done == (messages if start == len(data) else [])


def test_what_is_malformed_is_refused_at_once():
    stream = InputStream()
    steps = consume(stream, [], 1)
    next(steps)
    assert stream.feed(b"\xfd")
    with pytest.raises(MalformedError):
        next(steps)


def test_what_was_cleared_is_not_read():
    stream, done = InputStream(), []
    stream.feed(b"\x05ab")
    stream.clear()
    steps = consume(stream, done, 1)
    next(steps)
    stream.feed(b"\x01x")
    next(steps, None)
    assert done == [b"x"]
