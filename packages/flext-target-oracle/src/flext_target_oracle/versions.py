"""What a scope is loading into a table: a version, since when, and by way of which shadow.

The row in FLEXT_LOADS outlives runs, so that a load that was interrupted goes on and one that is
complete is not ended twice. Whether a version goes on, begins or is done is decided here; carrying
it out is the loader's matter.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from flext_target_oracle import values
from flext_target_oracle.connection import Session
from flext_target_oracle.errors import LoadRefusedError
from flext_target_oracle.fence import Fence
from flext_target_oracle.sql import loads, types

_TEXT, _NUMBER = types.text(), types.ColumnType("NUMBER")
_BEGIN_TYPES = (_TEXT, _TEXT, _NUMBER, _TEXT, _NUMBER, _TEXT, types.TIMESTAMP, _TEXT)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
#: A version that is a time further back than this is not the start of its load.
_LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Load:
    """A load of a table.

    Attributes:
        version: None where the tap numbers none.
        method: the load method it began with.
        tracked: whether rows seen since its first batch have carried its version.
        shadow: the table in the control schema that is loaded first; None if none is.
        began_at: no row of it was extracted earlier, as far as is known.
        rejected: how many of its rows were refused: their keys are not known to be gone.
        is_ended: whether its version was activated.
    """

    version: int | None
    method: str
    tracked: bool
    shadow: str | None
    began_at: datetime
    rejected: int = 0
    is_ended: bool = False


def read(session: Session, fence: Fence) -> Load | None:
    """Return the load that the scope began last; None if it began none."""
    what = f"reading the load of {fence.table}"
    rows = session.query(loads.read(fence.schema), [fence.table, fence.scope], what=what)
    if not rows:
        return None
    version, method, tracked, shadow, began_at, rejected, ended_at = rows[0]
    number = None if version is None else int(version)
    ended = ended_at is not None
    return Load(number, str(method), bool(tracked), shadow, began_at, int(rejected), ended)


def decide(
    stream: str, known: Load | None, new: Load
) -> tuple[Literal["go on", "begin", "done", "older"], Load]:
    """Say what a version that comes is to the load that is known.

    Returns:
        "go on" with the known load; "begin" with the new one; "done" with the known one, which
        is complete: what still comes is merged into the table; "older": a newer version began.

    Raises:
        LoadRefusedError: going on could remove rows of its first part.
    """
    if known is None or known.version is None or new.version is None:
        return "begin", new
    if new.version > known.version:
        return "begin", new
    if new.version == known.version:
        if known.is_ended:
            return "done", known
        if "overwrite" in {known.method, new.method} and known.method != new.method:
            raise LoadRefusedError(
                f"stream {stream}: version {new.version} began with load_method {known.method} and"
                f" cannot go on with {new.method}: set it back, or begin a new full load"
            )
        return "go on", known
    if new.method == "overwrite":
        raise LoadRefusedError(
            f"stream {stream}: version {new.version} comes after version {known.version} had begun:"
            " what it loaded is gone; begin a new full load"
        )
    return "older", new


def begin(session: Session, fence: Fence, load: Load, run_id: str) -> None:
    """Write the load's row in place of the one before, within the caller's transaction."""
    what = f"beginning a load of {fence.table}"
    session.execute(loads.forget(fence.schema), [fence.table, fence.scope], what=what)
    binds = [
        fence.table, fence.scope, load.version, load.method, int(load.tracked), load.shadow,
        load.began_at, run_id[:64],
    ]  # fmt: skip
    session.execute(loads.begin(fence.schema), binds, what=what, types=_BEGIN_TYPES)


def count_rejects(session: Session, fence: Fence, rejects: int) -> None:
    """Take note of refused rows, within the batch's transaction."""
    what = f"counting refused rows of {fence.table}"
    session.execute(loads.reject(fence.schema), [rejects, fence.table, fence.scope], what=what)


def end(session: Session, fence: Fence, now: datetime) -> None:
    """Take note that the version is activated, within the caller's transaction."""
    what = f"ending the load of {fence.table}"
    session.execute(
        loads.end(fence.schema),
        [now, fence.table, fence.scope],
        what=what,
        types=(types.TIMESTAMP, _TEXT, _TEXT),
    )


def shadow_name(fence: Fence, version: int | None) -> str:
    """Return a name for the shadow of a load that this run begins."""
    text = repr((fence.table, fence.scope, version, fence.number))
    return shadow_prefix(fence) + hashlib.sha256(text.encode()).hexdigest()[:8].upper()


def shadow_prefix(fence: Fence) -> str:
    """Return what the shadows of a table and scope are called alike."""
    text = repr((fence.table, fence.scope))
    return "FLEXT_O_" + hashlib.sha256(text.encode()).hexdigest()[:12].upper() + "_"


def seen_at(extracted: str | None, received_at: datetime) -> datetime:
    """Return when a record was seen: when it was extracted if it says so, else when it came."""
    if extracted is None:
        return received_at
    try:
        return min(received_at, values.timestamp(extracted))
    except values.UnfitError:  # the record itself is refused for it
        return received_at


def not_before(version: int | None, seen_at: datetime) -> datetime:
    """Return the instant from which rows of a load may have been extracted.

    Args:
        version: where it is the load's start in milliseconds, as taps have it, that counts.
        seen_at: when the first record was extracted, or came.
    """
    if version is None or abs(version) > 10**15:
        return seen_at
    said = _EPOCH + timedelta(milliseconds=version)
    return said if seen_at - _LONGEST_WAIT < said < seen_at else seen_at
