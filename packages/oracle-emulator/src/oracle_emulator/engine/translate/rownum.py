"""ROWNUM as a limit: `WHERE ROWNUM <= n` is taken before ORDER BY, GROUP BY and aggregates."""

from __future__ import annotations

from sqlglot import exp

from oracle_emulator.engine.errors import unsupported


def _is_rownum(node: exp.Expr | None) -> bool:
    return (
        isinstance(node, exp.Column)
        and node.args.get("table") is None
        and isinstance(node.this, exp.Identifier)
        and not node.this.args.get("quoted")
        and node.name.upper() == "ROWNUM"
    )


def _limit_of(condition: exp.Expr) -> exp.Expr | None:
    """The row limit that a condition states, or None when it is not about ROWNUM."""
    inner = condition.unnest()
    if isinstance(inner, exp.GT | exp.GTE) and _is_rownum(inner.expression):
        swapped = exp.LT if isinstance(inner, exp.GT) else exp.LTE
        inner = swapped(this=inner.expression, expression=inner.this)
    if isinstance(inner, exp.GT | exp.GTE) and _is_rownum(inner.this):
        return _never(inner)
    if not isinstance(inner, exp.LT | exp.LTE | exp.EQ) or not _is_rownum(inner.this):
        return None
    bound: exp.Expr = inner.expression
    if isinstance(inner, exp.EQ):
        if not (isinstance(bound, exp.Literal) and bound.name == "1"):
            raise unsupported("ROWNUM compared with = to anything but 1")
        return bound
    if isinstance(inner, exp.LT):
        return exp.Sub(this=bound, expression=exp.Literal.number(1))
    return bound


def _never(condition: exp.Expr) -> exp.Expr | None:
    """ROWNUM > n: the first row is never kept, so there is no second."""
    bound = condition.expression
    if not isinstance(bound, exp.Literal) or bound.is_string:
        raise unsupported("ROWNUM above anything but a number")
    least = 1 if isinstance(condition, exp.GT) else 2
    if float(bound.name) < least:
        raise unsupported("ROWNUM above a number that every row exceeds")
    return exp.Literal.number(0)


def take(where: exp.Expr | None) -> tuple[exp.Expr | None, exp.Expr | None]:
    """Split a WHERE into the limit that its ROWNUM conditions state and its other conditions."""
    if not isinstance(where, exp.Where):
        return None, None
    conditions = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
    limits = [limit for limit in map(_limit_of, conditions) if limit is not None]
    if not limits:
        return None, where.this
    if len(limits) > 1:
        raise unsupported("several conditions on ROWNUM")
    rest = [condition for condition in conditions if _limit_of(condition) is None]
    return limits[0], (exp.and_(*rest, copy=False) if rest else None)


def apply(tree: exp.Expr) -> exp.Expr:
    """Turn the ROWNUM conditions of every SELECT, DELETE and UPDATE into limits, in place."""
    for select in list(tree.find_all(exp.Select)):
        limit, rest = take(select.args.get("where"))
        if limit is not None:
            _limit_select(select, limit, rest)
    if isinstance(tree, exp.Delete | exp.Update):
        limit, rest = take(tree.args.get("where"))
        if limit is not None:
            _limit_change(tree)
            return apply(tree)
    return tree


def _limit_change(tree: exp.Delete | exp.Update) -> None:
    """DELETE … WHERE ROWNUM <= n is about the rows that a query with the same WHERE finds."""
    if tree.this is None:  # DELETE t WHERE …
        raise unsupported("ROWNUM in DELETE without FROM")
    rowid = exp.Column(this=exp.Identifier(this="ROWID", quoted=False))
    found = exp.Select(expressions=[rowid.copy()])
    found.set("from_", exp.From(this=tree.this.copy()))
    found.set("where", tree.args["where"].copy())
    tree.set("where", exp.Where(this=exp.In(this=rowid, query=exp.Subquery(this=found))))


def _limit_select(select: exp.Select, limit: exp.Expr, rest: exp.Expr | None) -> None:
    where = exp.Where(this=rest) if rest is not None else None
    source = select.args.get("from_")
    simple = not any(
        select.args.get(part) for part in ("order", "group", "having", "distinct", "limit")
    )
    aggregates = any(
        isinstance(item.unnest(), exp.Anonymous | exp.Alias) for item in select.expressions
    )
    if simple and not aggregates:
        select.set("where", where)
        select.set("limit", _fetch(limit))
        return
    if source is None or select.args.get("joins"):
        raise unsupported("ROWNUM with joins and ORDER BY, GROUP BY or aggregates")
    table = source.this
    alias = table.args.get("alias")
    name = (
        alias.this if alias is not None else (table.this if isinstance(table, exp.Table) else None)
    )
    inner = exp.Select(expressions=[exp.Star()])
    inner.set("from_", exp.From(this=table.copy()))
    inner.set("where", where)
    inner.set("limit", _fetch(limit))
    wrapped = exp.Subquery(this=inner)
    if name is not None:
        wrapped.set("alias", exp.TableAlias(this=name.copy()))
    select.set("where", None)
    source.set("this", wrapped)


def _fetch(limit: exp.Expr) -> exp.Fetch:
    count = limit if isinstance(limit, exp.Literal) else exp.Paren(this=limit)
    return exp.Fetch(direction="FIRST", count=count, limit_options=exp.LimitOptions(rows=True))
