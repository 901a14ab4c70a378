"""The one door to the input: lines of bytes, with a tick when none come for a while."""

from __future__ import annotations

import io
import os
import select
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import IO

from flext_target_oracle.errors import InputError

CHUNK_BYTES = 256 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024


def chunks(
    source: IO[str] | IO[bytes],
    *,
    tick_s: float,
    waiting: Callable[[], AbstractContextManager[None]],
) -> Iterator[list[bytes]]:
    """Yield the lines as they come, with their ends; none each time none came for `tick_s`.

    Args:
        source: a file of text or bytes; one that has a descriptor must not have been read from.
        tick_s: seconds.
        waiting: entered while the input is waited for, and only then.

    Raises:
        InputError: a line is longer than any message may be.
    """
    try:
        descriptor = source.fileno()
    except (OSError, AttributeError, io.UnsupportedOperation):
        yield from _in_memory(source)
        return
    rest, count = b"", 0
    while True:
        with waiting():
            ready, _, _ = select.select([descriptor], [], [], tick_s)
            data = os.read(descriptor, CHUNK_BYTES) if ready else None
        if data is None:
            yield []
            continue
        if not data:
            break
        # Its search for line ends is several times faster than that of bytes.split.
        lines = io.BytesIO(rest + data if rest else data).readlines()
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        count += len(lines)
        if len(rest) > MAX_LINE_BYTES:
            error = InputError(f"it is longer than {MAX_LINE_BYTES} bytes")
            error.line = count + 1
            raise error
        yield lines
    if rest:
        yield [rest]


def _in_memory(source: IO[str] | IO[bytes]) -> Iterator[list[bytes]]:
    for line in source:
        data = line.encode("utf-8") if isinstance(line, str) else line
        yield [data]
