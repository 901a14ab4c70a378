from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.codec.buffers import Reader
from oracle_emulator.codec.rowids import (
    NONE,
    Rowid,
    decode_rowid,
    encode_rowid,
    format_rowid,
    parse_rowid,
)

ROWIDS = st.builds(
    Rowid,
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**16 - 1),
)


@given(ROWIDS)
def test_a_rowid_comes_back_from_its_text_and_from_the_wire(rowid):
    assert parse_rowid(format_rowid(rowid)) == rowid
    assert decode_rowid(Reader(encode_rowid(rowid))) == rowid


@given(st.text(max_size=20))
def test_other_text_is_no_rowid(text):
    parsed = parse_rowid(text)
    assert parsed == NONE or format_rowid(parsed) == text
