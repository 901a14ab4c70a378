"""One run: messages come in, batches go out to the loaders, STATE goes out behind them.

Everything here happens in the main thread but what `lanes` runs, which is a stream's preparing and
loading, and the writing of STATE, which is under a lock.
"""

from __future__ import annotations

import getpass
import os
import socket
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import flext_coordination
from flext_coordination import CoordinationError, LeaseLostError
from flext_observability import bound, emit, metrics, run_id_from_env, runs, set_process_context
from flext_observability.logs import emit_metrics
from flext_target_oracle import admission, clock, events, messages, versions
from flext_target_oracle.batchfiles import BatchFiles
from flext_target_oracle.connection import Database
from flext_target_oracle.continuity import Beginning
from flext_target_oracle.delivery import Batch, Surroundings
from flext_target_oracle.envelopes import Recent
from flext_target_oracle.errors import (
    FenceLostError,
    InputError,
    RecordBeforeSchemaError,
    StateUnwrittenError,
    TerminatedError,
)
from flext_target_oracle.fence import Fence, Holder
from flext_target_oracle.heartbeat import Heartbeat
from flext_target_oracle.interruption import Interruption
from flext_target_oracle.lanes import Lanes
from flext_target_oracle.loader import StreamLoader
from flext_target_oracle.messages import Message
from flext_target_oracle.reporting import Reports, StateWriter, as_json
from flext_target_oracle.settings import Settings
from flext_target_oracle.sink import Sink
from flext_target_oracle.state import bookmark_of

COMPONENT = "flext-target-oracle"


class Run:
    """From the first message to the last commit; `finish` or `abandon` ends it."""

    def __init__(
        self, settings: Settings, write_state: StateWriter, interruption: Interruption
    ) -> None:
        self._settings = settings
        self._interruption = interruption
        self._sinks: dict[str, Sink] = {}
        self._tables: dict[str, str] = {}
        self._reports = Reports(write_state)
        self._stopping = threading.Event()
        self._lanes = Lanes(
            workers=settings.max_parallelism,
            buffer_bytes=settings.buffer_bytes,
            waiting=interruption.waiting,
        )
        self._workspace: Path = flext_coordination.workspace_from_env(os.environ)
        self._files = BatchFiles(self._workspace)
        self._scope = flext_coordination.scope_from_env(os.environ)
        self._run_id = ""
        self._shared: Surroundings | None = None
        self._lease: flext_coordination.Lease | None = None
        self._heartbeat: Heartbeat | None = None
        self._held = ExitStack()
        self._began_s = clock.monotonic_s()
        self._line, self._recent = 0, Recent()
        self.counts: Counter[str] = Counter()
        if (run_id := run_id_from_env(os.environ)) is not None:
            self._begin(run_id)

    def _begin(self, run_id: str) -> None:
        """Take the lease of the scope before anything else is touched."""
        self._run_id = run_id
        set_process_context(run_id=run_id)
        self._lease = lease = flext_coordination.acquire(
            self._workspace, self._scope, run_id=run_id[:120], owner=COMPONENT
        )
        self._lease.start_heartbeat()
        runs.start(self._workspace, run_id, COMPONENT)
        database = Database(self._settings, run_id=run_id)
        self._held.callback(database.close)
        self._heartbeat = heartbeat = Heartbeat(database)
        self._held.callback(heartbeat.give_back)

        def fence_taken(taken: Fence) -> None:
            heartbeat.hold(taken)
            lease.record_fence(taken.number)

        self._shared = Surroundings(
            settings=self._settings,
            database=database,
            holder=Holder(
                scope=self._scope,
                run_id=run_id,
                owner=f"{COMPONENT} {getpass.getuser()}@{socket.gethostname()}:{os.getpid()}",
                lineage=lease.record.lineage,
            ),
            lock=threading.Lock(),
            stopping=self._stopping,
            rejects_left=self._settings.max_rejects,
            fence_taken=fence_taken,
            bookmark_of=self._reports.covered,
        )
        emit(events.RunStarted(self._scope, self._settings.load_method))

    # messages

    def take(self, lines: Iterable[bytes]) -> None:
        """Take lines of the input; an empty chunk only lets open batches age.

        Raises:
            TargetError: a line is wrong, or a stream has failed.
        """
        received_at, some, at = clock.utc_now(), list(lines), 0
        while at < len(some):
            at += self._take_alike(some, at, received_at) or self._take(some[at], received_at)
        self._close_aged()
        self._lanes.check()
        self._check_leases()
        self._interruption.check()

    def _take_alike(self, lines: list[bytes], at: int, received_at: datetime) -> int:
        """Take the RECORD lines there that are as the last ones were; return how many."""
        envelope = self._recent.envelope
        records = envelope.records(lines, at) if envelope is not None else []
        if envelope is None or not records:
            return 0
        sink, total = self._sinks[envelope.stream or ""], len(records)
        if envelope.version != sink.version:
            self._turn(sink, envelope.version, envelope.time_extracted, received_at)
        while records:
            count = sink.add_cut(records, envelope, received_at, self._line + 1)
            if sink.is_full:
                self._close(sink)
            self._line += count
            del records[:count]
        self.counts["RECORD"] += total
        return total

    def _take(self, line: bytes, received_at: datetime) -> int:
        self._line += 1
        try:
            if line and not line.isspace():
                self._take_message(messages.parse(line), line, received_at)
        except InputError as error:
            error.line = self._line
            raise
        return 1

    def _take_message(self, message: Message, line: bytes, received_at: datetime) -> None:
        if message.type != "RECORD":
            self._other(message)
            return
        sink = self._sinks.get(message.stream or "")
        if sink is None:
            raise RecordBeforeSchemaError(
                f"a RECORD of stream {messages.stream_of(message)!r} came before its SCHEMA"
            )
        if message.version != sink.version:
            self._turn(sink, message.version, message.time_extracted, received_at)
        if sink.add(message.record, message.time_extracted, received_at, line):
            self._close(sink)
        self.counts["RECORD"] += 1
        self._recent.note(message, line)

    def _batch(self, message: Message) -> None:
        """Take the rows of files as if they were records (docs/specs/batch.md)."""
        stream, received_at = messages.stream_of(message), clock.utc_now()
        sink = self._sinks.get(stream)
        if sink is None:
            raise RecordBeforeSchemaError(f"a BATCH of stream {stream!r} came before its SCHEMA")
        files = self._files.take(message, sink.source)
        with ExitStack() as opened:
            for file in files:
                opened.enter_context(file.data)
            for file in files:
                for record, extracted in file.rows():
                    if message.version != sink.version:
                        self._turn(sink, message.version, extracted, received_at)
                    if sink.add(record, extracted, received_at, bytes(record)):
                        self._close(sink)
                self._files.keep_until(stream, sink.received, file.path)
                self._close(sink)

    def _other(self, message: Message) -> None:
        self._ensure_begun(message)
        match message.type:
            case "SCHEMA":
                self._schema(message)
            case "STATE":
                self._state(messages.json_object(message.value, "the value of a STATE message"))
            case "ACTIVATE_VERSION":
                self._activate(message)
            case "BATCH":
                self._batch(message)
            case _:
                raise InputError(f"a message has the unknown type {message.type!r}")
        self.counts[message.type] += 1

    def _ensure_begun(self, message: Message) -> Surroundings:
        if self._shared is None:
            self._begin(message.flext_run_id or str(uuid.uuid4()))
        if self._shared is None:
            raise RuntimeError("the run did not begin")
        return self._shared

    def _schema(self, message: Message) -> None:
        settings = self._settings
        source = messages.stream_schema(message, replication_key=settings.replication_key)
        known = self._sinks.get(source.stream)
        if known is not None and known.source == source:
            return
        admission.check_table(source, self._tables, settings)
        admission.check_key(source, settings, is_new=known is None)
        if known is None:
            shared = self._ensure_begun(message)
            limits = settings.batch_size, settings.batch_bytes
            known = Sink(source, StreamLoader(shared, source.stream), *limits)
            self._sinks[source.stream] = known
            self._reports.include(source.stream, known.loader)
        else:
            self._close(known)  # what came under the old schema goes first
            known.source = source
        loader, beginning = known.loader, Beginning()
        if (begun := self._reports.newest) is not None:
            beginning = Beginning(True, bookmark_of(begun, source.stream))
        known.received += 1  # STATE behind it is held until the table stands
        end = known.received

        def prepare() -> None:
            loader.prepare(source, beginning)
            self._reports.durable(source.stream, end)

        self._submit(source.stream, prepare, alone=True)

    def _state(self, state: dict[str, Any]) -> None:
        positions = {name: sink.received for name, sink in self._sinks.items()}
        for name, sink in self._sinks.items():
            bookmark = bookmark_of(state, name)
            if bookmark is not None:
                sink.bookmark = as_json(bookmark)
        self._reports.received(state, positions)

    def _turn(
        self, sink: Sink, version: int | None, extracted: str | None, received_at: datetime
    ) -> None:
        """Records of another version follow."""
        self._close(sink)
        sink.version, sink.versioned = version, 0
        is_noted = version is not None or self._settings.load_method == "overwrite"
        number = sink.take_number() if is_noted else None
        loader, seen_at = sink.loader, versions.seen_at(extracted, received_at)
        self._submit(sink.source.stream, lambda: loader.open(number, version, seen_at), alone=True)

    def _activate(self, message: Message) -> None:
        stream, version = messages.stream_of(message), message.version
        sink = self._sinks.get(stream)
        if sink is None:
            raise RecordBeforeSchemaError(
                f"an ACTIVATE_VERSION of stream {stream!r} came before its SCHEMA"
            )
        if version is None:
            raise InputError(f"an ACTIVATE_VERSION message of stream {stream!r} has no version")
        if sink.version != version:
            self._turn(sink, version, None, clock.utc_now())
        if not (sink.versioned or message.flext_complete):
            emit(events.VersionKept(stream, version, "no record of it came in this run"))
            return
        self._close(sink)
        sink.received += 1  # STATE behind it is held until it took effect
        loader, number, end = sink.loader, sink.take_number(), sink.received

        def activate() -> None:
            loader.activate(number, version)
            self._durable(stream, end)

        self._submit(stream, activate, alone=True)

    # batches

    def _close_aged(self) -> None:
        now_s = clock.monotonic_s()
        for sink in self._sinks.values():
            if sink.is_aged(now_s, self._settings.batch_age_s):
                self._close(sink)

    def _close(self, sink: Sink) -> None:
        if not sink:
            return
        size_bytes = sink.held_bytes
        batch, stream, loader = sink.close(clock.utc_now()), sink.source.stream, sink.loader
        self._submit(stream, lambda: self._load(stream, loader, batch), size_bytes=size_bytes)

    def _submit(
        self, stream: str, task: Callable[[], None], *, size_bytes: int = 0, alone: bool = False
    ) -> None:
        def in_context() -> None:
            with bound(stream=stream):
                task()

        self._lanes.submit(stream, in_context, size_bytes=size_bytes, alone=alone)

    def _load(self, stream: str, loader: StreamLoader, batch: Batch) -> None:
        if loader.load(batch):
            self._durable(stream, batch.end)

    def _durable(self, stream: str, end: int) -> None:
        self._files.durable(stream, end)
        self._reports.durable(stream, end)

    def _check_leases(self) -> None:
        if self._lease is not None:
            self._lease.check()
        if self._heartbeat is not None:
            self._heartbeat.check()

    # the end

    def finish(self) -> None:
        """Load what is open, and end: when this returns, everything received is durable.

        Raises:
            TargetError: some of it could not be loaded.
        """
        for sink in self._sinks.values():
            self._close(sink)
        self._lanes.drain()
        self._lanes.check()
        for sink in self._sinks.values():
            self._submit(sink.source.stream, partial(self._end_of_input, sink), alone=True)
        self._lanes.drain()
        self._lanes.check()
        self._lanes.stop()
        self._check_leases()
        self._reports.write()
        lines = sum(self.counts.values())
        if self._shared is not None:
            emit(events.RunEnded(clock.monotonic_s() - self._began_s, lines))
        self._end("completed", exit_code=0)

    def _end_of_input(self, sink: Sink) -> None:
        if sink.loader.end_of_input(sink.take_number()):
            self._durable(sink.source.stream, sink.received)

    def abandon(self, error: BaseException, *, exit_code: int) -> None:
        """End after a failure: what other streams have received is loaded, what failed is not.

        After a signal, or when the lease is lost or nobody reads STATE, nothing more is begun; what
        runs is finished.
        """
        last = TerminatedError | LeaseLostError | FenceLostError | StateUnwrittenError
        try:
            if not isinstance(error, last):
                for sink in self._sinks.values():
                    self._close(sink)
                self._lanes.drain()
        finally:
            self._stopping.set()
            self._lanes.stop()
            try:
                if not isinstance(error, StateUnwrittenError):
                    self._reports.write()
            except StateUnwrittenError as second:
                error.add_note(f"and {second}")
            try:
                self._end(f"failed: {type(error).__name__}", exit_code=exit_code)
            except (CoordinationError, runs.RunRecordError) as second:
                error.add_note(f"and the run's end was not recorded: {second}")

    def _end(self, outcome: str, *, exit_code: int) -> None:
        self._held.close()
        self._files.close()
        if self._shared is not None:
            emit_metrics()
            runs.finish(
                self._workspace,
                self._run_id,
                COMPONENT,
                exit_code=exit_code,
                streams=metrics.snapshot(),
            )
        if self._lease is not None:
            self._lease.release(outcome)
