"""The lease of one scope as a value: who holds it, until when, and what happened last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

State: TypeAlias = Literal["held", "released"]

MAX_VALUE_CHARS = 400
MAX_EVENTS = 8


@dataclass(frozen=True)
class TokenEvent:
    """Something that happened to the lease of a scope."""

    at: datetime
    text: str


@dataclass(frozen=True)
class LeaseRecord:
    """One scope's block of the file.

    Attributes:
        state: held, or released with the block kept for people to read.
        process_started_at: when the holder's process began, for people.
        process_key: what tells the holder's process from a later one with the same pid.
        lease_id: made anew by every acquire, so that a run taken over can tell.
        lineage: made with the block and kept over its runs: who holds the block knows that every
            other run of the lineage is over.
        fence: the number that the database's fence had, None until recorded.
        events: the last MAX_EVENTS, oldest first.
    """

    scope: str
    state: State
    owner: str
    run_id: str
    host: str
    pid: int
    process_started_at: datetime
    process_key: str
    lease_id: str
    lineage: str
    fence: int | None
    acquired_at: datetime
    expires_at: datetime
    events: tuple[TokenEvent, ...] = ()
