"""The files in which records are handed over: made, named, locked, left-overs removed.

Places, names, rights and who deletes what are those of docs/specs/batch.md. What a message says of
them is `emit`'s matter. Imported only where records are handed over in files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from flext_observability import emit
from flext_tap_oracle_wms import arrow
from flext_tap_oracle_wms.errors import HandOverError
from flext_tap_oracle_wms.events import FileFinished, LeftoversRemoved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from flext_tap_oracle_wms.clock import Clock
    from flext_tap_oracle_wms.schema import Column

FILE_ROWS = 50_000
FILE_AGE_S = 60.0
ROW_GROUP_ROWS = 10_000
#: How long a folder that nobody holds may still be waited for by a target.
_DEAD_AFTER = timedelta(hours=1)
_LOCK = "lock"


def scope_of(environ: Mapping[str, str]) -> str:
    """Return the folder of a pipeline's runs: FLEXT_SCOPE, else Meltano's names, else "local"."""
    if scope := environ.get("FLEXT_SCOPE", "").strip():
        return _slug(scope)
    names = ("MELTANO_ENVIRONMENT", "MELTANO_EXTRACTOR_NAME")
    return _slug("-".join(part for name in names if (part := environ.get(name, "").strip())))


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", text).lstrip(".")[:100] or "local"


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Make a message of what the disk says.

    Raises:
        HandOverError: with the folder and the reason.
    """
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise HandOverError(
            f"hand_over: files cannot be written below {folder}: {reason}; make room or rights "
            "there, or set hand_over to records"
        ) from None


class Spool:
    """One run's folder, made with its first file."""

    def __init__(self, workspace: Path, scope: str, run_id: str, *, clock: Clock) -> None:
        began = clock.now().strftime("%Y%m%dT%H%M%SZ")
        self._scope = workspace.absolute() / ".flext" / "batch" / scope
        self._folder = self._scope / f"{began}-{_slug(run_id)}-{os.getpid()}"
        self._clock = clock
        self._lock: int | None = None

    def open(self) -> Path:
        """Return the run's folder; the first call makes and locks it and removes left-overs.

        Raises:
            HandOverError: the disk does not let it.
        """
        if self._lock is None:
            with _told(self._scope):
                self._folder.mkdir(mode=0o700, parents=True)
                for folder in (self._scope.parent, self._scope):
                    folder.chmod(0o700)
                self._lock = os.open(
                    self._folder / _LOCK, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600
                )
                fcntl.flock(self._lock, fcntl.LOCK_SH)
                self._remove_leftovers()
        return self._folder

    def stream(self, name: str) -> StreamFiles:
        """Return the files of one stream."""
        return StreamFiles(name, self, self._clock)

    def close(self) -> None:
        """Remove what no message named and let go of the folder; what was named stays."""
        if self._lock is None:
            return
        for path in self._folder.glob(".*.part"):
            path.unlink(missing_ok=True)
        if not any(self._folder.glob("*.parquet")):
            shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)
        self._lock = None

    def _remove_leftovers(self) -> None:
        for folder in sorted(self._scope.iterdir()):
            if folder != self._folder and stat.S_ISDIR(folder.lstat().st_mode):
                self._remove_if_dead(folder)

    def _remove_if_dead(self, folder: Path) -> None:
        files = list(folder.iterdir())
        newest_s = max(path.lstat().st_mtime for path in (folder, *files))
        if self._clock.now().timestamp() - newest_s < _DEAD_AFTER.total_seconds():
            return
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # a tap or a target is at work on it
        else:
            shutil.rmtree(folder)
            emit(LeftoversRemoved(str(folder), len(files)))
        finally:
            os.close(lock)


@dataclass(frozen=True)
class HandedOver:
    """A file that is whole."""

    path: Path
    rows: int
    version: int | None


class StreamFiles:
    """The files of one stream, one open at a time; used by one thread."""

    def __init__(self, stream: str, spool: Spool, clock: Clock) -> None:
        self._stream = stream
        self._spool = spool
        self._clock = clock
        self._number = 0
        self._open: _OpenFile | None = None

    @property
    def is_open(self) -> bool:
        """Whether there are rows that no message has named."""
        return self._open is not None

    @property
    def is_due(self) -> bool:
        """Whether the open file is large or old enough."""
        found = self._open
        return found is not None and (
            found.rows >= FILE_ROWS or self._clock.monotonic_s() - found.since_s >= FILE_AGE_S
        )

    def add(
        self,
        columns: Sequence[Column],
        records: Sequence[Any],
        extracted_at: datetime,
        version: int | None,
    ) -> None:
        """Add the records of a page to the open file, or to a new one.

        Raises:
            RecordError: a value does not fit; nothing of the page is added.
            HandOverError: the file cannot be written; it is gone with its rows.
        """
        schema = arrow.schema_of(columns) if self._open is None else self._open.schema
        table = arrow.table(self._stream, columns, schema, records, extracted_at)
        with self._giving_up():
            if self._open is None:
                self._number += 1
                folder = self._spool.open()
                name = f"{self._stream}-{self._number:06d}"
                self._open = _OpenFile(folder, name, schema, version, self._clock.monotonic_s())
            self._open.add(table)

    def close(self) -> HandedOver:
        """Finish the open file, give it its name and return it.

        Raises:
            HandOverError: the file cannot be written; it is gone with its rows.
        """
        assert self._open is not None  # noqa: S101 -- whoever closes has asked
        with self._giving_up():
            found = self._open.finish()
        self._open = None
        emit(FileFinished(self._stream, found.path.name, found.rows, found.path.stat().st_size))
        return found

    @contextlib.contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Forget the open file where it cannot be written; the error ends the stream."""
        try:
            with _told(self._spool.open()):
                yield
        except HandOverError:
            self._open = None
            raise


class _OpenFile:
    """A file under its .part name."""

    def __init__(
        self, folder: Path, name: str, schema: Any, version: int | None, since_s: float
    ) -> None:
        self.schema = schema
        self.rows = 0
        self.since_s = since_s
        self._version = version
        self._part = folder / f".{name}.part"
        self._path = folder / f"{name}.parquet"
        handle = os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._file = os.fdopen(handle, "wb")
        self._writer = pq.ParquetWriter(self._file, schema, compression="zstd")
        self._tables: list[Any] = []

    def add(self, table: Any) -> None:
        waiting = sum(each.num_rows for each in self._tables)
        if waiting + table.num_rows > ROW_GROUP_ROWS:
            self._write()
        self._tables.append(table)
        self.rows += table.num_rows

    def _write(self) -> None:
        if self._tables:
            self._writer.write_table(pa.concat_tables(self._tables), row_group_size=ROW_GROUP_ROWS)
            self._tables = []

    def finish(self) -> HandedOver:
        self._write()
        self._writer.close()
        self._file.close()
        self._part.rename(self._path)
        return HandedOver(self._path, self.rows, self._version)
