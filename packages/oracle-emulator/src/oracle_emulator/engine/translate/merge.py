"""MERGE: Oracle's branches, with their WHERE and DELETE WHERE, as PostgreSQL's branches."""

from __future__ import annotations

from sqlglot import exp

from oracle_emulator.engine import names
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.translate import build, expressions, targets
from oracle_emulator.engine.translate.context import Context, Translation


def translate(tree: exp.Merge, context: Context, result: Translation) -> Translation:
    """Translate a MERGE. Raises ORA-38104 when a column of ON is updated."""
    result.merges = True
    translated = expressions.translate(tree, context)
    target = translated.this
    targets.target(target, context, result)
    alias = target.alias or target.name
    _refuse_updated_keys(translated, alias)
    whens: list[exp.Expr] = []
    for when in translated.args["whens"].expressions:
        whens += _merge_branch(when, alias)
        if when.args.get("matched"):
            result.updates = True
        else:
            result.inserts = True
    translated.args["whens"].set("expressions", whens)
    if target.args.get("alias") is None:
        target.set("alias", exp.TableAlias(this=build.identifier(names.logical(alias))))
    targets.tables(translated, context, result)
    result.sql = _merge_sql(translated)
    return result


def _refuse_updated_keys(tree: exp.Expr, alias: str) -> None:
    """ORA-38104: a column of the ON clause cannot be updated."""
    keys = {c.name for c in tree.args["on"].find_all(exp.Column) if c.table in {alias, ""}}
    for when in tree.args["whens"].expressions:
        then = when.args["then"]
        if not isinstance(then, exp.Update):
            continue
        for assignment in then.expressions:
            if isinstance(assignment.this, exp.Column) and assignment.this.name in keys:
                raise error(
                    38104, names.shown(names.logical(alias), names.logical(assignment.this.name))
                )


def _merge_branch(when: exp.Expr, alias: str) -> list[exp.Expr]:
    """Move Oracle's WHERE of a branch into its condition, as PostgreSQL has it.

    DELETE WHERE is about the rows as the branch leaves them, so it becomes a branch before it.
    """
    then = when.args["then"]
    if not isinstance(then, exp.Update | exp.Insert):
        raise error(905)
    where = then.args.get("where")
    if where is not None:
        then.set("where", None)
        when.set("condition", where.this)
    if not isinstance(then, exp.Update):
        return [when]
    delete = then.args.get("delete")
    assigned = {item.this.name: item.expression for item in then.expressions if item.this}
    for assignment in then.expressions:
        targets.unqualify(assignment)
    if delete is None:
        return [when]
    then.set("delete", None)
    gone = _as_updated(delete.this, assigned, alias)
    if where is not None:
        gone = exp.And(this=exp.Paren(this=where.this.copy()), expression=exp.Paren(this=gone))
    return [exp.When(matched=True, condition=gone, then=exp.Var(this="DELETE")), when]


def _as_updated(condition: exp.Expr, assigned: dict[str, exp.Expr], alias: str) -> exp.Expr:
    """A condition with the target's columns as the branch sets them."""

    def replaced(node: exp.Expr) -> exp.Expr:
        mine = isinstance(node, exp.Column) and node.table in {alias, ""}
        new = assigned.get(node.name) if mine else None
        return node if new is None else exp.Paren(this=new.copy())

    return condition.copy().transform(replaced)


def _merge_sql(tree: exp.Expr) -> str:
    """MERGE, written out: sqlglot's own generator drops target aliases inside the branches."""
    source = targets.sql(tree.args["using"])
    pieces = [
        f"MERGE INTO {targets.sql(tree.this)} USING {source} ON {targets.sql(tree.args['on'])}"
    ]
    for when in tree.args["whens"].expressions:
        condition = when.args.get("condition")
        matched = "MATCHED" if when.args.get("matched") else "NOT MATCHED"
        pieces.append(
            f"WHEN {matched}" + (f" AND {targets.sql(condition)}" if condition is not None else "")
        )
        then = when.args["then"]
        if isinstance(then, exp.Update):
            sets = ", ".join(
                f"{targets.sql(a.this)} = {targets.sql(a.expression)}" for a in then.expressions
            )
            pieces.append(f"THEN UPDATE SET {sets}")
        elif isinstance(then, exp.Var):
            pieces.append("THEN DELETE")
        else:
            columns = (
                ", ".join(targets.sql(targets.insert_column(c)) for c in then.this.expressions)
                if then.this
                else ""
            )
            values = ", ".join(targets.sql(v) for v in then.expression.expressions)
            pieces.append(f"THEN INSERT {f'({columns}) ' if columns else ''}VALUES ({values})")
    return " ".join(pieces)
