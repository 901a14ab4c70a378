"""The mapping of M8 and what fits an existing column."""

from __future__ import annotations

import pytest

from flext_target_oracle.sql import types
from flext_target_oracle.sql.types import ColumnType, Shape


@pytest.mark.parametrize(
    ("schema", "ddl"),
    [
        ({"type": "string"}, "VARCHAR2(4000 BYTE)"),
        ({"type": "string", "maxLength": 9000}, "VARCHAR2(4000 BYTE)"),
        ({"type": ["integer", "null"]}, "NUMBER(38)"),
        ({"type": "number"}, "NUMBER(38,10)"),
        ({"type": ["number", "integer"]}, "NUMBER(38,10)"),
        ({"type": "boolean"}, "NUMBER(1)"),
        ({"type": "string", "format": "date-time"}, "TIMESTAMP"),
        ({"type": ["string", "null"], "format": "date"}, "DATE"),
        ({"type": "string", "format": "time"}, "VARCHAR2(4000 BYTE)"),
        ({"type": "object"}, "CLOB"),
        ({"type": ["null", "array"]}, "CLOB"),
        ({}, "CLOB"),
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}, "TIMESTAMP"),
        (
            {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string"}]},
            "VARCHAR2(4000 BYTE)",
        ),
        ({"type": ["string", "integer"]}, "CLOB"),
    ],
)
def test_a_property_becomes_its_column_type(schema: dict[str, object], ddl: str) -> None:
    assert types.wanted_type(types.shape_of(schema), schema, text_keys=0).ddl() == ddl


@pytest.mark.parametrize(
    ("schema", "text_keys", "ddl"),
    [
        ({"type": "string"}, 1, "VARCHAR2(4000 BYTE)"),
        ({"type": "string", "maxLength": 20}, 1, "VARCHAR2(80 BYTE)"),
        ({"type": "string"}, 3, "VARCHAR2(2000 BYTE)"),
        ({"type": "integer"}, 1, "NUMBER(38)"),
    ],
)
def test_key_texts_fit_an_index_key(schema: dict[str, object], text_keys: int, ddl: str) -> None:
    assert types.wanted_type(types.shape_of(schema), schema, text_keys=text_keys).ddl() == ddl


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"DATA_TYPE": "TIMESTAMP(6)"}, types.TIMESTAMP),
        (
            {"DATA_TYPE": "TIMESTAMP(9) WITH TIME ZONE"},
            ColumnType("TIMESTAMP WITH TIME ZONE", precision=9),
        ),
        ({"DATA_TYPE": "NUMBER", "DATA_PRECISION": 38, "DATA_SCALE": 10}, types.DECIMAL),
        ({"DATA_TYPE": "NUMBER", "DATA_PRECISION": None, "DATA_SCALE": 0}, types.INTEGER),
        ({"DATA_TYPE": "NUMBER", "DATA_PRECISION": None, "DATA_SCALE": None}, ColumnType("NUMBER")),
        (
            {"DATA_TYPE": "VARCHAR2", "CHAR_USED": "B", "CHAR_LENGTH": 40, "DATA_LENGTH": 40},
            types.text(40),
        ),
        (
            {"DATA_TYPE": "VARCHAR2", "CHAR_USED": "C", "CHAR_LENGTH": 10, "DATA_LENGTH": 40},
            ColumnType("VARCHAR2", length=10, in_chars=True),
        ),
        ({"DATA_TYPE": "CLOB"}, types.CLOB),
    ],
)
def test_the_catalogue_is_read_back(row: dict[str, object], expected: ColumnType) -> None:
    assert types.from_catalogue(row) == expected


def test_what_the_mapping_makes_fits_its_shape() -> None:
    for shape in Shape:
        assert types.misfit(shape, types.wanted_type(shape, {}, text_keys=0)) == ""


@pytest.mark.parametrize(
    ("shape", "kind", "why"),
    [
        (Shape.TEXT, types.INTEGER, "cannot hold string"),
        (Shape.INTEGER, types.text(), "cannot hold integer"),
        (Shape.TIMESTAMP, types.DATE, "cannot hold date-time"),
        (Shape.TIMESTAMP, ColumnType("TIMESTAMP", precision=3), "microseconds"),
        (Shape.JSON, types.DATE, "cannot hold object"),
    ],
)
def test_a_column_of_another_kind_is_told(shape: Shape, kind: ColumnType, why: str) -> None:
    assert why in types.misfit(shape, kind)
