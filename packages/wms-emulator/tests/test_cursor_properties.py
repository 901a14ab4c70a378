"""Cursors: docs/specs/wms-api.md §2.4."""

import bisect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wms_emulator.query.cursor import (
    OFFSET_LIMIT,
    START,
    Cursor,
    Window,
    decode,
    encode,
    next_cursor,
    previous_cursor,
)


def read(values: list[int], cursor: Cursor, size: int) -> tuple[list[int], Window]:
    """A page of a sorted list, as the listing reads it."""
    rows = values[::-1] if cursor.reverse else values
    if cursor.position is not None:
        place = int(cursor.position)
        rows = [v for v in rows if (v < place if cursor.reverse else v > place)]
    rows = rows[cursor.offset : cursor.offset + size + 1]
    more, beyond = len(rows) > size, str(rows[size]) if len(rows) > size else None
    page = rows[:size]
    if cursor.reverse:
        page.reverse()
    return page, Window(cursor, [str(v) for v in page], more, beyond, size)


@settings(deadline=None)
@given(st.one_of(st.none(), st.text()), st.integers(0, OFFSET_LIMIT), st.booleans())
def test_what_is_written_is_read(position: str | None, offset: int, reverse: bool) -> None:
    cursor = Cursor(position, offset, reverse)
    assert decode(encode(cursor)) == cursor


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        cursor = decode(text)
    except ValueError:
        return
    assert 0 <= cursor.offset <= OFFSET_LIMIT


def test_offset_is_cut() -> None:
    assert decode(encode(Cursor("1", 5000))).offset == OFFSET_LIMIT


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), max_size=60).map(sorted), st.integers(1, 9))
def test_walking_on_gives_every_row_once(values: list[int], size: int) -> None:
    """With ties below the offset's limit nothing is skipped or repeated."""
    seen: list[int] = []
    cursor: Cursor | None = START
    while cursor is not None:
        page, window = read(values, decode(encode(cursor)), size)
        seen += page
        cursor = next_cursor(window)
    assert seen == values


@settings(deadline=None)
@given(st.sets(st.integers(0, 200), min_size=1, max_size=60).map(sorted), st.integers(1, 9))
def test_walking_back_gives_the_same_pages(values: list[int], size: int) -> None:
    """With different positions: forth and back again."""
    pages, cursors = [], [START]
    while True:
        page, window = read(values, cursors[-1], size)
        pages.append(page)
        following = next_cursor(window)
        if following is None:
            break
        cursors.append(following)
    for number in range(len(pages) - 1, 0, -1):
        back = previous_cursor(read(values, cursors[number], size)[1])
        assert back is not None
        assert read(values, back, size)[0] == pages[number - 1]


@settings(deadline=None)
@given(
    st.sets(st.integers(0, 500), min_size=2, max_size=60).map(sorted),
    st.integers(1, 9),
    st.sets(st.integers(0, 500)),
)
def test_rows_behind_the_cursor_shift_nothing(
    values: list[int], size: int, added: set[int]
) -> None:
    """Rows that come where the walk has been do not change what it still meets."""
    page, window = read(values, START, size)
    following = next_cursor(window)
    if following is None:
        return
    behind = [value for value in added if value < page[-1]]
    rest, _ = read(sorted({*values, *behind}), following, 1000)
    assert rest == values[bisect.bisect_right(values, page[-1]) :]


@pytest.mark.parametrize("text", ["p", "=", "*", encode(START) + "!"])
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid cursor"):
        decode(text)
