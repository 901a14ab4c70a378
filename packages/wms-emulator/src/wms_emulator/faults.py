"""Bad days as named options: which fault meets which request, decided by a seed.

Acting on a fault is http.py's matter.
"""

import random
from dataclasses import asdict, dataclass
from enum import Enum


class FaultName(Enum):
    """What can go wrong."""

    LATENCY = "latency"  # the answer waits latency_s
    STATUS = "status"  # an error answer with `status`, JSON, or HTML as proxies send it
    RESET = "reset"  # the connection is reset before any answer
    CUT = "cut"  # the connection ends after cut_at of the answer's bytes
    INVALID_JSON = "invalid_json"  # 200, yet the body is no JSON


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it meets requests whose target contains `match` and that the lot chooses."""

    name: FaultName
    match: str = ""
    ratio: float = 1.0  # of the matching requests
    times: int | None = None  # at most so often; None without end
    after: int = 0  # leave this many matching requests alone first
    latency_s: float = 0.0
    status: int = 503
    html: bool = False
    retry_after_s: int | None = None
    cut_at: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ValueError: a number outside its range.
        """
        if not 0 <= self.ratio <= 1 or not 0 <= self.cut_at < 1:
            raise ValueError("ratio must be in 0..1 and cut_at in 0..1 (1 excluded)")
        if self.latency_s < 0 or not 400 <= self.status <= 599:
            raise ValueError("latency_s must not be negative, status must be 400..599")


class Plan:
    """The faults in force, with what each has seen and done."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._faults: list[Fault] = []
        self._seen: list[int] = []
        self._fired: list[int] = []
        self._lots: list[random.Random] = []

    def set(self, faults: list[Fault], seed: int | None = None) -> None:
        """Replace the plan; counters and lots start anew."""
        self.seed = self.seed if seed is None else seed
        self._faults = list(faults)
        self._seen = [0] * len(faults)
        self._fired = [0] * len(faults)
        # Not for secrets: reproducible lots are the point.
        self._lots = [random.Random(f"{self.seed}/{n}") for n in range(len(faults))]  # noqa: S311 - a seeded simulation

    def decide(self, target: str) -> list[Fault]:
        """The faults that meet this request, in plan order."""
        met = []
        for number, fault in enumerate(self._faults):
            if fault.match not in target:
                continue
            self._seen[number] += 1
            chosen = self._lots[number].random() < fault.ratio
            spent = fault.times is not None and self._fired[number] >= fault.times
            if chosen and not spent and self._seen[number] > fault.after:
                self._fired[number] += 1
                met.append(fault)
        return met

    def shown(self) -> dict[str, object]:
        """The plan and its counters, fit for JSON."""
        rows = zip(self._faults, self._seen, self._fired, strict=True)
        return {
            "seed": self.seed,
            "faults": [
                {**asdict(fault), "name": fault.name.value, "seen": seen, "fired": fired}
                for fault, seen, fired in rows
            ],
        }
