"""How long it takes to describe every entity of a WMS whose every answer takes a second.

The first discovery asks for each, 8 at a time; the second one finds them on disk.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks import wms
from benchmarks.harness import Figure

ENTITIES = 311
LATENCY_S = 1.0
IN_FLIGHT = 8
MORE = {"max_concurrency": IN_FLIGHT}


def run() -> list[Figure]:
    """Discover twice, the catalogs compared."""
    command = (*wms.TAP, "--discover")
    with wms.emulator({}, plain=False) as ready, tempfile.TemporaryDirectory() as folder:
        idle = wms.run((*wms.TAP, "--about"), ready, Path(folder) / "about")
        fault = {"name": "latency", "latency_s": LATENCY_S, "match": "/describe/"}
        wms.admin(ready, "/faults", {"faults": [fault]})
        seconds, catalogs = [], []
        for name in ("first", "second"):
            out = Path(folder) / name
            usage = wms.run(
                command, ready, out, entities=[], include=["*"], exclude=["user"], **MORE
            )
            seconds.append(usage.wall_s)
            catalogs.append(json.loads(out.read_bytes())["streams"])
    if catalogs[0] != catalogs[1] or len(catalogs[0]) < ENTITIES:
        raise AssertionError(f"{len(catalogs[0])} and {len(catalogs[1])} streams")
    described = f"{len(catalogs[0])} entities, {LATENCY_S:g} s each, {IN_FLIGHT} at a time"
    return [
        Figure("first", seconds[0], "s", described, ceiling=60.0),
        Figure("second", seconds[1] - idle.wall_s, "s beside a start", "from disk", ceiling=1.0),
    ]
