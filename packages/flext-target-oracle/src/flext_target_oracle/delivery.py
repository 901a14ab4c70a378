"""A batch on its way from records to a commit, and what the streams of a run share.

Data and the allowance for refused rows; nothing is sent to the database here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from flext_observability import emit
from flext_target_oracle import events
from flext_target_oracle.clock import monotonic_s
from flext_target_oracle.connection import Database
from flext_target_oracle.errors import KeyMissingError, RowRefusedError
from flext_target_oracle.fence import Fence, Holder
from flext_target_oracle.ledger import Counts
from flext_target_oracle.retrying import Patience
from flext_target_oracle.rows import RawBatch, Reject
from flext_target_oracle.settings import Settings
from flext_target_oracle.sql.plan import EXTRACTED_AT, TablePlan
from flext_target_oracle.values import Rules


@dataclass(slots=True)
class Surroundings:
    """What all streams of a run share.

    Attributes:
        rejects_left: how many more rows may be refused; under `lock`.
        bookmark_of: the newest bookmark of a stream that so many of its records cover, as JSON.
        stopping: set when the run must end soon; waiting for another try then ends.
    """

    settings: Settings
    database: Database
    holder: Holder
    lock: threading.Lock
    stopping: threading.Event
    rejects_left: int
    fence_taken: Callable[[Fence], None]
    bookmark_of: Callable[[str, int], str | None]
    account: Account | None = None

    def patience(self) -> Patience:
        """Return how long a new piece of work may be tried again."""
        settings = self.settings
        return Patience(
            reconnect_s=settings.reconnect_s,
            max_retries=settings.max_retries,
            stopping=self.stopping,
        )


@dataclass(frozen=True, slots=True)
class Account:
    """What was learnt of the database when the first stream was prepared.

    Attributes:
        clock_ahead: the database's clock less ours.
        missing_ddl: what our own tables need before anything can be loaded.
        owns_staging: whether our own tables are in the session's own schema.
    """

    control_schema: str
    rules: Rules
    max_identifier_bytes: int
    clock_ahead: timedelta
    missing_ddl: tuple[str, ...] = ()
    owns_staging: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one stream to be made durable together.

    Attributes:
        number: its place among the stream's batches and barriers, from 1 on: the fence's sequence.
        end: how many records of the stream were received up to and with this batch.
        bookmark: the stream's newest bookmark that these records and those before cover, as JSON.
    """

    raw: RawBatch
    number: int
    end: int
    bookmark: str | None


class Delivery:
    """A batch on its way: its rows, what was refused, and what it claimed of the allowance.

    Attributes:
        counts: what it does, as soon as all but its COMMIT is done.
        tell: the bookmark that the fence row is to hold from its commit on; None: as it is.
        way: how it is brought in; careful is by array insert, row by row where need be.
    """

    def __init__(
        self, batch: Batch, plan: TablePlan, rows: list[tuple[Any, ...]], rejects: list[Reject]
    ) -> None:
        self.batch = batch
        self.plan = plan
        self.rows = rows
        self.rejects = rejects
        self.refused: list[Reject] = []
        self.counts: Counts | None = None
        self.commit_began_s = 0.0
        self.tell: str | None = None
        self.way: Literal["array", "direct", "careful"] = "array"
        self._claimed = 0

    def is_for_shadow(self, held: Fence) -> bool:
        """Whether it goes into a shadow of the table that the fence is of."""
        return self.plan.label != held.table

    def is_of_load(self, held: Fence) -> bool:
        """Whether a load's end depends on its rows."""
        return self.batch.raw.version is not None or self.is_for_shadow(held)

    def reject(self, row: tuple[Any, ...], code: str, message: str) -> Reject:
        """Return the refusal of a row that Oracle did not take."""
        record = self.batch.raw.records[row[-1]].decode("utf-8", "backslashreplace")
        key = {
            column.prop: str(value)
            for column, value in zip(self.plan.columns, row, strict=False)
            if column.is_key
        }
        moment: datetime = row[len(self.plan.columns)]
        return Reject(self.plan.stream, "", code, message, str(key), record, moment)

    def refuse_ahead(self, latest: datetime) -> None:
        """Refuse the rows that say they were extracted after a moment that has not come yet."""
        at = len(self.plan.columns)
        ahead = [row for row in self.rows if row[at] > latest]
        for row in ahead:
            why = f"extracted at {row[at]:%Y-%m-%d %H:%M:%S} UTC, past the database's clock"
            refused = self.reject(row, "EXTRACTED_AHEAD", why)
            self.rejects.append(replace(refused, column=EXTRACTED_AT))
        if ahead:
            self.rows = [row for row in self.rows if row[at] <= latest]

    def announce(self, counts: Counts, seconds: float) -> None:
        """Say what became of it, once it is committed, that long after it was begun."""
        stream = self.plan.stream
        for reject in self.refused:
            emit(events.RowRejected(stream, reject.column, reject.code))
        if counts.stale:
            emit(events.OlderRowsFound(stream, counts.stale))
        emit(
            events.BatchCommitted(
                stream=stream,
                sequence=self.batch.number,
                rows_received=counts.received,
                rows_inserted=counts.inserted,
                rows_updated=counts.updated,
                rows_unchanged=counts.unchanged,
                rows_stale=counts.stale,
                rows_rejected=counts.rejected,
                seconds=seconds,
                stage_seconds=counts.stage_s,
                apply_seconds=counts.apply_s,
                commit_seconds=monotonic_s() - self.commit_began_s,
            )
        )

    def refuse(self, rejects: list[Reject], shared: Surroundings) -> None:
        """Count the refused rows against the run's allowance, once however often it is tried.

        Raises:
            RowRefusedError: there are more than allowed; names the first row.
        """
        self.refused = rejects
        new = len(rejects) - self._claimed
        if new <= 0:
            return
        with shared.lock:
            allowed = shared.rejects_left >= new
            if allowed:
                shared.rejects_left -= new
        if allowed:
            self._claimed += new
            return
        first = rejects[0]
        place = f' column "{first.column}"' if first.column else ""
        text = (
            f"stream {first.stream}: row {first.key or '(no key)'}{place}: {first.code}:"
            f" {first.message}; the batch was rolled back. Refused rows exceed max_rejects"
            f" ({shared.settings.max_rejects}): mend the source, or raise max_rejects to keep such"
            " rows in FLEXT_REJECTS and go on"
        )
        raise (KeyMissingError if first.code == "KEY_NULL" else RowRefusedError)(text)
