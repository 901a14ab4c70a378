"""The tables that a statement names and changes, shared by every kind of statement."""

from __future__ import annotations

from sqlglot import exp

from oracle_emulator.engine import names
from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.translate import build, lobs
from oracle_emulator.engine.translate.context import Context, TableName, Translation


def tables(tree: exp.Expr, context: Context, result: Translation) -> None:
    """Point every table name at what stands for it.

    The session's own rows of a global temporary table.
    """
    lobs.check(tree, context)
    ctes = {names.logical(cte.alias) for cte in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        if not isinstance(table.this, exp.Identifier):
            raise unsupported("table function")
        if table.args.get("partition") or table.args.get("version") or table.args.get("catalog"):
            raise unsupported("partition, flashback or database link")
        name = names.logical(table.name)
        owner = names.logical(table.db) if table.args.get("db") else ""
        if not owner and name in ctes:
            continue
        wanted = (owner or context.schema, name)
        meant = context.synonym(wanted)
        if meant is not None:
            _point(table, name, meant)
        result.tables.add(meant or wanted)
        private = context.temporary(meant or wanted)
        if private is None:
            continue
        result.private[meant or wanted] = private
        if table.args.get("alias") is None and not isinstance(
            table.parent, exp.Insert | exp.Schema
        ):
            table.set("alias", exp.TableAlias(this=build.identifier(name)))
        table.set("this", exp.Identifier(this=private, quoted=True))
        table.set("db", build.native("pg_temp"))


def _point(table: exp.Table, name: str, meant: TableName) -> None:
    """Let a synonym's use name the table behind it."""
    if table.args.get("alias") is None and not isinstance(table.parent, exp.Insert | exp.Schema):
        table.set("alias", exp.TableAlias(this=build.identifier(name)))
    table.set("this", build.identifier(meant[1]))
    table.set("db", build.identifier(meant[0]))


def sql(tree: exp.Expr) -> str:
    """The tree as PostgreSQL's text."""
    return tree.sql(dialect="postgres")


def target(table: exp.Expr, context: Context, result: Translation) -> None:
    """Note the table that a DML changes. Must run after its identifiers were folded."""
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        raise error(903)
    owner = names.logical(table.db) if table.args.get("db") else context.schema
    named = (owner, names.logical(table.name))
    result.target = context.synonym(named) or named


def physical(name: TableName, context: Context) -> str:
    """The SQL text of a table's name, or of the session's own table behind it."""
    private = context.temporary(name)
    return names.quote(*name) if private is None else f'pg_temp."{private}"'


def insert_column(item: exp.Expr) -> exp.Expr:
    """The bare name of a column in an INSERT's list."""
    return item.this if isinstance(item, exp.Column) else item


def unqualify(assignment: exp.Expr) -> None:
    """PostgreSQL takes no table name before an assigned column."""
    if not isinstance(assignment, exp.EQ):
        raise error(927)
    left = assignment.this
    for column in [left] if isinstance(left, exp.Column) else left.expressions:
        if isinstance(column, exp.Column):
            column.set("table", None)
            column.set("db", None)
