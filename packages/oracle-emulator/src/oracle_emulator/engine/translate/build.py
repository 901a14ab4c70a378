"""Small builders of PostgreSQL syntax tree nodes, used by every part of the translation."""

from __future__ import annotations

from sqlglot import exp

from oracle_emulator.engine import names


def identifier(name: str) -> exp.Identifier:
    """A quoted identifier, in the form in which PostgreSQL keeps it."""
    return exp.Identifier(this=names.physical(name), quoted=True)


def native(name: str) -> exp.Identifier:
    """An identifier of PostgreSQL's own, lower case and unquoted."""
    return exp.Identifier(this=name, quoted=False)


def cast(value: exp.Expr, to: str) -> exp.Cast:
    """CAST(value AS to), where `to` is the text of a PostgreSQL type."""
    return exp.Cast(this=value, to=exp.DataType.build(to, udt=True))


def text(value: str) -> exp.Cast:
    """A string constant, typed."""
    return cast(exp.Literal.string(value), "text")


def number(value: str) -> exp.Cast:
    """A number constant, typed."""
    return cast(exp.Literal.string(value), "numeric")


def null() -> exp.Null:
    """NULL without a type."""
    return exp.Null()


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of one of our functions in PostgreSQL's schema `ora`."""
    function = exp.Anonymous(this=name, expressions=list(arguments))
    return exp.Dot(this=native("ora"), expression=function)


def builtin(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A call of one of PostgreSQL's own functions."""
    return exp.Anonymous(this=name, expressions=list(arguments))
