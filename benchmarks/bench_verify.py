"""What comparing a million rows costs `flext verify`, beside what reading them costs the tap.

Both read the same emulator over HTTPS. The Oracle end is made by tap and target and then filled by
array inserts of what its rows should be, so that everything agrees and every row is looked at. CPU
is that of the process `flext verify` (Oracle's own work is Oracle's), memory its largest size.
FLEXT_BENCH_VERIFY_ROWS makes it smaller for a first look.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import oracledb

from benchmarks import wms
from benchmarks.harness import Figure
from flext_cli.verify import columns, reading
from flext_cli.verify.rows import Rows, compiled
from oracle_emulator.testing import RunningServer, running_server

ROWS = int(os.environ.get("FLEXT_BENCH_VERIFY_ROWS", "1000000"))
ENTITY, TABLE, OWNER = "allocation", "WMS_ALLOCATION", "OIC"
_PASSWORD = "bench-only-1"  # of an account in an emulator that is gone afterwards
_TARGET = (sys.executable, "-m", "flext_target_oracle", "--config=ENV")
_FILL_ROWS = 10_000


def run() -> list[Figure]:
    """Fill both ends with the same rows, then measure the tap and the comparison."""
    with (
        wms.emulator({ENTITY: ROWS}, plain=False) as ready,
        running_server() as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        root = Path(folder)
        environ = _environ(ready, server, root)
        _make_table(server, environ, root)
        _fill(server, environ)
        tap = wms.run(wms.TAP, ready, root / "out", sync_mode="full", entities=[ENTITY])
        (root / "out").unlink()
        verified = _verify(environ, root)
    per_million = 1_000_000 / ROWS
    compared, mine = f"{ROWS:,} rows", verified.cpu_s * per_million
    return [
        Figure("verify", mine, "CPU s per million rows", compared),
        Figure("tap", tap.cpu_s * per_million, "CPU s per million rows", "the same rows"),
        Figure("ratio", verified.cpu_s / tap.cpu_s, "of the tap's CPU", "same run", ceiling=3.0),
        Figure("memory", verified.peak_mib, "MiB at most", compared, ceiling=200.0),
        Figure("speed", ROWS / verified.wall_s, "rows/s", "both ends on this machine"),
    ]


def _environ(ready: Mapping[str, Any], server: RunningServer, root: Path) -> dict[str, str]:
    """What a user's `.env` would say, in a workspace of its own."""
    tap, target = "FLEXT_TAP_ORACLE_WMS_", "FLEXT_TARGET_ORACLE_"
    (root / "meltano.yml").write_text("environments: [{name: dev}]\ndefault_environment: dev\n")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLEXT_", "MELTANO_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {
        **kept,
        "FLEXT_WORKSPACE": str(root),
        f"{tap}BASE_URL": ready["base_url"],
        f"{tap}USERNAME": wms.USERNAME,
        f"{tap}PASSWORD": wms.PASSWORD,
        f"{tap}CA_FILE": ready["ca_file"],
        f"{tap}ENTITIES": json.dumps([ENTITY]),
        f"{target}HOST": "localhost",
        f"{target}PORT": str(server.tcps_port),
        f"{target}SERVICE_NAME": server.service_name,
        f"{target}USER": OWNER,
        f"{target}PASSWORD": _PASSWORD,
        f"{target}CA_FILE": str(server.ca_file),
    }


def _make_table(server: RunningServer, environ: Mapping[str, str], root: Path) -> None:
    """The table as the pipeline makes it, without rows."""
    system = _connected(server, "system", server.system_password)
    with system as connection, connection.cursor() as cursor:
        cursor.execute(
            f'CREATE USER {OWNER} IDENTIFIED BY "{_PASSWORD}" DEFAULT TABLESPACE USERS'
            " QUOTA UNLIMITED ON USERS"
        )
        cursor.execute(f"GRANT CREATE SESSION, CREATE TABLE TO {OWNER}")
    one = {**environ, "FLEXT_TAP_ORACLE_WMS_RECORD_LIMIT": "1"}
    tap = subprocess.run(
        [*wms.TAP, "--config=ENV"], env=one, stdout=subprocess.PIPE, check=True, cwd=root
    )
    subprocess.run(
        _TARGET, env=environ, input=tap.stdout, stdout=subprocess.DEVNULL, check=True, cwd=root
    )
    with _connected(server, OWNER, _PASSWORD) as connection, connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE TABLE {TABLE}")


def _fill(server: RunningServer, environ: Mapping[str, str]) -> None:
    """Insert what the table should hold, by the rules that the comparison has too."""
    from flext_cli import clock, ends
    from flext_tap_oracle_wms import settings as tap_settings

    with (
        ends.opened(
            tap_settings.from_environment(environ), ends.target_config(environ), workers=1
        ) as both,
        _connected(server, OWNER, _PASSWORD) as connection,
        connection.cursor() as cursor,
    ):
        listing = reading.listing(both.ends.wms, both.ends.settings, ENTITY, clock.now())
        with both.ends.oracle.session("fill") as session:
            live = reading.live_columns(session, OWNER, TABLE)
        arranged = columns.arrange(live, listing.types)
        kinds = {"TIMESTAMP": oracledb.DB_TYPE_TIMESTAMP, "NUMBER": oracledb.DB_TYPE_NUMBER}
        names = ", ".join(f'"{column.name}"' for column in arranged)
        places = ", ".join(f":{number + 1}" for number in range(len(arranged)))
        cursor.setinputsizes(*[kinds.get(c.type, oracledb.DB_TYPE_VARCHAR) for c in arranged])
        insert = f"INSERT INTO {TABLE} ({names}) VALUES ({places})"
        pages = reading.pages(listing, above=0, up_to=10**12, page_size=1000)
        filled = 0
        for rows in _batches(compiled(arranged, last=0), pages):
            cursor.executemany(insert, rows)
            connection.commit()
            filled += len(rows)
    if filled != ROWS:
        raise AssertionError(f"{filled} rows where {ROWS} were expected")


def _batches(convert: Rows, pages: Iterator[list[dict[str, Any]]]) -> Iterator[list[Any]]:
    while some := list(itertools.islice(pages, _FILL_ROWS // 1000)):
        yield [row[:-1] for page in some for row in convert(page)]


def _verify(environ: Mapping[str, str], root: Path) -> wms.Usage:
    command = [sys.executable, "-m", "flext_cli", "verify", ENTITY, "--everything", "--volatile"]
    started_s = time.monotonic()
    with (root / "report").open("wb") as report:
        process = subprocess.Popen(
            [*command, "--days", "0", "--json"], env=environ, cwd=root, stdout=report
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    found = json.loads((root / "report").read_text())["streams"][0]
    if process.returncode or found["compared"] != ROWS or found["columns_not_compared"]:
        raise AssertionError(f"verify ended with {process.returncode}: {found}")
    seconds = time.monotonic() - started_s
    return wms.Usage(usage.ru_utime + usage.ru_stime, seconds, usage.ru_maxrss / 1024)


def _connected(server: RunningServer, user: str, password: str) -> oracledb.Connection:
    return oracledb.connect(user=user, password=password, dsn=server.dsn)
