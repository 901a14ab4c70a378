"""The tap's events: one dataclass each, named <Noun><PastVerb>, with the metrics it feeds.

Only facts live here; whoever sees one happen emits it through flext_observability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flext_observability.events import Counter, Event, Level, Metric, Timing


@dataclass(frozen=True)
class RequestCompleted(Event):
    """An answer of the WMS arrived whole, whatever its status."""

    level: ClassVar[Level] = "DEBUG"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Counter("requests"),
        Counter("bytes", field="body_bytes"),
        Timing("request_seconds"),
    )
    path: str
    status: int
    body_bytes: int
    seconds: float


@dataclass(frozen=True)
class RequestFailed(Event):
    """A request got no usable answer: no connection, no whole body, or an error status."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("errors", label="error_class"),)
    path: str
    error_class: str
    detail: str
    attempt: int


@dataclass(frozen=True)
class RetryScheduled(Event):
    """The same request goes out again after a pause."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("retries"),)
    path: str
    error_class: str
    attempt: int
    delay_s: float


@dataclass(frozen=True)
class PageHalved(Event):
    """The WMS could not answer in time, so the list is asked for in smaller pages."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("page_shrinks"),)
    path: str
    rows_before: int
    rows_now: int
    error_class: str


@dataclass(frozen=True)
class BudgetChanged(Event):
    """Another number of requests may be in flight: signs of overload, or recovery from it."""

    metrics: ClassVar[tuple[Metric, ...]] = (Counter("budget_changes", label="reason"),)
    in_flight_before: int
    in_flight_now: int
    reason: str


@dataclass(frozen=True)
class RangeDrained(Event):
    """All rows of a range of ids of a full load are on stdout."""

    level: ClassVar[Level] = "DEBUG"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("ranges"),)
    stream: str
    above: int | None
    below: int | None


@dataclass(frozen=True)
class CountCompared(Event):
    """The rows of a completed full load stand beside the API's own count of those that had to be.

    More rows than counted is usual: rows are modified or removed while a load runs.
    """

    stream: str
    records: int
    counted: int


@dataclass(frozen=True)
class CountMissed(Event):
    """Fewer rows were read than the API counts, in an entity where that is not proof of a loss."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("counts_missed"),)
    stream: str
    records: int
    counted: int


@dataclass(frozen=True)
class RangesProbeFailed(Event):
    """Even ranges could not be found out by one way, so another is taken, or one range."""

    level: ClassVar[Level] = "WARNING"
    stream: str
    reason: str


@dataclass(frozen=True)
class EligibilityExtended(Event):
    """The user sees facilities or companies that it did not see; their history has old times."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("eligibility_growths"),)
    entity: str
    ids: tuple[int, ...]
    then: str


@dataclass(frozen=True)
class EligibilityReduced(Event):
    """The user does not see facilities or companies any more; nothing is deleted for that."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("eligibility_shrinks"),)
    entity: str
    ids: tuple[int, ...]


@dataclass(frozen=True)
class EligibilityUnwatched(Event):
    """The user may not read facilities or companies, so their growth cannot be seen."""

    level: ClassVar[Level] = "WARNING"
    entity: str
    reason: str


@dataclass(frozen=True)
class BackfillStarted(Event):
    """Rows outside the bookmark's course are read: as the settings ask, or of new facilities."""

    stream: str
    reason: str


@dataclass(frozen=True)
class BackfillCompleted(Event):
    """Such rows are all on stdout."""

    stream: str
    records: int


@dataclass(frozen=True)
class FiltersChanged(Event):
    """The filters of a stream are not those its state was made with, so it begins anew."""

    level: ClassVar[Level] = "WARNING"
    stream: str


@dataclass(frozen=True)
class PageEmitted(Event):
    """The records of one page are on stdout."""

    level: ClassVar[Level] = "DEBUG"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Counter("records", field="records"),
        Counter("pages"),
        Timing("emit_seconds"),
    )
    stream: str
    records: int
    seconds: float


@dataclass(frozen=True)
class ProgressMade(Event):
    """A stream has been read on, about a second after it last said so; short ones never say so.

    All of it is of this run: records and pages that are on stdout or in files, requests for the
    stream that wait for an answer now, rows there are to read as the WMS counted them (null where
    it was not asked), requests repeated.
    """

    stream: str
    records: int
    pages: int
    in_flight: int
    expected: int | None
    retries: int


@dataclass(frozen=True)
class FileFinished(Event):
    """A file of records is whole and named in a BATCH message."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        Counter("files"),
        Counter("file_bytes", field="file_bytes"),
    )
    stream: str
    file: str
    records: int
    file_bytes: int


@dataclass(frozen=True)
class LeftoversRemoved(Event):
    """Files that a dead run had handed over, and that nobody took, are gone."""

    level: ClassVar[Level] = "WARNING"
    folder: str
    files: int


@dataclass(frozen=True)
class SchemaDrifted(Event):
    """Records carry keys or types that describe does not name; a SCHEMA with them went out."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("schema_drifts"),)
    stream: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class WindowStarted(Event):
    """An incremental window is fixed and its reading begins or resumes."""

    stream: str
    window_from: str | None
    window_to: str
    lookback: str
    resumed: bool


@dataclass(frozen=True)
class WindowDrained(Event):
    """All rows of a window are on stdout; the bookmark is its end."""

    metrics: ClassVar[tuple[Metric, ...]] = (Counter("windows"),)
    stream: str
    window_to: str
    records: int


@dataclass(frozen=True)
class LoadStarted(Event):
    """A full load begins or resumes."""

    stream: str
    started_at: str
    ranges: int
    resumed: bool


@dataclass(frozen=True)
class LoadCompleted(Event):
    """A full load is complete."""

    stream: str
    started_at: str
    records: int


@dataclass(frozen=True)
class StreamSynced(Event):
    """A stream has nothing left to read in this run."""

    metrics: ClassVar[tuple[Metric, ...]] = (Timing("seconds"),)
    stream: str
    records: int
    seconds: float


@dataclass(frozen=True)
class StreamFailed(Event):
    """A stream stopped before its end; its bookmark stays where it was."""

    level: ClassVar[Level] = "ERROR"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("streams_failed"), Timing("seconds"))
    stream: str
    reason: str
    seconds: float


@dataclass(frozen=True)
class EntityDescribed(Event):
    """An entity's fields were read from the WMS."""

    level: ClassVar[Level] = "DEBUG"
    entity: str
    fields: int


@dataclass(frozen=True)
class EntitySkipped(Event):
    """A pattern chose an entity that this user cannot describe; it is left out."""

    level: ClassVar[Level] = "WARNING"
    entity: str
    reason: str


@dataclass(frozen=True)
class DuplicationDetected(Event):
    """Two chosen entities hold the same rows under two names."""

    level: ClassVar[Level] = "WARNING"
    entity: str
    subsets: tuple[str, ...]


@dataclass(frozen=True)
class CacheRefused(Event):
    """The discovery cache on disk was unreadable, so everything is described anew."""

    level: ClassVar[Level] = "WARNING"
    path: str
    reason: str


@dataclass(frozen=True)
class RunTerminated(Event):
    """A signal ended the run after the line in hand; the last STATE is where the next begins."""

    level: ClassVar[Level] = "WARNING"
    signal_number: int


@dataclass(frozen=True)
class RunFailed(Event):
    """The run ended without success; the reason names what to correct."""

    level: ClassVar[Level] = "ERROR"
    reason: str
