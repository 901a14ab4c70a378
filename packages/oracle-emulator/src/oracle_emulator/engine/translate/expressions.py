"""Expressions: literals, binds, identifiers, operators and calls, from the leaves up.

Statements are in `statements`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sqlglot import exp

from oracle_emulator.engine import names, text, types
from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.interface import OracleError
from oracle_emulator.engine.translate import build, functions
from oracle_emulator.engine.translate.context import Context

_ZONE = re.compile(r"[+-]\d{1,2}:\d{2}$")

# Nodes that mean the same in PostgreSQL once their parts are translated.
_SAME: tuple[type[exp.Expr], ...] = (
    exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered,
    exp.With, exp.CTE,
    exp.Subquery, exp.Union, exp.Except, exp.Intersect, exp.Star, exp.TableAlias, exp.Alias,
    exp.Null, exp.Paren,
    exp.Not, exp.And, exp.Or, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In,
    exp.Between,
    exp.Like, exp.Escape, exp.Exists, exp.Case, exp.If, exp.DataType, exp.DataTypeParam,
    exp.Window, exp.WindowSpec,
    exp.Fetch, exp.LimitOptions, exp.Offset, exp.Lock, exp.Add, exp.Sub, exp.Mul, exp.Tuple,
    exp.Values, exp.Insert,
    exp.Update, exp.Delete, exp.Merge, exp.Whens, exp.When, exp.Schema, exp.Returning,
    exp.Distinct, exp.Var,
    exp.Rollup, exp.Cube, exp.GroupingSets,
    exp.GroupConcat, exp.Neg, exp.Any, exp.All, exp.Table, exp.Identifier, exp.Introducer,
)  # fmt: skip


def translate(tree: exp.Expr, context: Context) -> exp.Expr:
    """Translate every expression below `tree` in place.

    Returns the tree (a new one when its root is replaced).
    """
    nodes = list(tree.dfs())
    for node in reversed(nodes):
        new = _node(node, context)
        if new is node:
            continue
        if node is tree:
            tree = new
        node.replace(new)
    return tree


def _node(node: exp.Expr, context: Context) -> exp.Expr:
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        return handler(node, context)
    if isinstance(node, _SAME):
        return node
    raise unsupported(type(node).__name__)


def _literal(node: exp.Expr, context: Context) -> exp.Expr:
    if not node.args.get("is_string"):
        return node if _is_plain_number(node) else build.number(node.name.rstrip("fFdD"))
    return string(node.name, context)


def string(value: str, context: Context) -> exp.Expr:
    """A character literal: '' is NULL. Raises ORA-01704 when it is too long."""
    if value == "":
        return build.cast(exp.Null(), "text")
    if len(value.encode()) > context.capabilities.max_string_bytes:
        raise error(1704)
    return build.text(text.stored(value))


def _is_plain_number(node: exp.Expr) -> bool:
    """Whether a number is a position, a count or a type's parameter rather than a NUMBER."""
    parent = node.parent
    if isinstance(parent, exp.Ordered):
        return isinstance(parent.parent, exp.Order) and isinstance(parent.parent.parent, exp.Query)
    return isinstance(
        parent,
        exp.DataTypeParam | exp.Fetch | exp.Offset | exp.Lock | exp.WindowSpec | exp.Interval,
    )


def _placeholder(node: exp.Expr, context: Context) -> exp.Expr:
    index = int(node.name[1:])
    parameter = exp.Parameter(this=exp.Literal.number(index + 1))
    if index >= len(context.binds):  # described without values, as `parse` does: taken for text
        return build.cast(parameter, "text")
    return build.cast(parameter, types.bind_type(context.binds[index]))


def _column(node: exp.Expr, context: Context) -> exp.Expr:
    if node.args.get("join_mark"):
        raise unsupported("outer join operator (+)")
    if isinstance(node.this, exp.Star):
        return node
    name, table = _spelled(node.this), node.args.get("table")
    if table is not None:
        if name in {"NEXTVAL", "CURRVAL"}:
            return _sequence(name, node, context)
        return _rowid(table) if name == "ROWID" and node.this.args.get("folded") else node
    return _bare_word(name, node) if node.this.args.get("folded") else node


def _bare_word(name: str, node: exp.Expr) -> exp.Expr:
    """An unquoted name without a table: a pseudo-column or a function, if not a column."""
    function = functions.word(name)
    if function is not None:
        return function
    if name == "LEVEL":
        raise unsupported(f"pseudo-column {name}")
    if name == "ROWID":
        return _rowid(None)
    if name == "ROWNUM":
        return build.cast(exp.Window(this=build.builtin("row_number")), "numeric")
    return exp.Var(this="DEFAULT") if name == "DEFAULT" else node


def _rowid(table: exp.Expr | None) -> exp.Expr:
    place = (exp.Column(this=build.native(part), table=table) for part in ("tableoid", "ctid"))
    return build.call("rowid_of", *place)


def _spelled(node: exp.Expr | None) -> str:
    return names.logical(node.name) if node is not None else ""


def _sequence(name: str, node: exp.Expr, context: Context) -> exp.Expr:
    named = (_spelled(node.args.get("db")) or context.schema, _spelled(node.args.get("table")))
    sequence = names.quote(*(context.synonym(named) or named))
    function = build.builtin(
        "nextval" if name == "NEXTVAL" else "currval", exp.Literal.string(sequence)
    )
    return build.cast(function, "numeric")


def _identifier(node: exp.Expr, _: Context) -> exp.Expr:
    if node.args.get("quoted"):
        names.check(node.name)
        node.set("this", names.physical(node.name))
        return node
    name = names.check(node.name.upper())
    folded = build.identifier(name)
    folded.set("folded", True)
    return folded


def _anonymous(node: exp.Expr, _: Context) -> exp.Expr:
    if isinstance(node.parent, exp.Dot):
        return node
    return functions.call(str(node.this).upper(), node.expressions)


def _dot(node: exp.Expr, _: Context) -> exp.Expr:
    """PACKAGE.FUNCTION(…)."""
    function = node.args.get("expression")
    if not isinstance(function, exp.Anonymous) or not isinstance(node.this, exp.Identifier):
        raise unsupported("object attribute or method")
    return functions.call(
        f"{_spelled(node.this)}.{str(function.this).upper()}", function.expressions
    )


def _concat(node: exp.Expr, _: Context) -> exp.Expr:
    return build.call("concat", node.this, node.expression)


def _division(node: exp.Expr, _: Context) -> exp.Expr:
    return build.call("divide", node.this, node.expression)


def _cast(node: exp.Expr, _: Context) -> exp.Expr:
    target = node.args["to"]
    if isinstance(node.this, exp.Parameter) or target.args.get("udt"):
        return node  # one of ours
    return build.cast(node.this, cast_target(target))


def cast_target(target: exp.Expr) -> str:
    """The PostgreSQL type that an Oracle type of a CAST stands for.

    Raises ORA-00902 or ORA-03001.
    """
    sizes = [int(p.this.name) for p in target.expressions if p.this.name.isdigit()]
    kind = target.this
    known = exp.DataType.Type
    plain = {
        known.DATE: "ora.odate",
        known.TEXT: "ora.clob",
        known.BLOB: "ora.blob",
        known.DOUBLE: "double precision",
        known.INT: "numeric(38,0)",
        known.FLOAT: "numeric",
    }
    if kind in plain:
        return plain[kind]
    if kind == known.DECIMAL:
        precision = sizes[0] if sizes else None
        return types.number(precision, sizes[1] if len(sizes) > 1 else None).storage
    if kind in {known.TIMESTAMP, known.TIMESTAMPTZ, known.TIMESTAMPLTZ}:
        zone = {known.TIMESTAMP: "", known.TIMESTAMPTZ: "TIME ZONE"}.get(kind, "LOCAL TIME ZONE")
        return types.timestamp(sizes[0] if sizes else 6, zone).storage
    if kind in {known.VARCHAR, known.NVARCHAR, known.CHAR, known.NCHAR}:
        size = sizes[0] if sizes else 1
        (types.varchar if kind in {known.VARCHAR, known.NVARCHAR} else types.char)(size)
        return (
            f"varchar({size})" if kind in {known.VARCHAR, known.NVARCHAR} else f"character({size})"
        )
    raise unsupported(f"CAST to {target.sql(dialect='oracle')}")


def _sysdate(node: exp.Expr, _: Context) -> exp.Expr:
    return build.call("sysdate" if node.args.get("sysdate") else "current_timestamp")


def _named(function: str) -> Callable[[exp.Expr, Context], exp.Expr]:
    def handler(_node: exp.Expr, _: Context) -> exp.Expr:
        return build.call(function)

    return handler


def _typed_literal(to: str, format_text: str) -> Callable[[exp.Expr, Context], exp.Expr]:
    def handler(node: exp.Expr, _: Context) -> exp.Expr:
        """DATE '…' and TIMESTAMP '…'."""
        value = node.this.this if isinstance(node.this, exp.Cast) else node.this
        if not isinstance(value, exp.Literal):
            raise error(1861)
        if to == "to_timestamp" and _ZONE.search(value.name):
            zoned = f"{format_text if '.' in value.name else format_text[:-3]} TZH:TZM"
            return build.call("to_timestamp_tz", build.text(value.name), build.text(zoned))
        return build.call(to, build.text(value.name), build.text(format_text))

    return handler


def _extract(node: exp.Expr, _: Context) -> exp.Expr:
    part = node.this.name.upper()
    if part not in {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"}:
        raise unsupported(f"EXTRACT({part})")
    return exp.Extract(this=exp.var(part), expression=node.expression)


def _trim(node: exp.Expr, _: Context) -> exp.Expr:
    position = str(node.args.get("position") or "BOTH").upper()
    function = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(position, "btrim")
    parts = [part for part in (node.this, node.args.get("expression")) if part is not None]
    return build.call(function, *(build.call("to_char", part) for part in parts))


def _raw_string(node: exp.Expr, context: Context) -> exp.Expr:
    return string(node.name, context)


def _interval(node: exp.Expr, _: Context) -> exp.Expr:
    unit = node.args.get("unit")
    if isinstance(unit, exp.IntervalSpan):
        return _span(node, unit)
    value = node.this.this if isinstance(node.this, exp.Cast) else node.this
    if not isinstance(unit, exp.Var) or not isinstance(value, exp.Literal):
        raise unsupported("INTERVAL with a span")
    kind = "ora.iym" if unit.name.upper() in {"YEAR", "MONTH"} else "interval"
    return build.cast(exp.Literal.string(f"{value.name} {unit.name}"), kind)


def _span(node: exp.Expr, span: exp.IntervalSpan) -> exp.Expr:
    """INTERVAL '…' YEAR TO MONTH and DAY TO SECOND, HOUR TO MINUTE and their like."""
    value = node.this.this if isinstance(node.this, exp.Cast) else node.this
    words = span.this.name.upper(), span.expression.name.upper()
    if not isinstance(value, exp.Literal) or words not in _SPANS:
        raise error(30089)
    if words == ("YEAR", "MONTH"):
        return build.call("text_iym", build.text(value.name))
    return build.cast(build.cast(value, f"interval {words[0]} to {words[1]}"), "interval")


def _listagg(node: exp.Expr, _: Context) -> exp.Expr:
    """LISTAGG takes numbers and dates as text."""
    order = node.this
    if isinstance(order, exp.Order):
        order.set("this", build.call("to_char", order.this))
    else:
        node.set("this", build.call("to_char", order))
    return node


_SPANS = frozenset(
    {("YEAR", "MONTH"), ("DAY", "HOUR"), ("DAY", "MINUTE"), ("DAY", "SECOND"), ("HOUR", "MINUTE")}
    | {("HOUR", "SECOND"), ("MINUTE", "SECOND")}
)


def _comparison(node: exp.Expr, _: Context) -> exp.Expr:
    """A literal that is compared is a CHAR: with a CHAR blanks at the end make no difference."""
    for key in ("this", "expression", "low", "high"):
        part = node.args.get(key)
        if part is not None:
            node.set(key, _as_char(part))
    if isinstance(node, exp.In) and node.expressions:
        node.set("expressions", [_as_char(item) for item in node.expressions])
    return node


def _quantified(node: exp.Expr, _: Context) -> exp.Expr:
    """ANY of a list."""
    listed = node.this.unnest() if isinstance(node.this, exp.Paren) else node.this
    if isinstance(listed, exp.Tuple):
        node.set("this", exp.Paren(this=exp.Array(expressions=listed.expressions)))
    return node


def _simple_case(node: exp.Expr, _: Context) -> exp.Expr:
    """CASE x WHEN 'a': compared as `x = 'a'` is."""
    for branch in node.args["ifs"] if node.this is not None else ():
        branch.set("this", _as_char(branch.this))
    return node


def _as_char(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Cast) and node.args["to"].this == exp.DataType.Type.VARCHAR:
        return build.cast(node, "text")
    literal = (
        isinstance(node, exp.Cast)
        and isinstance(node.this, exp.Literal)
        and node.args["to"].this == exp.DataType.Type.TEXT
    )
    return build.cast(node.this, "bpchar") if literal else node


_HANDLERS: Mapping[type[exp.Expr], Callable[[exp.Expr, Context], exp.Expr]] = {
    **dict.fromkeys(
        (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Between), _comparison
    ),
    exp.Case: _simple_case,
    exp.Any: _quantified,
    exp.Literal: _literal,
    exp.National: _raw_string,
    exp.RawString: _raw_string,
    exp.Placeholder: _placeholder,
    exp.Column: _column,
    exp.Identifier: _identifier,
    exp.Anonymous: _anonymous,
    exp.Dot: _dot,
    exp.DPipe: _concat,
    exp.Div: _division,
    exp.Cast: _cast,
    exp.CurrentTimestamp: _sysdate,
    exp.CurrentDate: _named("current_date"),
    exp.Systimestamp: _named("systimestamp"),
    exp.Localtimestamp: _named("localtimestamp"),
    exp.DateStrToDate: _typed_literal("to_date", "YYYY-MM-DD"),
    exp.StrToTime: _typed_literal("to_timestamp", "YYYY-MM-DD HH24:MI:SS.FF"),
    exp.Extract: _extract,
    exp.Trim: _trim,
    exp.Interval: _interval,
    exp.GroupConcat: _listagg,
    exp.Boolean: lambda node, _context: node,
    exp.Parameter: lambda _node, _context: _no_parameter(),
}


def _no_parameter() -> exp.Expr:
    raise OracleError(911, "invalid character")


def literal_length(node: exp.Expr) -> int | None:
    """The length of a string literal that stands alone, else None.

    Oracle describes such a column as CHAR(length).
    """
    inner = node.this if isinstance(node, exp.Alias) else node
    if isinstance(inner, exp.Literal) and inner.is_string:
        return len(inner.name.encode()) or None
    return None
