"""PL/SQL: only a short list of blocks is known by its shape.

Anything else is refused with ORA-06550.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from oracle_emulator.engine import scanner
from oracle_emulator.engine.interface import OracleError, OracleType, Outcome, Row, Statement

if TYPE_CHECKING:
    from oracle_emulator.engine.session import EngineSession


def execute(
    session: EngineSession, statement: Statement, rows: Sequence[Row], types: Sequence[OracleType]
) -> Outcome:
    """Run a block that is known. Raises ORA-06550 for any other."""
    del session, rows, types
    words = [token.value for token in scanner.tokens(statement.text)]
    if words == ["BEGIN", "NULL", ";", "END", ";"]:
        return Outcome()
    raise OracleError(
        6550, "line 1, column 1:\nPLS-00201: this PL/SQL block is not supported by the emulator"
    )
