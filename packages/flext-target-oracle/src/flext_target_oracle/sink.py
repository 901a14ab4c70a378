"""A stream's open batch: records as they arrive, and when there are enough of them. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

import msgspec

from flext_target_oracle.delivery import Batch
from flext_target_oracle.envelopes import Envelope
from flext_target_oracle.loader import StreamLoader
from flext_target_oracle.rows import Cut, RawBatch
from flext_target_oracle.sql.plan import StreamSchema

#: No version is negative (`messages.parse`).
UNSEEN = -1
#: What Python may need for each byte of a text that is not ASCII throughout.
_WIDEST_CHAR_BYTES = 4


@dataclass(slots=True)
class Sink:
    """One stream of the input.

    Attributes:
        received: how many records came in this run.
        taken: the last number that was given to a batch or a barrier.
        bookmark: its newest bookmark as JSON text.
        size_bytes: of the open batch.
        held_bytes: what it may need in memory, counted against `buffer_bytes`.
        max_rows: which close its batch, as `max_bytes` of input do.
        opened_s: when its first record was first seen waiting, by the monotonic clock; None while
            there is none.
        version: of the open batch's records; UNSEEN before the first one.
        versioned: how many records of that version came.
    """

    source: StreamSchema
    loader: StreamLoader
    max_rows: int
    max_bytes: int
    received: int = 0
    taken: int = 0
    bookmark: str | None = None
    size_bytes: int = 0
    held_bytes: int = 0
    opened_s: float | None = None
    version: int | None = UNSEEN
    versioned: int = 0
    _records: list[bytes] = field(default_factory=list)
    _extracted: list[str | None] = field(default_factory=list)
    _received_at: list[datetime] = field(default_factory=list)
    _cuts: list[Cut] = field(default_factory=list)

    def add(
        self, record: msgspec.Raw, extracted: str | None, received_at: datetime, line: bytes
    ) -> bool:
        """Take a record into the open batch; return whether that is full.

        Args:
            record: of the line.
            extracted: its `time_extracted`.
            received_at: when it came.
            line: what it came in.
        """
        self._records.append(bytes(record))
        self._extracted.append(extracted)
        self._received_at.append(received_at)
        self.size_bytes += len(line)
        self.held_bytes += _held_bytes(line)
        self.received += 1
        self.versioned += 1
        return self.is_full

    def add_cut(
        self, records: Sequence[bytes], envelope: Envelope, received_at: datetime, line: int
    ) -> int:
        """Take records into the open batch until that is full; return how many.

        Args:
            records: that were cut out of lines.
            envelope: what was around each.
            received_at: when they came.
            line: the number of the first one's line.
        """
        some = records[: self.max_rows - len(self._records)]
        around = envelope.size_bytes
        size_bytes = self.size_bytes + sum(map(len, some)) + around * len(some)
        if size_bytes >= self.max_bytes:
            lengths = (len(record) + around for record in some)
            sizes = list(accumulate(lengths, initial=self.size_bytes))
            some = some[: bisect_left(sizes, self.max_bytes)]
            size_bytes = sizes[len(some)]
        count = len(some)
        self._cuts.append(Cut(len(self._records), count, line, envelope))
        self._records += some
        self._extracted += [envelope.time_extracted] * count
        self._received_at += [received_at] * count
        self.size_bytes = size_bytes
        self.held_bytes += _all_held_bytes(some) + around * count
        self.received += count
        self.versioned += count
        return count

    @property
    def is_full(self) -> bool:
        """Whether the open batch must be closed."""
        return len(self._records) >= self.max_rows or self.size_bytes >= self.max_bytes

    def is_aged(self, now_s: float, age_s: float) -> bool:
        """Whether the open batch has waited that long since it was first seen here."""
        if not self._records:
            return False
        if self.opened_s is None:
            self.opened_s = now_s
        return now_s - self.opened_s >= age_s

    def __len__(self) -> int:
        return len(self._records)

    def take_number(self) -> int:
        """Return the next place in the order in which the stream's work takes effect."""
        self.taken += 1
        return self.taken

    def close(self, batched_at: datetime) -> Batch:
        """Return the open batch and begin another."""
        raw = RawBatch(
            self._records, self._extracted, self._received_at, batched_at, self.version, self._cuts
        )
        self._records, self._extracted, self._received_at, self._cuts = [], [], [], []
        self.size_bytes = self.held_bytes = 0
        self.opened_s = None
        return Batch(raw, self.take_number(), self.received, self.bookmark)


def _held_bytes(text: bytes) -> int:
    """What a text may need in memory: four bytes a character if one is not ASCII."""
    # One byte is looked for many times faster than two.
    is_plain = text.isascii() and (b"\\" not in text or b"\\u" not in text)
    return len(text) if is_plain else len(text) * _WIDEST_CHAR_BYTES


def _all_held_bytes(texts: Sequence[bytes]) -> int:
    """The same for many; what most of them have not is looked for in all at once."""
    joined = b"".join(texts)
    if b"\\" in joined and b"\\u" in joined:
        return sum(map(_held_bytes, texts))
    if joined.isascii():
        return len(joined)
    return sum(len(each) if each.isascii() else len(each) * _WIDEST_CHAR_BYTES for each in texts)
