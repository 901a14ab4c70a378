"""The JSON schemas of properties, checked as far as they are read: what else they say is not ours.

A schema `true` lets everything pass and is read as one that says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flext_target_oracle.errors import InputError


def checked(stream: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schemas of a stream's properties, each an object that can be read.

    Raises:
        InputError: one of them is none; it names stream, property and keyword.
    """
    return {name: _checked(stream, name, schema) for name, schema in properties.items()}


def _checked(stream: str, name: str, schema: Any) -> dict[str, Any]:
    if schema is True:
        return {}
    if not isinstance(schema, Mapping):
        raise _refusal(stream, name, "its schema is neither an object nor true")
    kinds = schema.get("type", [])
    if not isinstance(kinds, str) and not (
        isinstance(kinds, list) and all(isinstance(kind, str) for kind in kinds)
    ):
        raise _refusal(stream, name, "`type` is neither a name nor a list of names")
    length = schema.get("maxLength")
    if length is not None and (
        isinstance(length, bool)
        or not isinstance(length, int | float)
        or not 0 <= length < float("inf")
    ):
        raise _refusal(stream, name, "`maxLength` is not a number of characters")
    found = dict(schema)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            if not isinstance(schema[keyword], list):
                raise _refusal(stream, name, f"`{keyword}` is not a list of schemas")
            found[keyword] = [_checked(stream, name, branch) for branch in schema[keyword]]
    return found


def _refusal(stream: str, name: str, what: str) -> InputError:
    return InputError(f"the schema of stream {stream}, property {name!r}: {what}")
