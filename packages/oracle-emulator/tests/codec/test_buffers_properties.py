from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.codec import buffers
from oracle_emulator.codec.buffers import IncompleteError, MalformedError, Reader

SIZES = st.integers(0, 600) | st.sampled_from([252, 253, 254, 255, 32767, 32768, 70000])


@given(st.integers(0, 2**64 - 1))
def test_unsigned_numbers_come_back(value):
    assert Reader(buffers.ub(value)).ub(8) == value


@given(st.integers(-(2**63), 2**63))
def test_signed_numbers_come_back(value):
    assert Reader(buffers.sb(value)).sb(8) == value


@given(SIZES, st.integers(0, 255))
def test_bytes_come_back_and_none_is_null(size, byte):
    data = bytes([byte]) * size
    reader = Reader(buffers.bl(data) + buffers.bl2(data) + b"rest")
    assert reader.bl() == (data or None)
    assert reader.bl2() == (data or None)
    assert reader.raw(reader.remaining()) == b"rest"


@given(SIZES, st.data())
def test_a_field_that_is_cut_says_so_and_never_asks_for_too_much(size, data):
    whole = buffers.bl2(bytes(size))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(IncompleteError) as caught:
        Reader(whole[:cut]).bl2()
    assert 1 <= caught.value.missing <= len(whole) - cut


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    for read in (Reader.bl, Reader.bl2, Reader.ub, Reader.sb, Reader.text):
        reader = Reader(data)
        with suppress(IncompleteError, MalformedError):
            read(reader)
        assert 0 <= reader.position <= len(data)


@given(st.integers(0, 255).filter(lambda n: n > 4))
def test_an_integer_wider_than_its_field_is_refused(length):
    with pytest.raises(MalformedError):
        Reader(bytes([length]) + bytes(300)).ub(4)
