"""Oracle SQL into a syntax tree. sqlglot parses.

What it would interpret on its own (function names, formats) is left raw.

Every function call stays `Anonymous`, so that `functions` alone says what Oracle's functions mean,
and a name that is not listed there is refused.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.oracle import Oracle
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.oracle import OracleParser
from sqlglot.tokenizer_core import TokenType

from oracle_emulator.engine import scanner
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import OracleError
from oracle_emulator.engine.scanner import Lexeme, Token

logging.getLogger("sqlglot").setLevel(
    logging.ERROR
)  # "falling back to Command" is answered with an error here

_KEPT_PARSERS = {"CAST", "EXTRACT", "TRIM", "LISTAGG"}


class RawParser(OracleParser):
    """Oracle's grammar without sqlglot's knowledge of functions."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: parser
        for name, parser in OracleParser.FUNCTION_PARSERS.items()
        if name in _KEPT_PARSERS
    }

    def _parse_when_matched(self) -> exp.Whens:
        """Read MERGE's branches; `DELETE WHERE …` behind an UPDATE is kept as its `delete`."""
        whens = super()._parse_when_matched()
        while whens.expressions and self._match(TokenType.DELETE):
            updated = whens.expressions[-1].args["then"]
            where = self._parse_where()
            if where is None or not isinstance(updated, exp.Update):
                self.raise_error("Required keyword: WHERE")
            updated.set("delete", where)
            if self._match(TokenType.WHEN, advance=False):
                more = super()._parse_when_matched()
                whens.set("expressions", [*whens.expressions, *more.expressions])
        return whens


class RawOracle(Oracle):
    """The dialect that parses by it."""

    Parser = RawParser


def parse(text: str, found: list[Token]) -> exp.Expr:
    """Parse one query or DML statement. Raises OracleError (900 and its like) when it is none."""
    broken = next((t for t in found if t.lexeme is Lexeme.BROKEN), None)
    if broken is not None:
        raise error(1756 if broken.value == "'" else 1740, offset=broken.start)
    try:
        trees = sqlglot.parse(
            scanner.numbered(_without_precisions(text, found), found), read=RawOracle
        )
    except ParseError as failed:
        raise _syntax_error(text, failed) from failed
    except TokenError as failed:
        raise error(911) from failed
    if len(trees) != 1 or trees[0] is None:
        raise error(933)
    tree = trees[0]
    if isinstance(tree, exp.Command) or not isinstance(tree, exp.Expr):
        raise error(900)
    for hint in list(tree.find_all(exp.Hint)):
        hint.pop()  # a hint changes no result
    return tree


_UNITS = frozenset({"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"})


def _without_precisions(text: str, found: list[Token]) -> str:
    """Blank out the precisions of interval literals, `INTERVAL '1' DAY(3) TO SECOND(6)`."""
    for index, token in enumerate(found[:-3]):
        before = found[index - 1]
        literal = before.lexeme is Lexeme.STRING and found[index - 2].value == "INTERVAL"
        spanned = before.value == "TO" and found[index - 2].value in _UNITS | {")"}
        if token.value not in _UNITS or not (literal or spanned) or found[index + 1].value != "(":
            continue
        close = next((t for t in found[index + 2 :] if t.value == ")"), None)
        if close is not None:
            start = found[index + 1].start
            text = text[:start] + " " * (close.end - start) + text[close.end :]
    return text


def _syntax_error(text: str, failed: ParseError) -> OracleError:
    details = failed.errors[0] if failed.errors else {}
    line, column = int(details.get("line") or 1), int(details.get("col") or 1)
    lines = text.split("\n")
    offset = sum(len(part) + 1 for part in lines[: line - 1]) + max(column - 1, 0)
    description = str(details.get("description", ""))
    if "Expecting )" in description:
        return error(907, offset=offset)
    if "Required keyword" in description or "Expected" in description:
        return error(936, offset=offset)
    return error(933, offset=min(offset, len(text)))
