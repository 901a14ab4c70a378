"""Typed events, structured logs on stderr, metrics and run records for FLEXT.

The public surface; it knows no product. `redaction`, `metrics`, `runs` and `testing` are used as
modules.
"""

from flext_observability import metrics, redaction, runs
from flext_observability.context import bound, run_id_from_env
from flext_observability.context import set_process as set_process_context
from flext_observability.events import Counter, Event, Level, Metric, Timing
from flext_observability.logs import configure, emit, emit_metrics

__all__ = [
    "Counter",
    "Event",
    "Level",
    "Metric",
    "Timing",
    "bound",
    "configure",
    "emit",
    "emit_metrics",
    "metrics",
    "redaction",
    "run_id_from_env",
    "runs",
    "set_process_context",
]
