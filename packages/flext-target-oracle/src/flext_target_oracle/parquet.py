"""Parquet files of docs/specs/batch.md §2, read as the JSON records they were made of.

Imported by everybody, but pyarrow is loaded with the first file: the ordinary way does not need it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import msgspec

from flext_target_oracle.sql.plan import StreamSchema

FORMAT = b"1"
EXTRACTED_AT = "_sdc_extracted_at"
MAX_GROUP_ROWS = 10_000
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_encode = msgspec.json.encode
#: No time: the row is refused, since a file says for each row when it was extracted.
_NO_TIME = "null"


class FormatError(Exception):
    """The file is not what it should be; the text says in what, after the file's name."""


def count(data: IO[bytes], source: StreamSchema) -> int:
    """Read a file to its end and return how many rows it has.

    Raises:
        FormatError: the file is no Parquet, or not of the stream's schema.
    """
    with _readable(data) as file:
        _kinds(file, source)
        return sum(group.num_rows for group in _groups(file))


def rows(data: IO[bytes], source: StreamSchema) -> Iterator[tuple[msgspec.Raw, str | None]]:
    """Yield the records of a file, and when each was extracted.

    Raises:
        FormatError: as `count`.
    """
    with _readable(data) as file:
        kinds = _kinds(file, source)
        names = [_encode(name).decode() for name in kinds]
        for group in _groups(file):
            columns = [
                [convert(value) for value in group.column(index).to_pylist()]
                for index, convert in enumerate(kinds.values())
            ]
            times = [_time(value) for value in group.column(len(kinds)).to_pylist()]
            for extracted, *values in zip(times, *columns, strict=True):
                pairs = (f"{name}:{value}" for name, value in zip(names, values, strict=True))
                yield msgspec.Raw(f"{{{','.join(pairs)}}}".encode()), extracted


@contextmanager
def _readable(data: IO[bytes]) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    data.seek(0)
    try:
        # The caller closes the data.
        yield pq.ParquetFile(pa.PythonFile(data, mode="r"))
    except (pa.ArrowException, OSError, OverflowError, UnicodeError) as error:
        raise FormatError(f"cannot be read as Parquet: {error}") from error


def _groups(file: Any) -> Iterator[Any]:
    for number in range(file.num_row_groups):
        if file.metadata.row_group(number).num_rows > MAX_GROUP_ROWS:
            raise FormatError(f"has a row group of over {MAX_GROUP_ROWS} rows")
        yield file.read_row_group(number)


def _kinds(file: Any, source: StreamSchema) -> dict[str, Callable[[Any], str]]:
    """Return each property's way back to JSON."""
    schema = file.schema_arrow
    said = (schema.metadata or {}).get(b"flext_format", b"none")
    if said != FORMAT:
        raise FormatError(f"has flext_format {said.decode('utf-8', 'replace')}, 1 is read")
    properties = source.schema["properties"]
    expected = [*properties, EXTRACTED_AT]
    if schema.names != expected:
        differing = next(
            (pair for pair in zip(schema.names, expected, strict=False) if pair[0] != pair[1]),
            ("another number of columns", "those of the schema"),
        )
        raise FormatError(f"has {differing[0]!r} where the schema has {differing[1]!r}")
    kinds = {}
    for index, (name, definition) in enumerate(properties.items()):
        found = str(schema.field(index).type)
        wanted, convert = _kind(definition)
        if found not in wanted:
            raise FormatError(f"column {name!r} is {found}, not {wanted[0]}")
        kinds[name] = convert
    last = str(schema.field(len(properties)).type)
    if last not in _INSTANT:
        raise FormatError(f"column {EXTRACTED_AT!r} is {last}, not {_INSTANT[0]}")
    return kinds


_INSTANT = ("timestamp[us, tz=UTC]",)
_TEXT = (
    "string", "large_string", "dictionary<values=string, indices=int32, ordered=0>",
    "dictionary<values=string, indices=int64, ordered=0>",
)  # fmt: skip


def _kind(definition: Any) -> tuple[tuple[str, ...], Callable[[Any], str]]:
    kinds = definition.get("type", ()) if isinstance(definition, dict) else ()
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "integer" in kinds:
        return ("int64",), _plain
    if "number" in kinds:
        return _TEXT, _number
    if "boolean" in kinds:
        return ("bool",), _plain
    if definition.get("format") == "date-time":
        return _INSTANT, _moment
    return _TEXT, _plain


def _plain(value: Any) -> str:
    return _encode(value).decode()


def _number(value: str | None) -> str:
    if value is None:
        return "null"
    # A text that is no number goes on as one: the row is refused for it, by name.
    return value if _NUMBER.fullmatch(value) else _encode(value).decode()


def _moment(value: Any) -> str:
    return "null" if value is None else f'"{_time(value)}"'


def _time(value: Any) -> str:
    return _NO_TIME if value is None else str(value.isoformat())
