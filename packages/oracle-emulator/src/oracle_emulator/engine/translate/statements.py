"""Whole statements: queries, INSERT, UPDATE, DELETE and MERGE, each as a `Translation`."""

from __future__ import annotations

import re

from sqlglot import exp

from oracle_emulator.engine import names, scanner
from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.interface import Statement
from oracle_emulator.engine.scanner import Lexeme, Token
from oracle_emulator.engine.translate import dialect, expressions, lint, merge, rownum, targets
from oracle_emulator.engine.translate.context import Context, SimpleInsert, Translation
from oracle_emulator.engine.translate.headings import headings

MAX_BINDS = 65535
_APPEND = re.compile(r"\s*INSERT\s*/\*\+[^*]*\bAPPEND\b", re.IGNORECASE)


def translate(statement: Statement, context: Context) -> Translation:
    """Translate a query or a DML statement.

    Raises OracleError for what Oracle or the emulator does not take.
    """
    found = scanner.tokens(statement.text)
    if found and found[-1].value == ";" and found[-1].lexeme is Lexeme.SYMBOL:
        raise error(933, offset=found[-1].start)
    text = statement.text
    if statement.returning:
        text, found = _without_into(text, found)
    _check_binds(statement, found)
    lint.check_tokens(found, context.capabilities)
    tree = dialect.parse(text, found)
    lint.check_tree(tree, context.capabilities, returning=statement.returning > 0)
    tree = rownum.apply(tree)
    result = Translation(
        returning=statement.returning > 0,
        bind_count=len(statement.binds) - statement.returning,
        bind_types=tuple(context.binds),
        appends=_APPEND.match(text) is not None,
    )
    if isinstance(tree, exp.Query):
        return _query(tree, text, found, context, result)
    if isinstance(tree, exp.Insert):
        return _insert(tree, context, result)
    if isinstance(tree, exp.Update):
        return _update(tree, context, result)
    if isinstance(tree, exp.Delete):
        return _delete(tree, context, result)
    if isinstance(tree, exp.Merge):
        return merge.translate(tree, context, result)
    raise error(900)


def _check_binds(statement: Statement, found: list[Token]) -> None:
    """A statement that holds placeholders must be one that can."""
    count = sum(1 for token in found if token.lexeme is Lexeme.BIND)
    if count > MAX_BINDS or len(statement.binds) < count:
        raise error(1745)


def expression(source: str, context: Context) -> str:
    """Translate a lone expression (a default, a check, an index column)."""
    text = f"SELECT {source} FROM DUAL"
    tree = dialect.parse(text, scanner.tokens(text))
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
        raise error(936)
    return targets.sql(expressions.translate(tree.expressions[0].copy(), context))


def _without_into(text: str, found: list[Token]) -> tuple[str, list[Token]]:
    """Cut off the INTO list of a RETURNING clause.

    It names placeholders and holds no expression.
    """
    last = max(i for i, t in enumerate(found) if t.lexeme is Lexeme.WORD and t.value == "INTO")
    return text[: found[last].start], found[:last]


def _query(
    tree: exp.Query, text: str, found: list[Token], context: Context, result: Translation
) -> Translation:
    _name_columns(tree, text, found, result)
    _take_locks(tree, result)
    translated = expressions.translate(tree, context)
    targets.tables(translated, context, result)
    result.sql = targets.sql(translated)
    return result


def _name_columns(tree: exp.Query, text: str, found: list[Token], result: Translation) -> None:
    first: exp.Expr = tree
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    if not isinstance(first, exp.Select):
        return
    items = first.expressions
    sources = headings(text, found)
    if any(item.is_star for item in items) or len(sources) != len(items):
        result.headings = []
        return
    for index, (item, source) in enumerate(zip(items, sources, strict=True)):
        length = expressions.literal_length(item)
        if length is not None:
            result.literals[index] = length
        plain = isinstance(item, exp.Alias) or (
            isinstance(item, exp.Column) and not _is_pseudo(item)
        )
        result.headings.append(None if plain else source[: names.MAX_BYTES])


def _is_pseudo(column: exp.Column) -> bool:
    return not column.this.args.get("quoted") and column.name.upper() in {
        "USER", "UID", "ROWNUM", "DBTIMEZONE", "SESSIONTIMEZONE", "NEXTVAL", "CURRVAL",
    }  # fmt: skip


def _take_locks(tree: exp.Query, result: Translation) -> None:
    """FOR UPDATE [NOWAIT | WAIT n].

    The waiting is the session's matter, the lock stays in the statement.
    """
    for lock in tree.args.get("locks") or []:
        result.locks = True
        wait = lock.args.get("wait")
        if isinstance(wait, exp.Literal):
            result.wait_s = float(wait.name)
            lock.set("wait", None if result.wait_s else True)  # WAIT 0 is NOWAIT
        if lock.expressions:
            of = [_lock_target(column, tree) for column in lock.expressions]
            lock.set("expressions", [table for table in of if table is not None])


def _lock_target(column: exp.Expr, tree: exp.Query) -> exp.Expr | None:
    """FOR UPDATE OF t.column locks t's rows; without t it is the only table there is (None)."""
    owner = column.args.get("db")
    if owner is None and not tree.args.get("joins"):
        return None
    if owner is None:
        raise unsupported("FOR UPDATE OF a column without its table")
    return exp.Table(this=owner)


def _insert(tree: exp.Insert, context: Context, result: Translation) -> Translation:
    result.inserts = True
    result.bulk = _bulk(tree)
    schema = tree.this
    if isinstance(schema, exp.Schema):
        schema.set("expressions", [targets.insert_column(item) for item in schema.expressions])
    translated = expressions.translate(tree, context)
    table = schema.this if isinstance(schema, exp.Schema) else schema
    targets.target(table, context, result)
    result.physical_target = targets.physical(result.target or ("", ""), context)
    listed = (
        [names.logical(item.name) for item in schema.expressions] if schema is not table else []
    )
    if isinstance(tree.expression, exp.Values):
        result.appends = False  # the hint is for INSERT … SELECT
    _check_width(listed, tree.expression, context, result)
    _refuse_generated(listed, tree.expression, context, result)
    if result.bulk is not None:
        result.bulk.columns = listed
    targets.tables(translated, context, result)
    translated.set("hint", None)
    result.sql = targets.sql(translated)
    return result


def _check_width(
    listed: list[str], source: exp.Expr, context: Context, result: Translation
) -> None:
    """As many values as columns: ORA-00947 for fewer, ORA-00913 for more."""
    wanted = len(listed) or len(context.columns(result.target or ("", "")))
    rows = source.expressions if isinstance(source, exp.Values) else [source]
    for row in rows:
        if not wanted or not isinstance(row, exp.Select | exp.Tuple):
            continue
        if any(item.is_star for item in row.expressions):
            continue
        if len(row.expressions) != wanted:
            raise error(913 if len(row.expressions) > wanted else 947)


def _refuse_generated(
    listed: list[str], source: exp.Expr, context: Context, result: Translation
) -> None:
    """ORA-32795: a GENERATED ALWAYS column takes no value but DEFAULT."""
    always = context.generated(result.target or ("", ""))
    if not always:
        return
    rows = source.expressions if isinstance(source, exp.Values) else []
    if not listed:
        raise error(32795) if rows or not isinstance(source, exp.Values) else error(947)
    for index, name in enumerate(listed):
        values = [row.expressions[index] for row in rows]
        default = values and all(v.name.upper() == "DEFAULT" for v in values)
        if name in always and not default:
            raise error(32795)


def _bulk(tree: exp.Insert) -> SimpleInsert | None:
    """The binds of an INSERT (columns) VALUES (binds), or None for any other INSERT."""
    values = tree.expression
    if not isinstance(values, exp.Values):
        return None
    if len(values.expressions) != 1 or tree.args.get("returning"):
        return None
    row = values.expressions[0].expressions
    if not all(isinstance(item, exp.Placeholder) for item in row):
        return None
    return SimpleInsert([], [int(item.name[1:]) for item in row])


def _update(tree: exp.Update, context: Context, result: Translation) -> Translation:
    result.updates = True
    translated = expressions.translate(tree, context)
    table = translated.this
    targets.target(table, context, result)
    always = context.generated(result.target or ("", ""))
    for assignment in translated.expressions:
        targets.unqualify(assignment)
        if assignment.this.name and names.logical(assignment.this.name) in always:
            raise error(32796)
    targets.tables(translated, context, result)
    result.sql = targets.sql(translated)
    return result


def _delete(tree: exp.Delete, context: Context, result: Translation) -> Translation:
    if not tree.this and len(tree.args.get("tables") or []) == 1:  # DELETE t WHERE …
        tree.set("this", tree.args["tables"][0])
        tree.set("tables", None)
    translated = expressions.translate(tree, context)
    targets.target(translated.this, context, result)
    targets.tables(translated, context, result)
    result.sql = targets.sql(translated)
    return result
