"""Rows that are stored from the client's bytes are those that are stored from their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle_emulator.codec import numbers, temporal
from oracle_emulator.engine.interface import OracleError, OracleType, Row, TypeCode
from oracle_emulator.ttc.packed import WireRows

Client = Any

_TEXTS = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6
) | st.sampled_from(["\\N", "\\.", "a\tb", "\0", "\ufdd0", "\ufdd1", "line\n", "\r", "\\", "%s"])
_MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 30))  # noqa: DTZ001  # Oracle's DATE has no zone
_COLUMNS: Sequence[tuple[str, TypeCode, st.SearchStrategy[Any], Callable[[Any], bytes]]] = (
    ("NUMBER", TypeCode.NUMBER, st.decimals(-(10**30), 10**30, places=9), numbers.encode_number),
    ("NUMBER(18,2)", TypeCode.NUMBER, st.decimals(-(10**12), 10**12, places=4),
     numbers.encode_number),
    ("BINARY_DOUBLE", TypeCode.NUMBER, st.integers(-(10**9), 10**9), numbers.encode_number),
    ("BINARY_DOUBLE", TypeCode.BINARY_DOUBLE, st.floats(allow_nan=False),
     numbers.encode_binary_double),
    ("VARCHAR2(40)", TypeCode.VARCHAR, _TEXTS, str.encode),
    ("CHAR(10 CHAR)", TypeCode.VARCHAR, _TEXTS, str.encode),
    ("CLOB", TypeCode.LONG, _TEXTS, str.encode),
    ("RAW(20)", TypeCode.RAW, st.binary(min_size=1, max_size=20), bytes),
    ("DATE", TypeCode.DATE, _MOMENTS, temporal.encode_date),
    ("DATE", TypeCode.TIMESTAMP, _MOMENTS, temporal.encode_timestamp),
    ("TIMESTAMP", TypeCode.TIMESTAMP, _MOMENTS, temporal.encode_timestamp),
    ("TIMESTAMP(2)", TypeCode.TIMESTAMP, _MOMENTS, temporal.encode_timestamp),
    ("TIMESTAMP WITH TIME ZONE", TypeCode.TIMESTAMP_TZ,
     _MOMENTS.map(lambda m: m.replace(tzinfo=UTC)), temporal.encode_timestamp_tz),
)  # fmt: skip
_TYPES = [OracleType(code, 4000) for _, code, _, _ in _COLUMNS]
_ROWS = st.lists(
    st.tuples(*[st.none() | values for _, _, values, _ in _COLUMNS]), min_size=4, max_size=12
)
_ONE_DATABASE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def packed(rows: Sequence[Row], encoders: Sequence[Callable[[Any], bytes]]) -> list[list[bytes]]:
    return [
        [
            b"" if value is None else encode(value)
            for value, encode in zip(row, encoders, strict=True)
        ]
        for row in rows
    ]


def test_the_same_rows_are_stored(client: Client) -> None:
    names = [f"C{n}" for n in range(len(_COLUMNS))]
    definitions = ", ".join(f"{n} {c[0]}" for n, c in zip(names, _COLUMNS, strict=True))
    for table in ("PACKED", "PLAIN"):
        client.run(f"CREATE TABLE {table} (ID NUMBER, {definitions})")
    places = ", ".join(f":{n}" for n in range(1, len(names) + 2))
    types = [OracleType(TypeCode.NUMBER), *_TYPES]
    encoders = [numbers.encode_number, *[encode for *_, encode in _COLUMNS]]

    @_ONE_DATABASE
    @given(_ROWS)
    def check(rows: list[Any]) -> None:
        numbered = [(n, *row) for n, row in enumerate(rows)]
        sent = WireRows(packed(numbered, encoders), types)
        client.run(f"INSERT INTO PACKED VALUES ({places})", sent, types)
        client.run(f"INSERT INTO PLAIN VALUES ({places})", list(sent), types)
        stored = [client.rows(f"SELECT * FROM {t} ORDER BY ID") for t in ("PACKED", "PLAIN")]
        assert stored[0] == stored[1]
        assert list(map(repr, stored[0])) == list(map(repr, stored[1]))  # digits and signs too
        assert len(stored[0]) == len(rows)
        client.session.rollback()

    client.session.commit()
    check()


_BAD = st.tuples(
    st.integers(0, 8),
    st.none() | st.sampled_from(["ab", "abcde", "abcdef", "äöü"]),
    st.sampled_from([1, Decimal("9.994"), Decimal("9.995"), 10, -100]),
)


def test_the_same_rows_are_refused(client: Client) -> None:
    for table in ("PACKED", "PLAIN"):
        client.run(
            f"CREATE TABLE {table} (ID NUMBER PRIMARY KEY, V VARCHAR2(5) NOT NULL, N NUMBER(3,2))"
        )
    types = [OracleType(TypeCode.NUMBER), OracleType(TypeCode.VARCHAR, 20),
             OracleType(TypeCode.NUMBER)]  # fmt: skip
    encoders = [numbers.encode_number, str.encode, numbers.encode_number]

    def outcome(table: str, rows: Sequence[Row], *, batch_errors: bool) -> list[object]:
        said: list[object] = []
        try:
            done = client.run(
                f"INSERT INTO {table} VALUES (:1, :2, :3)", rows, types, batch_errors=batch_errors
            )
            said.append(done.row_count)
            said += [(e.offset, e.message.replace(table, "T")) for e in done.row_errors]
        except OracleError as failed:
            said += [failed.code, str(failed).replace(table, "T"), failed.rows_done]
        said.append(client.rows(f"SELECT * FROM {table} ORDER BY ID"))
        client.session.rollback()
        return said

    @_ONE_DATABASE
    @given(st.lists(_BAD, min_size=4, max_size=9), st.booleans())
    def check(rows: list[Any], batch_errors: bool) -> None:  # drawn, not called
        sent = WireRows(packed(rows, encoders), types)
        by_bytes = outcome("PACKED", sent, batch_errors=batch_errors)
        by_values = outcome("PLAIN", list(sent), batch_errors=batch_errors)
        assert by_bytes[-1] == by_values[-1]
        assert len(by_bytes) == len(by_values)
        assert without_numbers(by_bytes) == without_numbers(by_values)

    client.session.commit()
    check()


def without_numbers(said: list[object]) -> list[str]:
    """Leave out what names a constraint, which the two tables number differently."""
    return [repr(line).partition("SYS_C")[0] for line in said]


def test_a_direct_path_load_stores_the_same(client: Client, user: str) -> None:
    names = [f"C{n}" for n in range(len(_COLUMNS))]
    loaded = [(n, c) for n, c in zip(names, _COLUMNS, strict=True) if c[0] != "BINARY_DOUBLE"]
    definitions = ", ".join(f"{name} {column[0]}" for name, column in loaded)
    for table in ("PACKED", "PLAIN"):
        client.run(f"CREATE TABLE {table} (ID NUMBER, {definitions})")
    types = [OracleType(TypeCode.NUMBER), *[OracleType(c[1], 4000) for _, c in loaded]]
    encoders = [numbers.encode_number, *[c[3] for _, c in loaded]]
    places = [names.index(name) for name, _ in loaded]

    @_ONE_DATABASE
    @given(_ROWS)
    def check(rows: list[Any]) -> None:
        numbered = [(n, *[row[place] for place in places]) for n, row in enumerate(rows)]
        sent = WireRows(packed(numbered, encoders), types)
        for table, some in (("PACKED", sent), ("PLAIN", list(sent))):
            load = client.session.direct_path(user, table, ["ID", *[name for name, _ in loaded]])
            load.load(some)
            load.finish()
        stored = [client.rows(f"SELECT * FROM {t} ORDER BY ID") for t in ("PACKED", "PLAIN")]
        assert list(map(repr, stored[0])) == list(map(repr, stored[1]))
        assert len(stored[0]) == len(rows)
        for table in ("PACKED", "PLAIN"):
            client.run(f"DELETE FROM {table}")
        client.session.commit()

    check()
