"""Whole statements: queries, INSERT, UPDATE, DELETE and MERGE, each as a `Translation`."""

from __future__ import annotations

from sqlglot import exp

from oracle_emulator.engine import names, scanner
from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.interface import Statement
from oracle_emulator.engine.scanner import Lexeme, Token
from oracle_emulator.engine.translate import build, dialect, expressions, lint, rownum
from oracle_emulator.engine.translate.context import Context, SimpleInsert, TableName, Translation
from oracle_emulator.engine.translate.headings import headings

MAX_BINDS = 65535


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
        return _merge(tree, context, result)
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
    return _sql(expressions.translate(tree.expressions[0].copy(), context))


def _without_into(text: str, found: list[Token]) -> tuple[str, list[Token]]:
    """Cut off the INTO list of a RETURNING clause.

    It names placeholders and holds no expression.
    """
    last = max(i for i, t in enumerate(found) if t.lexeme is Lexeme.WORD and t.value == "INTO")
    return text[: found[last].start], found[:last]


def _tables(tree: exp.Expr, context: Context, result: Translation) -> None:
    """Point every table name at what stands for it.

    The session's own rows of a global temporary table.
    """
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
        result.tables.add((owner or context.schema, name))
        private = context.temporary((owner or context.schema, name))
        if private is None:
            continue
        result.private[(owner or context.schema, name)] = private
        if table.args.get("alias") is None and not isinstance(
            table.parent, exp.Insert | exp.Schema
        ):
            table.set("alias", exp.TableAlias(this=build.identifier(name)))
        table.set("this", exp.Identifier(this=private, quoted=True))
        table.set("db", build.native("pg_temp"))


def _sql(tree: exp.Expr) -> str:
    return tree.sql(dialect="postgres")


def _query(
    tree: exp.Query, text: str, found: list[Token], context: Context, result: Translation
) -> Translation:
    _name_columns(tree, text, found, result)
    _take_locks(tree, result)
    translated = expressions.translate(tree, context)
    _tables(translated, context, result)
    result.sql = _sql(translated)
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
            lock.set("expressions", [_lock_target(table) for table in lock.expressions])


def _lock_target(column: exp.Expr) -> exp.Expr:
    """FOR UPDATE OF t.column locks t's rows."""
    owner = column.args.get("db")
    if owner is None:
        raise unsupported("FOR UPDATE OF a column without its table")
    return exp.Table(this=owner)


def _target(table: exp.Expr, context: Context, result: Translation) -> None:
    """Note the table that a DML changes. Must run after its identifiers were folded."""
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        raise error(903)
    owner = names.logical(table.db) if table.args.get("db") else context.schema
    result.target = (owner, names.logical(table.name))


def _physical(name: TableName, context: Context) -> str:
    private = context.temporary(name)
    return names.quote(*name) if private is None else f'pg_temp."{private}"'


def _insert(tree: exp.Insert, context: Context, result: Translation) -> Translation:
    result.inserts = True
    result.bulk = _bulk(tree)
    schema = tree.this
    if isinstance(schema, exp.Schema):
        schema.set("expressions", [_insert_column(item) for item in schema.expressions])
    translated = expressions.translate(tree, context)
    table = schema.this if isinstance(schema, exp.Schema) else schema
    _target(table, context, result)
    result.physical_target = _physical(result.target or ("", ""), context)
    if result.bulk is not None:
        result.bulk.columns = [names.logical(item.name) for item in schema.expressions]
    _tables(translated, context, result)
    translated.set("hint", None)
    result.sql = _sql(translated)
    return result


def _insert_column(item: exp.Expr) -> exp.Expr:
    return item.this if isinstance(item, exp.Column) else item


def _bulk(tree: exp.Insert) -> SimpleInsert | None:
    """The binds of an INSERT (columns) VALUES (binds), or None for any other INSERT."""
    values = tree.expression
    if not isinstance(tree.this, exp.Schema) or not isinstance(values, exp.Values):
        return None
    for given in values.expressions:
        if len(given.expressions) != len(tree.this.expressions):
            raise error(913 if len(given.expressions) > len(tree.this.expressions) else 947)
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
    _target(table, context, result)
    for assignment in translated.expressions:
        _unqualify(assignment)
    _tables(translated, context, result)
    result.sql = _sql(translated)
    return result


def _unqualify(assignment: exp.Expr) -> None:
    """PostgreSQL takes no table name before an assigned column."""
    if not isinstance(assignment, exp.EQ):
        raise error(927)
    left = assignment.this
    for column in [left] if isinstance(left, exp.Column) else left.expressions:
        if isinstance(column, exp.Column):
            column.set("table", None)
            column.set("db", None)


def _delete(tree: exp.Delete, context: Context, result: Translation) -> Translation:
    if not tree.this and len(tree.args.get("tables") or []) == 1:  # DELETE t WHERE …
        tree.set("this", tree.args["tables"][0])
        tree.set("tables", None)
    translated = expressions.translate(tree, context)
    _target(translated.this, context, result)
    _tables(translated, context, result)
    result.sql = _sql(translated)
    return result


def _merge(tree: exp.Merge, context: Context, result: Translation) -> Translation:
    result.merges = True
    translated = expressions.translate(tree, context)
    target = translated.this
    _target(target, context, result)
    alias = target.alias or target.name
    _refuse_updated_keys(translated, alias)
    whens: list[exp.Expr] = []
    for when in translated.args["whens"].expressions:
        whens.append(_merge_branch(when))
        if when.args.get("matched"):
            result.updates = True
        else:
            result.inserts = True
    translated.args["whens"].set("expressions", whens)
    if target.args.get("alias") is None:
        target.set("alias", exp.TableAlias(this=build.identifier(names.logical(alias))))
    _tables(translated, context, result)
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


def _merge_branch(when: exp.Expr) -> exp.Expr:
    """Move Oracle's WHERE of a branch into its condition, as PostgreSQL has it."""
    then = when.args["then"]
    if not isinstance(then, exp.Update | exp.Insert):
        raise unsupported("DELETE in MERGE")
    where = then.args.get("where")
    if where is not None:
        then.set("where", None)
        when.set("condition", where.this)
    if isinstance(then, exp.Update):
        for assignment in then.expressions:
            _unqualify(assignment)
    return when


def _merge_sql(tree: exp.Expr) -> str:
    """MERGE, written out: sqlglot's own generator drops target aliases inside the branches."""
    pieces = [
        f"MERGE INTO {_sql(tree.this)} USING {_sql(tree.args['using'])} ON {_sql(tree.args['on'])}"
    ]
    for when in tree.args["whens"].expressions:
        condition = when.args.get("condition")
        matched = "MATCHED" if when.args.get("matched") else "NOT MATCHED"
        pieces.append(
            f"WHEN {matched}" + (f" AND {_sql(condition)}" if condition is not None else "")
        )
        then = when.args["then"]
        if isinstance(then, exp.Update):
            sets = ", ".join(f"{_sql(a.this)} = {_sql(a.expression)}" for a in then.expressions)
            pieces.append(f"THEN UPDATE SET {sets}")
        else:
            columns = (
                ", ".join(_sql(_insert_column(c)) for c in then.this.expressions)
                if then.this
                else ""
            )
            values = ", ".join(_sql(v) for v in then.expression.expressions)
            pieces.append(f"THEN INSERT {f'({columns}) ' if columns else ''}VALUES ({values})")
    return " ".join(pieces)
