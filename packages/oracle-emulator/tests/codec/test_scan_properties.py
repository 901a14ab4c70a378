"""Rows are found wherever they are cut; what is not of the plain form is left where it begins."""

from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.codec.buffers import bl
from oracle_emulator.codec.scan import read_rows, skip_rows

MARK = b"\x07"
ROWS = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.binary(max_size=252), min_size=width, max_size=width), min_size=1, max_size=6
    )
)


def encoded(rows, null):
    return [MARK + b"".join(bl(value) if value else null for value in row) for row in rows]


@given(ROWS, st.sampled_from([b"\x00", b"\xff"]), st.integers(0, 40), st.integers(0, 8), st.data())
def test_whole_rows_are_found(rows, null, before, most, data):
    parts = encoded(rows, null)
    whole = bytes(before) + b"".join(parts)
    cut = data.draw(st.integers(before, len(whole)))
    complete = sum(before + len(b"".join(parts[: n + 1])) <= cut for n in range(len(parts)))
    expected = min(most, complete)
    end = before + len(b"".join(parts[:expected]))
    arguments = (whole[:cut], before, 1, MARK.__eq__, len(rows[0]), most)
    assert read_rows(*arguments) == (rows[:expected], end)
    assert skip_rows(*arguments) == (expected, end)


@given(ROWS, st.sampled_from([b"\xfe\x01\x01x\x00", b"\xfd\x01", b"\x06"]), st.data())
def test_a_row_of_another_form_ends_it(rows, odd, data):
    place = data.draw(st.integers(0, len(rows) - 1))
    parts = encoded(rows, b"\x00")
    parts[place] = odd if odd == b"\x06" else MARK + odd * len(rows[0])
    arguments = (b"".join(parts), 0, 1, MARK.__eq__, len(rows[0]), len(rows))
    end = len(b"".join(parts[:place]))
    assert read_rows(*arguments) == (rows[:place], end)
    assert skip_rows(*arguments) == (place, end)
