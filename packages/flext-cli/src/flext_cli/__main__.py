"""The process `flext`: exit codes, messages on stderr, no traceback. No command lives here."""

from __future__ import annotations

import sys

import click

from flext_cli.commands import flext
from flext_cli.errors import EXIT_FAILED, FlextError
from flext_coordination import CoordinationError
from flext_observability import redaction
from flext_observability.runs import RunRecordError


def main() -> None:
    """Run the command line; never returns."""
    sys.exit(_run())


def _run() -> int:
    try:
        flext.main(prog_name="flext", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        _say("stopped")
        return EXIT_FAILED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except FlextError as error:
        if error.details:
            _say(error.details.rstrip())
        _say(f"flext: {error}\n  what to do: {error.remedy}")
        return error.exit_code
    except (CoordinationError, RunRecordError) as error:
        _say(f"flext: {error}")
        return EXIT_FAILED
    except OSError as error:
        _say(
            f"flext: {error}\n  what to do: look at rights and free space there, then run it again"
        )
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 -- the process edge
        _say(
            f"flext: unexpected {type(error).__name__}: {error}\n  what to do: report this as a bug"
        )
        return EXIT_FAILED
    return 0


def _say(text: str) -> None:
    click.echo(redaction.redact(text), err=True)


if __name__ == "__main__":
    main()
