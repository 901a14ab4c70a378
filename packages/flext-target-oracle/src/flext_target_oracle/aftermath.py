"""What stays of a target that failed: its input, read to the end by somebody else.

Meltano writes a tap's output to the target's standard input. When that pipe breaks, Meltano ends
with tracebacks of its own (BrokenPipeError, seen with 4.4), between which the one message of ours
is lost; when it stays readable, Meltano sees that the loader ended, stops the tap and says "Loader
failed". So a failing target leaves the pipe to a process that reads and throws away; it ends with
the pipe. Nothing is acknowledged by that: STATE comes from us alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping


def leave_input_readable(environ: Mapping[str, str]) -> None:
    """Under Meltano, let another process read standard input to its end."""
    if "MELTANO_LOADER_NAME" not in environ or not stat.S_ISFIFO(os.fstat(0).st_mode):
        return
    silent = [(os.POSIX_SPAWN_OPEN, output, os.devnull, os.O_WRONLY, 0) for output in (1, 2)]
    os.posix_spawnp("cat", ["cat"], {"PATH": environ.get("PATH", os.defpath)}, file_actions=silent)
