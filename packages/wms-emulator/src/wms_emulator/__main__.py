"""The command `wms-emulator serve`: options, the ready line, signals. The process's edge."""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from wms_emulator.api.context import RELEASES, ApiUser
from wms_emulator.faults import Fault, FaultName
from wms_emulator.parent import watch_parent
from wms_emulator.server import Emulator, InternalError, Options, StateError

TEMPLATES_VARIABLE = "WMS_EMULATOR_TEMPLATES"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wms-emulator",
        description="The Oracle WMS Cloud REST API on loopback, with seeded rows.",
        epilog="WMS_EMULATOR_USERNAME (tap_user) and WMS_EMULATOR_PASSWORD (emulator) name the"
        " API's account.",
    )
    commands = parser.add_subparsers(required=True, metavar="serve")
    serve = commands.add_parser("serve", help="serve until SIGTERM or SIGINT")
    serve.add_argument("--port", type=int, default=0, help="API port (0: a free one)")
    serve.add_argument("--admin-port", type=int, default=0, help="admin port (0: a free one)")
    scheme = serve.add_mutually_exclusive_group()
    scheme.add_argument("--tls", action="store_true", help="HTTPS, own certificate (default)")
    scheme.add_argument("--plain", action="store_true", help="HTTP")
    serve.add_argument("--seed", type=int, default=7, help="the rows' seed (7)")
    serve.add_argument(
        "--rows",
        nargs="+",
        default=[],
        metavar="ENTITY=N",
        action="extend",
        help="numbers of rows, e.g. allocation=5000",
    )
    serve.add_argument("--state-dir", type=Path, help="keep rows and certificate here")
    serve.add_argument(
        "--templates",
        metavar="DIR",
        help="start faster: keep here the rows that each start would make anew "
        f"(else {TEMPLATES_VARIABLE})",
    )
    serve.add_argument(
        "--zone", default="America/New_York", help="zone of the account's default facility"
    )
    serve.add_argument("--rows-per-page", type=int, default=25, help="the account's page size")
    serve.add_argument(
        "--forbid",
        nargs="*",
        default=["user"],
        metavar="ENTITY",
        help="entities the account may not read (user)",
    )
    serve.add_argument(
        "--facilities", nargs="+", metavar="CODE", help="the account's facilities (all)"
    )
    serve.add_argument("--password-life-days", type=float, help="then the password expires")
    serve.add_argument("--token-life-s", type=float, default=3600.0, help="of OAuth2 tokens")
    serve.add_argument("--release", choices=RELEASES, default=RELEASES[-1], help="of the API")
    names = ", ".join(name.value for name in FaultName)
    serve.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[,OPTION=VALUE…]",
        help=f"a bad day from the start, e.g. status,status=502,ratio=0.1; one of {names}",
    )
    serve.add_argument("--parent-pid", type=int, help="end when this process is gone")
    return parser


def _rows(pairs: list[str]) -> dict[str, int]:
    """The --rows pairs.

    Raises:
        ValueError: a pair is not ENTITY=N.
    """
    rows = {}
    for pair in pairs:
        name, _, number = pair.partition("=")
        if not number.isascii() or not number.isdigit():
            raise ValueError(f"--rows {pair}: expected ENTITY=N")
        rows[name] = int(number)
    return rows


def _fault(text: str) -> Fault:
    """One --fault.

    Raises:
        ValueError: an unknown name or option, or a value that does not fit.
    """
    name, *pairs = text.split(",")
    values: dict[str, object] = {"name": name}
    for pair in pairs:
        key, _, value = pair.partition("=")
        values[key] = {"true": True, "false": False}.get(value, value)
    unknown = set(values) - set(Fault.__dataclass_fields__)
    if unknown:
        raise ValueError(f"--fault {text}: no option {min(unknown)!r}")
    try:
        return msgspec.convert(values, Fault, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"--fault {text}: {error}") from error


def _options(arguments: argparse.Namespace) -> Options:
    try:
        zone = ZoneInfo(arguments.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"--zone {arguments.zone}: no such time zone") from error
    user = ApiUser(
        os.environ.get("WMS_EMULATOR_USERNAME", "tap_user"),
        os.environ.get("WMS_EMULATOR_PASSWORD", "emulator"),
        zone=zone,
        rows_per_page=arguments.rows_per_page,
        forbidden=frozenset(arguments.forbid),
        facilities=frozenset(arguments.facilities) if arguments.facilities else None,
        password_life_days=arguments.password_life_days,
        client_id=os.environ.get("WMS_EMULATOR_CLIENT_ID", "emulator_client"),
        client_secret=os.environ.get("WMS_EMULATOR_CLIENT_SECRET", "emulator_secret"),
        token_life_s=arguments.token_life_s,
    )
    templates = arguments.templates or os.environ.get(TEMPLATES_VARIABLE)
    return Options(
        user=user,
        port=arguments.port,
        admin_port=arguments.admin_port,
        tls=not arguments.plain,
        seed=arguments.seed,
        rows=_rows(arguments.rows),
        release=arguments.release,
        faults=tuple(map(_fault, arguments.fault)),
        state_dir=arguments.state_dir,
        templates=Path(templates) if templates else None,
    )


async def _serve(options: Options, parent_pid: int | None) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with Emulator(options) as emulator:
        ready = {
            "ready": True,
            "product": "wms-emulator",
            "pid": os.getpid(),
            "port": emulator.port,
            "admin_port": emulator.admin_port,
            "base_url": emulator.base_url,
            "build_s": emulator.build_s,
            "ca_file": str(emulator.ca_file) if emulator.ca_file else None,
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        watch = asyncio.create_task(watch_parent(parent_pid, stop)) if parent_pid else None
        await stop.wait()
        if watch is not None:
            watch.cancel()


def main() -> int:
    """Run the command; the exit code."""
    arguments = _parser().parse_args()
    try:
        asyncio.run(_serve(_options(arguments), arguments.parent_pid))
    except (StateError, InternalError, ValueError, OSError) as error:
        sys.stderr.write(f"wms-emulator: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
