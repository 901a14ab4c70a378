"""The tap beside an ordinary tap on the SDK's RESTStream: CPU seconds for the same records.

Both read the same emulator in turns, plain HTTP, no latency, and must give equal records; the run
fails where they do not. What a process takes to start is measured apart and taken off both; whole
processes are held to the same bound beside it.
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

#: As many as for the target: so many that a start is little beside them.
ROWS = 200_000
ROUNDS = 2
ENTITY = "allocation"


def run() -> list[Figure]:
    """Measure both taps in turns on one emulator."""
    ours: list[float] = []
    theirs: list[float] = []
    our_starts: list[float] = []
    their_starts: list[float] = []
    with wms.emulator({ENTITY: ROWS}, plain=True) as ready, tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "ours", Path(folder) / "theirs"
        for _ in range(ROUNDS):
            our_starts.append(_start_s(wms.TAP, ready, out[0], sync_mode="full"))
            ours.append(_cpu_s(wms.TAP, ready, out[0], sync_mode="full"))
            their_starts.append(_start_s(wms.BASELINE, ready, out[1]))
            theirs.append(_cpu_s(wms.BASELINE, ready, out[1]))
        if _records(out[0]) != _records(out[1]):
            raise AssertionError("the two taps give different records")
    mine = _per_100_000(ours, our_starts)
    baseline = _per_100_000(theirs, their_starts)
    return [
        _figure("tap", mine, "RESTStream"),
        _figure("baseline", baseline, "20 to 27 where it was made"),
        _figure("ratio", _ratios(baseline, mine), "the baseline, same run", floor=8.0),
        _figure("tap, start", our_starts, "an entity of few rows", unit="CPU s"),
        _figure("baseline, start", their_starts, "an entity of few rows", unit="CPU s"),
        _figure("ratio, starts included", _ratios(theirs, ours), "whole processes", floor=8.0),
    ]


def _per_100_000(runs: list[float], starts: list[float]) -> list[float]:
    return [(run - statistics.median(starts)) * 100_000 / ROWS for run in runs]


def _ratios(theirs: list[float], ours: list[float]) -> list[float]:
    return [b / a for a, b in zip(ours, theirs, strict=True)]


def _figure(
    name: str,
    values: list[float],
    compared_with: str,
    *,
    unit: str | None = None,
    floor: float | None = None,
) -> Figure:
    """Tell the median, and how far the rounds lie from each other."""
    unit = unit or ("times cheaper" if "ratio" in name else "CPU s per 100,000 records")
    spread = f"{min(values):.2f} to {max(values):.2f} in {len(values)} rounds"
    return Figure(name, statistics.median(values), unit, f"{compared_with}; {spread}", floor=floor)


def _cpu_s(command: tuple[str, ...], ready: dict[str, Any], out: Path, **more: object) -> float:
    return wms.run(command, ready, out, entities=[ENTITY], **more).cpu_s


def _start_s(command: tuple[str, ...], ready: dict[str, Any], out: Path, **more: object) -> float:
    few = out.with_suffix(".few")
    return wms.run(command, ready, few, entities=["company"], **more).cpu_s


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
