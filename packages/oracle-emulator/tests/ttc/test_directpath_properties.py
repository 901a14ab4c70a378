from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.codec.buffers import IncompleteError, MalformedError
from oracle_emulator.ttc.directpath import count_rows, split_rows

FIRST, LAST, CONTINUES, CONTINUED, FAST = 0x08, 0x04, 0x02, 0x01, 0x30
VALUES = st.none() | st.binary(min_size=1, max_size=700)


def pieces(row, room):
    """Write a row as a client does: values longer than the room left are split over pieces."""
    parts, current, segments, flags = [], b"", 0, FIRST

    def finish(more):
        nonlocal current, segments, flags
        parts.append(bytes((flags | more, segments)) + current)
        current, segments, flags = b"", 0, 0

    for value in row:
        if segments and len(current) >= room:
            finish(0)
        if value is None:
            current, segments = current + b"\xff", segments + 1
            continue
        cuts = range(0, len(value) - 1, room)
        for start in cuts[:-1]:
            current += b"\xfe" + room.to_bytes(2, "big") + value[start : start + room]
            segments += 1
            finish(CONTINUED)
            flags = CONTINUES
        rest = value[cuts[-1] :] if cuts else value
        head = bytes((len(rest),)) if len(rest) <= 250 else b"\xfe" + len(rest).to_bytes(2, "big")
        current, segments = current + head + rest, segments + 1
    finish(LAST)
    return b"".join(parts)


@given(
    st.integers(1, 6).flatmap(
        lambda width: st.lists(st.lists(VALUES, min_size=width, max_size=width), max_size=5)
    ),
    st.integers(10, 400),
)
def test_rows_come_back_however_they_are_split(rows, room):
    data = b"".join(pieces(row, room) for row in rows)
    width = len(rows[0]) if rows else 1
    assert split_rows(data, width) == [[value or b"" for value in row] for row in rows]
    assert count_rows(data, width) == len(rows)


def test_a_fast_row_carries_its_length():
    body = b"\x02\xc1\x02\xff"
    data = bytes((FIRST | LAST | FAST,)) + (len(body) + 4).to_bytes(2, "big") + b"\x02" + body
    assert split_rows(data, 2) == [[b"\xc1\x02", b""]]


@given(st.binary(max_size=200), st.integers(1, 3))
def test_any_bytes_are_rows_or_refused(data, count):
    with suppress(IncompleteError, MalformedError):
        assert all(len(row) == count for row in split_rows(data, count))
