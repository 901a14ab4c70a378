"""Bad days as named options: which fault meets which request, decided by a seed.

Acting on a fault is http.py's matter.
"""

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

_SECOND_US = 1_000_000
_DEFAULT_PAGE_SIZE = 25


class FaultName(Enum):
    """What can go wrong."""

    LATENCY = "latency"  # waits latency_s + exponential(spread_s) + per_row_s * page_size
    STATUS = "status"  # an error answer with `status`, JSON, or HTML as proxies send it
    RESET = "reset"  # the connection is reset before any answer
    CUT = "cut"  # the connection ends after cut_at of the answer's bytes
    DRIP = "drip"  # the answer comes drip_bytes at a time, drip_pause_s apart
    INVALID_JSON = "invalid_json"  # 200, yet the body is no JSON
    EMPTY_PAGE = "empty_page"  # a page without rows that names no next one; 204 with no_content
    REPEAT = "repeat"  # the last page of this address once more instead of the one asked for
    EXPIRE = "expire"  # 401, and every access token given out so far is void
    DATE = "date"  # the Date header is off by skew_s; with `via` it is a proxy's
    PARALLEL = "parallel"  # over `limit` calls at a time: 429, or with `queue` they wait
    TLS = "tls"  # the handshake fails; `match` and page sizes play no part


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it meets requests whose target contains `match` that lot and schedule choose."""

    name: FaultName
    match: str = ""
    ratio: float = 1.0  # of the matching requests
    times: int | None = None  # at most so often; None without end
    after: int = 0  # leave this many matching requests alone first
    every: int = 1  # then only every so manieth one
    from_s: float | None = None  # only so long after the plan was set, by the emulator's clock
    until_s: float | None = None
    page_size_over: int | None = None  # only where more rows a page are asked for
    latency_s: float = 0.0
    spread_s: float = 0.0
    per_row_s: float = 0.0
    status: int = 503
    html: bool = False
    retry_after_s: int | None = None
    no_content: bool = False
    cut_at: float = 0.5
    drip_bytes: int = 1024
    drip_pause_s: float = 0.1
    skew_s: float = 0.0
    via: str = ""
    limit: int = 10
    queue: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ValueError: a number outside its range.
        """
        if not 0 <= self.ratio <= 1 or not 0 <= self.cut_at < 1:
            raise ValueError("ratio must be in 0..1 and cut_at in 0..1 (1 excluded)")
        if min(self.latency_s, self.spread_s, self.per_row_s, self.drip_pause_s) < 0:
            raise ValueError("times must not be negative")
        if not 400 <= self.status <= 599:
            raise ValueError("status must be 400..599")
        if min(self.every, self.limit, self.drip_bytes) < 1:
            raise ValueError("every, limit and drip_bytes must be 1 or more")


class Met(NamedTuple):
    """A fault that meets a request, with the time that it waits."""

    fault: Fault
    wait_s: float


def page_size_of(target: str) -> int:
    """The page size that an address asks for."""
    text = parse_qs(urlsplit(target).query).get("page_size", [""])[-1]
    usable = text.isascii() and text.isdigit() and len(text) <= 9
    return int(text) if usable else _DEFAULT_PAGE_SIZE


class Plan:
    """The faults in force, with what each has seen and done."""

    def __init__(self, seed: int, now_us: Callable[[], int] = lambda: 0) -> None:
        self.seed = seed
        self._now_us = now_us
        self.set([])

    def set(self, faults: list[Fault], seed: int | None = None) -> None:
        """Replace the plan; counters and lots start anew."""
        self.seed = self.seed if seed is None else seed
        self._set_us = self._now_us()
        self._faults = list(faults)
        self._seen = [0] * len(faults)
        self._fired = [0] * len(faults)
        # Not for secrets: reproducible lots are the point.
        self._lots = [random.Random(f"{self.seed}/{n}") for n in range(len(faults))]  # noqa: S311 - a seeded simulation

    def decide(self, target: str) -> list[Met]:
        """The faults that meet this request, in plan order."""
        if not self._faults:
            return []
        size = page_size_of(target)
        met = []
        for number, fault in enumerate(self._faults):
            small = fault.page_size_over is not None and size <= fault.page_size_over
            if fault.name is FaultName.TLS or fault.match not in target or small:
                continue
            if self._meets(number, fault):
                met.append(Met(fault, self._wait_s(number, fault, size)))
        return met

    def breaks_handshake(self) -> bool:
        """Whether a TLS handshake that starts now fails."""
        met = [
            self._meets(number, fault)
            for number, fault in enumerate(self._faults)
            if fault.name is FaultName.TLS
        ]
        return any(met)

    def _meets(self, number: int, fault: Fault) -> bool:
        self._seen[number] += 1
        drawn = self._lots[number].random()  # always, so that lots do not depend on schedules
        age_s = (self._now_us() - self._set_us) / _SECOND_US
        early = fault.from_s is not None and age_s < fault.from_s
        late = fault.until_s is not None and age_s >= fault.until_s
        turn = self._seen[number] - fault.after
        spent = fault.times is not None and self._fired[number] >= fault.times
        if early or late or spent or turn < 1 or turn % fault.every or drawn >= fault.ratio:
            return False
        self._fired[number] += 1
        return True

    def _wait_s(self, number: int, fault: Fault, page_size: int) -> float:
        spread_s = self._lots[number].expovariate(1 / fault.spread_s) if fault.spread_s else 0.0
        return fault.latency_s + spread_s + fault.per_row_s * page_size

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
