"""Text that PostgreSQL cannot hold, names that it would cut, and limits of types.

Against a model in Python.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle_emulator.engine import names, text, types
from oracle_emulator.engine.interface import OracleError, OracleType, TypeCode

TEXTS = st.text(
    st.one_of(st.sampled_from("\0\ufdd0\ufdd1a"), st.characters(codec="utf-8")), max_size=30
)
SHARED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(TEXTS)
def test_stored_text_has_no_nul_and_comes_back(value: str) -> None:
    stored = text.stored(value)
    assert "\0" not in stored
    assert text.original(stored) == value


@given(TEXTS.filter(lambda value: not set(value) & set("\0\ufdd0\ufdd1")))
def test_ordinary_text_is_stored_as_it_is(value: str) -> None:
    assert text.stored(value) == value


@given(
    st.lists(
        st.text(min_size=1, max_size=128).filter(lambda n: len(n.encode()) <= 128),
        min_size=2,
        max_size=8,
        unique=True,
    )
)
def test_names_stay_apart_and_come_back(wanted: list[str]) -> None:
    kept = [names.physical(name) for name in wanted]
    assert len(set(kept)) == len(wanted)
    assert all(len(name.encode()) <= names.POSTGRES_MAX_BYTES for name in kept)
    assert [names.logical(name) for name in kept] == wanted


@given(st.one_of(st.none(), st.integers(-200, 200)), st.one_of(st.none(), st.integers(-200, 200)))
def test_limits_of_number(precision: int | None, scale: int | None) -> None:
    fits = (precision is None or 1 <= precision <= 38) and (scale is None or -84 <= scale <= 127)
    if fits:
        assert types.number(precision, scale).oracle.code is TypeCode.NUMBER
    else:
        with pytest.raises(OracleError) as caught:
            types.number(precision, scale)
        assert caught.value.code in {1727, 1728}


@SHARED
@given(
    value=st.decimals(-(10**7), 10**7, allow_nan=False, allow_infinity=False, places=4),
    bulk=st.booleans(),
)
def test_number_rounds_its_scale_and_refuses_too_many_digits(
    client: Any, value: Decimal, bulk: bool
) -> None:
    _table(client, "N", "A NUMBER(7, 2)")
    rounded = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    rows = [(value,)] * (6 if bulk else 1)
    if abs(rounded) < 10**5:
        client.run("INSERT INTO N VALUES (:1)", rows)
        assert client.rows("SELECT DISTINCT A FROM N") == [(rounded,)]
    else:
        with pytest.raises(OracleError) as caught:
            client.run("INSERT INTO N VALUES (:1)", rows)
        assert caught.value.code == 1438
    client.session.rollback()


@SHARED
@given(value=TEXTS, bulk=st.booleans(), in_characters=st.booleans())
def test_varchar_counts_real_bytes_or_characters(
    client: Any, value: str, bulk: bool, in_characters: bool
) -> None:
    table = "VC" if in_characters else "VB"
    _table(client, table, f"A VARCHAR2(12 {'CHAR' if in_characters else 'BYTE'})")
    length = len(value) if in_characters else len(value.encode())
    rows = [(value or None,)] * (6 if bulk else 1)
    kind = [OracleType(TypeCode.VARCHAR, 4000)]
    if length <= 12:
        client.run(f"INSERT INTO {table} VALUES (:1)", rows, kind)
        assert client.rows(f"SELECT DISTINCT A FROM {table}") == [(value or None,)]
    else:
        with pytest.raises(OracleError, match=rf"ORA-12899: .*\(actual: {length}, maximum: 12\)"):
            client.run(f"INSERT INTO {table} VALUES (:1)", rows, kind)
    client.session.rollback()


def _table(client: Any, name: str, columns: str) -> None:
    """Make a table at its first use: hypothesis runs many examples on one account."""
    if not client.rows("SELECT 1 FROM USER_TABLES WHERE TABLE_NAME = :1", name):
        client.run(f"CREATE TABLE {name} ({columns})")
