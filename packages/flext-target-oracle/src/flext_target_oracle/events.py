"""What the target tells: one frozen dataclass per event. Nothing is emitted here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flext_observability import Counter, Event, Level, Metric, Timing


@dataclass(frozen=True)
class RunStarted(Event):
    """The target holds the lease of its scope and reads its input."""

    scope: str
    load_method: str


@dataclass(frozen=True)
class FenceTaken(Event):
    """The run took a table's fence: an older run of the scope can commit nothing more."""

    stream: str
    table: str
    fence: int
    run_before: str | None


@dataclass(frozen=True)
class StreamPrepared(Event):
    """A stream's table is as its schema needs it; `statements` DDL made it so."""

    stream: str
    table: str
    columns: int
    statements: int


@dataclass(frozen=True)
class DdlNeeded(Event):
    """Setting ddl is off, and a DBA must run these statements before the stream can be loaded."""

    level: ClassVar[Level] = "ERROR"

    stream: str
    ddl: str


@dataclass(frozen=True)
class ColumnWidened(Event):
    """A VARCHAR2 column became a CLOB because a text did not fit it."""

    level: ClassVar[Level] = "WARNING"

    stream: str
    column: str


@dataclass(frozen=True)
class StreamAppended(Event):
    """A stream without key cannot be merged: its rows are appended, repeats included."""

    level: ClassVar[Level] = "WARNING"

    stream: str


@dataclass(frozen=True)
class PropertyIgnored(Event):
    """Records have a property that their schema does not declare; it is not loaded."""

    level: ClassVar[Level] = "WARNING"

    stream: str
    property_name: str


@dataclass(frozen=True)
class BatchCommitted(Event):
    """A batch is durable."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        Counter("batches"),
        Counter("records", "rows_received"),
        Counter("rows_inserted", "rows_inserted"),
        Counter("rows_updated", "rows_updated"),
        Counter("rows_unchanged", "rows_unchanged"),
        Counter("rows_stale", "rows_stale"),
        Counter("rows_rejected", "rows_rejected"),
        Timing("batch_seconds", "seconds"),
        Timing("stage_seconds", "stage_seconds"),
        Timing("apply_seconds", "apply_seconds"),
        Timing("commit_seconds", "commit_seconds"),
    )

    stream: str
    sequence: int
    rows_received: int
    rows_inserted: int
    rows_updated: int
    rows_unchanged: int
    rows_stale: int
    rows_rejected: int
    seconds: float
    stage_seconds: float
    apply_seconds: float
    commit_seconds: float


@dataclass(frozen=True)
class OlderRowsFound(Event):
    """Rows came that differ from the stored ones and are older: the table keeps the newer ones."""

    level: ClassVar[Level] = "WARNING"

    stream: str
    rows: int


@dataclass(frozen=True)
class LeaseKept(Event):
    """The leases of `tables` tables could not be ended in the database: they end by themselves."""

    level: ClassVar[Level] = "WARNING"

    tables: int
    code: str


@dataclass(frozen=True)
class RowRejected(Event):
    """A row was refused and kept in FLEXT_REJECTS."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("rejects", label="code"),)

    stream: str
    column: str
    code: str


@dataclass(frozen=True)
class BatchRetried(Event):
    """A batch was not applied and is tried again."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("batch_retries", label="code"),)

    stream: str
    sequence: int
    attempt: int
    code: str


@dataclass(frozen=True)
class DirectPathRefused(Event):
    """A batch could not go by direct path: it and the stream's later ones go by array insert."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("direct_path_refused", label="code"),)

    stream: str
    sequence: int
    code: str
    reason: str


@dataclass(frozen=True)
class DoubtSettled(Event):
    """A connection was lost around a commit, and the fence told what had happened."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("doubts_settled"),)

    stream: str
    sequence: int
    was_committed: bool


@dataclass(frozen=True)
class VersionKept(Event):
    """An ACTIVATE_VERSION removed nothing, and why."""

    stream: str
    version: int
    reason: str


@dataclass(frozen=True)
class LoadEnded(Event):
    """A load is complete: rows it lacks are removed or marked, its shadow is in the table."""

    metrics: ClassVar[tuple[Metric, ...]] = (Counter("rows_removed", "rows_removed"),)

    stream: str
    version: int
    rows_inserted: int
    rows_updated: int
    rows_removed: int


@dataclass(frozen=True)
class ShadowKept(Event):
    """The input ended before the load was complete: the table is as it was, the shadow waits."""

    level: ClassVar[Level] = "WARNING"

    stream: str
    version: int


@dataclass(frozen=True)
class StateWritten(Event):
    """A STATE line went out: what it says is durable."""

    level: ClassVar[Level] = "DEBUG"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("states_written"),)

    streams: int


@dataclass(frozen=True)
class RunEnded(Event):
    """All input is durable."""

    metrics: ClassVar[tuple[Metric, ...]] = (Timing("run_seconds", "seconds"),)

    seconds: float
    lines: int


@dataclass(frozen=True)
class RunFailed(Event):
    """The run ends with an error; what is durable stands in the last STATE line."""

    level: ClassVar[Level] = "ERROR"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("errors", label="error_class"),)

    error_class: str
    code: str
    error: str
