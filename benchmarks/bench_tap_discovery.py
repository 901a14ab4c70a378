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
TRIES = 5  # of what takes less than a second, since others use the machine
MORE = {"max_concurrency": IN_FLIGHT}


def run() -> list[Figure]:
    """Discover again and again, the catalogs compared."""
    command = (*wms.TAP, "--discover")
    with wms.emulator({}, plain=False) as ready, tempfile.TemporaryDirectory() as folder:
        about = (*wms.TAP, "--about")  # the first start of a machine compiles modules
        starts = [wms.run(about, ready, Path(folder) / "about") for _ in range(TRIES + 1)][1:]
        fault = {"name": "latency", "latency_s": LATENCY_S, "match": "/describe/"}
        wms.admin(ready, "/faults", {"faults": [fault]})
        discoveries, catalogs = [], []
        for number in range(TRIES + 1):
            out = Path(folder) / f"catalog-{number}"
            discoveries.append(
                wms.run(command, ready, out, entities=[], include=["*"], exclude=["user"], **MORE)
            )
            catalogs.append(json.loads(out.read_bytes())["streams"])
    if any(each != catalogs[0] for each in catalogs) or len(catalogs[0]) < ENTITIES:
        raise AssertionError(f"{[len(each) for each in catalogs]} streams")
    first, *later = discoveries
    described = f"{len(catalogs[0])} entities, {LATENCY_S:g} s each, {IN_FLIGHT} at a time"
    whole = f"the whole process, its start included, the best of {TRIES}"
    return [
        Figure("first", first.wall_s, "s", described, ceiling=60.0),
        Figure("second", min(each.wall_s for each in later), "s", whole, ceiling=1.0),
        Figure(
            "second, CPU",
            min(each.cpu_s for each in later),
            "CPU s",
            "the same, whoever else uses the machine",
            ceiling=1.0,
        ),
        Figure("start", min(each.cpu_s for each in starts), "CPU s", "--about: imports, mostly"),
    ]
