"""The group `flext`. One module per command: read the options, call, print."""

from __future__ import annotations

import importlib

import click

#: Where each command is found: module and name. A command's own imports are all that it waits for.
COMMANDS = {
    "alerts": "alerts:alerts",
    "backfill": "backfill:backfill",
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
    "emulate": "emulate:emulate",
    "hand-over": "hand_over:hand_over",
    "metrics": "metrics:metrics",
    "plan": "plan:plan",
    "refresh": "refresh:refresh",
    "rejects": "rejects:rejects",
    "run": "run:run",
    "schedule": "schedule:schedule",
    "state": "state:state",
    "status": "status:show_status",
    "token": "token:token",
    "verify": "verify:verify",
}


class _Commands(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        assert isinstance(command, click.Command)  # noqa: S101 -- the table above is wrong
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="flext-cli", prog_name="flext")
def flext() -> None:
    """Move Oracle WMS Cloud into Oracle Database, and prove it."""
