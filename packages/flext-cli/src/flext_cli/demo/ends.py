"""Both ends of the demo: emulators as commands, account, settings, changes."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from flext_cli import meltano, oracle, wms
from flext_cli.demo.folder import Folder
from flext_cli.demo.processes import Household
from flext_cli.oracle import OracleEnd
from flext_cli.wms import WmsEnd
from flext_observability import redaction

STREAMS = ("allocation", "order_hdr", "order_dtl", "item", "location", "facility", "order_status")
SCHEMA = "OIC"
TABLE_PREFIX = "WMS_"

_WMS_USER = "demo_user"
#: How many rows of each stream one row of allocation stands for; the rest has its own size.
_SHARES = {"allocation": 1.0, "order_dtl": 0.6, "order_hdr": 0.2, "item": 0.1, "location": 0.1}
_CHANGED_SHARE = 0.05
#: The WMS's clock goes this far behind ours until the changes are made, and is right after them: so
#: they are older than the tap's safety lag (30 s) at once, with no setting changed and no waiting.
#: Beyond 60 s the tap would refuse the skew.
_BEHIND_S = 45.0


@dataclass(frozen=True)
class Ends:
    """Both ends, with the credentials of this demo alone."""

    wms: WmsEnd
    oracle: OracleEnd
    system: OracleEnd

    @property
    def oracle_dsn(self) -> str:
        """The address in the driver's own form."""
        return f"tcps://{self.oracle.host}:{self.oracle.port}/{self.oracle.service_name}"

    def settings(self) -> dict[str, str]:
        """What a user writes into `.env`."""
        tap, target = "FLEXT_TAP_ORACLE_WMS_", "FLEXT_TARGET_ORACLE_"
        return {
            f"{tap}BASE_URL": self.wms.base_url,
            f"{tap}USERNAME": self.wms.username,
            f"{tap}PASSWORD": self.wms.password,
            f"{tap}CA_FILE": self.wms.ca_file,
            f"{tap}ENTITIES": json.dumps(list(STREAMS)),
            f"{target}HOST": self.oracle.host,
            f"{target}PORT": str(self.oracle.port),
            f"{target}SERVICE_NAME": self.oracle.service_name,
            f"{target}USER": self.oracle.user,
            f"{target}PASSWORD": self.oracle.password,
            f"{target}WALLET_LOCATION": self.oracle.wallet_location,
        }


@dataclass(frozen=True)
class Kept:
    """Ends left running: how to reach them, where the passwords are, what to end."""

    ends: Ends
    env_file: str
    pids: tuple[int, ...]


def start(
    household: Household, place: Folder, environ: Mapping[str, str], *, rows: int, keep: bool
) -> Ends:
    """Start both emulators and wait until they are ready.

    Raises:
        EndError: one did not become ready.
    """
    leash = [] if keep else ["--parent-pid", str(os.getpid())]
    wms_password, system_password, owner_password = (secrets.token_urlsafe(18) for _ in range(3))
    for password in (wms_password, system_password, owner_password):
        redaction.register(password)
    sizes = [f"{stream}={max(1, round(rows * share))}" for stream, share in _SHARES.items()]
    children = [
        household.start(
            "wms-emulator",
            [
                str(meltano.executable("wms-emulator")), "serve", "--tls",
                "--state-dir", str(place.root / "wms"),
                "--rows", *sizes, *leash,
            ],
            {
                **environ,
                "WMS_EMULATOR_USERNAME": _WMS_USER,
                "WMS_EMULATOR_PASSWORD": wms_password,
            },
            place.log("wms-emulator"),
        ),
        household.start(
            "oracle-emulator",
            [
                str(meltano.executable("oracle-emulator")), "serve", *leash,
            ],
            {**environ, "ORACLE_EMULATOR_SYSTEM_PASSWORD": system_password},
            place.log("oracle-emulator"),
        ),
    ]  # fmt: skip
    ready = household.await_ready(children)
    system = OracleEnd(
        host="localhost",
        port=int(ready["oracle-emulator"]["tcps_port"]),
        service_name=str(ready["oracle-emulator"]["service_name"]),
        user="SYSTEM",
        password=system_password,
        wallet_location=str(ready["oracle-emulator"]["wallet_location"]),
    )
    both = Ends(
        wms=WmsEnd(
            base_url=str(ready["wms-emulator"]["base_url"]),
            ca_file=str(ready["wms-emulator"]["ca_file"]),
            username=_WMS_USER,
            password=wms_password,
            admin_port=int(ready["wms-emulator"]["admin_port"]),
        ),
        oracle=replace(system, user=SCHEMA, password=owner_password),
        system=system,
    )
    wms.admin(both.wms, "POST", "/clock", {"advance_s": -_BEHIND_S})
    return both


def make_account(both: Ends) -> None:
    """Make the account OIC as a DBA would, by SQL."""
    with oracle.connected(both.system) as connection:
        oracle.make_account(connection, both.oracle.user, both.oracle.password)


def change(both: Ends, *, rows: int) -> None:
    """New rows and updates in every stream that grows, made older than the safety lag."""
    counts = {
        stream: max(1, round(rows * share * _CHANGED_SHARE)) for stream, share in _SHARES.items()
    }
    updates = {stream: 2 * count for stream, count in counts.items()}
    wms.change(both.wms, {"insert": counts, "update": updates})
    wms.admin(both.wms, "POST", "/clock", {"real": True})
