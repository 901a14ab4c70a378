"""Refuses what Oracle refuses and the parser lets pass, mostly dialects of other databases.

Two passes: over the original tokens, since the parser forgets how a thing was written, and over the
syntax tree, before anything in it is translated.
"""

from __future__ import annotations

from sqlglot import exp

from oracle_emulator.engine import names
from oracle_emulator.engine.capabilities import Capabilities
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import OracleError
from oracle_emulator.engine.scanner import Lexeme, Token

_SYMBOLS = frozenset(
    {
        "(",
        ")",
        ",",
        ".",
        "+",
        "-",
        "*",
        "/",
        "=",
        "<",
        ">",
        "||",
        "<>",
        "!=",
        "^=",
        "<=",
        ">=",
        "=>",
        "@",
    }
)
# Words that begin a clause behind the FROM clause.
_AFTER_FROM = frozenset(
    {
        "WHERE",
        "GROUP",
        "HAVING",
        "ORDER",
        "CONNECT",
        "START",
        "UNION",
        "MINUS",
        "INTERSECT",
        "EXCEPT",
    }
    | {"FETCH", "OFFSET", "FOR", "SET", "VALUES", "WHEN", "ON", "MODEL", "RETURNING", "LOG"}
)
_TABLES_FOLLOW = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "USING", "MERGE"})
# Types of other databases; Oracle knows none of these names.
_FOREIGN_TYPES = frozenset(
    {"TEXT", "INT2", "INT4", "INT8", "BIGINT", "TINYINT", "MEDIUMINT", "BOOL", "STRING", "DATETIME"}
    | {"BYTEA", "UUID", "JSONB", "SERIAL", "VARBINARY", "FLOAT4", "FLOAT8", "MONEY", "TIMESTAMPTZ"}
    | {"LONGTEXT", "MEDIUMTEXT", "INT64", "SIGNED", "UNSIGNED", "HUGEINT", "LONGVARCHAR"}
)
# Reserved words that stand for a value, so that they may be where an identifier may.
_VALUES = frozenset(
    {"ROWNUM", "ROWID", "SYSDATE", "UID", "USER", "LEVEL", "NULL", "COLUMN_VALUE"} | {"DEFAULT"}
)


def check_tokens(found: list[Token], capabilities: Capabilities) -> None:
    """Refuse what can be seen in the tokens. Raises OracleError with the place."""
    _check_symbols(found)
    clauses: list[str] = [""]  # the clause at each depth of parentheses
    for index, token in enumerate(found):
        if token.lexeme is Lexeme.BIND and _unquoted_reserved(token):
            raise error(1745, offset=token.start)
        if token.lexeme is Lexeme.SYMBOL and token.value in {"(", ")"}:
            _parenthesis(token, found[index - 1] if index else None, clauses)
        elif token.lexeme is Lexeme.WORD:
            following = found[index + 1] if index + 1 < len(found) else None
            _check_word(token, following, clauses, capabilities)
            _enter_clause(token.value, clauses)


def _check_symbols(found: list[Token]) -> None:
    for token in found:
        if token.lexeme is not Lexeme.SYMBOL or token.value in _SYMBOLS:
            continue
        raise error(933 if token.value in {";", "::"} else 911, offset=token.start)


def _unquoted_reserved(token: Token) -> bool:
    return token.value.isupper() and token.value in names.RESERVED


def _parenthesis(token: Token, before: Token | None, clauses: list[str]) -> None:
    if token.value == ")":
        if len(clauses) > 1:
            clauses.pop()
        return
    opener = before.value if before is not None and before.lexeme is Lexeme.WORD else ""
    clauses.append("CAST" if opener == "CAST" else "")


def _enter_clause(word: str, clauses: list[str]) -> None:
    if word in {"SELECT", "WITH", "DELETE"}:
        clauses[-1] = word
    elif word in _TABLES_FOLLOW:
        # EXTRACT(YEAR FROM d) and TRIM('x' FROM s) have a FROM without tables.
        if word != "FROM" or clauses[-1] in {"SELECT", "DELETE", "tables"}:
            clauses[-1] = "tables"
    elif word in _AFTER_FROM:
        clauses[-1] = "after"


def _check_word(
    token: Token, following: Token | None, clauses: list[str], capabilities: Capabilities
) -> None:
    word, after = token.value, following.value if following is not None else ""
    if word == "AS" and clauses[-1] == "tables" and after != "OF":
        raise error(933, offset=token.start)  # a table's alias takes no AS
    if word == "AS" and clauses[-1] == "CAST" and after in _FOREIGN_TYPES:
        raise error(902, offset=following.start if following is not None else token.start)
    if (
        word == "LIMIT"
        and following is not None
        and following.lexeme in {Lexeme.NUMBER, Lexeme.BIND}
    ):
        raise error(933, offset=token.start)
    if word in {"ILIKE", "RLIKE", "REGEXP", "SIMILAR", "GLOB"} and clauses[-1] == "after":
        raise error(920, offset=token.start)
    if word == "EXCEPT" and not capabilities.except_operator:
        raise error(933, offset=token.start)
    if (word, after) in _PHRASES:
        raise error(_PHRASES[word, after], offset=token.start)


# Two words that never stand side by side in Oracle's SQL, and the error they meet.
_PHRASES: dict[tuple[str, str], int] = {
    ("ON", "CONFLICT"): 933,
    ("ON", "DUPLICATE"): 933,
    ("WITH", "RECURSIVE"): 905,
    ("DISTINCT", "ON"): 936,
    ("FOR", "SHARE"): 933,
    ("INSERT", "OR"): 925,
    ("INSERT", "IGNORE"): 925,
    ("INSERT", "OVERWRITE"): 925,
    ("DEFAULT", "VALUES"): 926,
    ("SELECT", "TOP"): 923,
    ("IS", "TRUE"): 908,
    ("IS", "FALSE"): 908,
    ("IS", "DISTINCT"): 908,
}


def check_tree(tree: exp.Expr, capabilities: Capabilities, *, returning: bool) -> None:
    """Refuse what can be seen in the syntax tree. Raises OracleError."""
    for select in tree.find_all(exp.Select):
        _check_select(select, capabilities)
        _check_grouping(select)
    for values in tree.find_all(exp.Values):
        if len(values.expressions) > 1 and not capabilities.multi_row_values:
            raise error(933)
    if not capabilities.boolean and (found := tree.find(exp.Boolean)) is not None:
        raise error(904, f'"{"TRUE" if found.this else "FALSE"}"')
    if tree.args.get("returning") is not None and not returning:
        raise error(925)
    if isinstance(tree, exp.Update) and tree.args.get("from_") is not None:
        raise error(933)
    if isinstance(tree, exp.Delete) and tree.args.get("using"):
        raise error(933)
    for identifier in tree.find_all(exp.Identifier):
        _check_identifier(identifier)


def _check_select(select: exp.Select, capabilities: Capabilities) -> None:
    if select.args.get("from_") is None and not capabilities.select_without_from:
        raise error(923)
    if capabilities.boolean:
        return
    for item in select.expressions:
        inner = item.unalias()
        if isinstance(inner, exp.Predicate | exp.Connector | exp.Not) and not isinstance(
            inner, exp.SubqueryPredicate | exp.Paren
        ):
            raise error(923)  # a condition is no value


def _check_grouping(select: exp.Select) -> None:
    """Every column outside of an aggregate must be grouped, a key's dependent columns too."""
    group = select.args.get("group")
    if group is None or _is_judged_later(group):
        return
    keys = [item.sql().upper() for item in group.expressions]
    plain = {item.name.upper() for item in group.expressions if isinstance(item, exp.Column)}

    def judge(node: exp.Expr) -> None:
        if node.sql().upper() in keys or isinstance(node, exp.Query | exp.Window):
            return
        if isinstance(node, exp.Anonymous) and str(node.this).upper() in _AGGREGATES:
            return
        if isinstance(node, exp.GroupConcat):
            return
        if isinstance(node, exp.Column):
            name = node.name.upper()
            if name not in plain and name not in _VALUES and not isinstance(node.this, exp.Star):
                raise error(979)
            return
        for child in node.iter_expressions():
            judge(child)

    for item in select.expressions:
        judge(item.unalias())


def _is_judged_later(group: exp.Expr) -> bool:
    """Whether a GROUP BY has CUBE, ROLLUP or their kin, which PostgreSQL judges."""
    if any(value for key, value in group.args.items() if key != "expressions"):
        return True
    return any(isinstance(i, exp.Rollup | exp.Cube | exp.GroupingSets) for i in group.expressions)


_AGGREGATES = frozenset(
    {"COUNT", "SUM", "AVG", "MIN", "MAX", "STDDEV", "VARIANCE", "MEDIAN", "STDDEV_POP"}
    | {"STDDEV_SAMP", "VAR_POP", "VAR_SAMP"}
)


def _check_identifier(identifier: exp.Identifier) -> None:
    word = identifier.name.upper()
    if identifier.args.get("quoted") or word not in names.RESERVED or word in _VALUES:
        return
    raise _reserved(identifier.parent, word)


def _reserved(parent: exp.Expr | None, word: str) -> OracleError:
    """The error of a reserved word where an identifier must be."""
    if isinstance(parent, exp.Table):
        return error(903)
    if isinstance(parent, exp.Alias):
        return error(923)
    if isinstance(parent, exp.TableAlias):
        return error(933)
    if isinstance(parent, exp.Schema):
        return error(1747)
    return error(936) if isinstance(parent, exp.Column) else error(904, f'"{word}"')
