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
        about = (*wms.TAP, "--about")
        wms.run(about, ready, Path(folder) / "about")  # the first start compiles what it imports
        idle = wms.run(about, ready, Path(folder) / "about")
        fault = {"name": "latency", "latency_s": LATENCY_S, "match": "/describe/"}
        wms.admin(ready, "/faults", {"faults": [fault]})
        seconds, cpu_s, catalogs = [], [], []
        for name in ("first", "second"):
            out = Path(folder) / name
            usage = wms.run(
                command, ready, out, entities=[], include=["*"], exclude=["user"], **MORE
            )
            seconds.append(usage.wall_s)
            cpu_s.append(usage.cpu_s)
            catalogs.append(json.loads(out.read_bytes())["streams"])
    if catalogs[0] != catalogs[1] or len(catalogs[0]) < ENTITIES:
        raise AssertionError(f"{len(catalogs[0])} and {len(catalogs[1])} streams")
    described = f"{len(catalogs[0])} entities, {LATENCY_S:g} s each, {IN_FLIGHT} at a time"
    return [
        Figure("first", seconds[0], "s", described, ceiling=60.0),
        Figure("second", seconds[1] - idle.wall_s, "s beside a start", "from disk", ceiling=1.0),
        Figure("second, all of it", cpu_s[1], "CPU s", "the process, imports included"),
        Figure("start", idle.cpu_s, "CPU s", "--about: imports of the SDK for the most part"),
    ]
