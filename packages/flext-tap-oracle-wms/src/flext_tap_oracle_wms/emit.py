"""Singer messages on stdout: the only writer, one write per page, STATE after what it covers.

A stream's emitter turns pages into lines and sends the SCHEMA that a record needs before it.
Which page comes next, and what STATE says, is decided elsewhere.
"""

from __future__ import annotations

import contextlib
import select
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from flext_observability import emit as emit_event
from flext_tap_oracle_wms import records, schema
from flext_tap_oracle_wms.events import PageEmitted, SchemaDrifted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from flext_tap_oracle_wms.bookmarks import State
    from flext_tap_oracle_wms.clock import Clock

_encoder = msgspec.json.Encoder(decimal_format="number")


class Terminated(SystemExit):
    """A signal asked the process to end; the line in hand is whole."""


def _write_whole(stream: Any, lines: bytes) -> None:
    """Write all of the lines, however many calls the stream takes for it.

    With PYTHONUNBUFFERED set, as images for containers like it, sys.stdout.buffer is the bare
    file: a write that a signal interrupts takes only a part and says how much.
    """
    rest = memoryview(lines)
    while rest:
        taken = stream.write(rest)
        if taken is None:  # a non-blocking pipe that is full
            select.select([], [stream], [])
            continue
        rest = rest[taken:]


class Output:
    """The process's stdout as a channel of whole lines, shared by the threads of the streams.

    A signal takes effect between units (a page with the STATE after it), never within one: the
    unit in hand is finished, no other begins.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._depth = 0
        self._signal: int | None = None

    @contextlib.contextmanager
    def unit(self) -> Iterator[None]:
        """Keep what the block writes together: no other thread writes, no signal cuts it.

        Raises:
            Terminated: a signal came before or meanwhile.
        """
        with self._lock:
            if self._signal is not None and not self._depth:
                raise Terminated(128 + self._signal)
            self._owner = threading.get_ident()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if not self._depth:
                    self._owner = None
        if self._signal is not None and not self._depth:
            raise Terminated(128 + self._signal)

    def write(self, lines: bytes) -> None:
        """Write whole lines to the current sys.stdout and flush it."""
        with self.unit():
            stream = sys.stdout
            buffer = getattr(stream, "buffer", None)
            if buffer is None:
                stream.write(lines.decode("utf-8"))
            else:
                stream.flush()
                _write_whole(buffer, lines)
                buffer.flush()
            stream.flush()

    def message(self, message: dict[str, Any]) -> None:
        """Write one message."""
        self.write(_encoder.encode(message) + b"\n")

    def state(self, state: State) -> None:
        """Write a complete STATE, as it is when its turn to be written has come."""
        with self.unit():
            self.write(b'{"type":"STATE","value":' + state.encoded() + b"}\n")

    def terminate(self, signal_number: int) -> None:
        """End the process; called by a signal, thus in the main thread, wherever that is.

        Raises:
            Terminated: with the exit code that a shell gives for the signal; where the main
                thread is itself within a unit, that raises it at its end.
        """
        self._signal = signal_number
        if self._owner == threading.get_ident():
            return
        # No event from here: the signal may have come while the log's own lock was held.
        raise Terminated(128 + signal_number)

    def finish(self) -> None:
        """Wait for the unit that another thread has in hand."""
        with self._lock:
            return


class Mapper(Protocol):
    """What stream maps of the shell do to a stream; None in its place is the fast way."""

    def schemas(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the SCHEMA messages that a stream's schema becomes."""
        ...

    def records(self, record: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """Return the stream and record of each record that one becomes."""
        ...

    def aliases(self) -> list[str]:
        """Return the streams that it becomes."""
        ...


class HandedOver(Protocol):
    """A file that is whole."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def rows(self) -> int:
        """How many records it holds."""
        ...

    @property
    def version(self) -> int | None:
        """The full load's version, for all of them."""
        ...


class Files(Protocol):
    """The files that records go into; None in its place is RECORD messages. `spool` makes them."""

    @property
    def is_open(self) -> bool:
        """Whether there are rows that no message has named."""
        ...

    @property
    def is_due(self) -> bool:
        """Whether there are enough of them."""
        ...

    def add(
        self,
        columns: Sequence[schema.Column],
        records: Sequence[Any],
        extracted_at: datetime,
        version: int | None,
    ) -> None:
        """Add the records of a page."""
        ...

    def close(self) -> HandedOver:
        """Finish the open file, give it its name and return it."""
        ...


@dataclass(frozen=True)
class Shape:
    """What of an entity is emitted.

    Attributes:
        fields: its fields, as far as they are known.
        selected: whether a column is wanted.
        open_ended: whether fields that turn up in records are wanted too.
        bookmark_key: the replication key, where it is used.
        flattening: what of objects becomes columns.
    """

    fields: Sequence[schema.Field]
    selected: Callable[[str], bool]
    open_ended: bool
    bookmark_key: str | None
    flattening: schema.Flattening = schema.PLAIN


class StreamEmitter:
    """Emits one stream: its schema as it is known so far, its pages, its end."""

    def __init__(
        self,
        stream: str,
        shape: Shape,
        *,
        output: Output,
        clock: Clock,
        run_id: str,
        mapper: Mapper | None = None,
        files: Files | None = None,
    ) -> None:
        self.stream = stream
        self._output = output
        self._clock = clock
        self._shape = shape
        self._run_id = run_id
        self._mapper = mapper
        self._files = files
        self._fields: dict[str, schema.Field] = {}
        self._use({item.name: item for item in shape.fields})

    def _use(self, fields: dict[str, schema.Field]) -> None:
        self._fields = fields
        every = schema.columns_of(fields.values())
        self._columns = [column for column in every if self._shape.selected(column.name)]
        self._flatten = records.generate(
            self.stream, tuple(fields.values()), self._columns, open_ended=self._shape.open_ended
        )

    @property
    def has_key(self) -> bool:
        """Whether the stream's records have an id."""
        return schema.KEY in self._fields

    def write_schema(self) -> None:
        """Write SCHEMA, with the run id as an extra key, after the records of the one before."""
        self._hand_over()
        for message in self.schema_messages():
            self._output.message({**message, "flext_run_id": self._run_id})

    def schema_messages(self) -> list[dict[str, Any]]:
        """Return SCHEMA as it is now; several, or none, where stream maps say so."""
        known = schema.json_schema(self._columns)
        names = known["properties"]
        key = self._shape.bookmark_key
        plain = {
            "type": "SCHEMA",
            "stream": self.stream,
            "schema": known,
            "key_properties": [schema.KEY] if schema.KEY in names else [],
            "bookmark_properties": [key] if key in names else [],
        }
        return [plain] if self._mapper is None else self._mapper.schemas(known)

    def write_page(self, results: msgspec.Raw, fetched_at: datetime, version: int | None) -> int:
        """Write the records of a page in one piece and return how many the page held.

        Raises:
            RecordError: a value does not fit its column; nothing of the page is written.
            HandOverError: the file that it belongs to cannot be written.
        """
        started_s = self._clock.monotonic_s()
        found = self._records(results)
        if found and self._files is not None:
            self._files.add(self._columns, found, fetched_at, version)
            if self._files.is_due:
                self._hand_over()
        elif found:
            extracted = fetched_at.isoformat(timespec="microseconds")
            self._output.write(self._lines(found, extracted, version))
        seconds = self._clock.monotonic_s() - started_s
        emit_event(PageEmitted(self.stream, len(found), round(seconds, 6)))
        return len(found)

    def unit(self) -> contextlib.AbstractContextManager[None]:
        """Keep what is written in the block together, safe from signals and other streams."""
        return self._output.unit()

    def decoded(self, results: msgspec.Raw) -> list[dict[str, Any]]:
        """Return a page's records without writing them, as stream maps would see them."""
        return [records.plain_record(record) for record in self._tolerant(results)]

    def _records(self, results: msgspec.Raw) -> records.Records:
        if self._mapper is None:
            try:
                return self._flatten(results)
            except records.UnexpectedError:
                pass  # whatever it is, the tolerant way takes it or says what is wrong
        return self._tolerant(results)

    def _tolerant(self, results: msgspec.Raw) -> list[dict[str, Any]]:
        rows = records.decode(results)
        new = records.drift(tuple(self._fields.values()), rows, self._shape.flattening)
        if not self._shape.open_ended:
            # Fields that the user left out are not wanted; new parts of the others are.
            new = [item for item in new if item.name in self._fields]
        if new:
            self._use(self._fields | {item.name: item for item in new})
            emit_event(SchemaDrifted(self.stream, tuple(item.name for item in new)))
            self.write_schema()
        return records.flatten_rows(self.stream, self._columns, rows)

    def _lines(self, found: records.Records, extracted: str, version: int | None) -> bytes:
        if self._mapper is None:
            return records.lines(self.stream, found, extracted, version)
        return b"".join(
            records.lines(alias, [mapped], extracted, version)
            for record in found
            for alias, mapped in self._mapper.records(records.plain_record(record))
        )

    def write_state(self, state: State) -> None:
        """Write a complete STATE; whatever it covers must be written already.

        Where records go into files it waits for the one that holds them.
        """
        files = self._files
        if files is None:
            self._output.state(state)
        elif not files.is_open:
            with self.unit():
                state.hold(self.stream)
                self._output.state(state)

    def finish(self, state: State) -> None:
        """Hand over what is left of the stream, with the STATE that covers it."""
        if self._files is not None and self._files.is_open:
            with self.unit():
                self._hand_over()
                self.write_state(state)

    def _hand_over(self) -> None:
        """Name the open file in a BATCH message, once it is whole."""
        if self._files is None or not self._files.is_open:
            return
        with self.unit():
            found = self._files.close()
            message: dict[str, Any] = {
                "type": "BATCH",
                "stream": self.stream,
                "encoding": {"format": "parquet", "compression": "zstd"},
                "manifest": [found.path.as_uri()],
            }
            if found.version is not None:
                message["version"] = found.version
            self._output.message({**message, "flext_rows": [found.rows]})

    def activate_version(self, version: int) -> None:
        """Declare a full load complete: rows of other versions are not in the WMS any more.

        The message says so itself, since taps are that send it before their records: so a load
        whose last run read no row can be told from one that has not begun.
        """
        self._hand_over()
        aliases = [self.stream] if self._mapper is None else self._mapper.aliases()
        for alias in aliases:
            message = {"type": "ACTIVATE_VERSION", "stream": alias, "version": version}
            self._output.message(message | {"flext_complete": True})
