"""The one door to files of a BATCH message: found, judged, read as records, and deleted in time.

docs/specs/batch.md is the contract. Each row becomes the JSON record it was made of, so that a file
is judged exactly as its records would be. What loads the rows knows nothing of files.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote, urlsplit

import msgspec

from flext_target_oracle import parquet
from flext_target_oracle.errors import BatchRefusedError
from flext_target_oracle.messages import Message, stream_of
from flext_target_oracle.sql.plan import StreamSchema

FOLDER = (".flext", "batch")
#: A JSON record and when it was extracted, if the file says so.
Row = tuple[msgspec.Raw, str | None]
_GZIP = 16 + zlib.MAX_WBITS
_CHUNK_BYTES = 1024 * 1024
_MAX_LINE_BYTES = 64 * 1024 * 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_REGULAR = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_LOCK = "lock"


class _Encoding(msgspec.Struct):
    format: str
    compression: str | None = None


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A file that was found to be what its message says."""

    path: Path
    data: IO[bytes]
    encoding: str
    source: StreamSchema

    def count(self) -> int:
        """Read it to its end and return how many rows it has.

        Raises:
            BatchRefusedError: it is not what `encoding` says.
        """
        if self.encoding != "parquet":
            return sum(1 for _ in self.rows())
        try:
            return parquet.count(self.data, self.source)
        except parquet.FormatError as error:
            raise _refused(self.source.stream, self.path, str(error)) from error

    def rows(self) -> Iterator[Row]:
        """Yield its rows in order.

        Raises:
            BatchRefusedError: it is not what `encoding` says.
        """
        self.data.seek(0)
        try:
            if self.encoding == "parquet":
                yield from parquet.rows(self.data, self.source)
            else:
                yield from _lines(self.data, is_gzip=self.encoding == "jsonl gzip")
        except parquet.FormatError as error:
            raise _refused(self.source.stream, self.path, str(error)) from error


class BatchFiles:
    """The files of a run: each is named once, kept while its rows are not durable, then deleted."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._named: set[Path] = set()
        self._waiting: list[tuple[str, int, Path]] = []
        self._waiting_lock = threading.Lock()
        self._locks: dict[Path, int] = {}

    def take(self, message: Message, source: StreamSchema) -> list[BatchFile]:
        """Return the files of a BATCH message, all of them judged; the caller closes their data.

        Raises:
            BatchRefusedError: one of them is refused; none of the message's rows may be loaded.
        """
        stream = stream_of(message)
        encoding = _encoding(stream, message)
        manifest, counts = _manifest(stream, message)
        taken: list[BatchFile] = []
        try:
            for address, expected in zip(manifest, counts, strict=True):
                path = self._path(stream, address)
                file = BatchFile(path, self._opened(stream, path), encoding, source)
                taken.append(file)
                _require_rows(file, expected)  # to the end, before any of it is loaded
        except BaseException:
            for file in taken:
                file.data.close()
            raise
        return taken

    def keep_until(self, stream: str, position: int, path: Path) -> None:
        """Keep a file until the stream's records up to that position are durable."""
        with self._waiting_lock:
            self._waiting.append((stream, position, path))

    def durable(self, stream: str, position: int) -> None:
        """Delete what is committed."""
        with self._waiting_lock:
            done = [item for item in self._waiting if item[0] == stream and item[1] <= position]
            for item in done:
                item[2].unlink(missing_ok=True)
                self._waiting.remove(item)

    def close(self) -> None:
        """Give the folders back; those that are empty go."""
        for folder, descriptor in self._locks.items():
            if folder.exists() and not [path for path in folder.iterdir() if path.name != _LOCK]:
                (folder / _LOCK).unlink(missing_ok=True)
                folder.rmdir()
            os.close(descriptor)
        self._locks.clear()

    def _path(self, stream: str, address: str) -> Path:
        parts = urlsplit(address)
        if (
            parts.scheme != "file"
            or parts.netloc not in {"", "localhost"}
            or "?" in address
            or "#" in address
        ):
            raise _refused(stream, address, "is no file:// address on this host")
        text = unquote(parts.path, errors="strict")
        pure = PurePosixPath(text)
        root = self._workspace.joinpath(*FOLDER)
        if "\0" in text or str(pure) != text or not pure.is_absolute() or ".." in pure.parts:
            raise _refused(stream, address, "is no plain absolute path")
        if not pure.is_relative_to(root) or len(pure.relative_to(root).parts) < 2:
            raise _refused(stream, address, f"is not in a folder below {root}")
        path = Path(pure)
        if path in self._named:
            raise _refused(stream, path, "was named before in this run")
        self._named.add(path)
        return path

    def _opened(self, stream: str, path: Path) -> IO[bytes]:
        """Open a file, going down from the workspace without following links."""
        below = path.relative_to(self._workspace).parts
        folder = os.open(self._workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in below[:-1]:
                inner = os.open(name, _DIRECTORY, dir_fd=folder)
                os.close(folder)
                folder = inner
            self._lock(path.parent, folder)
            descriptor = os.open(below[-1], _REGULAR, dir_fd=folder)
        except OSError as error:
            raise _refused(stream, path, f"cannot be opened: {error.strerror}") from error
        finally:
            os.close(folder)
        found = os.fstat(descriptor)
        why = ""
        if not stat.S_ISREG(found.st_mode):
            why = "is no regular file"
        elif found.st_uid != os.geteuid():
            why = "belongs to another user"
        elif found.st_nlink != 1:
            why = "has a further hard link"
        elif found.st_mode & 0o077:
            why = "gives rights to group or others: make it with mode 0600 (umask 077)"
        if why:
            os.close(descriptor)
            raise _refused(stream, path, why)
        return os.fdopen(descriptor, "rb")

    def _lock(self, folder: Path, descriptor: int) -> None:
        """Say that the folder is in use, until the end of the run."""
        if folder in self._locks:
            return
        try:
            lock = os.open(_LOCK, _REGULAR, dir_fd=descriptor)
        except FileNotFoundError:
            return  # a foreign tap's folder
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        self._locks[folder] = lock


def _require_rows(file: BatchFile, expected: int | None) -> None:
    found, stream = file.count(), file.source.stream
    if expected is not None and found != expected:
        raise _refused(stream, file.path, f"has {found} rows, flext_rows says {expected}")
    if not found:
        raise _refused(stream, file.path, "has no rows")


def _encoding(stream: str, message: Message) -> str:
    try:
        said = msgspec.json.decode(message.encoding, type=_Encoding)
    except msgspec.MsgspecError as error:
        raise _refused(stream, "its message", f"has no encoding: {error}") from error
    match said.format, said.compression or "none":
        case "parquet", "zstd":
            return "parquet"
        case "jsonl", ("gzip" | "none") as compression:
            return f"jsonl {compression}"
        case name, compression:
            raise _refused(
                stream, "its message", f"names {name} with {compression}: parquet with zstd, or"
                " jsonl with gzip or none, are read"
            )  # fmt: skip


def _manifest(stream: str, message: Message) -> tuple[list[str], Sequence[int | None]]:
    try:
        manifest = msgspec.json.decode(message.manifest, type=list[str])
        rows = msgspec.json.decode(message.flext_rows, type=list[int] | None)
    except msgspec.MsgspecError as error:
        raise _refused(stream, "its message", f"is broken: {error}") from error
    if not manifest:
        raise _refused(stream, "its message", "names no file")
    if rows is None:
        return manifest, [None] * len(manifest)
    if len(rows) != len(manifest):
        raise _refused(stream, "its message", "has not one number in flext_rows for each file")
    return manifest, rows


_BLANK = re.compile(rb"\s*")


def _lines(data: IO[bytes], *, is_gzip: bool) -> Iterator[Row]:
    """Records as the Singer SDK writes them: one JSON object a line."""
    rest = b""
    for chunk in _unzipped(data) if is_gzip else iter(lambda: data.read(_CHUNK_BYTES), b""):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _MAX_LINE_BYTES:
            raise parquet.FormatError(f"a line is longer than {_MAX_LINE_BYTES} bytes")
        for line in lines:
            if not _BLANK.fullmatch(line):
                yield msgspec.Raw(line), None
    if not _BLANK.fullmatch(rest):
        yield msgspec.Raw(rest), None


def _unzipped(data: IO[bytes]) -> Iterator[bytes]:
    decoder = zlib.decompressobj(_GZIP)
    pending = b""
    try:
        while chunk := pending or data.read(_CHUNK_BYTES):
            if decoder.eof:  # gzip may be several members
                decoder = zlib.decompressobj(_GZIP)
            yield decoder.decompress(chunk, _CHUNK_BYTES * 16)
            pending = decoder.unconsumed_tail or decoder.unused_data
    except zlib.error as error:
        raise parquet.FormatError(f"is no gzip: {error}") from error
    if not decoder.eof:
        raise parquet.FormatError("its gzip stream is cut short")


def _refused(stream: str, what: object, why: str) -> BatchRefusedError:
    return BatchRefusedError(f"stream {stream}: a BATCH message is refused: {what} {why}")
