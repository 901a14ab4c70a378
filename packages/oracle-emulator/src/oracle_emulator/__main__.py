"""The command `oracle-emulator`."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from pathlib import Path

from oracle_emulator.engine.interface import Database
from oracle_emulator.lifecycle import Settings, serve
from oracle_emulator.profiles import DEFAULT_PROFILE, PROFILES
from oracle_emulator.session.faults import Fault, InvalidFaultError, parse_option

PASSWORD_VARIABLE = "ORACLE_EMULATOR_SYSTEM_PASSWORD"  # noqa: S105  # the name of a variable
TEMPLATES_VARIABLE = "ORACLE_EMULATOR_TEMPLATES"
_DEFAULT_PASSWORD = "oracle"  # noqa: S105  # documented; the server binds loopback only


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr,
        level=options.log_level.upper(),
        format="%(levelname)s %(name)s: %(message)s",
    )
    settings = Settings(
        profile=options.profile,
        service_name=options.service,
        port=options.port,
        tcps_port=options.tcps_port,
        admin_port=options.admin_port,
        data_dir=options.data_dir,
        parent_pid=options.parent_pid,
        faults=tuple(options.fault),
        sink=options.sink or options.sink_keep is not None,
        sink_keeps=options.sink_keep,
        max_string_size=options.max_string_size,
        templates=_templates(options.templates),
    )
    try:
        serve(settings, _open)
    except Exception as error:  # the edge of the process: one message and a code
        logging.getLogger(__name__).debug("failed", exc_info=True)
        sys.stderr.write(f"oracle-emulator: {error}\n")
        return 1
    return 0


def _open(settings: Settings, temporary: Path | None) -> Database:
    from oracle_emulator.engine.database import open_database

    return open_database(
        settings.data_dir / "database" if settings.data_dir is not None else None,
        system_password=os.environ.get(PASSWORD_VARIABLE, _DEFAULT_PASSWORD),
        service_name=settings.service_name,
        profile=settings.profile,
        max_string_size=settings.max_string_size,
        beside=temporary,
        templates=settings.templates,
    )


def _templates(given: str | None) -> Path | None:
    name = os.environ.get(TEMPLATES_VARIABLE) if given is None else given
    return Path(name) if name else None


def _fault(text: str) -> Fault:
    try:
        return parse_option(text)
    except InvalidFaultError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"not a regular expression: {error}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="oracle-emulator", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("serve", help="run a server in the foreground, on loopback")
    command.add_argument("--port", type=int, default=0, help="TCP port; 0 takes any")
    command.add_argument("--tcps-port", type=int, default=0, help="TLS port; 0 takes any")
    command.add_argument("--admin-port", type=int, default=0, help="HTTP port; 0 takes any")
    command.add_argument("--profile", choices=sorted(PROFILES), default=DEFAULT_PROFILE)
    command.add_argument(
        "--max-string-size",
        choices=("STANDARD", "EXTENDED"),
        default="STANDARD",
        help="EXTENDED: VARCHAR2 and RAW of 32767 bytes",
    )
    command.add_argument("--service", default="FREEPDB1", help="name of the service")
    command.add_argument(
        "--data-dir", type=Path, help="keep everything here; else it is thrown away"
    )
    command.add_argument(
        "--templates",
        metavar="DIR",
        help="start faster without --data-dir: keep here what each start would make anew "
        f"(else {TEMPLATES_VARIABLE})",
    )
    command.add_argument("--parent-pid", type=int, help="end when this process is gone")
    command.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="NAME[:KEY=VALUE,…]",
        help="something that goes wrong, such as drop:on=commit,moment=after,at=3 (repeatable)",
    )
    command.add_argument(
        "--sink", action="store_true", help="throw the values of DML away, for benchmarks"
    )
    command.add_argument(
        "--sink-keep",
        type=_pattern,
        metavar="REGEX",
        help="a sink that does carry out the statements that hold this, such as a loader's ledger",
    )
    command.add_argument(
        "--log-level", choices=["debug", "info", "warning", "error"], default="warning"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
