"""Finding the values of many rows: bytes behind a length byte, row after row.

This is where every value of a bulk load passes through, so it does with one look at a length byte.
What is not of the plain form (a long value in pieces, bytes that are no row, a row that is not all
there) is left to the caller. What the values mean is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from oracle_emulator.codec.buffers import NULL_INDICATOR, SHORT_MAX

PackedRow = list[bytes]
"""The values of a row as they travel; nothing for NULL."""

_LENGTHS = {bytes((length,)): length for length in range(SHORT_MAX + 1)}
_LENGTHS[bytes((NULL_INDICATOR,))] = 0
_STEPS = [length + 1 for length in range(SHORT_MAX + 1)]
_STEPS += [1 << 62] * (NULL_INDICATOR - SHORT_MAX)  # beyond any end: not of the plain form
_STEPS[NULL_INDICATOR] = 1


def read_rows(
    data: bytes, start: int, head: int, opens: Callable[[bytes], bool], columns: int, most: int
) -> tuple[list[PackedRow], int]:
    """Return up to `most` rows from `start` on, and where the first row begins that is not read.

    A row begins with `head` bytes, of which `opens` tells whether a plain row stands behind them.
    """
    stream = BytesIO(data)
    stream.seek(start)
    read, tell, lengths, places = stream.read, stream.tell, _LENGTHS, range(columns)
    rows: list[PackedRow] = []
    try:
        while len(rows) < most and opens(read(head)):
            row = [read(lengths[read(1)]) for _ in places]
            end = tell()
            if end == len(data) and not skip_rows(data, start, head, opens, columns, 1)[0]:
                break  # the last value is cut off
            rows.append(row)
            start = end
    except KeyError:
        pass  # a long value, or none any more
    return rows, start


def skip_rows(
    data: bytes, start: int, head: int, opens: Callable[[bytes], bool], columns: int, most: int
) -> tuple[int, int]:
    """Return over how many rows, `most` at most, one may pass, and where the next one begins."""
    size, steps, places = len(data), _STEPS, range(columns)
    done = 0
    try:
        while done < most and opens(data[start : start + head]):
            position = start + head
            for _ in places:
                position += steps[data[position]]
            if position > size:
                break
            start = position
            done += 1
    except IndexError:
        pass  # a long value, or none any more
    return done, start
