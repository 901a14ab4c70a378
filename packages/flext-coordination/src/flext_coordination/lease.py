"""The lease's life: acquire or take over, heartbeat, record the fence, release.

Who may hold a scope is decided here, over records; the file, the clock and the process table come
from their own modules. The lease that counts is the fence in the database; this one is for people,
and so that a second run stops before it does any work.
"""

from __future__ import annotations

import os
import threading
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from flext_coordination import clock as clocks
from flext_coordination import process, token_file
from flext_coordination.errors import LeaseHeldError, LeaseLostError, TokenFileError
from flext_coordination.records import MAX_EVENTS, LeaseRecord, TokenEvent

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from flext_coordination.clock import Clock
    from flext_coordination.process import ProcessIdentity

MAX_NAME_CHARS = 120
MAX_OUTCOME_CHARS = 200
#: A lease is renewed this many times while it lasts, so that one late beat loses nothing.
BEATS_PER_TTL = 3


def acquire(
    workspace: Path,
    scope: str,
    *,
    run_id: str,
    owner: str,
    ttl_s: float = 60,
    clock: Clock = clocks.now,
    host: str | None = None,
) -> Lease:
    """Take the lease of a scope for this process, or take it over from a holder that is gone.

    Args:
        workspace: the workspace's root, an existing folder.
        scope: what one run at a time may work on.
        run_id: the run that takes it.
        owner: the program that takes it, for people.
        ttl_s: how long it lasts without a heartbeat, in seconds. Machines that share a workspace
            must agree on the time to well within it.
        clock: the present time.
        host: this machine's name, instead of FLEXT_HOST or the system's.

    Raises:
        LeaseHeldError: another run holds the scope.
        TokenFileError: the file cannot be read, understood or changed.
        ValueError: a name is empty or too long, or ttl_s is not positive.
    """
    for name, value in (("scope", scope), ("run_id", run_id), ("owner", owner)):
        if not value or len(value) > MAX_NAME_CHARS:
            raise ValueError(f"{name} must have 1 to {MAX_NAME_CHARS} characters")
    if not ttl_s > 0:
        raise ValueError("ttl_s must be positive")
    here = process.current(os.environ, host=host)
    taken: list[LeaseRecord] = []

    def decide(records: dict[str, LeaseRecord]) -> list[LeaseRecord]:
        now = clock()
        before = records.get(scope)
        reason = _reason_to_take(before, here, now)
        record = LeaseRecord(
            scope=scope,
            state="held",
            owner=owner,
            run_id=run_id,
            host=here.host,
            pid=here.pid,
            process_started_at=here.started_at,
            process_key=here.key,
            lease_id=uuid.uuid4().hex,
            lineage=before.lineage if before else uuid.uuid4().hex,
            fence=None,
            acquired_at=now,
            expires_at=now + timedelta(seconds=ttl_s),
            events=before.events if before else (),
        )
        taken.append(_with_event(record, now, f"{reason} by {owner}, run {run_id}"))
        return [*(r for r in records.values() if r.scope != scope), taken[-1]]

    token_file.change(workspace, decide)
    return Lease(workspace, taken[-1], ttl_s=ttl_s, clock=clock)


def _reason_to_take(before: LeaseRecord | None, here: ProcessIdentity, now: datetime) -> str:
    """Return why the scope is free, as the event says it.

    Raises:
        LeaseHeldError: it is not free.
    """
    if before is None or before.state == "released":
        return "acquired"
    if now >= before.expires_at:
        return f"taken over (the lease of run {before.run_id} had expired)"
    if process.is_gone(before, here):
        return f"taken over (process {before.pid} of run {before.run_id} is gone)"
    raise LeaseHeldError(before)


def _with_event(record: LeaseRecord, at: datetime, text: str) -> LeaseRecord:
    events = (*record.events, TokenEvent(at, text[: MAX_OUTCOME_CHARS + MAX_NAME_CHARS]))
    return replace(record, events=events[-MAX_EVENTS:])


class Lease:
    """A scope held by this process, from acquire to release.

    As a context manager it renews itself in a thread, and releases at the end. A lease that was
    lost is noticed by the next heartbeat: `check` and leaving the block raise LeaseLostError.
    """

    def __init__(self, workspace: Path, record: LeaseRecord, *, ttl_s: float, clock: Clock) -> None:
        self._workspace = workspace
        self._record = record
        self._ttl_s = ttl_s
        self._clock = clock
        self._released = False
        self._lost: LeaseLostError | None = None
        self._changing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def record(self) -> LeaseRecord:
        """What the file said of this lease when it was last written."""
        return self._record

    def heartbeat(self) -> None:
        """Renew the lease for another ttl_s.

        Raises:
            LeaseLostError: another run has taken it, or a person has released it.
            TokenFileError: the file could not be changed; the lease stands until it expires.
        """
        self._change()

    def record_fence(self, fence: int) -> None:
        """Show the database's fence in the file; renews the lease too.

        Raises:
            LeaseLostError, TokenFileError: as heartbeat.
            ValueError: it is negative.
        """
        if fence < 0:
            raise ValueError("a fence is not negative")
        self._change(fence=fence)

    def release(self, outcome: str) -> None:
        """Give the scope back; the block stays in the file with the outcome, for people.

        Args:
            outcome: a word or a sentence such as "completed"; never a secret.

        Raises:
            LeaseLostError, TokenFileError: as heartbeat.
        """
        self.stop_heartbeat()
        if not self._released:
            self._change(outcome=outcome or "released")
            self._released = True

    def check(self) -> None:
        """Return if the lease stands as far as the last heartbeat knows.

        Raises:
            LeaseLostError: it does not; stop the run, commit nothing.
        """
        if self._lost is not None:
            raise self._lost

    def _change(self, *, fence: int | None = None, outcome: str | None = None) -> None:
        written: list[LeaseRecord] = []

        def decide(records: dict[str, LeaseRecord]) -> list[LeaseRecord]:
            now = self._clock()
            found = records.get(self._record.scope)
            if found is not None:
                self._refuse_if_lost(found)
            # A file without the scope was deleted by a person: nothing is lost, it is written anew.
            mine = found or _with_event(self._record, now, "written anew: the file had lost it")
            mine = replace(mine, expires_at=now + timedelta(seconds=self._ttl_s))
            if fence is not None:
                mine = replace(mine, fence=fence)
            if outcome is not None:
                mine = replace(mine, state="released", expires_at=now)
                mine = _with_event(mine, now, f"released: {outcome[:MAX_OUTCOME_CHARS]}")
            written.append(mine)
            return [*(r for r in records.values() if r.scope != mine.scope), mine]

        with self._changing:
            self.check()
            try:
                token_file.change(self._workspace, decide)
            except LeaseLostError as lost:
                self._lost = lost
                raise
            self._record = written[-1]

    def _refuse_if_lost(self, found: LeaseRecord) -> None:
        if found.lease_id != self._record.lease_id:
            raise LeaseLostError(
                f"scope {found.scope} was taken over by {found.owner} (run {found.run_id}, process"
                f" {found.pid} on {found.host}) at {found.acquired_at:%Y-%m-%d %H:%M:%S} UTC while"
                " this run was held up; this run stops without committing, the other goes on"
            )
        if found.state == "released":
            last = found.events[-1].text if found.events else "released"
            raise LeaseLostError(
                f"scope {found.scope} is no longer held by this run ({last}); it stops without"
                " committing, run it again"
            )

    def start_heartbeat(self) -> None:
        """Renew the lease from now on, in a thread, BEATS_PER_TTL times in ttl_s."""
        if self._thread is None and not self._released:
            self._stop.clear()
            name = f"lease-heartbeat-{self._record.scope}"
            self._thread = threading.Thread(target=self._beat, name=name, daemon=True)
            self._thread.start()

    def stop_heartbeat(self) -> None:
        """Renew it no more; it is released or left to expire."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _beat(self) -> None:
        renewed_s = clocks.monotonic_s()
        while not self._stop.wait(self._ttl_s / BEATS_PER_TTL):
            try:
                self.heartbeat()
                renewed_s = clocks.monotonic_s()
            except LeaseLostError:
                return  # kept for `check`
            except TokenFileError as error:
                if clocks.monotonic_s() - renewed_s >= self._ttl_s:
                    self._lost = LeaseLostError(
                        f"the lease of scope {self._record.scope} could not be renewed for"
                        f" {self._ttl_s:g} s ({error}); this run stops without committing"
                    )
                    return

    def __enter__(self) -> Self:
        self.start_heartbeat()
        return self

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop_heartbeat()
        if self._released or isinstance(error, LeaseLostError):
            return
        if error is None or (isinstance(error, SystemExit) and error.code in {None, 0}):
            self.release("completed")
            return
        try:
            self.release(f"failed: {type(error).__name__}")
        except (LeaseLostError, TokenFileError) as second:
            error.add_note(f"and the lease was not released: {second}")


def force_release(
    workspace: Path, scope: str, *, by: str, clock: Clock = clocks.now
) -> LeaseRecord | None:
    """Release a scope that this process does not hold, because a person says so.

    A run that still holds it stops at its next heartbeat.

    Returns:
        The record as it was, None if the scope was not held.

    Raises:
        TokenFileError: the file cannot be read, understood or changed.
    """
    before: list[LeaseRecord] = []

    def decide(records: dict[str, LeaseRecord]) -> list[LeaseRecord]:
        held = records.get(scope)
        if held is None or held.state == "released":
            return list(records.values())
        before.append(held)
        now = clock()
        freed = _with_event(
            replace(held, state="released", expires_at=now), now, f"released by {by}"
        )
        return [*(r for r in records.values() if r.scope != scope), freed]

    token_file.change(workspace, decide)
    return before[0] if before else None
