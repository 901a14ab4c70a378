"""The target beside an ordinary one on the SDK's SQLSink: CPU seconds for the same records.

Both read the same lines and write to the same emulator, as a sink: the server costs less than the
driver, and tells how many rows came. That the rows are the right ones is shown at a smaller size
on an emulator that keeps them. The baseline runs on fewer records: what each of them costs does
not change with their number (README.md), and its start is measured apart and taken in once.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import oracledb

from benchmarks import messages, oracle
from benchmarks.harness import Figure
from benchmarks.wms import Usage
from flext_target_oracle.settings import Settings

ROWS = 200_000
BASELINE_ROWS = 50_000
COMPARED_ROWS = 3_000
ROUNDS = 2
BATCH_ROWS = 10_000
_UNIT = "CPU s per 100,000 records"
_OURS = {"protocol": "tcp", "schema": "OIC"}
_TUNED = {"validate_records": False}
_LARGE = {"batch_size": BATCH_ROWS, "batch_bytes": 64 * 1024 * 1024}


def run() -> list[Figure]:
    """Measure the target and both ways of the baseline in turns on one emulator."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _compare(folder)
        all_lines = messages.write(folder / "all", ROWS)
        few = messages.write(folder / "few", BASELINE_ROWS)
        one = messages.write(folder / "one", 1)
        ours: list[Usage] = []
        defaults: list[float] = []
        tuned: list[float] = []
        with oracle.account(sink=True) as account:
            for _ in range(ROUNDS):
                ours.append(_arrived(account, all_lines, folder, "FLEXT_G_", ROWS))
                for found, command, settings in (
                    (defaults, oracle.BASELINE, {}),
                    (tuned, oracle.FAST_BASELINE, _TUNED),
                ):
                    start_s = oracle.run(command, account, one, folder, **settings).cpu_s
                    account.forget_statistics()
                    some_s = oracle.run(command, account, few, folder, **settings).cpu_s
                    _check(account.rows_sent("ORDER_DTL_TMP"), BASELINE_ROWS, command[2])
                    found.append(start_s + (some_s - start_s) * ROWS / BASELINE_ROWS)
            large = _arrived(account, all_lines, folder, "FLEXT_G_", ROWS, **_LARGE)
            driver_s = _driver_s(account)
        direct = _direct(folder, few) if "direct_path_rows" in Settings.model_fields else []
        figures = _figures(ours, defaults, tuned, driver_s, _decode_s(few))
        note = "the baseline's batch size; its bounds hold for our default of 1,000"
        per_100k = large.cpu_s * 100_000 / ROWS
        return [*figures, Figure("target, batches of 10,000", per_100k, _UNIT, note), *direct]


def _figures(
    ours: list[Usage], defaults: list[float], tuned: list[float], driver_s: float, decode_s: float
) -> list[Figure]:
    mine, usual, better = (
        statistics.median(values) * 100_000 / ROWS
        for values in ([each.cpu_s for each in ours], defaults, tuned)
    )
    peak = max(each.peak_mib for each in ours)
    return [
        Figure("target", mine, _UNIT, "SQLSink; start included"),
        Figure("baseline, defaults", usual, _UNIT, "36 to 38 of target-postgres elsewhere"),
        Figure("baseline, tuned", better, _UNIT, "12 to 13 of target-postgres elsewhere"),
        Figure("this machine", decode_s, _UNIT, "decoding the lines; 0.43 where those were"),
        Figure("ratio, defaults", usual / mine, "times cheaper", "same run", floor=8.0),
        Figure("ratio, tuned", better / mine, "times cheaper", "same run", floor=4.0),
        Figure("bare driver", driver_s, _UNIT, "array insert of the rows, already in memory"),
        Figure("above the driver", mine / driver_s, "times", "the target, start included"),
        Figure("peak memory", peak, "MiB", "of the process", ceiling=300.0),
    ]


def _arrived(
    account: oracle.Account, lines: Path, folder: Path, table: str, rows: int, **settings: object
) -> Usage:
    account.forget_statistics()
    usage = oracle.run(oracle.TARGET, account, lines, folder, **_OURS, **settings)
    _check(account.rows_sent(table), rows, "the target")
    return usage


def _check(found: int, wanted: int, who: str) -> None:
    if found != wanted:
        raise AssertionError(f"{who}: {found} of {wanted} rows arrived")


def _compare(folder: Path) -> None:
    """Load the same lines by all three, and compare every value of all tables."""
    lines = messages.write(folder / "compared", COMPARED_ROWS)
    wanted = [messages.row(n) for n in range(COMPARED_ROWS)]
    names = ", ".join(messages.COLUMNS)
    with oracle.account(sink=False) as account:
        for command, table, settings in (
            (oracle.TARGET, "WMS_ORDER_DTL", _OURS),
            (oracle.BASELINE, "ORDER_DTL", {}),
            (oracle.FAST_BASELINE, "ORDER_DTL", _TUNED),
        ):
            oracle.run(command, account, lines, folder, **settings)
            with account.connect() as connection, connection.cursor() as cursor:
                cursor.outputtypehandler = _exact
                found = cursor.execute(f"SELECT {names} FROM {table} ORDER BY ID").fetchall()
                if found != wanted:
                    wrong = sum(a != b for a, b in zip(found, wanted, strict=False))
                    raise AssertionError(f"{table}: {len(found)} rows, {wrong} of them differ")
                cursor.execute(f"DELETE FROM {table}")
                connection.commit()


def _exact(cursor: oracledb.Cursor, metadata: oracledb.FetchInfo) -> Any:
    if metadata.type_code is oracledb.DB_TYPE_NUMBER:
        return cursor.var(Decimal, arraysize=cursor.arraysize)
    return None


def _driver_s(account: oracle.Account) -> float:
    """CPU seconds of the driver alone for 100,000 rows, in batches of 10,000."""
    names = ", ".join(messages.COLUMNS)
    places = ", ".join(f":{n + 1}" for n in range(len(messages.COLUMNS)))
    spent_s = 0.0
    with account.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE BARE ({', '.join(messages.ORACLE_COLUMNS)})")
        for first in range(0, ROWS, BATCH_ROWS):
            rows = [messages.row(n) for n in range(first, first + BATCH_ROWS)]
            cursor.setinputsizes(*messages.bind_types())
            began_s = time.process_time()
            cursor.executemany(f"INSERT INTO BARE ({names}) VALUES ({places})", rows)
            connection.commit()
            spent_s += time.process_time() - began_s
    return spent_s * 100_000 / ROWS


def _decode_s(lines: Path) -> float:
    """CPU seconds to decode 100,000 of the lines: tells one machine from another."""
    decoder, taken = msgspec.json.Decoder(), []
    with lines.open("rb") as source:
        some = source.readlines()[:20_000]
    for _ in range(3):
        began_s = time.process_time()
        for line in some:
            decoder.decode(line)
        taken.append(time.process_time() - began_s)
    return statistics.median(taken) * 100_000 / len(some)


def _direct(folder: Path, lines: Path) -> list[Figure]:
    """The target by direct path, which needs a server that keeps what is staged."""
    settings = {"direct_path_rows": 1, **_LARGE}
    with oracle.account(sink=False) as account:
        usage = oracle.run(oracle.TARGET, account, lines, folder, **_OURS, **settings)
        with account.connect() as connection, connection.cursor() as cursor:
            (found,) = cursor.execute("SELECT COUNT(*) FROM WMS_ORDER_DTL").fetchone()
        _check(found, BASELINE_ROWS, "the target by direct path")
    per_100k = usage.cpu_s * 100_000 / BASELINE_ROWS
    return [
        Figure("target, direct path", per_100k, _UNIT, f"{BASELINE_ROWS} records, start included"),
        Figure("direct path, peak memory", usage.peak_mib, "MiB", "of the process", ceiling=300.0),
    ]
