"""Pages of records as rows to stage, by one comprehension that is written for the table. Pure.

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
    scope: dict[str, Any] = {"fitting": fitting}
    parts = [_expression(number, column, scope) for number, column in enumerate(columns)]
    body = ", ".join([*parts, str(last)])
    text = f"def rows(page):\n    return [({body},) for r in page for g in (r.get,)]\n"
    exec(compile(text, "<rows of a comparison>", "exec"), scope)  # noqa: S102 -- holds numbered names only, the rest is written here
    made: Rows = scope["rows"]
    return made


def _expression(number: int, column: Column, scope: dict[str, Any]) -> str:
    source, whole = f"k{number}", f"f{number}"
    scope[source], scope[whole] = column.source, column.scalar
    found = f"(v := g({source}))"
    if column.part == "count":
        scope[whole] = column.value
        return f"{whole}(r)"
    if column.part == "key":
        text = f"((v.get('key') or None) if {found}.__class__ is dict else None)"
        return _fitted(text) if column.type in _TEXTS else text
    if column.of_text is str:
        other = f"fitting({whole}(v))" if column.type in _TEXTS else f"{whole}(v)"
        # Four bytes a character at most: what is short needs no look.
        short = f"len(v) <= {TEXT_BYTES // 4}"
        return (
            f"(None if {found} is None else (v or None) if v.__class__ is str and {short}"
            f" else v if v.__class__ is int else v['id'] if v.__class__ is dict and 'key' in v"
            f" and v.get('id').__class__ is int else {other})"
        )
    made = f"t{number}"
    scope[made] = column.of_text
    whole_value = f"{whole}(v)"
    value = f"({made}(v) if {found}.__class__ is str and v else {whole_value})"
    return _fitted(value) if column.type in _TEXTS else value


def _fitted(text: str) -> str:
    return f"fitting({text})"


def fitting(value: Any) -> Any:
    """A text that cannot be stored whole, so changed that it equals nothing that is stored."""
    if value.__class__ is not str or len(value) * 4 <= TEXT_BYTES:
        return value
    if len(value.encode("utf-8", "surrogatepass")) <= TEXT_BYTES:
        return value
    return f"{value[:900]}… ({len(value)} characters in the WMS)"
