"""The command `flext-target-oracle`: logging is set up, and every failure ends in one message."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


#: Pieces of memory from that size on are the system's again as soon as they are freed.
GIVEN_BACK_BYTES = 1024 * 1024
_M_MMAP_THRESHOLD = -3  # mallopt(3), malloc.h of glibc


def main() -> None:
    """Run the command line; exits non-zero after any failure."""
    # What a start makes stays: to look through it for garbage took a sixth of the start's time.
    gc.disable()
    from flext_observability import configure, redaction, run_id_from_env
    from flext_target_oracle.aftermath import leave_input_readable
    from flext_target_oracle.settings import ENV_PREFIX
    from flext_target_oracle.target import LEVELS, TargetOracle

    command = TargetOracle.cli
    gc.freeze()
    # Rows are garbage by reference counts alone; looking for cycles in them took a tenth of a run.
    gc.set_threshold(100_000, 20, 100)
    gc.enable()
    _give_memory_back()
    level = os.environ.get(f"{ENV_PREFIX}LOG_LEVEL", "").upper()
    logging.getLogger("singer_sdk").setLevel(logging.WARNING)  # it repeats each setting
    level = level if level in LEVELS else "INFO"  # the settings model says what is wrong with it
    configure(TargetOracle.name, level=level, run_id=run_id_from_env(os.environ))
    for name in ("PASSWORD", "WALLET_PASSWORD"):
        if secret := os.environ.get(ENV_PREFIX + name):
            redaction.register(secret)
    code = _run(command)
    if 0 < code < 128:  # from 128 on a signal ended us: Meltano itself is at its end
        leave_input_readable(os.environ)
    sys.exit(code)


def _give_memory_back() -> None:
    """Keep glibc from raising the size by itself, up to 32 MiB, once such pieces were freed.

    Each worker would then keep the room of the largest texts it ever had. Other C libraries than
    glibc have no such setting.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_M_MMAP_THRESHOLD, GIVEN_BACK_BYTES)


def _run(command: click.Command) -> int:
    import click

    from flext_coordination import CoordinationError
    from flext_observability import emit, runs
    from flext_target_oracle.errors import DatabaseError, TargetError
    from flext_target_oracle.events import RunFailed

    try:
        return int(command(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (TargetError, CoordinationError, runs.RunRecordError) as error:
        code = error.code if isinstance(error, DatabaseError) else ""
        emit(RunFailed(type(error).__name__, code, _text(error)))
        return error.exit_code if isinstance(error, TargetError) else 1
    except Exception as error:  # noqa: BLE001 -- the edge of the process: a fault in the program
        emit(RunFailed(type(error).__name__, "", _text(error)), error=error)
        return 70


def _text(error: BaseException) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", [])])


if __name__ == "__main__":
    main()
