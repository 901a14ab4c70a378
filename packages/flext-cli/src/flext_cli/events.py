"""The events of the command `flext`. Nothing is decided or written here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flext_observability import Counter, Event, Level, Metric


@dataclass(frozen=True)
class RunSkipped(Event):
    """A turn of `flext run` did not begin, since another run holds a scope of the job."""

    metrics: ClassVar[tuple[Metric, ...]] = (Counter("runs_skipped"),)

    job: str
    scope: str
    reason: str


@dataclass(frozen=True)
class RecordLost(Event):
    """A run ended and its record or its metrics could not be written; the run itself is as said."""

    level: ClassVar[Level] = "ERROR"

    job: str
    reason: str


@dataclass(frozen=True)
class RefreshUnfinished(Event):
    """A refresh of one of the job's streams began and did not end: rows may be missing."""

    level: ClassVar[Level] = "WARNING"

    job: str
    environment: str
    refreshed: str
    begun_at: str
    remedy: str


@dataclass(frozen=True)
class LeftoversRemoved(Event):
    """Copies of settings that a killed Meltano had left, secrets included, were removed."""

    level: ClassVar[Level] = "WARNING"

    files: int
    folder: str


@dataclass(frozen=True)
class AlertSent(Event):
    """A hook took the alerts that began, lasted or ended."""

    hook: str
    job: str
    firing: tuple[str, ...]
    resolved: tuple[str, ...]


@dataclass(frozen=True)
class AlertLost(Event):
    """A hook did not take the alerts, or one could not be looked for; the next run tries again."""

    level: ClassVar[Level] = "ERROR"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("alerts_lost"),)

    hook: str
    job: str
    reason: str
