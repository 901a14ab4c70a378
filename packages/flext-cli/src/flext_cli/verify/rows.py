"""Pages of records as rows to stage, by one loop that is written for the table. Pure.

A million rows pass here, so the rules of `columns` are laid out as source text, with a short way
for what a value usually is; whatever else comes goes to `columns` itself. A property test holds
both against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flext_cli.verify.columns import Column

#: What a staged text can hold, in bytes.
TEXT_BYTES = 4000
_TEXTS = frozenset({"VARCHAR2", "CHAR"})
Page = Sequence[dict[str, Any]]
Rows = Callable[[Page], list[tuple[Any, ...]]]


def compiled(columns: Sequence[Column], *, last: int) -> Rows:
    """The function that makes of each record of a page the tuple of its columns' values.

    Args:
        columns: in the order of the tuple.
        last: what every tuple has behind them.
    """
    given: dict[str, Any] = {"fitting": fitting}
    places = {column.source: f"v{number}" for number, column in enumerate(columns)}
    lines = []
    for source, place in places.items():
        given[f"k{place}"] = source
        lines.append(f"        {place} = g(k{place})")
    parts = [
        _expression(f"f{number}", column, places[column.source], given)
        for number, column in enumerate(columns)
    ]
    # As arguments they are locals, which a loop reaches fastest.
    names = ", ".join(f"{name}={name}" for name in given)
    text = "\n".join(
        [
            f"def rows(page, *, {names}):",
            "    made = []",
            "    for r in page:",
            "        g = r.get",
            *lines,
            f"        made.append(({', '.join([*parts, str(last)])},))",
            "    return made",
        ]
    )
    exec(compile(text, "<rows of a comparison>", "exec"), given)  # noqa: S102 -- holds numbered names only, the rest is written here
    made: Rows = given["rows"]
    return made


def _expression(name: str, column: Column, v: str, given: dict[str, Any]) -> str:
    """The column's value as source text, of the value `v` that the record has under its key."""
    given[name] = column.of_found
    is_text = column.type in _TEXTS
    # Four bytes a character at most: what is short needs no look.
    short = f"len({{}}) <= {TEXT_BYTES // 4}"
    if column.part == "count":
        return f"{name}({v})"
    if column.part == "key":
        long = "fitting(k)" if is_text else "k"
        return (
            f"((None if not (k := {v}.get('key')) else k if k.__class__ is str"
            f" and {short.format('k')} else {long}) if {v}.__class__ is dict else None)"
        )
    if column.of_text is str:
        other = f"fitting({name}({v}))" if is_text else f"{name}({v})"
        return (
            f"(None if {v} is None else ({v} or None)"
            f" if {v}.__class__ is str and {short.format(v)}"
            f" else {v} if {v}.__class__ is int else {v}['id'] if {v}.__class__ is dict"
            f" and 'key' in {v} and {v}.get('id').__class__ is int else {other})"
        )
    given[f"t{name}"] = column.of_text
    value = f"(t{name}({v}) if {v}.__class__ is str and {v} else {name}({v}))"
    return f"fitting({value})" if is_text else value


def fitting(value: Any) -> Any:
    """A text that cannot be stored whole, so changed that it equals nothing that is stored."""
    if value.__class__ is not str or len(value) * 4 <= TEXT_BYTES:
        return value
    if len(value.encode("utf-8", "surrogatepass")) <= TEXT_BYTES:
        return value
    return f"{value[:900]}… ({len(value)} characters in the WMS)"
