"""Running a call and answering it: errors, interrupts, pipelines and statistics of every call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from oracle_emulator.codec.buffers import MalformedError
from oracle_emulator.engine.interface import OracleError
from oracle_emulator.session import faults
from oracle_emulator.session.context import Client
from oracle_emulator.session.faults import DroppedError, Fault, FaultKind, Faults, Moment, Occasion
from oracle_emulator.session.interrupts import Interrupts
from oracle_emulator.session.statistics import Counters
from oracle_emulator.ttc.ending import END_OF_RESPONSE, Ending, encode_ending
from oracle_emulator.ttc.header import encode_token

_log = logging.getLogger(__name__)

CANCELLED = OracleError(1013, "user requested cancel of current operation")
_PIPELINE_ABORTED = OracleError(3113, "an earlier operation of the pipeline failed")


@dataclass(frozen=True, slots=True)
class Response:
    """What is to be sent; `end_mark` when the last packet is to be marked as the end."""

    payload: bytes
    end_mark: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what it is counted under, and how it is run.

    `run` returns the response up to its end mark.
    """

    label: str
    run: Callable[[], bytes]
    token: int = 0
    cursor: int = 0
    counts: Counters | None = None
    occasion: Occasion | None = None  # how faults see it; None: they do not


class Responder:
    """Collects the responses of one connection."""

    def __init__(self, interrupts: Interrupts, armed: Faults, *, end_mark: bool) -> None:
        self.interrupted = False
        self.killed = False  # the session is over, once this is said
        self._faults = armed
        self.refused: OracleError | None = None  # by a piggyback, for the call that follows it
        self._interrupts = interrupts
        self._end_mark = end_mark
        self._responses: list[Response] = []
        self._in_pipeline = False  # its calls make one round trip, counted at its end
        self._pipeline_aborts = False
        self._pipeline_failed = False

    def take(self) -> list[Response]:
        """Return what is to be sent now."""
        responses, self._responses = self._responses, []
        return responses

    def send_plain(self, payload: bytes) -> None:
        """Answer without an end mark, as the first steps of a conversation are answered."""
        self._responses.append(Response(payload, end_mark=False))

    def send(self, payload: bytes, token: int = 0) -> None:
        """Answer a call."""
        self._responses.append(self.response(payload, token))

    def response(self, payload: bytes, token: int = 0) -> Response:
        """Return the response that a payload makes."""
        if self._end_mark:
            payload += END_OF_RESPONSE
        return Response(encode_token(token) + payload, self._end_mark)

    def begin_pipeline(self, *, abort_on_error: bool) -> None:
        """Note that the calls that follow belong together."""
        self._in_pipeline = True
        self._pipeline_aborts = abort_on_error
        self._pipeline_failed = False

    def end_pipeline(self) -> None:
        """Note that calls stand alone again."""
        self._in_pipeline = self._pipeline_aborts = self._pipeline_failed = False

    def restart(self) -> None:
        """Forget the call that was interrupted."""
        self.interrupted = False
        self.refused = None
        self.end_pipeline()

    def call(self, client: Client, call: Call, bytes_received: int) -> None:
        """Run a call and answer it, whatever comes of it, unless it was interrupted.

        Raises MalformedError, and DroppedError where a fault takes the connection.
        """
        fault = self._faults.due(call.occasion) if call.occasion is not None else None
        if fault is not None:
            changed = self._strike(client, call, fault)
            if changed is None:
                return
            call = changed
        payload, failed = b"", True
        if self._interrupts.start(client.session.cancel):
            payload, failed = self._run(client, call)
        if self._interrupts.stop():
            self.interrupted = True
            return
        if failed and self._pipeline_aborts:
            self._pipeline_failed = True
        counts = call.counts or Counters()
        counts.round_trips = 0 if self._in_pipeline else 1
        counts.errors = int(failed)
        counts.bytes_received = bytes_received
        counts.bytes_sent = len(payload)
        client.context.statistics.record(call.label, counts)
        client.registered.counters.add(counts)
        self.send(payload, call.token)

    def _strike(self, client: Client, call: Call, fault: Fault) -> Call | None:
        """Return the call as a fault leaves it; None when it was interrupted while it waited."""
        error = faults.error_of(fault)
        if error is not None:
            self.killed = fault.fault is FaultKind.KILL_SESSION
            run = call.run if fault.moment is Moment.AFTER else None
            return replace(call, run=lambda: _fail(error, run))
        if fault.fault is FaultKind.DELAY:
            woken = threading.Event()
            if self._interrupts.start(woken.set):
                woken.wait(fault.seconds)
            self.interrupted = self._interrupts.stop()
            return None if self.interrupted else call
        if fault.moment is Moment.AFTER:
            self._run(client, call)
            raise DroppedError
        if fault.moment is Moment.DURING:
            raise DroppedError(fault.seconds, lambda: self._run(client, call))
        raise DroppedError

    def _run(self, client: Client, call: Call) -> tuple[bytes, bool]:
        refused, self.refused = self.refused, None
        if self._pipeline_failed:
            refused = _PIPELINE_ABORTED
        if refused is not None:
            return failure(refused, call.cursor, client.field_version, client.call_status()), True
        try:
            return call.run(), False
        except OracleError as error:
            return failure(error, call.cursor, client.field_version, client.call_status()), True
        except MalformedError:
            raise
        except Exception as error:  # noqa: BLE001  # a defect of ours must not take the client's session with it
            _log.exception("a call failed unexpectedly: %s", call.label)
            oracle_error = OracleError(
                3001, f"unimplemented feature: {type(error).__name__} inside the emulator"
            )
            return failure(
                oracle_error, call.cursor, client.field_version, client.call_status()
            ), True


def _fail(error: OracleError, run: Callable[[], bytes] | None) -> bytes:
    if run is not None:
        run()
    raise error


def failure(error: OracleError, cursor: int, field_version: int, call_status: int = 0) -> bytes:
    """Return the response to a call that failed."""
    return encode_ending(
        Ending(
            call_status=call_status,
            code=error.code,
            text=str(error),
            cursor=cursor,
            position=error.offset,
            row_count=error.rows_done,
        ),
        field_version,
    )
