"""STATE lines on stdout: whole, whatever signal arrives and however the stream is buffered.

The one writer to stdout. What may be written, and when, is `state`'s to say.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import Any

import msgspec

from flext_target_oracle.errors import StateUnwrittenError


def write_state(state: dict[str, Any]) -> None:
    """Write a state as one line.

    The line goes past the buffers of `sys.stdout`: with PYTHONUNBUFFERED these may take a part of a
    line only, and what they hold when a pipe breaks is tried again at the process's end.

    Raises:
        StateUnwrittenError: nobody takes it; what is committed stays committed.
    """
    line = msgspec.json.encode(state) + b"\n"
    stream = sys.stdout
    if stream is None:
        raise StateUnwrittenError(_unwritten("stdout is closed"))
    try:
        stream.flush()
        descriptor = stream.fileno()
    except io.UnsupportedOperation:  # no file: a text in memory
        stream.write(line.decode("utf-8"))
        return
    except OSError as error:
        raise StateUnwrittenError(_unwritten(str(error))) from error
    _write_whole(descriptor, line)


def _write_whole(descriptor: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # a pipe that is full and does not wait by itself
            select.select([], [descriptor], [])
        except OSError as error:
            raise StateUnwrittenError(_unwritten(str(error))) from error


def _unwritten(why: str) -> str:
    return (
        f"a STATE line could not be written to stdout ({why}): its reader is gone. What was"
        " committed stays in the database; run again, and what no STATE told of is loaded once more"
        " without effect"
    )
