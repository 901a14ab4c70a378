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
TRIES = 3  # of what takes a second, since others use the machine; the first one compiles modules
MORE = {"max_concurrency": IN_FLIGHT}


def run() -> list[Figure]:
    """Discover twice, the catalogs compared."""
    command = (*wms.TAP, "--discover")
    with wms.emulator({}, plain=False) as ready, tempfile.TemporaryDirectory() as folder:
        about = (*wms.TAP, "--about")
        idle = [wms.run(about, ready, Path(folder) / "about") for _ in range(TRIES + 1)]
        fault = {"name": "latency", "latency_s": LATENCY_S, "match": "/describe/"}
        wms.admin(ready, "/faults", {"faults": [fault]})
        seconds, cpu_s, catalogs = [], [], []
        for number in range(TRIES + 1):
            out = Path(folder) / f"catalog-{number}"
            usage = wms.run(
                command, ready, out, entities=[], include=["*"], exclude=["user"], **MORE
            )
            seconds.append(usage.wall_s)
            cpu_s.append(usage.cpu_s)
            catalogs.append(json.loads(out.read_bytes())["streams"])
    if any(each != catalogs[0] for each in catalogs) or len(catalogs[0]) < ENTITIES:
        raise AssertionError(f"{[len(each) for each in catalogs]} streams")
    described = f"{len(catalogs[0])} entities, {LATENCY_S:g} s each, {IN_FLIGHT} at a time"
    return [
        Figure("first", seconds[0], "s", described, ceiling=60.0),
        Figure(
            "second",
            min(seconds[1:]) - min(each.wall_s for each in idle),
            "s beside a start",
            f"from disk, the best of {TRIES}",
            ceiling=1.0,
        ),
        Figure("second, all of it", min(cpu_s[1:]), "CPU s", "the process, imports included"),
        Figure("start", min(each.cpu_s for each in idle), "CPU s", "--about: the SDK's imports"),
    ]
