"""PL/SQL: a short list of blocks is known by its shape; anything else is refused with ORA-06550.

Known are `BEGIN NULL; END;`, blocks of EXECUTE IMMEDIATE with constant text, with or without the
usual handler that passes over one error, and the DBMS_SESSION and DBMS_APPLICATION_INFO setters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from oracle_emulator.engine import scanner
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

_SETTERS: dict[str, tuple[str, ...]] = {
    "DBMS_SESSION.SET_IDENTIFIER": ("client_identifier",),
    "DBMS_APPLICATION_INFO.SET_MODULE": ("module", "action"),
    "DBMS_APPLICATION_INFO.SET_ACTION": ("action",),
    "DBMS_APPLICATION_INFO.SET_CLIENT_INFO": ("client_info",),
}


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
        steps: list[tuple[str, list[Value]]] = []
        while not (self._ahead("END") or self._ahead("EXCEPTION")):
            steps.append(self._step())
        passed_over = self._handler() if self._ahead("EXCEPTION") else set()
        self._words("END", ";")
        if self._at != len(self._found):
            raise self._unknown()
        try:
            for name, arguments in steps:
                self._carry_out(name, arguments)
        except OracleError as failed:
            if passed_over is not None and failed.code not in passed_over:
                raise

    def _step(self) -> tuple[str, list[Value]]:
        if self._ahead("NULL"):
            self._words("NULL", ";")
            return "", []
        if self._ahead("EXECUTE"):
            self._words("EXECUTE", "IMMEDIATE")
            text = self._value()
            self._words(";")
            return "EXECUTE IMMEDIATE", [text]
        name = self._next(Lexeme.WORD).value
        self._words(".")
        name += "." + self._next(Lexeme.WORD).value
        if name not in _SETTERS:
            raise self._unknown()
        self._words("(")
        arguments = [self._value()]
        while self._ahead(","):
            self._words(",")
            arguments.append(self._value())
        self._words(")", ";")
        return name, arguments

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

    def _carry_out(self, name: str, arguments: list[Value]) -> None:
        if name == "EXECUTE IMMEDIATE":
            inner = self._session.scan(str(arguments[0]))
            if inner.kind is Kind.PLSQL or inner.binds:
                raise self._unknown()
            self._session.execute(inner, [()], ())
        elif name:
            values = {key: str(v or "") for key, v in zip(_SETTERS[name], arguments, strict=False)}
            self._session.set_attributes(values)

    def _value(self) -> Value:
        token = self._next(Lexeme.STRING, Lexeme.BIND)
        return token.value if token.lexeme is Lexeme.STRING else self._binds.get(token.value)

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
