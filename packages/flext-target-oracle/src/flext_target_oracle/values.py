"""From a JSON value to the Python value that is bound, exactly or not at all.

`exact` judges one value and says why it is refused. The `bulk_*` functions do the same for a whole
column of a batch at the speed of C loops; where anything is unusual they raise, and the batch is
judged value by value. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation, Subnormal
from functools import cache
from itertools import repeat
from operator import attrgetter
from operator import sub as _subtract
from typing import Any

import msgspec

from flext_target_oracle.sql.types import VARCHAR2_MAX_BYTES, ColumnType, Shape

#: What reading JSON may end in; the last one where it is nested too deeply to be read.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
#: What arithmetic ends in that would not be exact; the last one below the least NUMBER.
_INEXACT = (Inexact, InvalidOperation, Subnormal)
_ZERO = Decimal(0)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH = _EPOCH_UTC.replace(tzinfo=None)
_PLAIN_PRECISION = 38  # what NUMBER without precision keeps for certain
_INT64_DIGITS = 19
_FLAGS: Mapping[bool | None, int | None] = {None: None, False: 0, True: 1}
_FINE = re.compile(r"\.\d{7}", re.ASCII)
_ZONE = re.compile(r"(?:[Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
#: A local time that is longer is finer than a microsecond.
_FINEST_CHARS = len("2026-01-01T08:00:00.000000")
_zone_of = attrgetter("tzinfo")
_numbers = msgspec.json.Decoder(list[Decimal | None])
_moments = msgspec.json.Decoder(list[datetime])
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:(\.\d{1,6})0*)?([Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


class UnfitError(Exception):
    """The column cannot hold the value as it is."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class OverflowedError(UnfitError):
    """The text is longer than its VARCHAR2; a CLOB would hold it."""


class UnusualError(Exception):
    """A batch needs to be judged value by value."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How values are judged.

    Attributes:
        rounding: whether a number with too many decimals is rounded (half away from zero) instead
            of refused.
        codec: Python's name of the database's character set; None where it is Unicode.
    """

    rounding: bool = False
    codec: str | None = None


def exact(shape: Shape, kind: ColumnType, raw: bytes, rules: Rules) -> Any:
    """Return the bind value of one JSON value.

    Raises:
        UnfitError: the value is not of its shape, or the column cannot hold it.
    """
    if raw == b"null":
        return None
    value = _decoded(raw) if shape not in {Shape.JSON, Shape.ANY} else _json_text(shape, raw)
    if shape in {Shape.TEXT, Shape.TIME, Shape.JSON, Shape.ANY}:
        return text(_expect(value, str, "a string"), kind, rules) or None
    if shape is Shape.BOOLEAN:
        return int(_expect(value, bool, "true or false"))
    if shape in {Shape.INTEGER, Shape.NUMBER}:
        digits = raw.decode("ascii", "replace")
        if isinstance(value, bool | str | dict | list):
            raise UnfitError("TYPE", f"a number is expected, not {_json_kind(value)}")
        return number(digits, kind, rules, integer=shape is Shape.INTEGER)
    moment = timestamp(_expect(value, str, f"a {shape.value} string"))
    if shape is Shape.TIMESTAMP:
        return moment
    if moment != datetime(moment.year, moment.month, moment.day):  # noqa: DTZ001 -- naive UTC on purpose
        raise UnfitError("DATE", "a date is expected, not a time of day")
    return moment.date()


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE as error:
        raise UnfitError("JSON", f"not valid JSON: {error}") from error


def _json_text(shape: Shape, raw: bytes) -> str:
    """An object or array is stored as it came; of other values a string is itself."""
    if shape is Shape.ANY and raw[:1] == b'"':
        return str(_decoded(raw))
    if shape is Shape.JSON and raw[:1] not in {b"{", b"["}:
        raise UnfitError("TYPE", "an object or array is expected")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnfitError("JSON", f"not valid JSON: {error}") from error


def _expect(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise UnfitError("TYPE", f"{what} is expected, not {_json_kind(value)}")
    return value


def _json_kind(value: Any) -> str:
    names = {bool: "a boolean", str: "a string", dict: "an object", list: "an array"}
    return names.get(type(value), "a number")


def text(value: str, kind: ColumnType, rules: Rules) -> str:
    """Return the text if the column holds it in the database's character set.

    Raises:
        OverflowedError: it is too long for a VARCHAR2.
        UnfitError: the character set lacks a character.
    """
    try:
        size = len(value.encode(rules.codec or "utf-8"))
    except UnicodeEncodeError as error:
        lacking = value[error.start]
        raise UnfitError(
            "CHARACTER", f"the database's character set has no U+{ord(lacking):04X}"
        ) from error
    limit = kind.length
    if limit is None:
        return value
    measured = len(value) if kind.in_chars else size
    if measured > limit or size > VARCHAR2_MAX_BYTES:
        unit = "characters" if kind.in_chars else "bytes"
        raise OverflowedError("TEXT_TOO_LONG", f"{measured} {unit} do not fit {kind.ddl()}")
    return value


def number(digits: str, kind: ColumnType, rules: Rules, *, integer: bool) -> int | Decimal:
    """Return the number if the column holds it exactly (or rounded, by rule).

    Raises:
        UnfitError: it has too many digits, or decimals where an integer is expected.
    """
    try:
        value = Decimal(digits)
    except InvalidOperation as error:
        raise UnfitError("NUMBER_DIGITS", "the exponent is beyond any NUMBER") from error
    if integer and value != value.to_integral_value(context=Context(prec=400)):
        raise UnfitError("TYPE", "an integer is expected, not a number with decimals")
    quantum, context = _exactness(kind)
    if quantum is None:
        try:
            return _plain(context.create_decimal(value))
        except _INEXACT as error:
            message = f"more than {_PLAIN_PRECISION} digits, or too small a number, for NUMBER"
            raise UnfitError("NUMBER_DIGITS", message) from error
    try:
        return _plain(value.quantize(quantum, context=context))
    except Inexact as error:
        if rules.rounding:
            return number(str(_rounded(value, kind)), kind, rules, integer=integer)
        message = f"more than {kind.scale or 0} decimals do not fit {kind.ddl()}"
        raise UnfitError("NUMBER_DECIMALS", message) from error
    except InvalidOperation as error:
        whole = (kind.precision or 0) - (kind.scale or 0)
        message = f"more than {whole} digits before the point do not fit {kind.ddl()}"
        raise UnfitError("NUMBER_DIGITS", message) from error


def _rounded(value: Decimal, kind: ColumnType) -> Decimal:
    context = Context(prec=100, rounding=ROUND_HALF_UP)
    return value.quantize(Decimal(1).scaleb(-(kind.scale or 0)), context=context)


def _plain(value: Decimal) -> int | Decimal:
    """Whole numbers as int: no exponent and no negative zero reaches the driver."""
    whole = int(value)
    return whole if whole == value else value


def _exactness(kind: ColumnType) -> tuple[Decimal | None, Context]:
    """The quantum of a NUMBER and the context that traps what it cannot hold."""
    traps: list[Any] = [*_INEXACT]
    if kind.precision is None:
        return None, Context(prec=_PLAIN_PRECISION, Emin=-130, Emax=125, traps=traps)
    return Decimal(1).scaleb(-(kind.scale or 0)), Context(prec=kind.precision, traps=traps)


def timestamp(value: str) -> datetime:
    """Return an RFC 3339 date-time in UTC without zone; one without offset is UTC already.

    Raises:
        UnfitError: it is no such time, or finer than a microsecond.
    """
    match = _RFC3339.fullmatch(value)
    if match is None:
        raise UnfitError("TIMESTAMP", "an RFC 3339 time of at most 6 decimals is expected")
    day, time_of_day, fraction, zone = (group or "" for group in match.groups())
    try:
        moment = datetime.fromisoformat(f"{day}T{time_of_day or '00:00'}{fraction}{zone.upper()}")
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise UnfitError("TIMESTAMP", "there is no such time in the years 1 to 9999") from error
    return moment


def bulk_numbers(raws: Sequence[Any], kind: ColumnType) -> list[Decimal | None]:
    """Return a column of raw JSON numbers; strings and other values are unusual."""
    joined = b",".join(raws)
    # What reads numbers takes those in texts for numbers too.
    if b'"' in joined or _is_odd(kind):
        raise UnusualError
    try:
        if not _is_short(raws, joined, kind):
            texts = joined.decode("ascii")
            if _uncertain(kind).search(texts):
                return _judged_numbers(texts.split(","), kind)
        found = _numbers.decode(b"[%b]" % joined)
    except (*_INEXACT, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise UnusualError from error
    if all(found):
        return found
    return [value if value or value is None else _ZERO for value in found]


def _is_odd(kind: ColumnType) -> bool:
    """Whether a NUMBER holds no ones, as NUMBER(5,-2) does, or fractions only, as NUMBER(3,5)."""
    return kind.precision is not None and not 0 <= (kind.scale or 0) <= kind.precision


def _is_short(raws: Sequence[Any], joined: bytes, kind: ColumnType) -> bool:
    """Whether numbers fit for their length alone: it leaves none too many digits on either side."""
    whole = None if kind.precision is None else kind.precision - (kind.scale or 0)
    fit = _PLAIN_PRECISION if whole is None else min(whole, (kind.scale or 0) + 1)
    return b"e" not in joined and b"E" not in joined and max(map(len, raws), default=0) <= fit


@cache
def _uncertain(kind: ColumnType) -> re.Pattern[str]:
    """What a number that may not fit has in its digits."""
    if kind.precision is None:
        return re.compile(rf"[eE]|[\d.]{{{_PLAIN_PRECISION + 1}}}", re.ASCII)
    decimals = kind.scale or 0
    whole = kind.precision - decimals
    return re.compile(rf"[eE]|\.\d{{{decimals + 1}}}|\d{{{whole + 1}}}", re.ASCII)


def _judged_numbers(texts: Sequence[str], kind: ColumnType) -> list[Decimal | None]:
    quantum, context = _exactness(kind)
    values: list[Decimal | None] = []
    for digits in texts:
        if digits == "null":
            values.append(None)
        elif quantum is None:
            values.append(context.create_decimal(Decimal(digits)) or _ZERO)
        else:
            value = Decimal(digits)
            value.quantize(quantum, context=context)
            values.append(value or _ZERO)
    return values


def bulk_integers(column: Sequence[int | None], kind: ColumnType) -> Sequence[int | None]:
    """Return a column of integers of 64 bits, unchanged."""
    if _is_odd(kind):
        raise UnusualError
    whole = None if kind.precision is None else kind.precision - (kind.scale or 0)
    if whole is None or whole >= _INT64_DIGITS:
        return column
    limit = 10**whole
    present = [value for value in column if value is not None]
    if present and (max(present) >= limit or min(present) <= -limit):
        raise UnusualError
    return column


def bulk_booleans(column: Sequence[bool | None]) -> list[int | None]:
    """Return a column of booleans as 1 and 0."""
    return list(map(_FLAGS.__getitem__, column))


def bulk_texts(
    column: Sequence[str | None], kind: ColumnType, rules: Rules, *, longest_bytes: int
) -> Sequence[str | None]:
    """Return a column of texts; '' is NULL, as it is to Oracle, whatever way it goes there.

    Args:
        column: the texts.
        kind: what holds them.
        rules: how they are judged.
        longest_bytes: no text is longer than that in UTF-8.
    """
    if rules.codec is not None and not all(map(str.isascii, filter(None, column))):
        raise UnusualError
    if kind.length is not None:
        limit = min(kind.length, VARCHAR2_MAX_BYTES)
        short = limit // 4  # four bytes are the most a character takes
        if longest_bytes > limit and max(map(len, filter(None, column)), default=0) > short:
            for value in column:
                if value is not None and len(value) > short:
                    _usual_text(value, kind, rules)
    return [value or None for value in column] if "" in column else column


def _usual_text(value: str, kind: ColumnType, rules: Rules) -> None:
    try:
        text(value, kind, rules)
    except UnfitError as error:
        raise UnusualError from error


def bulk_json(
    raws: Sequence[Any], kind: ColumnType, rules: Rules, *, longest_bytes: int
) -> Sequence[str | None]:
    """Return a column of raw objects and arrays as text; `longest_bytes` as for `bulk_texts`."""
    try:
        texts = [str(raw, "utf-8") for raw in raws]
    except UnicodeDecodeError as error:
        raise UnusualError from error
    values = [None if value == "null" else value for value in texts]
    if not all(value[0] in "{[" for value in values if value):
        raise UnusualError
    return bulk_texts(values, kind, rules, longest_bytes=longest_bytes)


def bulk_timestamps(column: Sequence[str | None]) -> list[datetime | None]:
    """Return a column of RFC 3339 texts in UTC."""
    present = list(filter(None, column))
    try:
        moments = _in_one_zone(present)
        if moments is None:
            return _in_many_zones(column)
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise UnusualError from error
    if len(present) == len(column):
        return [*moments]
    if "" in column:
        raise UnusualError
    after = iter(moments)
    return [None if text is None else next(after) for text in column]


def _in_one_zone(texts: Sequence[str]) -> list[datetime] | None:
    """Return texts that end in the same offset in UTC; None if they do not.

    They are read all at once, and an offset that is taken off before and away after costs a fifth
    of what one per value does.
    """
    zone = _ZONE.search(texts[0]) if texts else None
    if zone is None:
        return None
    ending = zone.group()
    if max(map(len, texts)) > _FINEST_CHARS + len(ending):
        return None
    array, end = '","'.join(texts) + '"', f'{ending}"'
    if array.count(end) != len(texts) or "\\" in array:
        return None
    array = array.replace(end, '"')
    moments = _moments.decode(f'["{array}]')
    # A text with a quote in it is none that ends in the offset; what is left says so.
    if len(moments) != len(texts) or any(map(_zone_of, moments)):
        return None
    offset = _offset(ending)
    return list(map(_subtract, moments, repeat(offset))) if offset else moments


@cache
def _offset(zone: str) -> timedelta:
    return datetime.fromisoformat(f"1970-01-01T00:00:00{zone.upper()}").utcoffset() or timedelta()


def _in_many_zones(column: Sequence[str | None]) -> list[datetime | None]:
    if _FINE.search("\n".join(filter(None, column))):
        raise UnusualError  # finer than a microsecond
    moments = msgspec.convert(column, list[datetime | None])
    try:
        return [None if m is None else _EPOCH + (m - _EPOCH_UTC) for m in moments]
    except TypeError:  # some are without offset: UTC
        return [m if m is None or m.tzinfo is None else _EPOCH + (m - _EPOCH_UTC) for m in moments]
