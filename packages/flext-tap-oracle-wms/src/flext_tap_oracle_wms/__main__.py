"""The command `flext-tap-oracle-wms`: sets up logging, runs the tap, ends with one message.

The process's edge: the one place that catches everything and turns it into an exit code.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

#: For how long one thread keeps the interpreter while others want it.
SWITCH_S = 0.002
#: A page takes a few pieces of memory of up to a megabyte, again and again.
LARGEST_KEPT_BYTES = 16 * 1024 * 1024


def main() -> None:
    """Run the command line; a failure is one message on stderr and exit code 1."""
    # What a start makes stays: to look through it for garbage took a sixth of the start's time.
    gc.disable()
    from flext_observability import configure, emit, run_id_from_env
    from flext_observability.runs import RunRecordError
    from flext_tap_oracle_wms.emit import Terminated
    from flext_tap_oracle_wms.errors import TapError
    from flext_tap_oracle_wms.events import RunFailed, RunTerminated
    from flext_tap_oracle_wms.settings import ENV_PREFIX
    from flext_tap_oracle_wms.tap import NAME, FlextTapOracleWms

    # The SDK sets up its own logging when it makes the command; ours comes after it.
    command: click.Command = FlextTapOracleWms.cli
    gc.freeze()
    gc.enable()
    # A reader needs the interpreter again for each piece of its answer, and would wait 5 ms for it
    # whenever a page is being encoded: of what a request takes beyond its latency, the most.
    sys.setswitchinterval(SWITCH_S)
    # glibc takes what was once given back as the size of which to keep memory at hand (mallopt(3),
    # M_MMAP_THRESHOLD); else each page's is given back, and taken and cleared again for the next.
    bytes(LARGEST_KEPT_BYTES)
    level = os.environ.get(f"{ENV_PREFIX}LOGLEVEL") or os.environ.get("LOGLEVEL") or "INFO"
    secrets = [os.environ.get(f"{ENV_PREFIX}PASSWORD", "")]
    try:
        configure(
            NAME,
            level=level,
            run_id=run_id_from_env(os.environ),
            secrets=[secret for secret in secrets if secret],
        )
        command()
    except Terminated as end:
        emit(RunTerminated(int(str(end.code)) - 128))
        raise
    except (TapError, RunRecordError) as error:
        emit(RunFailed(str(error)))
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 -- the process's edge: shown whole, then exit 1
        emit(RunFailed(f"a defect of the tap, please report it: {error!r}"), error=error)
        sys.exit(1)


if __name__ == "__main__":
    main()
