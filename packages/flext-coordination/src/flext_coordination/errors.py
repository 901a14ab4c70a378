"""What can go wrong with a lease, grouped by what the reader must do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from flext_coordination.records import LeaseRecord


class CoordinationError(Exception):
    """The base of what this package raises; the message is for a person and says the remedy."""


class TokenFileError(CoordinationError):
    """The file cannot be read, understood or changed: mend what the message names, run again."""

    def __init__(self, what: str, remedy: str, *, line: int | None = None) -> None:
        place = f"line {line}: " if line is not None else ""
        super().__init__(f"{place}{what}; {remedy}")
        self.what = what
        self.remedy = remedy
        self.line = line

    def at(self, path: Path) -> TokenFileError:
        """Return the same error with the file named."""
        place = f"{path}, line {self.line}" if self.line is not None else str(path)
        return TokenFileError(f"{place}: {self.what}", self.remedy)


class LeaseHeldError(CoordinationError):
    """Another run of the scope is at work: wait for it, or stop it."""

    def __init__(self, held: LeaseRecord) -> None:
        super().__init__(
            f"scope {held.scope} is held by {held.owner} (run {held.run_id}, process {held.pid}"
            f" on {held.host}) since {held.acquired_at:%Y-%m-%d %H:%M:%S} UTC, its lease ends at"
            f" {held.expires_at:%Y-%m-%d %H:%M:%S} UTC unless it renews it; wait until that run"
            " ends or stop its process. A process that is gone is taken over by itself"
        )
        self.held = held


class LeaseLostError(CoordinationError):
    """This run no longer holds its lease: stop at once, commit nothing."""
