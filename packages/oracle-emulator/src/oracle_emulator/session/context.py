"""What all connections of one server share, and what one logged-on client holds."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from oracle_emulator.engine.interface import (
    Database,
    DirectPath,
    Kind,
    OracleType,
    Session,
    Statement,
)
from oracle_emulator.profiles import Profile
from oracle_emulator.session.cursors import CursorTable
from oracle_emulator.session.faults import Faults
from oracle_emulator.session.lobs import LobStore
from oracle_emulator.session.registry import Registered, Registry
from oracle_emulator.session.statistics import Statistics


@dataclass(frozen=True, slots=True)
class ServerContext:
    """What all connections share."""

    database: Database
    profile: Profile
    service_name: str
    statistics: Statistics = field(default_factory=Statistics)
    faults: Faults = field(default_factory=Faults)
    sink: bool = False  # values of DML are thrown away
    sink_keeps: re.Pattern[str] | None = None  # but not of statements that hold this
    registry: Registry = field(default_factory=Registry)
    session_ids: Iterator[int] = field(default_factory=lambda: itertools.count(101))

    def swallows(self, statement: Statement) -> bool:
        """Tell whether a statement is answered without being done: DML that returns no values."""
        if not self.sink or statement.kind is not Kind.DML or statement.returning:
            return False
        return self.sink_keeps is None or not self.sink_keeps.search(statement.text)


@dataclass(slots=True)
class Load:
    """A direct path load in progress."""

    label: str  # what it is counted under
    path: DirectPath
    types: list[OracleType]  # in which the values of its columns travel


@dataclass(slots=True)
class Client:
    """What a logged-on client holds."""

    context: ServerContext
    session: Session
    field_version: int
    user: str
    registered: Registered
    session_key: bytes  # under which a new password may come
    cursors: CursorTable = field(default_factory=CursorTable)
    lobs: LobStore = field(default_factory=LobStore)
    loads: dict[int, Load] = field(default_factory=dict)
    context_names: set[str] = field(default_factory=set)  # application context, as far as set

    def call_status(self) -> int:
        """Return the flags that end every call: whether a transaction is open."""
        return 2 if self.session.in_transaction else 0

    def close(self) -> None:
        """Give everything up; an open transaction is rolled back."""
        for load in self.loads.values():
            load.path.abort()
        self.loads.clear()
        self.cursors.close_all()
        self.context.registry.remove(self.registered.session_id)
        self.session.close()
