"""What a row costs oracle-emulator: 20 columns, in CPU seconds of the server.

The same rows from the same list of tuples go by executemany and by direct path load to a server
that throws values away and to one that stores them. Direct path must not cost more.
The client's own CPU in the same run stands beside: the server is a fit instrument for measuring a
loader as long as it is not what the loader waits for. CPU is that of the server's process and of
the PostgreSQL below it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import oracledb

from benchmarks.harness import Figure
from oracle_emulator.testing import RunningServer, running_server

BATCH_ROWS = 10_000
SINK_ROWS, INSERT_ROWS = 300_000, 60_000
SINK_CEILING_S, INSERT_CEILING_S = 4.0, 40.0
_TICKS_PER_S = 100  # of /proc/PID/stat on Linux
_COLUMNS = (
    *("number(18)",) * 5, *("number(38,10)",) * 4, *("varchar2(40)",) * 7, *("date",) * 2,
    *("timestamp(6)",) * 2,
)  # fmt: skip


Send = Callable[[list[tuple[Any, ...]]], None]


def run() -> list[Figure]:
    """Measure both ways of taking rows."""
    sink = _measure("sink", SINK_ROWS, ["--sink"], SINK_CEILING_S)
    return sink + _measure("full insert", INSERT_ROWS, [], INSERT_CEILING_S)


def _measure(name: str, row_count: int, options: list[str], ceiling_s: float) -> list[Figure]:
    rows = [_row(n) for n in range(BATCH_ROWS)]
    with running_server(options=options) as server:
        credentials = {"user": "system", "password": server.system_password, "dsn": server.dsn}
        with oracledb.connect(**credentials) as connection, connection.cursor() as cursor:
            columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(_COLUMNS))
            cursor.execute(f"create table bench ({columns})")
            array = _timed(server, rows, row_count, _by_array(connection, cursor))
            direct = _timed(server, rows, row_count, _by_direct_path(connection))
    return _figures(name, row_count, array, ceiling_s) + _figures(
        f"{name} by direct path", row_count, direct, ceiling_s
    )


def _by_array(connection: oracledb.Connection, cursor: oracledb.Cursor) -> Send:
    names = ", ".join(f"c{n}" for n in range(len(_COLUMNS)))
    places = ", ".join(f":{n + 1}" for n in range(len(_COLUMNS)))
    statement = f"insert into bench ({names}) values ({places})"
    cursor.setinputsizes(*[None] * 18, *[oracledb.DB_TYPE_TIMESTAMP] * 2)

    def send(rows: list[tuple[Any, ...]]) -> None:
        cursor.executemany(statement, rows)
        connection.commit()

    return send


def _by_direct_path(connection: oracledb.Connection) -> Send:
    names = [f"C{n}" for n in range(len(_COLUMNS))]
    return lambda rows: connection.direct_path_load("SYSTEM", "BENCH", names, rows)


@dataclass(frozen=True, slots=True)
class _Cost:
    server_s: float
    client_s: float
    wall_s: float


def _timed(server: RunningServer, rows: list[tuple[Any, ...]], row_count: int, send: Send) -> _Cost:
    send(rows)  # what is done once is not measured
    server_s, client_s, start = _cpu_s(server), time.process_time(), time.perf_counter()
    for _ in range(row_count // len(rows)):
        send(rows)
    wall_s = time.perf_counter() - start
    return _Cost(_cpu_s(server) - server_s, time.process_time() - client_s, wall_s)


def _figures(name: str, row_count: int, cost: _Cost, ceiling_s: float) -> list[Figure]:
    millions = row_count / 1e6
    unit = "CPU s per million rows"
    return [
        Figure(f"{name}, server", cost.server_s / millions, unit, ceiling=ceiling_s),
        Figure(
            f"{name}, client", cost.client_s / millions, unit, "the driver's own work, same run"
        ),
        Figure(
            f"{name}, speed", row_count / cost.wall_s, "rows/s", "client and server on one machine"
        ),
    ]


def _row(n: int) -> tuple[Any, ...]:
    moment = datetime(2026, 1, 1) + timedelta(seconds=n, microseconds=n)  # noqa: DTZ001  # no zone in Oracle's DATE
    numbers = [10**12 + n + k for k in range(5)]
    decimals = [Decimal(n * 7919 + k).scaleb(-3) for k in range(4)]
    texts = [f"text {k} of row {n}" for k in range(7)]
    day = moment.replace(microsecond=0)
    return (*numbers, *decimals, *texts, day, day, moment, moment)


def _cpu_s(server: RunningServer) -> float:
    """Return the CPU seconds of a server and of all processes below it, the ended ones too."""
    fields = {pid: _stat(pid) for pid in _processes()}
    family = {server.pid}
    while more := {p for p, f in fields.items() if f and int(f[1]) in family} - family:
        family |= more
    used = (fields[pid] for pid in family if fields.get(pid))
    return sum(int(f[column]) for f in used for column in (11, 12, 13, 14)) / _TICKS_PER_S


def _processes() -> Iterable[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """Return what /proc says of a process behind its name; nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
