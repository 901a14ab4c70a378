"""The group `flext`. One module per command: read the options, call, print."""

from __future__ import annotations

import click

from flext_cli.commands.demo import demo
from flext_cli.commands.doctor import doctor
from flext_cli.commands.emulate import emulate
from flext_cli.commands.hand_over import hand_over
from flext_cli.commands.plan import plan
from flext_cli.commands.rejects import rejects
from flext_cli.commands.run import run
from flext_cli.commands.state import state
from flext_cli.commands.status import show_status
from flext_cli.commands.token import token
from flext_cli.commands.verify import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="flext-cli", prog_name="flext")
def flext() -> None:
    """Move Oracle WMS Cloud into Oracle Database, and prove it."""


flext.add_command(demo)
flext.add_command(doctor)
flext.add_command(emulate)
flext.add_command(hand_over)
flext.add_command(plan)
flext.add_command(rejects)
flext.add_command(run)
flext.add_command(show_status)
flext.add_command(state)
flext.add_command(token)
flext.add_command(verify)
