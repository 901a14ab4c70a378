"""The `ordering` parameter as SQL, and positions in it as the cursor writes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from wms_emulator.clock import from_us, to_us
from wms_emulator.query.errors import QueryError
from wms_emulator.query.paths import Expression, resolve
from wms_emulator.records import decimal_from_key, decimal_key, decimal_text
from wms_emulator.schema.model import Entity, Field, Kind

_MOST_DIGITS = 18
_NEVER_NULL = frozenset({"t.id", 't."mod_ts"', 't."create_ts"'})
_BY_ID = Expression("t.id", Field("id", Kind.ID))


@dataclass(frozen=True, slots=True)
class Term:
    """One field of an ordering."""

    expression: Expression
    descending: bool

    def sql(self, *, reverse: bool = False) -> str:
        """The term for ORDER BY. Nulls stand after all values, before them when descending."""
        descending = self.descending is not reverse
        direction = " DESC" if descending else ""
        if self.expression.sql in _NEVER_NULL:
            return self.expression.sql + direction
        return f"{self.expression.sql}{direction} NULLS {'FIRST' if descending else 'LAST'}"


def parse_ordering(entities: Mapping[str, Entity], entity: Entity, text: str) -> tuple[Term, ...]:
    """The terms of `ordering`; by id when there are none.

    Raises:
        QueryError: an unknown field.
    """
    terms = []
    for part in filter(None, text.split(",")):
        path = part.removeprefix("-").split("__")
        expression, rest = resolve(entities, entity, path, "ordering")
        if rest:
            raise QueryError("ordering", f"no field {part!r}")
        terms.append(Term(expression, part.startswith("-")))
    return tuple(terms) or (Term(_BY_ID, descending=False),)


def order_by(terms: tuple[Term, ...], *, reverse: bool = False) -> str:
    """The ORDER BY clause. Equal rows come by id, in the direction of the last term.

    The real API leaves their order open; a fixed one makes runs repeatable.
    """
    parts = [term.sql(reverse=reverse) for term in terms]
    if terms[-1].expression.sql != "t.id":
        parts.append("t.id DESC" if terms[-1].descending is not reverse else "t.id")
    return "ORDER BY " + ", ".join(parts)


def position_text(field: Field, column: object) -> str | None:
    """A column's value as a cursor carries it."""
    if column is None:
        return None
    if field.kind is Kind.TS and isinstance(column, int):
        return str(from_us(column))
    if field.kind is Kind.DEC and isinstance(column, bytes):
        return decimal_text(decimal_from_key(column))
    return str(column)


def position_column(field: Field, text: str) -> object:
    """The column's value that `position_text` wrote.

    Raises:
        ValueError: the text is no such value.
    """
    match field.kind:
        case Kind.TEXT | Kind.DATE:
            return text
        case Kind.TS:
            moment = datetime.fromisoformat(text)
            return to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        case Kind.DEC:
            try:
                return decimal_key(Decimal(text))
            except InvalidOperation as error:
                raise ValueError(f"no decimal: {text!r}") from error
    if len(text) > _MOST_DIGITS:
        raise ValueError("no such number")
    return int(text)
