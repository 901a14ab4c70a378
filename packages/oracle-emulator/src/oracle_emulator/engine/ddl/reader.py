"""A cursor over tokens, for the statements that are parsed by hand.

DDL, grants, session control.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from oracle_emulator.engine import names
from oracle_emulator.engine.capabilities import Capabilities
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import OracleError
from oracle_emulator.engine.scanner import Lexeme, Token

Item = TypeVar("Item")
Name = tuple[str | None, str]  # owner (None: the current schema) and name


class Reader:
    """Reads tokens one after another; what does not fit raises the error that Oracle would."""

    def __init__(self, text: str, tokens: list[Token], capabilities: Capabilities) -> None:
        self.text = text
        self.tokens = tokens
        self.position = 0
        self.capabilities = capabilities

    @property
    def current(self) -> Token | None:
        """The next token, or None at the end."""
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    @property
    def offset(self) -> int:
        """Where the next token stands in the text."""
        token = self.current
        return len(self.text) if token is None else token.start

    def peek(self, *words: str) -> bool:
        """Whether the next tokens are these words (or symbols)."""
        ahead = self.tokens[self.position : self.position + len(words)]
        return len(ahead) == len(words) and all(
            token.value == word and token.lexeme in {Lexeme.WORD, Lexeme.SYMBOL}
            for token, word in zip(ahead, words, strict=True)
        )

    def accept(self, *words: str) -> bool:
        """Read these words if they are next."""
        if not self.peek(*words):
            return False
        self.position += len(words)
        return True

    def if_exists(self, *, negated: bool = False) -> bool:
        """Read IF EXISTS, or IF NOT EXISTS, where the release has it."""
        words = ("IF", "NOT", "EXISTS") if negated else ("IF", "EXISTS")
        return self.capabilities.if_exists and self.accept(*words)

    def expect(self, *words: str, code: int = 905) -> None:
        """Read these words, or raise the error `code`."""
        for word in words:
            if not self.accept(word):
                raise error(code, offset=self.offset)

    def one_of(self, *words: str) -> str | None:
        """Read one of these words, if one is next."""
        return next((word for word in words if self.accept(word)), None)

    def advance(self) -> Token:
        """Read the next token, whatever it is. Raises ORA-00921 at the end."""
        token = self.current
        if token is None:
            raise error(921, offset=self.offset)
        self.position += 1
        return token

    def identifier(self, code: int = 904) -> str:
        """Read an identifier.

        Raises `code` when there is none, or it is reserved and not quoted.
        """
        token = self.current
        if token is None or token.lexeme not in {Lexeme.WORD, Lexeme.QUOTED}:
            raise self._not_a_name(code)
        if token.lexeme is Lexeme.WORD and token.value in names.RESERVED:
            raise self._not_a_name(code)
        self.position += 1
        return names.check(token.value, token.start)

    def _not_a_name(self, code: int) -> OracleError:
        if code == 904:
            return OracleError(904, ": invalid identifier", offset=self.offset)
        return error(code, offset=self.offset)

    def name(self, code: int = 903) -> Name:
        """Read `[owner.]name`."""
        first = self.identifier(code)
        if self.accept("."):
            return first, self.identifier(code)
        return None, first

    def integer(self, code: int = 910) -> int:
        """Read a whole number."""
        negative = self.accept("-")
        token = self.current
        if token is None or token.lexeme is not Lexeme.NUMBER or not token.value.isdigit():
            raise error(code, offset=self.offset)
        self.position += 1
        return -int(token.value) if negative else int(token.value)

    def string(self) -> str:
        """Read a string literal."""
        token = self.current
        if token is None or token.lexeme is not Lexeme.STRING:
            raise error(
                1756 if token is not None and token.lexeme is Lexeme.BROKEN else 922,
                offset=self.offset,
            )
        self.position += 1
        return token.value

    def list_of(self, read: Callable[[], Item]) -> list[Item]:
        """Read `( item, … )`."""
        self.expect("(", code=906)
        items = [read()]
        while self.accept(","):
            items.append(read())
        self.expect(")", code=907)
        return items

    def expression(self, *stops: str) -> str:
        """Read the text of an expression up to a stop word, a comma or `)` at its own level."""
        start, depth, end = self.offset, 0, self.offset
        while (token := self.current) is not None:
            if (
                depth == 0
                and token.lexeme in {Lexeme.WORD, Lexeme.SYMBOL}
                and token.value in {",", ")", *stops}
            ):
                break
            depth += {"(": 1, ")": -1}.get(token.value, 0) if token.lexeme is Lexeme.SYMBOL else 0
            end = token.end
            self.position += 1
        if end == start:
            raise error(936, offset=start)
        return self.text[start:end]

    def rest(self) -> str:
        """Read the source text of all that is left."""
        start = self.offset
        self.position = len(self.tokens)
        return self.text[start:]

    def end(self, code: int = 933) -> None:
        """Require the end of the statement."""
        if self.current is not None:
            raise error(code, offset=self.offset)
