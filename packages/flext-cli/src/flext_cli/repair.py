"""`flext verify --repair`: what a comparison found wrong is mended, and looked at again.

Rows that are missing or differ are read again, exactly these, by the pipeline's own tap and target
with the guard against older rows off. Rows that nobody loaded are removed, of rows that are there
twice one is kept. Of rows that are gone from the WMS the setting `on_missing` decides.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import flext_coordination
from flext_cli import again
from flext_cli.again import Place, Reading, Watcher
from flext_cli.ends import Opened
from flext_cli.errors import AgainRefusedError
from flext_cli.handover import Pair
from flext_cli.verify import reading
from flext_cli.verify import run as comparison
from flext_cli.verify.differences import Difference, Kind, Report
from flext_cli.verify.interval import Wanted
from flext_target_oracle import removing
from flext_target_oracle import settings as target_settings
from flext_target_oracle.errors import DeletesRefusedError, FenceHeldError, SchemaRefusedError
from flext_target_oracle.fence import Holder
from flext_target_oracle.removing import Doomed, Removed

_OWNER = "flext verify --repair"
_PURPOSE = "repair"
_IDS = ".ids.json"
_READ: tuple[Kind, ...] = ("missing", "changed", "duplicate", "unlisted")
_REMOVED: tuple[Kind, ...] = ("extra", "gone", "duplicate")
Found = Mapping[Kind, Sequence[int]]


@dataclass(frozen=True)
class Repaired:
    """What was done for a stream, and how its rows of the comparison stand now.

    Attributes:
        read: ids that were read again.
        removed: rows that went, and rows that were marked as deleted.
        run_id: of the run that read them; None if nothing had to be read.
        after: the comparison of exactly these ids.
    """

    stream: str
    read: int
    removed: Removed
    run_id: str | None
    after: Report


def has_work(found: Found) -> bool:
    """Whether a repair could change anything."""
    return any(found.get(kind) for kind in {*_READ, *_REMOVED})


def run(
    place: Place,
    opened: Opened,
    stream: str,
    found: Found,
    volatile: bool,
    note: Callable[[Difference], None],
    watcher: Watcher,
) -> Repaired:
    """Mend what a comparison of a stream found, and compare these ids again.

    Args:
        place: where.
        opened: both ends.
        stream: its name.
        found: the ids by what is wrong with them.
        volatile: whether columns that change without mod_ts are compared too.
        note: takes what is still wrong.
        watcher: sees the run that reads rows again.

    Raises:
        AgainRefusedError: the pipeline loads another table than was compared, or keeps several
            versions of a row, so that none is wrong.
        LeaseTakenError: a run of the stream stays at work.
        JobFailedError: the rows could not be read again.
        DeletesRefusedError: more rows would go than may.
    """
    pair = again.choose(place.project, stream, "incremental")
    target = again.target_of(place, pair)
    _refuse(stream, opened, target)
    run_id = str(uuid.uuid4())
    pairs = again.pairs(place.project, stream)
    with again.holding(place, pairs, run_id=run_id, owner=_OWNER):
        # What the WMS changes from now on the next incremental run brings.
        how = Wanted(cutoff=min(opened.ends.wms.server_now()), volatile=volatile)
        removed = _remove(place, opened, pair, target, stream, found, run_id)
        ids = _ids(found, _READ)
        how_loaded = _loading(opened, target, stream)
        read_by = _read(place, pair, stream, ids, how_loaded, watcher) if ids else None
        looked_at = _ids(found, {*_READ, *_REMOVED})
        after = comparison.compare_ids(opened.ends, stream, looked_at, how, note)
    return Repaired(stream, len(ids), removed, read_by, after)


def _ids(found: Found, kinds: Collection[Kind]) -> list[int]:
    return sorted({key for kind in kinds for key in found.get(kind, ())})


def _refuse(stream: str, opened: Opened, target: target_settings.Settings) -> None:
    compared = (opened.ends.schema, opened.ends.prefix)
    if compared != (target.target_schema, target.table_prefix):
        raise AgainRefusedError(
            f"{stream} was compared in {'.'.join(compared)}…, and the pipeline loads it into"
            f" {target.target_schema}.{target.table_prefix}…",
            remedy="say schema and table_prefix in `.env` alone, not in meltano.yml",
        )
    if target.load_method == "append-only":
        raise AgainRefusedError(
            f"{stream} is loaded append-only, so several rows of a key are no mistake",
            remedy=f"load it anew into another table, or see `flext refresh {stream} --help`",
        )


def _remove(
    place: Place,
    opened: Opened,
    pair: Pair,
    target: target_settings.Settings,
    stream: str,
    found: Found,
    run_id: str,
) -> Removed:
    doomed = Doomed(*(found.get(kind, ()) for kind in _REMOVED))
    stays = target.on_missing == "keep"
    if not doomed.unwritten and not doomed.repeated and (stays or not doomed.gone):
        return Removed(0, 0)
    with flext_coordination.acquire(
        place.project.workspace(place.environ),
        f"{pair.state_id(place.environment)}:{_PURPOSE}",
        run_id=run_id,
        owner=_OWNER,
    ) as lease:
        scope, lineage = lease.record.scope, lease.record.lineage
        holder = Holder(scope, run_id, f"{_OWNER} process {os.getpid()}", lineage)
        key, database = reading.KEY.upper(), opened.ends.oracle
        try:
            return removing.remove(database, target, holder, stream, key, doomed)
        except (DeletesRefusedError, FenceHeldError, SchemaRefusedError) as error:
            raise AgainRefusedError(
                str(error), remedy="do so, and begin the repair again"
            ) from error


def _loading(opened: Opened, target: target_settings.Settings, stream: str) -> dict[str, str]:
    """The settings by which rows are loaded once more, and marks of deletion on them taken away.

    A row that is read is there. Only `soft` looks at the marks, which may be left of a time when
    that was the setting; a backfill completes no load, so that nothing new is marked or deleted.
    """
    with opened.ends.oracle.session("repair") as session:
        live = reading.live_columns(
            session, opened.ends.schema, opened.ends.prefix + stream.upper()
        )
    marks = any(column.name == "_SDC_DELETED_AT" for column in live)
    left = marks and target.on_missing != "soft" and target.add_record_metadata
    return {"keep_newer": "false", **({"on_missing": "soft"} if left else {})}


def _read(
    place: Place,
    pair: Pair,
    stream: str,
    ids: Sequence[int],
    target: Mapping[str, str],
    watcher: Watcher,
) -> str:
    with _ids_file(place.project.root, stream, ids) as path:
        tap = {"sync_mode": "backfill", "ids_file": str(path)}
        return again.read(place, pair, Reading(stream, _PURPOSE, tap, target), watcher)


@contextlib.contextmanager
def _ids_file(root: Path, stream: str, ids: Sequence[int]) -> Iterator[Path]:
    """The ids in a file of the workspace, gone at the end of the block."""
    folder = (root / ".flext" / "verify").absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(folder)
    path = folder / f"{stream}-{uuid.uuid4().hex[:8]}{_IDS}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    # Locked while it is needed: the kernel lets go of that whatever ends this process.
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            json.dump({stream: list(ids)}, file)
            file.flush()
            yield path
        finally:
            path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what repairs left that were killed."""
    for path in folder.glob(f"*{_IDS}"):
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # its repair is at work
            path.unlink(missing_ok=True)
