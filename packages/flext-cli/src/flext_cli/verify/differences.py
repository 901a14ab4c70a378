"""What a comparison found: single differences, counts per day, and the sums of a stream. No I/O."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

#: missing: the WMS has the row, Oracle has not. changed: columns differ. duplicate: the key is
#: there more than once. extra: a row that the pipeline did not write. unlisted: the WMS answers it
#: when asked by id, but did not list it. gone: loaded once, and the WMS shows it no more (purge,
#: deletion or eligibility): that is no error of the copy.
Kind = Literal["missing", "changed", "duplicate", "extra", "unlisted", "gone"]
WRONG: tuple[Kind, ...] = ("missing", "changed", "duplicate", "extra", "unlisted")


@dataclass(frozen=True)
class Difference:
    """One row that is not as it should be.

    Attributes:
        columns: those that differ; empty where the whole row is at fault.
        values: for some of them, what was expected and what is there, as text.
    """

    stream: str
    key: int
    kind: Kind
    columns: tuple[str, ...] = ()
    values: tuple[tuple[str, str | None, str | None], ...] = ()


@dataclass(frozen=True)
class Bucket:
    """The rows last modified on one day (UTC), as each end counts them."""

    day: str
    wms_rows: int
    oracle_rows: int

    @property
    def lacks(self) -> int:
        """Rows that Oracle should have at least and has not.

        Oracle may have more: a row that is modified later leaves its day in the WMS first.
        """
        return max(0, self.wms_rows - self.oracle_rows)


@dataclass
class Report:
    """The sums of a stream; intervals add to it from several threads.

    Attributes:
        note: takes each difference as it is found.
        wms_rows: rows that were read there (all of them, or the sample).
        oracle_rows: rows of the table.
        pending: rows the WMS changed after the bookmark; they are not due yet.
        uncovered: keys of records for which the table has no column.
        not_compared: columns whose type or length cannot be compared.
        keyless: the stream has no key, so its rows were only counted.
    """

    stream: str
    note: Callable[[Difference], None]
    wms_rows: int = 0
    oracle_rows: int = 0
    compared: int = 0
    pending: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys([*WRONG, "gone"], 0))
    buckets: list[Bucket] = field(default_factory=list)
    uncovered: set[str] = field(default_factory=set)
    not_compared: tuple[str, ...] = ()
    keyless: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, difference: Difference) -> None:
        """Count a difference and pass it on."""
        with self._lock:
            self.counts[difference.kind] += 1
            self.note(difference)

    def read(self, *, rows: int, pending: int, keys: set[str]) -> None:
        """Count rows that were read, and keys of theirs that no column holds."""
        with self._lock:
            self.wms_rows += rows
            self.compared += rows - pending
            self.pending += pending
            self.uncovered |= keys

    def shows_values(self, limit: int) -> bool:
        """Whether the next difference is among the first ones, whose values are looked up."""
        with self._lock:
            return self.counts["changed"] < limit

    @property
    def wrong(self) -> int:
        """Rows that are not as they should be."""
        return sum(self.counts[kind] for kind in WRONG)

    @property
    def lacking(self) -> list[Bucket]:
        """The days of which Oracle has fewer rows than the WMS: what a sample may not have met."""
        return [each for each in self.buckets if each.lacks]

    @property
    def agrees(self) -> bool:
        """Whether nothing is wrong: no row, day, column left out, or count of a keyless stream."""
        if self.keyless:
            return self.wms_rows == self.oracle_rows
        return not self.wrong and not self.uncovered and not self.lacking
