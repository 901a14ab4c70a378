"""Signs of life: the fences of a run are renewed on the extra session, in a thread."""

from __future__ import annotations

import threading
from contextlib import suppress

from flext_observability import emit
from flext_target_oracle import events, fence
from flext_target_oracle.connection import Database
from flext_target_oracle.errors import DatabaseError, FenceLostError
from flext_target_oracle.fence import Fence

#: So that two late beats lose nothing.
BEATS_PER_TTL = 3


class Heartbeat:
    """Renews what a run holds, from the first fence to `stop`."""

    def __init__(self, database: Database, *, beat_s: float = fence.TTL_S / BEATS_PER_TTL) -> None:
        self._database = database
        self._beat_s = beat_s
        self._lock = threading.Lock()
        self._held: dict[str, Fence] = {}
        self._lost: FenceLostError | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, taken: Fence) -> None:
        """Renew this fence from now on."""
        with self._lock:
            self._held[taken.table] = taken
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fences", daemon=True)
                self._thread.start()

    def check(self) -> None:
        """Raise FenceLostError if a beat found that another run has taken a fence."""
        if self._lost is not None:
            raise self._lost

    def stop(self) -> None:
        """Renew no more."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def give_back(self) -> None:
        """Renew no more and end the leases, so that the next run needs not wait.

        A lease that cannot be ended now ends by itself; nothing else hangs on it.
        """
        self.stop()
        held, self._held = list(self._held.values()), {}
        try:
            if held:
                with self._database.session("give back") as session:
                    for each in held:
                        fence.give_back(session, each)
        except DatabaseError as error:
            emit(events.LeaseKept(len(held), error.code))

    def _run(self) -> None:
        while not self._stop.wait(self._beat_s):
            with self._lock:
                held = list(self._held.values())
            try:
                self.beat(held)
            except FenceLostError as lost:
                self._lost = lost
                return

    def beat(self, held: list[Fence]) -> None:
        """Renew them once.

        A database that is not reachable is the workers' matter: they try again and say so.

        Raises:
            FenceLostError: another run has one of them.
        """
        with suppress(DatabaseError), self._database.session("heartbeat") as session:
            for each in held:
                fence.renew(session, each)
