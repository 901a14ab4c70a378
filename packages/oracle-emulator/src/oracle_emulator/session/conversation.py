"""What is said over an accepted connection: negotiation, logon, calls.

Payloads in, responses out.

Every message is decoded as a whole before anything of it is done, since requests carry no length:
whatever becomes of a call, the bytes that belong to it have to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from oracle_emulator.codec.buffers import MalformedError, Reader
from oracle_emulator.engine.interface import Kind, OracleError, PackedRows
from oracle_emulator.session import calls, execution, faults
from oracle_emulator.session.context import Client, ServerContext
from oracle_emulator.session.cursors import OpenCursor
from oracle_emulator.session.handshake import Handshake
from oracle_emulator.session.interrupts import Interrupts
from oracle_emulator.session.responder import CANCELLED, Call, Responder, Response, failure
from oracle_emulator.session.statistics import Counters
from oracle_emulator.session.stream import InputStream, Steps
from oracle_emulator.tns.connect import Descriptor
from oracle_emulator.ttc.auth import decode_auth
from oracle_emulator.ttc.binds import BindRow, RowDecoder
from oracle_emulator.ttc.constants import Function, Message
from oracle_emulator.ttc.datatypes import decode_data_types, encode_data_types
from oracle_emulator.ttc.execute import Option, decode_execute, decode_reexecute
from oracle_emulator.ttc.fastauth import decode_fast_auth
from oracle_emulator.ttc.header import Header, decode_header
from oracle_emulator.ttc.packed import RowSplitter
from oracle_emulator.ttc.piggybacks import decode_piggyback
from oracle_emulator.ttc.protocol import decode_protocol, encode_protocol

_PACKED_FROM_ROWS = 4  # fewer are values at once


class Conversation:
    """One connection's conversation.

    Failed calls are answered; MalformedError means that nothing more can be understood.
    """

    def __init__(
        self,
        context: ServerContext,
        interrupts: Interrupts,
        descriptor: Descriptor,
        kill: Callable[[], None],
    ) -> None:
        self.finished = False
        self.responder = Responder(
            interrupts, context.faults, end_mark=context.profile.end_of_response
        )
        self._context = context
        self._handshake = Handshake(context, descriptor, kill)
        self._client: Client | None = None
        self._stream = InputStream()
        self._call_start = 0
        self._steps = self._run()

    def feed(self, payload: bytes) -> None:
        """Take a payload and do whatever it completes. Raises MalformedError."""
        if self._stream.feed(payload):
            next(self._steps, None)

    def restart(self) -> None:
        """Forget what was received of a call, after an interrupt."""
        self._steps.close()
        self._stream.clear()
        self.responder.restart()
        self._call_start = self._stream.total()
        self._steps = self._run()

    def cancelled(self) -> Response:
        """Return the response to a call that was interrupted."""
        status = self._client.call_status() if self._client is not None else 0
        return self.responder.response(failure(CANCELLED, 0, self._version, status))

    def close(self) -> None:
        """End the session, if there is one."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @property
    def _version(self) -> int:
        return self._handshake.field_version

    def _run(self) -> Steps[None]:
        while not self.finished:
            header = yield from self._stream.complete(self._header)
            yield from self._message(header)
            if self.responder.interrupted:
                yield

    def _header(self, reader: Reader) -> Header:
        return decode_header(reader, self._version)

    def _message(self, header: Header) -> Steps[None]:
        if header.message is Message.FUNCTION and header.function is not None:
            yield from self._function(header, header.function)
        elif header.message is Message.PIGGYBACK and header.function is not None:
            yield from self._piggyback(header.function)
        elif header.message is Message.ONE_WAY:
            yield from self._stream.complete(lambda reader: (reader.raw(2), reader.ub()))
        elif self._client is None:
            yield from self._negotiation(header.message)
        else:
            raise MalformedError(f"a message {header.message.name} in a session")

    def _negotiation(self, message: Message) -> Steps[None]:
        if message is Message.PROTOCOL:
            yield from self._stream.complete(decode_protocol)
            self.responder.send_plain(encode_protocol(self._context.profile))
        elif message is Message.DATA_TYPES:
            self._handshake.agree((yield from self._stream.complete(decode_data_types)))
            self.responder.send_plain(encode_data_types())
        elif message is Message.FAST_AUTH:
            request = yield from self._stream.complete(decode_fast_auth)
            self._handshake.agree(request.data_types)
            head = encode_protocol(self._context.profile) + encode_data_types()
            self.responder.send(head + self._handshake.challenge(request.auth))
        else:
            raise MalformedError(f"a message {message.name} before a session")

    def _piggyback(self, function: Function) -> Steps[None]:
        piggyback = yield from self._stream.complete(
            lambda reader: decode_piggyback(reader, function)
        )
        if self._client is None:
            raise MalformedError(f"a piggyback {function.name} before the logon")
        if piggyback.begin_pipeline:
            self.responder.begin_pipeline(abort_on_error=piggyback.abort_on_error)
        try:
            calls.apply_piggyback(self._client, piggyback)
        except OracleError as error:
            self.responder.refused = error

    def _function(self, header: Header, function: Function) -> Steps[None]:
        client = self._client
        if client is None:
            yield from self._logon(function)
        elif function is Function.EXECUTE:
            yield from self._execute(header, client)
        elif function in {Function.REEXECUTE, Function.REEXECUTE_AND_FETCH}:
            yield from self._reexecute(header, client, function)
        elif function in calls.SIMPLE:
            run = calls.SIMPLE[function]
            occasion = calls.occasion_of(function)
            self._call(
                client,
                Call(function.name, lambda: run(client), header.token, occasion=occasion),
            )
            self.finished |= function is Function.LOGOFF
        else:
            read = calls.WITH_BODY.get(function)
            if read is None:
                raise MalformedError(f"a function {function.name}")
            make = yield from self._stream.complete(read)
            if function is Function.PIPELINE_END:
                self.responder.end_pipeline()
            self._call(client, make(client, header.token))

    def _call(self, client: Client, call: Call) -> None:
        received = self._stream.total() - self._call_start
        self._call_start = self._stream.total()
        self.responder.call(client, call, received)
        self.finished |= self.responder.killed

    def _logon(self, function: Function) -> Steps[None]:
        if function not in {Function.AUTH_PHASE_ONE, Function.AUTH_PHASE_TWO}:
            raise MalformedError(f"a function {function.name} before the logon")
        request = yield from self._stream.complete(decode_auth)
        if function is Function.AUTH_PHASE_ONE:
            self.responder.send(self._handshake.challenge(request))
            return
        try:
            entered = self._handshake.enter(request)
        except OracleError as error:
            self.responder.send(failure(error, 0, self._version))
            return
        self._client = entered.client
        self.responder.send(entered.answer)

    def _execute(self, header: Header, client: Client) -> Steps[None]:
        request = yield from self._stream.complete(
            lambda reader: decode_execute(reader, self._version)
        )
        cursor = _cursor_for(client, request.cursor, request.sql)
        if request.binds:
            cursor.binds = request.binds
        sent = bool(request.options & Option.BIND) or not cursor.binds
        expected = request.row_count if sent else 0
        rows, problem = yield from self._rows(cursor, expected)
        wanted = execution.from_execute(request)
        self._statement(header, client, cursor, wanted, rows, problem)

    def _reexecute(self, header: Header, client: Client, function: Function) -> Steps[None]:
        request = yield from self._stream.complete(decode_reexecute)
        cursor = _cursor_for(client, request.cursor, None)
        fetch = function is Function.REEXECUTE_AND_FETCH
        rows, problem = yield from self._rows(cursor, 1 if fetch else max(1, request.count))
        wanted = execution.from_reexecute(request, fetch=fetch)
        self._statement(header, client, cursor, wanted, rows, problem)

    def _rows(
        self, cursor: OpenCursor, count: int
    ) -> Steps[tuple[Sequence[BindRow] | PackedRows, str | None]]:
        infos = execution.input_binds(cursor.statement, cursor.binds)
        if not infos or not count:
            return [[] for _ in range(count)], None
        if cursor.statement.kind is Kind.DML:
            splitter = RowSplitter(infos)
            if splitter.applies and self._context.swallows(cursor.statement):
                yield from self._stream.go_through(splitter.skip, count, splitter.missing)
                return [[]] * count, None
            if splitter.applies and count >= _PACKED_FROM_ROWS:
                yield from self._stream.go_through(splitter.split, count, splitter.missing)
                return splitter.rows(), None
        decoder = RowDecoder(infos, plsql=execution.is_plsql(cursor.statement))
        rows = yield from self._stream.complete_many(decoder.decode, count)
        return rows, decoder.problem

    def _statement(
        self,
        header: Header,
        client: Client,
        cursor: OpenCursor,
        wanted: execution.Request,
        rows: Sequence[BindRow] | PackedRows,
        problem: str | None,
    ) -> None:
        counts = Counters(parses=int(wanted.parsed), rows_received=len(rows) if cursor.binds else 0)

        def run() -> bytes:
            before = cursor.sent
            try:
                return execution.execute(client, cursor, wanted, rows, problem)
            finally:
                counts.executions = int(bool(wanted.options & Option.EXECUTE))
                counts.rows_sent = cursor.sent - before

        statement = cursor.statement
        commits = bool(wanted.options & Option.COMMIT)
        occasion = faults.of_statement(statement.kind, statement.text, commits=commits)
        call = Call(statement.text, run, header.token, cursor.number, counts, occasion)
        self._call(client, call)


def _cursor_for(client: Client, number: int, sql: str | None) -> OpenCursor:
    """Return the cursor of a call: a new one for a new text, or the one that the client names."""
    cursor = client.cursors.get(number) if number else None
    if sql is None:
        if cursor is None:
            raise MalformedError(f"cursor {number} is not open, so its binds cannot be read")
        return cursor
    statement = client.session.scan(sql)
    if cursor is None:
        return client.cursors.open(statement)
    cursor.close_result()
    cursor.statement = statement
    cursor.binds = ()
    return cursor
