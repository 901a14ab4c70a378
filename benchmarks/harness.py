"""What every benchmark shares: figures, the machine's facts and the result file.

A benchmark is a module `benchmarks/bench_<name>.py` with a function `run() -> list[Figure]`. None
lives here. What a thing costs is told in CPU seconds, not in wall time.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import benchmarks

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `floor` is the least that passes, `ceiling` the most; None: no bound."""

    name: str
    value: float
    unit: str
    compared_with: str = ""
    floor: float | None = None
    ceiling: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the figure is on the right side of its bounds."""
        if self.floor is not None and self.value < self.floor:
            return False
        return self.ceiling is None or self.value <= self.ceiling


def names() -> list[str]:
    """Return the names of all benchmarks, sorted."""
    found = (m.name for m in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(
        n.removeprefix("bench_").replace("_", "-") for n in found if n.startswith("bench_")
    )


def run(name: str) -> list[Figure]:
    """Run one benchmark by name and write its result file. Raises KeyError for an unknown name."""
    if name not in names():
        raise KeyError(name)
    module = importlib.import_module(f"benchmarks.bench_{name.replace('-', '_')}")
    figures: list[Figure] = module.run()
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(
        {"benchmark": name, "machine": machine(), "figures": [asdict(f) for f in figures]}, indent=2
    )
    (RESULTS / f"{name}.json").write_text(text + "\n")
    return figures


def machine() -> dict[str, object]:
    """Return the facts that a figure depends on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            ln.split(":", 1)[1].strip()
            for ln in info.read_text().splitlines()
            if ln.startswith("model name")
        ]
        cpu = models[0] if models else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def cpu_seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Return the median CPU seconds that one call of `work` takes, after one uncounted call."""
    work()
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)
