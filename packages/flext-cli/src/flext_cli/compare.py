"""Comparing expected rows with the rows of a table, column by column. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flext_cli.expected import Row

OURS = frozenset({"_SDC_EXTRACTED_AT", "_SDC_BATCHED_AT", "_SDC_RECEIVED_AT"})
_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """One value that is not what it should be; a whole row has no column."""

    stream: str
    key: str
    column: str | None
    expected: object
    actual: object

    def __str__(self) -> str:
        where = f"{self.stream} {self.key}" + (f", column {self.column}" if self.column else "")
        return f"{where}: expected {_shown(self.expected)}, Oracle has {_shown(self.actual)}"


@dataclass(frozen=True)
class Comparison:
    """How the two sides of one stream stand to each other.

    Attributes:
        columns: in how many rows each column differs that does so in one.
    """

    stream: str
    expected_rows: int
    actual_rows: int
    missing: int
    extra: int
    changed: int
    first: Difference | None
    columns: Mapping[str, int] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether every row and every column agrees."""
        return self.first is None


def compare(
    stream: str,
    key: str,
    expected: Iterable[Row],
    columns: Sequence[str],
    actual: Iterable[Sequence[Any]],
) -> Comparison:
    """Compare by key: rows of one side only, and every column of the rows of both.

    A column of the table that no record has must be NULL throughout, a row that is there twice is
    too many, and the three columns of ours must be filled.
    """
    wanted = {each[key]: each for each in expected}
    known = set(columns)
    missing = extra = changed = actual_rows = 0
    first: Difference | None = None
    wrong: Counter[str] = Counter()
    seen = set()
    for values in actual:
        actual_rows += 1
        have = dict(zip(columns, values, strict=True))
        identity = have.get(key)
        want = wanted.get(identity)
        if want is None or identity in seen:
            extra += 1
            reason = "one row" if identity in seen else "no row"
            first = first or Difference(stream, f"{key}={identity}", None, reason, "one more")
            continue
        seen.add(identity)
        differences = list(_differences(stream, f"{key}={identity}", want, have, known))
        if differences:
            changed += 1
            first = first or differences[0]
            wrong.update(each.column for each in differences if each.column)
    for identity in wanted.keys() - seen:
        missing += 1
        first = first or Difference(stream, f"{key}={identity}", None, "a row", "no row")
    return Comparison(stream, len(wanted), actual_rows, missing, extra, changed, first, dict(wrong))


def _differences(
    stream: str, identity: str, want: Row, have: dict[str, Any], known: set[str]
) -> Iterator[Difference]:
    for column, value in want.items():
        actual = have.get(column, _ABSENT)
        if actual is _ABSENT or not _same(value, actual):
            yield Difference(stream, identity, column, value, actual)
    for column in known - want.keys() - OURS:
        if have[column] is not None and not column.startswith("_SDC_"):
            yield Difference(stream, identity, column, None, have[column])
    for column in OURS:
        if have.get(column) is None:
            yield Difference(stream, identity, column, "an instant", have.get(column, _ABSENT))


def _same(expected: object, actual: object) -> bool:
    """Equal in value and in kind: the text '16' is not the number 16."""
    if isinstance(expected, Decimal):
        return isinstance(actual, Decimal | int) and expected == actual
    return type(expected) is type(actual) and expected == actual


def _shown(value: object) -> str:
    return "no such column" if value is _ABSENT else repr(value)
