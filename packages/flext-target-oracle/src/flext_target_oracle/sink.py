"""A stream's open batch: records as they arrive, and when there are enough of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from flext_target_oracle.delivery import Batch
from flext_target_oracle.loader import StreamLoader
from flext_target_oracle.rows import RawBatch
from flext_target_oracle.sql.plan import StreamSchema

#: No version is negative.
UNSEEN = -1


@dataclass(slots=True)
class Sink:
    """One stream of the input.

    Attributes:
        received: how many records came in this run.
        taken: the last number that was given to a batch or a barrier.
        bookmark: its newest bookmark as JSON text.
        size_bytes: of the open batch.
        held_bytes: what it may need in memory, counted against `buffer_bytes`.
        opened_s: when its first record came, by the monotonic clock.
        version: of the open batch's records; UNSEEN before the first one.
        versioned: how many records of that version came.
    """

    source: StreamSchema
    loader: StreamLoader
    received: int = 0
    taken: int = 0
    bookmark: str | None = None
    size_bytes: int = 0
    held_bytes: int = 0
    opened_s: float = 0.0
    version: int | None = UNSEEN
    versioned: int = 0
    _records: list[msgspec.Raw] = field(default_factory=list)
    _extracted: list[str | None] = field(default_factory=list)
    _received_at: list[datetime] = field(default_factory=list)

    def add(
        self,
        record: msgspec.Raw,
        extracted: str | None,
        received_at: datetime,
        size_bytes: int,
        held_bytes: int,
    ) -> None:
        """Take a record into the open batch."""
        self.held_bytes += held_bytes
        self._records.append(record)
        self._extracted.append(extracted)
        self._received_at.append(received_at)
        self.size_bytes += size_bytes
        self.received += 1
        self.versioned += 1

    def __len__(self) -> int:
        return len(self._records)

    def take_number(self) -> int:
        """Return the next place in the order in which the stream's work takes effect."""
        self.taken += 1
        return self.taken

    def close(self, batched_at: datetime) -> Batch:
        """Return the open batch and begin another."""
        raw = RawBatch(self._records, self._extracted, self._received_at, batched_at, self.version)
        self._records, self._extracted, self._received_at = [], [], []
        self.size_bytes = self.held_bytes = 0
        return Batch(raw, self.take_number(), self.received, self.bookmark)
