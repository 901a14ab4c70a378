"""What a property is (its shape) and how Oracle holds it (its column type), and which fits which.

The mapping is M8: string VARCHAR2(4000), integer NUMBER(38), number NUMBER(38,10), boolean
NUMBER(1), date-time TIMESTAMP; also date DATE, time VARCHAR2, object and array CLOB of JSON.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VARCHAR2_MAX_BYTES = 4000
#: What an index key may hold on blocks of 8 KB, less the overhead of a few columns.
_KEY_TEXT_BYTES = 6000
_NUMBER_MAX_PRECISION = 38


class Shape(enum.Enum):
    """What values of a property are in JSON."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "string"
    TIME = "time"
    DATE = "date"
    TIMESTAMP = "date-time"
    JSON = "object or array"
    ANY = "any"  # scalars of several types: text as it is, the rest as JSON


@dataclass(frozen=True, slots=True)
class ColumnType:
    """An Oracle column type.

    Attributes:
        name: VARCHAR2, CLOB, NUMBER, DATE, TIMESTAMP, or what the catalogue calls it otherwise.
        length: of VARCHAR2, in bytes or (`in_chars`) in characters.
        precision: of NUMBER in digits (None: any number), of TIMESTAMP in fractional digits.
        scale: of NUMBER, digits after the point.
    """

    name: str
    length: int | None = None
    in_chars: bool = False
    precision: int | None = None
    scale: int | None = None

    def ddl(self) -> str:
        """Return the type as SQL text."""
        if self.name == "VARCHAR2":
            return f"VARCHAR2({self.length} {'CHAR' if self.in_chars else 'BYTE'})"
        if self.name == "NUMBER" and self.precision is not None:
            return (
                f"NUMBER({self.precision},{self.scale})"
                if self.scale
                else (f"NUMBER({self.precision})")
            )
        return self.name


CLOB = ColumnType("CLOB")
DATE = ColumnType("DATE")
TIMESTAMP = ColumnType("TIMESTAMP", precision=6)
INTEGER = ColumnType("NUMBER", precision=_NUMBER_MAX_PRECISION, scale=0)
DECIMAL = ColumnType("NUMBER", precision=_NUMBER_MAX_PRECISION, scale=10)
BOOLEAN = ColumnType("NUMBER", precision=1, scale=0)
ANY_NUMBER = ColumnType("NUMBER")
ZONED = ColumnType("TIMESTAMP WITH TIME ZONE", precision=6)


def text(length: int = VARCHAR2_MAX_BYTES) -> ColumnType:
    """Return VARCHAR2 of that many bytes."""
    return ColumnType("VARCHAR2", length=length)


_BY_SHAPE = {
    Shape.INTEGER: INTEGER,
    Shape.NUMBER: DECIMAL,
    Shape.BOOLEAN: BOOLEAN,
    Shape.TEXT: text(),
    Shape.TIME: text(),
    Shape.DATE: DATE,
    Shape.TIMESTAMP: TIMESTAMP,
    Shape.JSON: CLOB,
    Shape.ANY: CLOB,
}
_FORMATS = {"date-time": Shape.TIMESTAMP, "date": Shape.DATE, "time": Shape.TIME}
_SCALARS = {
    "integer": Shape.INTEGER,
    "number": Shape.NUMBER,
    "boolean": Shape.BOOLEAN,
    "object": Shape.JSON,
    "array": Shape.JSON,
}


def shape_of(schema: Mapping[str, Any]) -> Shape:
    """Return the shape of a property's JSON schema; several types together give the widest."""
    found = _shapes(schema)
    if not found:
        return Shape.ANY
    if len(found) == 1:
        return next(iter(found))
    if found <= {Shape.INTEGER, Shape.NUMBER}:
        return Shape.NUMBER
    if found <= {Shape.TEXT, Shape.TIME, Shape.DATE, Shape.TIMESTAMP}:
        return Shape.TEXT
    return Shape.ANY


def _shapes(schema: Mapping[str, Any]) -> set[Shape]:
    declared = schema.get("type")
    if declared is not None:
        names = declared if isinstance(declared, list) else [declared]
        return {_scalar(str(name), schema) for name in names if name != "null"}
    found: set[Shape] = set()
    for word in ("anyOf", "oneOf"):
        branches = schema.get(word, ())
        for branch in branches if isinstance(branches, list) else ():
            if not isinstance(branch, Mapping):
                found.add(Shape.ANY)
            elif branch.get("type") != "null":
                found |= _shapes(branch) or {Shape.ANY}
    return found


def _scalar(name: str, schema: Mapping[str, Any]) -> Shape:
    if name == "string":
        return _FORMATS.get(str(schema.get("format")), Shape.TEXT)
    return _SCALARS.get(name, Shape.ANY)


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen for new columns.

    Attributes:
        sized: VARCHAR2 columns have room for `maxLength` characters of four bytes, at most 4000
            bytes; else each has 4000.
        plain_numbers: `number` is NUMBER of any scale instead of NUMBER(38,10).
        zoned: date-time is TIMESTAMP WITH TIME ZONE.
    """

    sized: bool = False
    plain_numbers: bool = False
    zoned: bool = False


MISSION = Choices()


def wanted_type(
    shape: Shape, schema: Mapping[str, Any], *, text_keys: int, choices: Choices = MISSION
) -> ColumnType:
    """Return the column type of a new column.

    Args:
        shape: of the property.
        schema: of the property; a key is sized by its `maxLength`.
        text_keys: how many text columns the key has when this is one of them, else 0. They share
            what an index key may hold.
        choices: what was chosen otherwise than the mapping above.

    Raises:
        ValueError: `maxLength` is no length.
    """
    is_text = shape in {Shape.TEXT, Shape.TIME} or (shape is Shape.ANY and text_keys)
    if is_text and (text_keys or choices.sized):
        room = min(VARCHAR2_MAX_BYTES, _KEY_TEXT_BYTES // (text_keys or 1))
        declared = _max_length(schema)
        return text(room if declared is None else min(room, max(declared, 1) * 4))
    if shape is Shape.NUMBER and choices.plain_numbers:
        return ANY_NUMBER
    if shape is Shape.TIMESTAMP and choices.zoned:
        return ZONED
    return _BY_SHAPE[shape]


def _max_length(schema: Mapping[str, Any]) -> int | None:
    declared = schema.get("maxLength")
    if declared is None:
        return None
    if isinstance(declared, bool) or not isinstance(declared, int) or declared < 0:
        raise ValueError(f"maxLength {declared!r} is no length")
    return declared


def from_catalogue(row: Mapping[str, Any]) -> ColumnType:
    """Return the type that a row of ALL_TAB_COLUMNS describes."""
    name = str(row["DATA_TYPE"])
    if name.startswith("TIMESTAMP"):
        digits = name.partition("(")[2].partition(")")[0]
        return ColumnType(name.replace(f"({digits})", ""), precision=int(digits or 6))
    if name in {"VARCHAR2", "NVARCHAR2", "CHAR", "NCHAR"}:
        in_chars = row["CHAR_USED"] == "C"
        length = int(row["CHAR_LENGTH"] if in_chars else row["DATA_LENGTH"])
        return ColumnType(name, length=length, in_chars=in_chars)
    if name == "NUMBER":
        precision, scale = row["DATA_PRECISION"], row["DATA_SCALE"]
        if precision is None and scale is not None:  # INTEGER is NUMBER(*,0)
            precision = _NUMBER_MAX_PRECISION
        return ColumnType(
            name,
            precision=None if precision is None else int(precision),
            scale=None if scale is None else int(scale),
        )
    return ColumnType(name)


def misfit(shape: Shape, actual: ColumnType) -> str:
    """Return why no value of the shape fits an existing column; empty if they do.

    Values that are too long or too large for it are a matter of each row, not of the column.
    """
    allowed = _HOLDS[shape]
    if actual.name not in allowed:
        return f"{actual.ddl()} cannot hold {shape.value} values ({' or '.join(allowed)} can)"
    if shape is Shape.TIMESTAMP and (actual.precision or 0) < 6:
        return f"TIMESTAMP({actual.precision}) would cut microseconds off"
    return ""


_NUMBERS = ("NUMBER",)
_TEXTS = ("VARCHAR2", "CLOB")
_TIMES = ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH LOCAL TIME ZONE")
_HOLDS: dict[Shape, tuple[str, ...]] = {
    Shape.INTEGER: _NUMBERS,
    Shape.NUMBER: _NUMBERS,
    Shape.BOOLEAN: _NUMBERS,
    Shape.TEXT: _TEXTS,
    Shape.TIME: _TEXTS,
    Shape.DATE: ("DATE", "TIMESTAMP"),
    Shape.TIMESTAMP: _TIMES,
    Shape.JSON: _TEXTS,
    Shape.ANY: _TEXTS,
}
