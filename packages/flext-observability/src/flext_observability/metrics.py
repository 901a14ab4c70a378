"""Sums and timings per stream, fed by events and by nothing else.

One instance serves the process (`feed`, `snapshot`, `reset`); it is safe under threads. No
exporter lives here: `singer_points` gives the values, others write them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypedDict

from flext_observability.context import current
from flext_observability.events import Counter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flext_observability.events import Event

#: The key of what belongs to no stream.
NO_STREAM = ""


class TimingStats(TypedDict):
    """How often, how long in all and how long at most, in seconds."""

    count: int
    seconds: float
    max_seconds: float


class StreamMetrics(TypedDict):
    """What one stream did."""

    counters: dict[str, int | float]
    timings: dict[str, TimingStats]


class Metrics:
    """Counters and timings of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: dict[str, StreamMetrics] = {}

    def feed(self, event: Event) -> None:
        """Add what the event's class declares; the event's stream wins over the context's."""
        if not event.metrics:
            return
        stream = getattr(event, "stream", None) or current()["stream"] or NO_STREAM
        with self._lock:
            values = self._streams.setdefault(stream, {"counters": {}, "timings": {}})
            for metric in event.metrics:
                name = metric.name
                if metric.label is not None:
                    name = f"{name}.{getattr(event, metric.label)}"
                amount = 1 if metric.field is None else getattr(event, metric.field)
                if isinstance(metric, Counter):
                    values["counters"][name] = values["counters"].get(name, 0) + amount
                else:
                    _add_timing(values["timings"], name, amount)

    def snapshot(self) -> dict[str, StreamMetrics]:
        """Return a copy of all values by stream; the key "" holds what belongs to no stream."""
        with self._lock:
            return {
                stream: {
                    "counters": dict(values["counters"]),
                    "timings": {name: stats.copy() for name, stats in values["timings"].items()},
                }
                for stream, values in self._streams.items()
            }

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._streams.clear()


def _add_timing(timings: dict[str, TimingStats], name: str, seconds: float) -> None:
    stats = timings.setdefault(name, {"count": 0, "seconds": 0.0, "max_seconds": 0.0})
    stats["count"] += 1
    stats["seconds"] += seconds
    stats["max_seconds"] = max(stats["max_seconds"], seconds)


_process_metrics = Metrics()
feed = _process_metrics.feed
snapshot = _process_metrics.snapshot
reset = _process_metrics.reset


def total(name: str, stream: str | None = None) -> int | float:
    """Return a counter's value of one stream, or of all streams together."""
    return sum(
        values["counters"].get(name, 0)
        for key, values in snapshot().items()
        if stream is None or key == stream
    )


def singer_points(values: Mapping[str, StreamMetrics]) -> list[dict[str, Any]]:
    """Return a snapshot as the points of Singer METRIC log lines, in a stable order.

    The counter "records" gets Singer's own name, record_count; timings give their total seconds.
    """
    points: list[dict[str, Any]] = []
    for stream, held in sorted(values.items()):
        tags = {"stream": stream} if stream else {}
        for name, value in sorted(held["counters"].items()):
            metric = "record_count" if name == "records" else name
            points.append({"type": "counter", "metric": metric, "value": value, "tags": tags})
        for name, stats in sorted(held["timings"].items()):
            seconds = round(stats["seconds"], 6)
            points.append({"type": "timer", "metric": name, "value": seconds, "tags": tags})
    return points
