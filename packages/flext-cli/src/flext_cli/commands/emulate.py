"""`flext emulate`: one of the emulators in the foreground, with its own options."""

from __future__ import annotations

import os

import click

from flext_cli import meltano

_OPTIONS = {"ignore_unknown_options": True, "help_option_names": []}


@click.group()
def emulate() -> None:
    """Run an emulator of one end until Ctrl-C; its ready line on stdout says how to reach it."""


@emulate.command(context_settings=_OPTIONS, epilog="Example: flext emulate wms --rows item=500")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def wms(options: tuple[str, ...]) -> None:
    """Run wms-emulator: `wms-emulator serve` with these options (--help shows them)."""
    _become("wms-emulator", options)


@emulate.command(context_settings=_OPTIONS, epilog="Example: flext emulate oracle --profile 19c")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def oracle(options: tuple[str, ...]) -> None:
    """Run oracle-emulator: `oracle-emulator serve` with these options (--help shows them)."""
    _become("oracle-emulator", options)


def _become(command: str, options: tuple[str, ...]) -> None:
    # In place of this process, so that signals and the exit code are the emulator's own.
    path = str(meltano.executable(command))
    os.execv(path, [path, "serve", *options])  # noqa: S606 -- our own command, options by the person who types them
