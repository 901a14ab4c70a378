"""The tap beside an ordinary tap on the SDK's RESTStream: CPU seconds for the same records.

Both read the same emulator, plain HTTP, no latency, and must give equal records; the run fails
where they do not. What a process takes to start is measured apart and taken off both.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks import wms
from benchmarks.harness import Figure

ROWS = 20_000
ROUNDS = 3
ENTITY = "allocation"


def run() -> list[Figure]:
    """Measure both taps in turns on one emulator."""
    ours: list[float] = []
    theirs: list[float] = []
    with wms.emulator({ENTITY: ROWS}, plain=True) as ready, tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "ours", Path(folder) / "theirs"
        for _ in range(ROUNDS):
            ours.append(_cpu_s(wms.TAP, ready, out[0], sync_mode="full"))
            theirs.append(_cpu_s(wms.BASELINE, ready, out[1]))
        if _records(out[0]) != _records(out[1]):
            raise AssertionError("the two taps give different records")
    per_100k = 100_000 / ROWS
    mine, baseline = (statistics.median(each) * per_100k for each in (ours, theirs))
    return [
        Figure("tap", mine, "CPU s per 100,000 records", "RESTStream"),
        Figure("baseline", baseline, "CPU s per 100,000 records", "20 to 27 where it was made"),
        Figure("ratio", baseline / mine, "times cheaper", "the baseline, same run", floor=8.0),
    ]


def _cpu_s(command: tuple[str, ...], ready: dict[str, Any], out: Path, **more: object) -> float:
    """CPU seconds for the records: a run's, less those of a run for a handful of rows."""
    usage = wms.run(command, ready, out.with_suffix(".idle"), entities=["company"], **more)
    return wms.run(command, ready, out, entities=[ENTITY], **more).cpu_s - usage.cpu_s


def _records(path: Path) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    with path.open("rb") as lines:
        for line in lines:
            message = json.loads(line, parse_float=Decimal)
            if message["type"] == "RECORD":
                found[message["record"]["id"]] = message["record"]
    if len(found) != ROWS:
        raise AssertionError(f"{path.name}: {len(found)} of {ROWS} records")
    return found
