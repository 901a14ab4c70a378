"""One value of the API to one value of a record, or an error: never a loss, never a guess. Pure.

Numbers travel as `msgspec.Raw`, the digits of the source, and never become a float. A value is
what the tolerant decoder gives: None, bool, int, str, list, dict, and Raw for a number with a
fraction or an exponent.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from flext_tap_oracle_wms.errors import RecordError
from flext_tap_oracle_wms.schema import EXTRA

if TYPE_CHECKING:
    from collections.abc import Callable

    from flext_tap_oracle_wms.schema import Column, Kind, Part

#: What JSON calls a number.
JSON_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
#: What is a number to a person but not to JSON: blanks, a plus, leading zeros, a bare point.
_LOOSE_NUMBER = re.compile(r"([+-]?)(?=\.?[0-9])0*([0-9]*)(?:\.([0-9]*))?((?:[eE][+-]?[0-9]+)?)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,60}")
_encoder = msgspec.json.Encoder()


class MisfitError(Exception):
    """The value has no lossless form of that kind."""


def raw_number(text: str) -> msgspec.Raw:
    """Keep a number with fraction or exponent as its digits (the decoder's float hook)."""
    return msgspec.Raw(text.encode("ascii"))


#: Decodes a page's records without a float anywhere.
tolerant_decoder = msgspec.json.Decoder(list[dict[str, Any]], float_hook=raw_number)


@lru_cache(maxsize=8192)
def number_from_text(text: str) -> msgspec.Raw | None:
    """Return the number that a text spells, in its digits; None for a blank text."""
    data = text.encode("utf-8", "replace")
    if JSON_NUMBER.fullmatch(data):
        return msgspec.Raw(data)
    stripped = text.strip()
    if not stripped:
        return None
    found = _LOOSE_NUMBER.fullmatch(stripped) if stripped.isascii() else None
    if found is None:
        raise MisfitError
    sign, whole, fraction, exponent = found.groups()
    digits = f"{'-' if sign == '-' else ''}{whole or '0'}"
    return msgspec.Raw((digits + (f".{fraction}" if fraction else "") + exponent).encode("ascii"))


def number(value: Any) -> msgspec.Raw | int | None:
    """Return a number with the source's digits."""
    if value is None or isinstance(value, msgspec.Raw) or _is_integer(value):
        return value  # type: ignore[no-any-return]  # narrowed by the tests before
    if isinstance(value, str):
        return number_from_text(value)
    raise MisfitError


def integer(value: Any) -> int | None:
    """Return an integer, also of a text or of a number whose fraction is zero."""
    if value is None or _is_integer(value):
        return value  # type: ignore[no-any-return]  # narrowed by the tests before
    if isinstance(value, msgspec.Raw):
        return _integral(bytes(value).decode("ascii"))
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if text.isascii() and _INTEGER.fullmatch(text):
            return int(text)
    raise MisfitError


def _integral(text: str) -> int:
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise MisfitError from None
    if found.adjusted() > 60 or found != found.to_integral_value():
        raise MisfitError
    return int(found)


def text(value: Any) -> str | None:
    """Return a text; what is not one becomes its JSON text, so that nothing is lost."""
    if value is None or isinstance(value, str):
        return value
    return _encoder.encode(value).decode("utf-8")


def boolean(value: Any) -> bool | None:
    """Return a truth value, also of the words true and false."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        words = {"true": True, "false": False, "": None}
        if (word := value.strip().lower()) in words:
            return words[word]
    raise MisfitError


def moment(value: Any) -> str | None:
    """Return a date, time or timestamp as it is written; a blank text is none."""
    if value is None:
        return None
    if isinstance(value, str):
        return value or None
    raise MisfitError


def relation_id(value: Any) -> int | None:
    """Return the id of a relation, which is an object or the bare id."""
    return integer(value.get("id") if isinstance(value, dict) else value)


def relation_key(value: Any) -> str | None:
    """Return the natural key of a relation, None for a bare id."""
    return text(value.get("key")) if isinstance(value, dict) else None


def set_count(value: Any) -> int | None:
    """Return how many rows a set has: null, a list, or an object with result_count."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, dict):
        if "result_count" not in value:
            raise MisfitError
        return integer(value["result_count"])
    return integer(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


CONVERTERS: dict[tuple[Kind, Part], Callable[[Any], Any]] = {
    ("text", "value"): text,
    ("integer", "value"): integer,
    ("number", "value"): number,
    ("boolean", "value"): boolean,
    ("timestamp", "value"): moment,
    ("date", "value"): moment,
    ("time", "value"): moment,
    ("status", "value"): integer,
    ("relation", "id"): relation_id,
    ("relation", "key"): relation_key,
    ("set", "count"): set_count,
    ("set", "json"): text,
}


def extra(value: Any, key: str) -> str | None:
    """Return a further key of an object as text; None where the value is no object."""
    return text(value.get(key)) if isinstance(value, dict) else None


def convert(column: Column, value: Any) -> Any:
    """Return a field's value as a column holds it.

    Raises:
        RecordError: it does not fit; the value itself is not shown, since it is data.
    """
    kind = column.source.kind
    if column.part.startswith(EXTRA):
        return extra(value, column.part.removeprefix(EXTRA))
    try:
        return CONVERTERS[kind, column.part](value)
    except MisfitError:
        raise RecordError(
            f"field {column.source.name} is a {kind} by its description, but the WMS sent a "
            f"{type(value).__name__} that is none; if the field's type changed, discover again "
            "(discovery_cache_age_s 0), else deselect the field"
        ) from None
