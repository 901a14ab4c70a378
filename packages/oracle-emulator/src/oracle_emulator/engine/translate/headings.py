"""What Oracle calls a result column that has no alias.

Its source text in upper case, without blanks.
"""

from __future__ import annotations

from oracle_emulator.engine.scanner import Lexeme, Token


def headings(text: str, found: list[Token]) -> list[str]:
    """The source text of each item of the (first) main SELECT list, as a heading."""
    start = _main_select(found)
    items: list[str] = []
    current: list[str] = []
    depth = 0
    for token in found[start:]:
        depth += _nesting(token)
        if depth == 0 and _is(token, Lexeme.WORD, "FROM"):
            break
        if depth < 0 or (depth == 0 and token.lexeme is Lexeme.SYMBOL and token.value == ";"):
            break
        if depth == 0 and _is(token, Lexeme.SYMBOL, ","):
            items.append("".join(current))
            current = []
            continue
        piece = text[token.start : token.end]
        current.append(piece if token.lexeme is Lexeme.QUOTED else piece.upper())
    items.append("".join(current))
    return items


def _nesting(token: Token) -> int:
    if token.lexeme is not Lexeme.SYMBOL:
        return 0
    return {"(": 1, ")": -1}.get(token.value, 0)


def _is(token: Token, lexeme: Lexeme, value: str) -> bool:
    return token.lexeme is lexeme and token.value == value


def _main_select(found: list[Token]) -> int:
    """Index of the first token of the main select list (behind SELECT and DISTINCT)."""
    depth = 0
    with_depth = 0 if found and _is(found[0], Lexeme.WORD, "WITH") else None
    for index, token in enumerate(found):
        depth += _nesting(token)
        if _is(token, Lexeme.WORD, "SELECT") and (with_depth is None or depth == with_depth):
            first = index + 1
            while first < len(found) and found[first].value in {"DISTINCT", "UNIQUE", "ALL"}:
                first += 1
            return first
    return len(found)
