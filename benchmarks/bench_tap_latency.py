"""How near the tap comes to what latency allows, and whether its memory stays flat.

Each page of 500 rows waits 300 ms; 8 requests are in flight. Arithmetic allows 500 × 8 / 0.3
records a second; the floor is 90 % of that, the time to start and to discover not counted.
"""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path

from benchmarks import wms
from benchmarks.harness import Figure
from flext_observability import runs

ROWS = 1_000_000
LATENCY_S = 0.3
PAGE_SIZE = 500
IN_FLIGHT = 8
ENTITY = "allocation"


def run() -> list[Figure]:
    """Read a million rows over HTTPS and time it from the first record to the last STATE."""
    with wms.emulator({ENTITY: ROWS}, plain=False) as ready, tempfile.TemporaryDirectory() as tmp:
        fault = {"name": "latency", "latency_s": LATENCY_S, "match": f"/{ENTITY}/?"}
        wms.admin(ready, "/faults", {"faults": [fault]})
        out = Path(tmp) / "out"
        usage = wms.run(
            wms.TAP,
            ready,
            out,
            sync_mode="full",
            entities=[ENTITY],
            page_size=PAGE_SIZE,
            max_concurrency=IN_FLIGHT,
        )
        seconds = _loading_s(out)
        requests = runs.read(Path(tmp), limit=1)[0].streams[ENTITY]["timings"]["request_seconds"]
    rate = ROWS / seconds
    allowed = PAGE_SIZE * IN_FLIGHT / LATENCY_S
    return [
        Figure("rate", rate, "records/s", "500 × 8 / 0.3 s"),
        Figure("share", rate / allowed, "of what latency allows", floor=0.9),
        Figure(
            "in flight", requests["seconds"] / seconds, "requests on average", f"of {IN_FLIGHT}"
        ),
        Figure(
            "answer",
            requests["seconds"] / requests["count"],
            "s per request",
            "0.3 s of latency; the rest is the emulator's work and the wait for a core",
        ),
        Figure(
            "load", os.getloadavg()[0], "processes that want a core", "this machine, at the end"
        ),
        Figure("memory", usage.peak_mib, "MiB at most", "1 million records", ceiling=200.0),
        Figure("cpu", usage.cpu_s * 100_000 / ROWS, "CPU s per 100,000 records"),
    ]


def _loading_s(out: Path) -> float:
    """Seconds from the load's start to its end, as its state says; every row must be there."""
    found = 0
    state: dict[str, str] = {}
    with out.open("rb") as lines:
        for line in lines:
            if line.startswith(b'{"type":"RECORD"'):
                found += 1
            elif line.startswith(b'{"type":"STATE"'):
                state = json.loads(line)["value"]["bookmarks"][ENTITY]["full_load"]
    if found != ROWS:
        raise AssertionError(f"{found} of {ROWS} records")
    start, end = (datetime.fromisoformat(state[key]) for key in ("started_at", "completed_at"))
    return (end - start).total_seconds()
