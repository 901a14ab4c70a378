"""The last run of each job in Prometheus's text format, as node_exporter reads it.

Run records in, text out; the one thing written here is that file, whole. All values are gauges of
one run: they do not add up over runs, since each run is a process of its own. The names come from
the metrics that events declare, so that whatever is counted is exported too:

- a counter `records` is `flext_last_run_records`, a counter with a label, `errors.timeout`, is
  `flext_last_run_errors{kind="timeout"}`;
- a timing `batch_seconds` is `flext_last_run_batch_seconds`, the number of its measurements
  `flext_last_run_batch_seconds_measurements`, the longest `flext_last_run_batch_seconds_max`; the
  timing `seconds` is `flext_last_run_stream_seconds`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile
from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flext_observability.runs import JobRuns, RunRecord

PREFIX = "flext_last_run"
_OTHER_CHARS = re.compile(r"[^a-z0-9_]")
_STREAM_LABELS = ("job", "stream", "component", "kind")
_JOB_METRICS = {
    f"{PREFIX}_start_timestamp_seconds": "When the last run of the job began.",
    f"{PREFIX}_end_timestamp_seconds": "When the last run of the job ended.",
    f"{PREFIX}_duration_seconds": "How long the last run of the job took, Meltano's part included.",
    f"{PREFIX}_exit_code": "The exit code of the last run of the job; 0 is success.",
    "flext_last_success_timestamp_seconds": "When a run of the job last ended with exit code 0.",
}


class TextfileError(Exception):
    """The file cannot be written; the message names it."""


def render(jobs: Mapping[str, JobRuns]) -> str:
    """Return the text of all metrics of the last run of each job."""
    return generate_latest(_registry(jobs)).decode("utf-8")


def write(path: Path, jobs: Mapping[str, JobRuns]) -> None:
    """Put the text in the file's place by a rename, so that nobody reads half of it.

    Raises:
        TextfileError: the folder cannot be written.
    """
    try:
        write_to_textfile(str(path), _registry(jobs))
        path.chmod(0o644)  # its reader is another user; nothing in it is secret
    except OSError as error:
        raise TextfileError(f"{path} cannot be written: {error.strerror or error}") from error


def _registry(jobs: Mapping[str, JobRuns]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(jobs))
    return registry


class _Collector:
    """What the library asks for the metrics' families."""

    def __init__(self, jobs: Mapping[str, JobRuns]) -> None:
        self._jobs = jobs

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each family once, with the samples of all jobs."""
        families = {
            name: GaugeMetricFamily(name, text, labels=("job",))
            for name, text in _JOB_METRICS.items()
        }
        for job, runs in self._jobs.items():
            for name, value in _job_values(runs):
                families[name].add_metric((job,), value)
            for part in runs.last:
                for name, stream, kind, value in _samples(part):
                    text = (
                        f"{name.removeprefix(f'{PREFIX}_')} of the last run, docs/specs/events.md."
                    )
                    family = families.setdefault(
                        name, GaugeMetricFamily(name, text, labels=_STREAM_LABELS)
                    )
                    family.add_metric((job, stream, part.component, kind), value)
        yield from (families[name] for name in sorted(families) if families[name].samples)


def _job_values(runs: JobRuns) -> Iterator[tuple[str, float]]:
    for part in runs.last:
        if part.job is None or part.ended_at is None or part.exit_code is None:
            continue
        yield f"{PREFIX}_start_timestamp_seconds", part.started_at.timestamp()
        yield f"{PREFIX}_end_timestamp_seconds", part.ended_at.timestamp()
        yield f"{PREFIX}_duration_seconds", (part.ended_at - part.started_at).total_seconds()
        yield f"{PREFIX}_exit_code", part.exit_code
    if runs.succeeded_at is not None:
        yield "flext_last_success_timestamp_seconds", runs.succeeded_at.timestamp()


def _samples(part: RunRecord) -> Iterator[tuple[str, str, str, float]]:
    """Yield name, stream, kind and value of all that a component counted."""
    for stream, values in sorted(part.streams.items()):
        for full, amount in sorted(values.get("counters", {}).items()):
            name, _, kind = full.partition(".")
            yield _name(name), stream, kind, float(amount)
        for full, stats in sorted(values.get("timings", {}).items()):
            name, _, kind = full.partition(".")
            name = _name("stream_seconds" if name == "seconds" else name)
            yield name, stream, kind, stats["seconds"]
            yield f"{name}_max", stream, kind, stats["max_seconds"]
            yield f"{name}_measurements", stream, kind, float(stats["count"])


def _name(metric: str) -> str:
    return f"{PREFIX}_{_OTHER_CHARS.sub('_', metric.lower())}"
