"""Oracle's lexical rules: tokens, placeholders, and what kind of statement a text is.

Nothing here judges a statement; it must find the placeholders of a text that does not parse, and
agree with the client about them, since the values on the wire are counted by it.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from oracle_emulator.engine.interface import Kind, Statement


class Lexeme(enum.Enum):
    """The classes of tokens. Comments and blanks are not tokens."""

    WORD = "word"
    QUOTED = "quoted"  # a "quoted identifier"; value without the quotes
    STRING = "string"  # value unescaped
    NUMBER = "number"
    BIND = "bind"  # value is the name
    SYMBOL = "symbol"
    BROKEN = "broken"  # an unterminated string, identifier or comment


@dataclass(frozen=True, slots=True)
class Token:
    """A token, its value and where it stands in the text. A word's value is upper case."""

    lexeme: Lexeme
    value: str
    start: int
    end: int


_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<qstring>[nN]?[qQ]'(?:\[.*?\]'|\{.*?\}'|\(.*?\)'|<.*?>'|(?P<mark>[^\s\[{(<]).*?(?P=mark)'))
  | (?P<string>[nN]?'(?:[^']|'')*')
  | (?P<quoted>"[^"]*")
  | (?P<word>[^\W\d_][\w$\#]*)
  | (?P<number>(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)
  | (?P<bind>:\s*(?:[^\W\d_][\w$\#]*|\d+|"[^"]+"))
  | (?P<symbol>:=|\|\||<>|!=|\^=|<=|>=|=>|\*\*|\.\.|::|.)
    """,
    re.VERBOSE | re.DOTALL,
)

_QUERY = frozenset({"SELECT", "WITH"})
_DML = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_PLSQL = frozenset({"DECLARE", "BEGIN", "CALL"})
_DDL = frozenset(
    [
        "CREATE",
        "ALTER",
        "DROP",
        "TRUNCATE",
        "GRANT",
        "REVOKE",
        "COMMENT",
        "RENAME",
        "PURGE",
        "FLASHBACK",
        "AUDIT",
        "NOAUDIT",
        "ANALYZE",
        "ASSOCIATE",
        "DISASSOCIATE",
        "ADMINISTER",
    ]
)


def tokens(text: str) -> list[Token]:
    """Split a text into tokens. Never fails: what cannot be read is a BROKEN or SYMBOL token."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:  # cannot happen: the last alternative takes any character
            break
        kind = match.lastgroup if match.lastgroup != "mark" else "qstring"
        piece, end = match.group(), match.end()
        if kind != "blank":
            token = _token(kind or "", piece, position, end)
            if token.lexeme is Lexeme.BROKEN:
                end = len(text)
            found.append(token)
        position = end
    return found


def _token(kind: str, piece: str, start: int, end: int) -> Token:
    if kind == "word":
        return Token(Lexeme.WORD, piece.upper(), start, end)
    if kind == "string":
        return Token(Lexeme.STRING, piece[piece.index("'") + 1 : -1].replace("''", "'"), start, end)
    if kind == "qstring":
        return Token(Lexeme.STRING, piece[piece.index("'") + 2 : -2], start, end)
    if kind == "quoted":
        return Token(Lexeme.QUOTED, piece[1:-1], start, end)
    if kind == "number":
        return Token(Lexeme.NUMBER, piece, start, end)
    if kind == "bind":
        name = piece[1:].strip()
        return Token(Lexeme.BIND, name[1:-1] if name.startswith('"') else name.upper(), start, end)
    if piece in {"'", '"'}:
        return Token(Lexeme.BROKEN, piece, start, end)
    return Token(Lexeme.SYMBOL, piece, start, end)


def kind_of(found: list[Token]) -> Kind:
    """What kind of statement the tokens are, by its first words."""
    words = [token.value for token in found[:8] if token.value != "("][:2]
    first = words[0] if words else ""
    if first in _QUERY:
        return Kind.QUERY
    if first in _DML:
        return Kind.DML
    if first in _PLSQL or (first == "<" and words[1:] == ["<"]):
        return Kind.PLSQL
    if first in _DDL:
        return Kind.OTHER if words == ["ALTER", "SESSION"] else Kind.DDL
    return Kind.OTHER


def scan(text: str) -> Statement:
    """Classify a text and find its placeholders. Never fails."""
    found = tokens(text)
    kind = kind_of(found)
    if kind is Kind.DDL:
        return Statement(
            text, kind
        )  # a DDL has no placeholders; a colon in it means something else
    names = [token.value for token in found if token.lexeme is Lexeme.BIND]
    if kind is Kind.PLSQL:
        return Statement(text, kind, tuple(dict.fromkeys(names)))
    return Statement(text, kind, tuple(names), _returning(found) if kind is Kind.DML else 0)


def _returning(found: list[Token]) -> int:
    """How many placeholders stand behind the INTO of a RETURNING clause."""
    at = [
        i
        for i, t in enumerate(found)
        if t.lexeme is Lexeme.WORD and t.value in {"RETURNING", "RETURN"}
    ]
    if not at:
        return 0
    for index in range(at[-1] + 1, len(found)):
        token = found[index]
        if token.lexeme is Lexeme.WORD and token.value == "INTO":
            return sum(1 for later in found[index:] if later.lexeme is Lexeme.BIND)
    return 0


def numbered(text: str, found: list[Token]) -> str:
    """The text with each placeholder renamed to `:b0`, `:b1`, … by occurrence."""
    pieces: list[str] = []
    position = number = 0
    for token in found:
        if token.lexeme is Lexeme.BIND:
            glued = re.match(r"[\w$#]", text[token.end :]) is not None  # `:1AND` is `:1 AND`
            pieces += [text[position : token.start], f":b{number}{' ' if glued else ''}"]
            position = token.end
            number += 1
    return "".join(pieces) + text[position:]
