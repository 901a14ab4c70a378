"""The calls that are no statements: transaction ends, LOBs, direct path loads, piggybacks."""

from __future__ import annotations

from collections.abc import Callable

from oracle_emulator.codec.buffers import IncompleteError, MalformedError, Reader
from oracle_emulator.codec.numbers import InvalidValueError
from oracle_emulator.engine.interface import OracleError
from oracle_emulator.session import execution, faults
from oracle_emulator.session.context import Client, Load
from oracle_emulator.session.faults import Occasion, Target
from oracle_emulator.session.lobs import Lob
from oracle_emulator.session.logon import normalize_name, password_change
from oracle_emulator.session.responder import Call
from oracle_emulator.session.statistics import Counters
from oracle_emulator.ttc import directpath
from oracle_emulator.ttc.auth import AuthRequest, decode_auth, encode_auth
from oracle_emulator.ttc.constants import Function
from oracle_emulator.ttc.ending import encode_status
from oracle_emulator.ttc.execute import decode_fetch
from oracle_emulator.ttc.lob import LobOp, LobRequest, decode_lob, encode_lob
from oracle_emulator.ttc.packed import WireRows
from oracle_emulator.ttc.piggybacks import Piggyback

MakeCall = Callable[[Client, int], Call]
"""Makes a call of a request that was decoded; the number is the request's token."""

_CLIENT_CONTEXT = "CLIENTCONTEXT"
_CHUNK_BYTES = 8132
_BLOB_TYPE = 113


def commit(client: Client) -> bytes:
    """Commit."""
    client.session.commit()
    return encode_status(client.call_status())


def rollback(client: Client) -> bytes:
    """Roll back."""
    client.session.rollback()
    return encode_status(client.call_status())


def ping(client: Client) -> bytes:
    """Answer that the session lives."""
    return encode_status(client.call_status())


def logoff(client: Client) -> bytes:
    """End the session before the client is told so: whoever is told may drop the user."""
    client.close()
    return encode_status(0)


SIMPLE: dict[Function, Callable[[Client], bytes]] = {
    Function.COMMIT: commit,
    Function.ROLLBACK: rollback,
    Function.PING: ping,
    Function.LOGOFF: logoff,
}


def occasion_of(function: Function) -> Occasion | None:
    """Return how faults see a call without a body; they do not see the logoff."""
    if function is Function.LOGOFF:
        return None
    targets = (Target.COMMIT,) if function is Function.COMMIT else ()
    return faults.of_call(function.name, *targets)


def apply_piggyback(client: Client, piggyback: Piggyback) -> None:
    """Do what a piggyback asks for.

    Raises OracleError, which belongs to the function that follows.
    """
    for number in piggyback.cursors:
        client.cursors.close(number)
    for locator in piggyback.free_locators:
        client.lobs.free(locator)
    if piggyback.attributes:
        client.session.set_attributes(piggyback.attributes)
    if piggyback.namespace is not None:
        set_context(client, piggyback.namespace, piggyback.context)


def set_context(client: Client, namespace: str, values: dict[str, str]) -> None:
    """Set attributes of an application context, or clear all of them when none is given.

    Raises OracleError (ORA-28267) for a context that clients may not set.
    """
    if namespace.upper() != _CLIENT_CONTEXT:
        raise OracleError(28267, "Invalid NameSpace Value")
    if not all(name.isidentifier() for name in values):
        raise OracleError(28106, "input value for argument is not valid")
    named = {f"{_CLIENT_CONTEXT}.{name.upper()}": value for name, value in values.items()}
    if not named:
        named = dict.fromkeys(client.context_names, "")
    client.context_names |= named.keys()
    client.session.set_attributes(named)


def lob_operation(client: Client, request: LobRequest) -> bytes:
    """Run a LOB operation and return its response. Raises OracleError."""
    if request.operation == LobOp.CREATE_TEMP:
        locator = client.lobs.create(blob=request.destination_offset == _BLOB_TYPE)
        return encode_lob(request, locator) + encode_status(client.call_status())
    if request.operation not in LobOp.__members__.values():
        raise OracleError(3001, f"unimplemented feature: LOB operation {request.operation:#x}")
    if request.operation == LobOp.FREE_TEMP:
        client.lobs.free(request.locator)
        return encode_lob(request, request.locator) + encode_status(client.call_status())
    lob = client.lobs.get(request.locator)
    data = None
    amount = request.amount
    if request.operation == LobOp.READ:
        data = lob.read(max(1, request.source_offset), request.amount or 0)
        amount = len(data) // lob.unit_bytes
    elif request.operation == LobOp.LENGTH:
        amount = lob.length()
    elif request.operation == LobOp.CHUNK_SIZE:
        amount = _CHUNK_BYTES
    else:
        _change_lob(lob, request)
    answer = encode_lob(request, request.locator, data=data, amount=amount, is_open=lob.is_open)
    return answer + encode_status(client.call_status())


def _change_lob(lob: Lob, request: LobRequest) -> None:
    if request.operation == LobOp.OPEN:
        if lob.is_open:
            raise OracleError(22293, "LOB already opened in the same transaction")
        lob.is_open = True
    elif request.operation == LobOp.CLOSE:
        if not lob.is_open:
            raise OracleError(22289, "cannot perform operation on an unopened file or LOB")
        lob.is_open = False
    elif request.operation in {LobOp.WRITE, LobOp.TRIM}:
        if not lob.temporary:
            raise OracleError(
                3001, "unimplemented feature: changing a fetched LOB in place; bind a new value"
            )
        if request.operation == LobOp.WRITE:
            lob.write(max(1, request.source_offset), request.data or b"")
        else:
            lob.trim(request.amount or 0)


def prepare_load(client: Client, request: directpath.Prepare) -> bytes:
    """Open a direct path load and return its response. Raises OracleError."""
    schema = normalize_name(request.schema) if request.schema is not None else None
    columns = [normalize_name(name) for name in request.columns]
    path = client.session.direct_path(schema, normalize_name(request.table), columns)
    try:
        types = directpath.value_types(path.columns)
    except InvalidValueError as error:
        path.abort()
        raise OracleError(3001, f"unimplemented feature: {error}") from error
    number = client.cursors.reserve()
    while number in client.loads:
        number = client.cursors.reserve()
    client.loads[number] = Load(f"DIRECT PATH {request.table}", path, types)
    answer = directpath.encode_prepare(path.columns, number, client.field_version)
    return answer + encode_status(client.call_status())


def load_stream(client: Client, request: directpath.LoadStream) -> tuple[bytes, int]:
    """Load rows; return the response and how many rows came. Raises OracleError."""
    load = find_load(client, request.cursor)
    width = len(load.types)
    try:
        if client.context.sink:
            count = directpath.count_rows(request.data, width)
            return directpath.encode_no_values() + encode_status(client.call_status()), count
        packed = directpath.split_rows(request.data, width)
    except (MalformedError, IncompleteError) as error:
        raise _unreadable(str(error)) from error
    load.path.load(WireRows(packed, load.types, refuse=_unreadable))
    return directpath.encode_no_values() + encode_status(client.call_status()), len(packed)


def _unreadable(problem: str) -> OracleError:
    return OracleError(26026, f"unsupported data in a direct path stream: {problem}")


def finish_load(client: Client, request: directpath.LoadOperation) -> bytes:
    """Finish or abort a load and return the response. Raises OracleError."""
    load = find_load(client, request.cursor)
    if request.code == directpath.FINISH:
        del client.loads[request.cursor]
        load.path.finish()
    elif request.code == directpath.ABORT:
        del client.loads[request.cursor]
        load.path.abort()
    else:
        raise OracleError(3001, f"unimplemented feature: direct path operation {request.code}")
    return directpath.encode_no_values() + encode_status(client.call_status())


def find_load(client: Client, number: int) -> Load:
    """Return a load in progress. Raises OracleError (ORA-01001)."""
    load = client.loads.get(number)
    if load is None:
        raise OracleError(1001, "invalid cursor")
    return load


def change_password(client: Client, request: AuthRequest) -> bytes:
    """Give the user a new password and return the response. Raises OracleError."""
    text = password_change(client.user, request, client.session_key)
    client.session.execute(client.session.scan(text), [()], ())
    return encode_auth(()) + encode_status(client.call_status())


def _read_fetch(reader: Reader) -> MakeCall:
    request = decode_fetch(reader)

    def make(client: Client, token: int) -> Call:
        cursor = client.cursors.get(request.cursor)
        counts = Counters()

        def run() -> bytes:
            if cursor is None:
                raise OracleError(1001, "invalid cursor")
            before = cursor.sent
            response = execution.fetch(client, cursor, request)
            counts.rows_sent = cursor.sent - before
            return response

        label = cursor.statement.text if cursor is not None else "FETCH"
        occasion = faults.of_call(label, Target.FETCH)
        return Call(label, run, token, request.cursor, counts, occasion)

    return make


def _read_lob(reader: Reader) -> MakeCall:
    request = decode_lob(reader)
    occasion = faults.of_call("LOB")
    return lambda client, token: Call(
        "LOB", lambda: lob_operation(client, request), token, occasion=occasion
    )


def _read_prepare(reader: Reader) -> MakeCall:
    request = directpath.decode_prepare(reader)
    label = f"DIRECT PATH {request.table}"
    occasion = faults.of_call(label, Target.DIRECT_PATH)
    return lambda client, token: Call(
        label, lambda: prepare_load(client, request), token, occasion=occasion
    )


def _read_stream(reader: Reader) -> MakeCall:
    request = directpath.decode_load_stream(reader)

    def make(client: Client, token: int) -> Call:
        counts = Counters(executions=1)

        def run() -> bytes:
            response, counts.rows_received = load_stream(client, request)
            return response

        label = _load_label(client, request.cursor)
        occasion = faults.of_call(label, Target.DIRECT_PATH, Target.DML)
        return Call(label, run, token, 0, counts, occasion)

    return make


def _read_operation(reader: Reader) -> MakeCall:
    request = directpath.decode_load_operation(reader)
    targets = {Target.DIRECT_PATH} | (
        {Target.COMMIT} if request.code == directpath.FINISH else set()
    )

    def make(client: Client, token: int) -> Call:
        label = _load_label(client, request.cursor)
        occasion = faults.of_call(label, *targets)
        return Call(label, lambda: finish_load(client, request), token, occasion=occasion)

    return make


def _load_label(client: Client, number: int) -> str:
    load = client.loads.get(number)
    return load.label if load is not None else "DIRECT PATH"


def _read_pipeline_end(reader: Reader) -> MakeCall:
    reader.ub()
    return lambda client, token: Call("PIPELINE_END", lambda: ping(client), token)


def _read_password(reader: Reader) -> MakeCall:
    request = decode_auth(reader)
    return lambda client, token: Call("PASSWORD", lambda: change_password(client, request), token)


WITH_BODY: dict[Function, Callable[[Reader], MakeCall]] = {
    Function.FETCH: _read_fetch,
    Function.LOB_OP: _read_lob,
    Function.DIRECT_PATH_PREPARE: _read_prepare,
    Function.DIRECT_PATH_LOAD_STREAM: _read_stream,
    Function.DIRECT_PATH_OP: _read_operation,
    Function.PIPELINE_END: _read_pipeline_end,
    Function.AUTH_PHASE_TWO: _read_password,
}
