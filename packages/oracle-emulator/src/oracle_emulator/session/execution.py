"""Statements: executing, fetching and describing through the engine, and the response to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from oracle_emulator.codec.numbers import InvalidValueError
from oracle_emulator.codec.rowids import parse_rowid
from oracle_emulator.engine.interface import (
    Column,
    Kind,
    OracleError,
    OracleType,
    Outcome,
    PackedRows,
    Row,
    Statement,
    TypeCode,
)
from oracle_emulator.session.context import Client
from oracle_emulator.session.conversions import converted_rows
from oracle_emulator.session.cursors import OpenCursor
from oracle_emulator.session.registry import session_to_kill
from oracle_emulator.ttc.binds import LOCATOR_TYPES, BindInfo, BindRow, LobReference
from oracle_emulator.ttc.constants import ARRAY_DML_ERRORS, NO_DATA_FOUND
from oracle_emulator.ttc.describe import encode_describe
from oracle_emulator.ttc.ending import Ending, encode_ending
from oracle_emulator.ttc.execute import Execute, ExecuteFlag, Fetch, Option, Orientation, Reexecute
from oracle_emulator.ttc.rows import (
    ROW_HEADER,
    RowEncoder,
    encode_out_binds,
    encode_returned,
    encode_row_counts,
)

_UNKNOWN_BIND_BYTES = 4000  # a text is parsed before its binds are known
_NO_FLAGS = ExecuteFlag(0)


@dataclass(frozen=True, slots=True)
class Request:
    """One execution, whether it came as EXECUTE or as RE-EXECUTE."""

    options: Option
    flags: ExecuteFlag = _NO_FLAGS
    prefetch_rows: int = 0
    defines: tuple[BindInfo, ...] = ()
    orientation: int = 0
    position: int = 0
    parsed: bool = False  # the text came with this call


def from_execute(request: Execute) -> Request:
    """Return what an EXECUTE asks for."""
    return Request(
        options=request.options,
        flags=request.flags,
        prefetch_rows=request.prefetch_rows,
        defines=request.defines,
        orientation=request.orientation,
        position=request.position,
        parsed=request.sql is not None,
    )


def from_reexecute(request: Reexecute, *, fetch: bool) -> Request:
    """Return what a RE-EXECUTE asks for."""
    options = Option.EXECUTE
    if fetch:
        options |= Option.FETCH
    if request.commit:
        options |= Option.COMMIT
    return Request(options=options, prefetch_rows=request.count if fetch else 0)


def input_binds(statement: Statement, binds: Sequence[BindInfo]) -> Sequence[BindInfo]:
    """Return the binds whose values are sent: all but those that a RETURNING clause fills."""
    return binds[: len(binds) - statement.returning] if statement.returning else binds


def execute(
    client: Client,
    cursor: OpenCursor,
    call: Request,
    rows: Sequence[BindRow] | PackedRows,
    problem: str | None,
) -> bytes:
    """Run one execution and return its response. Raises OracleError."""
    client.cursors.check()
    if problem is not None:
        raise OracleError(3001, f"unimplemented feature: {problem}")
    if call.defines:
        return _define(client, cursor, call)
    if _continues(cursor, call):
        return _scroll(client, cursor, call)
    if not call.options & Option.EXECUTE:
        return _describe(client, cursor)
    doomed = session_to_kill(cursor.statement.text, client.user, client.registered.session_id)
    if doomed is not None:
        client.context.registry.kill(*doomed)
        return _result_of_dml(client, cursor, (), Outcome())
    if cursor.reads_statistics:
        client.context.database.show_statistics(client.context.registry.statistics())
    types = [_bind_type(info) for info in cursor.binds]
    cursor.close_result()
    if client.context.swallows(cursor.statement):
        return _swallow(client, cursor, call, len(rows), types)
    outcome = client.session.execute(
        cursor.statement,
        _values(client, cursor.binds, rows) or [()],
        types,
        batch_errors=bool(call.options & Option.BATCH_ERRORS),
        row_counts=bool(call.flags & ExecuteFlag.ROW_COUNTS),
    )
    if outcome.cursor is not None:
        return _open_result(client, cursor, call, outcome)
    if call.options & Option.COMMIT and not outcome.row_errors:
        client.session.commit()
    return _result_of_dml(client, cursor, types, outcome)


def _continues(cursor: OpenCursor, call: Request) -> bool:
    """Tell whether a call moves in an open result set.

    A client asks for the next rows of a scrollable cursor by an execution from beyond the first.
    """
    if not call.flags & ExecuteFlag.SCROLLABLE or cursor.result is None or call.parsed:
        return False
    return not call.options & Option.EXECUTE or call.position > 1


def _swallow(
    client: Client, cursor: OpenCursor, call: Request, count: int, types: Sequence[OracleType]
) -> bytes:
    """Answer a DML as if it had touched one row per row sent; only its text is looked at."""
    if call.parsed:
        client.session.execute(cursor.statement, [], types, describe_only=True)
    counts = [1] * count if call.flags & ExecuteFlag.ROW_COUNTS else None
    return _result_of_dml(client, cursor, types, Outcome(row_count=count, row_counts=counts))


def _bind_type(info: BindInfo) -> OracleType:
    kind = info.type
    if kind is None:
        raise OracleError(3001, f"unimplemented feature: binds of type {info.code}")
    return kind


def _values(
    client: Client, binds: Sequence[BindInfo], rows: Sequence[BindRow] | PackedRows
) -> Sequence[Row]:
    """Return rows with the content of LOBs in the place of their locators."""
    if isinstance(rows, PackedRows) or not any(info.code in LOCATOR_TYPES for info in binds):
        return rows  # type: ignore[return-value]  # no row holds a reference
    return [
        [
            client.lobs.get(value.locator).value() if isinstance(value, LobReference) else value
            for value in row
        ]
        for row in rows
    ]


def _result_of_dml(
    client: Client, cursor: OpenCursor, types: Sequence[OracleType], outcome: Outcome
) -> bytes:
    parts = []
    if cursor.statement.returning:
        out_types = types[len(types) - cursor.statement.returning :]
        returned = [converted_rows(rows, out_types) for rows in outcome.returned]
        parts.append(encode_returned(returned, out_types, client.lobs.locate))
    if outcome.out_values is not None:
        parts.append(encode_out_binds(outcome.out_values, types, client.lobs.locate))
    if outcome.row_counts is not None:
        parts.append(encode_row_counts(outcome.row_counts))
    ending = Ending(
        call_status=client.call_status(),
        cursor=cursor.number,
        row_count=outcome.row_count,
        rowid=parse_rowid(outcome.last_rowid),
        warning=bool(outcome.warning),
    )
    if outcome.row_errors:
        ending = replace(
            ending,
            code=ARRAY_DML_ERRORS,
            text="ORA-24381: error(s) in array DML",
            row_errors=outcome.row_errors,
        )
    parts.append(encode_ending(ending, client.field_version))
    return b"".join(parts)


def _open_result(client: Client, cursor: OpenCursor, call: Request, outcome: Outcome) -> bytes:
    assert outcome.cursor is not None  # noqa: S101  # the caller looked
    before, cursor.columns = cursor.columns, outcome.cursor.columns
    changed = before != cursor.columns
    cursor.result = outcome.cursor
    cursor.more = True
    if changed or call.parsed:
        cursor.defines = () if call.parsed else _retained(before, cursor.columns)
    describe = call.parsed or changed
    head = encode_describe(cursor.columns, client.field_version) if describe else b""
    if call.flags & ExecuteFlag.SCROLLABLE:
        cursor.scroll_rows = []
    _make_encoder(client, cursor)
    if not call.options & Option.FETCH or (cursor.has_lobs() and not cursor.defines):
        return head + _ending(client, cursor)
    return head + _send_rows(client, cursor, call.prefetch_rows)


_INLINE = {
    TypeCode.CLOB: (TypeCode.LONG, {TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.LONG}),
    TypeCode.BLOB: (TypeCode.LONG_RAW, {TypeCode.RAW, TypeCode.LONG_RAW}),
}


def _retained(before: Sequence[Column], now: Sequence[Column]) -> tuple[BindInfo, ...]:
    """Return the defines of a result whose columns changed while its cursor was open.

    A client that read text or bytes goes on reading them inline where the column is a LOB now.
    """
    if len(before) != len(now):
        return ()
    codes = []
    for old, new in zip(before, now, strict=True):
        inline, from_types = _INLINE.get(new.type.code, (new.type.code, {old.type.code}))
        codes.append(inline if old.type.code in from_types else new.type.code)
    if all(code is column.type.code for code, column in zip(codes, now, strict=True)):
        return ()
    return tuple(
        BindInfo(code, 0, array=False, national=old.type.national)
        for code, old in zip(codes, before, strict=True)
    )


def _make_encoder(client: Client, cursor: OpenCursor) -> None:
    types = [column.type for column in cursor.columns]
    try:
        cursor.encoder = RowEncoder(types, cursor.defines, client.lobs.locate)
    except InvalidValueError as error:
        raise OracleError(3001, f"unimplemented feature: {error}") from error


def _describe(client: Client, cursor: OpenCursor) -> bytes:
    """Parse without executing; a query's columns are described."""
    types = [_bind_type(info) for info in cursor.binds]
    unknown = len(cursor.statement.binds) - len(types)
    types += [OracleType(TypeCode.VARCHAR, _UNKNOWN_BIND_BYTES)] * unknown
    outcome = client.session.execute(cursor.statement, [], types, describe_only=True)
    if outcome.cursor is None:
        return _ending(client, cursor)
    cursor.columns = outcome.cursor.columns
    outcome.cursor.close()
    return encode_describe(cursor.columns, client.field_version) + _ending(client, cursor)


def _define(client: Client, cursor: OpenCursor, call: Request) -> bytes:
    """Take how the client wants the columns; send as many rows as it has room for."""
    cursor.defines = call.defines
    _make_encoder(client, cursor)
    if cursor.result is not None and (call.options & Option.FETCH or call.prefetch_rows):
        return _send_rows(client, cursor, call.prefetch_rows)
    return _ending(client, cursor)


def fetch(client: Client, cursor: OpenCursor, request: Fetch) -> bytes:
    """Send the next rows of an open result set.

    Raises OracleError (ORA-01002 when none is open).
    """
    if cursor.result is None and not cursor.more:
        raise OracleError(1002, "fetch out of sequence")
    return _send_rows(client, cursor, request.rows)


def _send_rows(client: Client, cursor: OpenCursor, count: int) -> bytes:
    if cursor.result is None or cursor.encoder is None:
        raise OracleError(1002, "fetch out of sequence")
    if cursor.scroll_rows is not None:
        return _send_scrolled(client, cursor, cursor.fetched + 1, count)
    wanted = max(count, 1)
    rows, more = cursor.result.fetch(wanted)
    cursor.fetched += len(rows)
    cursor.sent += len(rows)
    cursor.more = more or len(rows) >= wanted  # a full answer leaves open whether it was the last
    response = _encode_rows(cursor, rows) + _ending(client, cursor, at_end=not cursor.more)
    if not cursor.more:
        result, cursor.result = cursor.result, None
        result.close()
    return response


def _encode_rows(cursor: OpenCursor, rows: Sequence[Row]) -> bytes:
    assert cursor.encoder is not None  # noqa: S101  # made when the result was opened
    try:
        return ROW_HEADER + cursor.encoder.encode(rows)
    except InvalidValueError as error:
        raise OracleError(3001, f"unimplemented feature: {error}") from error


def _scroll(client: Client, cursor: OpenCursor, call: Request) -> bytes:
    """Move in a scrollable cursor; the client worked out the target row, but for the last."""
    target = max(1, call.position)
    if call.orientation == Orientation.LAST:
        _read_ahead(cursor, None)
        target = max(1, len(cursor.scroll_rows or ()))
    return _send_scrolled(client, cursor, target, call.prefetch_rows)


def _read_ahead(cursor: OpenCursor, upto: int | None) -> None:
    """Read rows of a scrollable cursor until there are `upto`, or all."""
    assert cursor.scroll_rows is not None  # noqa: S101  # only for scrollable cursors
    assert cursor.result is not None  # noqa: S101  # a scrollable result stays open
    while cursor.more and (upto is None or len(cursor.scroll_rows) < upto):
        wanted = 1000 if upto is None else upto - len(cursor.scroll_rows)
        rows, cursor.more = cursor.result.fetch(wanted)
        cursor.scroll_rows += rows


def _send_scrolled(client: Client, cursor: OpenCursor, first: int, count: int) -> bytes:
    last = first + max(count, 1) - 1
    _read_ahead(cursor, last)
    rows = (cursor.scroll_rows or [])[first - 1 : last]
    cursor.fetched = first - 1 + len(rows)
    cursor.sent += len(rows)
    at_end = not cursor.more and cursor.fetched >= len(cursor.scroll_rows or ())
    return _encode_rows(cursor, rows) + _ending(client, cursor, at_end=at_end)


def _ending(client: Client, cursor: OpenCursor, *, at_end: bool = False) -> bytes:
    return encode_ending(
        Ending(
            call_status=client.call_status(),
            code=NO_DATA_FOUND if at_end else 0,
            text="ORA-01403: no data found" if at_end else "",
            cursor=cursor.number,
            row_count=cursor.fetched,
        ),
        client.field_version,
    )


def is_plsql(statement: Statement) -> bool:
    """Tell whether a statement's binds stand in their own order, long ones too."""
    return statement.kind is Kind.PLSQL
