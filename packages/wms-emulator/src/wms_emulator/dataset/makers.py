"""One small function per field: (ordinal, number) -> native value. rows.py makes relations."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from wms_emulator.dataset.vocabulary import (
    CHOICES,
    CITIES,
    COUNTRIES,
    PATTERNS,
    SEQUENCES,
    STATES,
    USERS,
    WORDS,
)
from wms_emulator.schema.model import Entity, Field, Kind

Maker = Callable[[int, int], object]

_FIRST_DAY = date(2024, 1, 1)
_DAY_US = 86_400_000_000
_FIRST_DAY_US = 1_704_067_200_000_000


def _choice(options: tuple[str, ...]) -> Maker:
    return lambda _i, n: options[n % len(options)]


def _pattern(pattern: str, limit: int) -> Maker:
    return lambda i, _n: pattern.format(i=i)[:limit]


def _text(entity: Entity, field: Field) -> Maker:
    name, limit = field.name, field.max_length
    if (entity.name, name) in PATTERNS:
        return _pattern(PATTERNS[entity.name, name], limit)
    if (entity.name, name) in CHOICES:
        return _choice(tuple(value for value, _label in CHOICES[entity.name, name]))
    named = {"_user": USERS, "city": CITIES, "state": STATES, "country": COUNTRIES}
    for ending, options in named.items():
        if name.endswith(ending):
            return _choice(tuple(option[:limit] for option in options))
    often = field.required or name.endswith(("description", "descr", "_1"))

    def made(_i: int, n: int) -> object:
        if not often and n % 8:
            return ""
        text = f"{WORDS[(n >> 3) % len(WORDS)]} {(n >> 7) % 1000}"
        return text[:limit]

    return made


def _decimal(field: Field) -> Maker:
    optional = not field.required and field.default is None
    custom = field.name.startswith("cust_")

    def made(_i: int, n: int) -> object:
        if optional and not n % 4:
            return None
        if custom and n % 4:
            return Decimal(0)
        # Quantities mostly whole; the rest with up to five decimals, some ending in zeros.
        places = (0, 0, 0, 2, 5)[n % 5]
        return Decimal((n >> 5) % 100_000).scaleb(-places)

    return made


def _integer(entity: Entity, field: Field) -> Maker:
    if (entity.name, field.name) in SEQUENCES:
        return lambda i, _n: i + 1
    if not field.required and field.default is None:
        return lambda _i, n: None if not n % 3 else n % 1000
    return lambda _i, n: n % 100


def _day(field: Field) -> Maker:
    required = field.required

    def made(_i: int, n: int) -> object:
        if not required and n % 3:
            return None
        return (_FIRST_DAY + timedelta(days=(n >> 4) % 900)).isoformat()

    return made


def _instant(_i: int, n: int) -> object:
    return None if n % 3 else _FIRST_DAY_US + (n >> 4) % (700 * _DAY_US)


def maker(entity: Entity, field: Field) -> Maker:
    """How this field's value follows from a row's ordinal and a number.

    Raises:
        ValueError: for relations, ids and sets, which rows.py makes.
    """
    match field.kind:
        case Kind.TEXT:
            return _text(entity, field)
        case Kind.DEC:
            return _decimal(field)
        case Kind.INT:
            return _integer(entity, field)
        case Kind.BOOL:
            return lambda _i, n: not n % 4
        case Kind.DATE:
            return _day(field)
        case Kind.TS:
            return _instant
        case Kind.COMPUTED:
            return lambda _i, n: n % 50
        case Kind.BLOB:
            return lambda _i, _n: None
    raise ValueError(f"{entity.name}.{field.name}: made elsewhere")
