"""Rows in bulk are the rows that the decoder of single rows finds, however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.codec import numbers, temporal
from oracle_emulator.codec.buffers import MalformedError, Reader, bl
from oracle_emulator.engine.interface import OracleError, OracleType, TypeCode
from oracle_emulator.session.stream import InputStream
from oracle_emulator.ttc.binds import BindInfo, RowDecoder, wire_order
from oracle_emulator.ttc.packed import RowSplitter, WireRows

VALUES = {
    TypeCode.NUMBER: st.integers(-(10**20), 10**20).map(numbers.encode_number),
    TypeCode.VARCHAR: st.text(min_size=1, max_size=200).map(str.encode),
    TypeCode.TIMESTAMP: st.datetimes().map(temporal.encode_timestamp),
    TypeCode.RAW: st.binary(min_size=1, max_size=600),
}
INFOS = st.lists(
    st.builds(
        BindInfo,
        st.sampled_from(list(VALUES)).map(int),
        st.sampled_from([22, 4000, 100_000]),
        st.just(False),  # no PL/SQL array
        st.just(False),  # not national
    ),
    min_size=1,
    max_size=5,
)
CUTS = st.lists(st.integers(1, 400), min_size=1, max_size=20)


@st.composite
def requests(draw):
    infos = draw(INFOS)
    row = st.tuples(*[st.none() | VALUES[TypeCode(info.code)] for info in infos])
    rows = draw(st.lists(row, min_size=1, max_size=8))
    order = wire_order(infos)
    return infos, [b"\x07" + b"".join(bl(values[n]) for n in order) for values in rows]


def fed(step, missing, count, data, cuts):
    """Let a stream come in pieces; return how much of it is unread at the end."""
    stream, start = InputStream(), 0
    steps = stream.go_through(step, count, missing)
    left = next(steps, "done") is None
    for size in [*cuts, len(data)]:
        piece = data[start : start + size]
        start += len(piece)
        if piece and stream.feed(piece) and left:
            left = next(steps, "done") is None
    assert not left
    return stream.reader.remaining()


@given(requests(), CUTS)
def test_rows_are_those_of_the_decoder(request, cuts):
    infos, parts = request
    data = b"".join(parts)
    reader, decoder = Reader(data), RowDecoder(infos, plsql=False)
    expected = [decoder.decode(reader) for _ in parts]
    splitter = RowSplitter(infos)
    assert fed(splitter.split, splitter.missing, len(parts), data, cuts) == 0
    rows = splitter.rows()
    assert list(rows) == expected
    assert rows[1:3] == expected[1:3]
    for index in range(len(infos)):
        assert rows.is_null(index) == all(row[index] is None for row in expected)
        (texts,) = rows.texts([index], 0, len(rows))
        assert [text is None for text in texts] == [row[index] is None for row in expected]
    skipper = RowSplitter(infos)
    assert fed(skipper.skip, skipper.missing, len(parts), data, cuts) == 0


@given(requests(), st.integers(0, 255).filter(lambda mark: mark != 7))
def test_what_is_no_row_is_refused(request, mark):
    infos, parts = request
    data = b"".join(parts) + bytes((mark,))
    for step in (RowSplitter(infos).split, RowSplitter(infos).skip):
        with pytest.raises(MalformedError):
            step(Reader(data), len(parts) + 1)


def test_a_bad_value_is_named():
    rows = WireRows([[b"\xc1\x02", b"\xc1\xff"]], [OracleType(TypeCode.NUMBER)] * 2)
    with pytest.raises(OracleError, match=r"ORA-03001: unimplemented feature: bind 2: "):
        rows.texts([0, 1], 0, 1)
    with pytest.raises(OracleError, match=r"ORA-03001: unimplemented feature: bind 2: "):
        rows[0]
