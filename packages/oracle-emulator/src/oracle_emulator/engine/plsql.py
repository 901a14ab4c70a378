"""PL/SQL: a short list of blocks is known by its shape; anything else is refused with ORA-06550.

Known are `BEGIN NULL; END;`, blocks of EXECUTE IMMEDIATE with constant text, with or without the
usual handler that passes over one error, and calls of the procedures in `packages` with arguments
that are constants or binds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from oracle_emulator.engine import packages, scanner
from oracle_emulator.engine.interface import (
    Kind,
    OracleError,
    OracleType,
    Outcome,
    Row,
    Statement,
    Value,
)
from oracle_emulator.engine.scanner import Lexeme, Token

if TYPE_CHECKING:
    from oracle_emulator.engine.session import EngineSession

Step = Callable[[], None]
_CONSTANTS: Mapping[str, Value] = {"NULL": None, "TRUE": True, "FALSE": False}


def execute(
    session: EngineSession, statement: Statement, rows: Sequence[Row], types: Sequence[OracleType]
) -> Outcome:
    """Run a block that is known. Raises ORA-06550 for any other."""
    del types
    found = scanner.tokens(statement.text)
    for row in rows or [()]:
        _Block(session, found, dict(zip(statement.binds, row, strict=False))).run()
    return Outcome(out_values=(None,) * len(statement.binds) if statement.binds else None)


class _Block:
    """One block being read and run; it is read as a whole before anything of it runs."""

    def __init__(self, session: EngineSession, found: list[Token], binds: dict[str, Value]) -> None:
        self._session = session
        self._found = found
        self._binds = binds
        self._at = 0

    def run(self) -> None:
        self._words("BEGIN")
        steps: list[Step] = []
        while not (self._ahead("END") or self._ahead("EXCEPTION")):
            steps.append(self._step())
        passed_over = self._handler() if self._ahead("EXCEPTION") else set()
        self._words("END", ";")
        if self._at != len(self._found):
            raise self._unknown()
        try:
            for step in steps:
                step()
        except OracleError as failed:
            if passed_over is not None and failed.code not in passed_over:
                raise

    def _step(self) -> Step:
        if self._ahead("NULL"):
            self._words("NULL", ";")
            return lambda: None
        if self._ahead("EXECUTE"):
            self._words("EXECUTE", "IMMEDIATE")
            text = self._value()
            self._words(";")
            return lambda: self._immediate(str(text))
        name = self._next(Lexeme.WORD).value
        self._words(".")
        name += "." + self._next(Lexeme.WORD).value
        procedure = packages.PROCEDURES.get(name)
        if procedure is None:
            raise self._unknown()
        arguments = self._arguments(procedure)
        self._words(";")
        return lambda: procedure.run(self._session, arguments)

    def _arguments(self, procedure: packages.Procedure) -> Mapping[str, Value]:
        """Read the arguments of a call, by position and then by name, in the parameters' order."""
        given: dict[str, Value] = {}
        if self._ahead("("):
            self._words("(")
            while not self._ahead(")"):
                if given:
                    self._words(",")
                name, value = self._argument(procedure, len(given))
                if name in given:
                    raise self._unknown()
                given[name] = value
            self._words(")")
        if not given.keys() >= set(procedure.parameters[: procedure.required]):
            raise self._unknown()
        return {name: given[name] for name in procedure.parameters if name in given}

    def _argument(self, procedure: packages.Procedure, position: int) -> tuple[str, Value]:
        following = self._found[self._at + 1] if self._at + 1 < len(self._found) else None
        if following is not None and following.value == "=>":
            name = self._next(Lexeme.WORD).value
            self._words("=>")
            if name not in procedure.parameters:
                raise self._unknown()
        elif position < len(procedure.parameters):
            name = procedure.parameters[position]
        else:
            raise self._unknown()
        return name, self._value()

    def _handler(self) -> set[int] | None:
        """Read EXCEPTION WHEN OTHERS THEN …: the codes that are passed over, None for all."""
        self._words("EXCEPTION", "WHEN", "OTHERS", "THEN")
        if self._ahead("NULL"):
            self._words("NULL", ";")
            return None
        codes: set[int] = set()
        self._words("IF", "SQLCODE")
        if not (self._ahead("!=") or self._ahead("<>")):
            raise self._unknown()
        self._at += 1
        self._words("-")
        codes.add(int(self._next(Lexeme.NUMBER).value))
        self._words("THEN", "RAISE", ";", "END", "IF", ";")
        return codes

    def _immediate(self, text: str) -> None:
        inner = self._session.scan(text)
        if inner.kind is Kind.PLSQL or inner.binds:
            raise self._unknown()
        self._session.execute(inner, [()], ())

    def _value(self) -> Value:
        """Read a literal, a bind, USER, or a constant of DBMS_STATS, which stands for a default."""
        token = self._next(Lexeme.STRING, Lexeme.BIND, Lexeme.NUMBER, Lexeme.WORD, Lexeme.SYMBOL)
        if token.lexeme is Lexeme.STRING:
            return token.value or None
        if token.lexeme is Lexeme.BIND:
            return self._binds.get(token.value)
        if token.lexeme is Lexeme.NUMBER:
            return Decimal(token.value)
        if token.value in _CONSTANTS:
            return _CONSTANTS[token.value]
        if token.value == "USER":
            return self._session.info.user
        if token.value == "-":
            return -Decimal(self._next(Lexeme.NUMBER).value)
        if token.value == "DBMS_STATS" and self._ahead("."):
            self._words(".")
            if self._next(Lexeme.WORD).value.startswith(("AUTO_", "DEFAULT_")):
                return None
        raise self._unknown()

    def _ahead(self, word: str) -> bool:
        return self._at < len(self._found) and self._found[self._at].value == word

    def _words(self, *words: str) -> None:
        for word in words:
            if not self._ahead(word):
                raise self._unknown()
            self._at += 1

    def _next(self, *lexemes: Lexeme) -> Token:
        if self._at >= len(self._found) or self._found[self._at].lexeme not in lexemes:
            raise self._unknown()
        self._at += 1
        return self._found[self._at - 1]

    def _unknown(self) -> OracleError:
        text = "line 1, column 1:\nPLS-00201: this PL/SQL block is not known to the emulator"
        return OracleError(6550, text)
