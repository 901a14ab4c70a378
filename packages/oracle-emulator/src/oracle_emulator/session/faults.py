"""Faults on demand: what may go wrong between a client and its database, by name and by count.

A fault waits for the calls that it concerns, counts them over all connections, and strikes from the
one numbered `at` on, `times` times; so the same client meets it at the same place in every run.
Nothing random is here, and no sockets: a dropped connection is an exception that the transport
understands.
"""

from __future__ import annotations

import enum
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from oracle_emulator.engine.interface import Kind, OracleError

REFUSED_FOR_NOW = 12528  # the listener's code for a service that takes no connections now
_MAX_CODE = 65535
_MAX_SECONDS = 3600.0


class FaultKind(enum.StrEnum):
    """What happens."""

    DROP = "drop"  # the socket is closed instead of an answer
    DELAY = "delay"  # the call is run later
    ERROR = "error"  # the call is answered with a code and not run
    REFUSE = "refuse"  # the listener refuses the connection with a code
    KILL_SESSION = "kill-session"  # ORA-00028, and the connection ends
    TABLESPACE_FULL = "tablespace-full"  # ORA-01653 for rows that are put into a table
    DDL_LOCKED = "ddl-locked"  # ORA-00054: another session holds the table


class Moment(enum.StrEnum):
    """When a connection is dropped."""

    BEFORE = "before"  # the call is not run
    AFTER = "after"  # the call took effect, its answer is lost
    DURING = "during"  # the client loses the connection at once; the call takes effect later


class Target(enum.StrEnum):
    """Which calls a fault counts."""

    ANY = "any"
    EXECUTE = "execute"  # statements of any kind
    QUERY = "query"
    DML = "dml"
    DDL = "ddl"
    COMMIT = "commit"  # however it is asked for: the call, the statement, autocommit, DDL
    FETCH = "fetch"
    DIRECT_PATH = "direct-path"
    CONNECT = "connect"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault as it was asked for."""

    fault: FaultKind
    on: Target = Target.ANY
    at: int = 1  # the first call that is struck, counted from 1 among those concerned
    times: int = 1  # how many calls are struck in a row; 0: all that follow
    moment: Moment = Moment.BEFORE
    seconds: float = 0.0  # of a delay; how long a lost session keeps working before it is done
    code: int = 0  # ORA- or listener code
    statement: str = ""  # a regular expression that the text has to match; empty: any


@dataclass(frozen=True, slots=True)
class Occasion:
    """A call as faults see it."""

    targets: frozenset[Target]
    text: str = ""


CONNECTING = Occasion(frozenset({Target.CONNECT}))


class InvalidFaultError(ValueError):
    """A fault that cannot be: the text says what is wrong with it and what there is."""


class DroppedError(Exception):
    """The connection is to be closed without an answer.

    `finish`, if any, is what the session still does, `seconds` later.
    """

    def __init__(self, seconds: float = 0.0, finish: Callable[[], object] | None = None) -> None:
        super().__init__("a fault closed the connection")
        self.seconds = seconds
        self.finish = finish


_DEFAULT_TARGETS = {
    FaultKind.ERROR: Target.EXECUTE,
    FaultKind.REFUSE: Target.CONNECT,
    FaultKind.TABLESPACE_FULL: Target.DML,
    FaultKind.DDL_LOCKED: Target.DDL,
}


def parse(settings: dict[str, Any]) -> Fault:
    """Return the fault that names and values describe. Raises InvalidFaultError."""
    known = {field.name: field for field in fields(Fault)}
    unknown = sorted(settings.keys() - known.keys())
    if unknown:
        raise InvalidFaultError(
            f"a fault has no {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        )
    try:
        kind = FaultKind(settings.get("fault", ""))
        values = {name: _CONVERTERS[name](value) for name, value in settings.items()}
        values.setdefault("on", _DEFAULT_TARGETS.get(kind, Target.ANY))
        found = Fault(**values)
        re.compile(found.statement)
    except (TypeError, ValueError, re.error) as error:
        names = ", ".join(FaultKind)
        raise InvalidFaultError(f"{error}; faults are {names}") from error
    if found.at < 1 or found.times < 0 or not 0 <= found.seconds <= _MAX_SECONDS:
        raise InvalidFaultError("at counts from 1, times from 0, seconds go from 0 to 3600")
    if not 0 <= found.code <= _MAX_CODE or (kind is FaultKind.ERROR and not found.code):
        raise InvalidFaultError("the fault error needs a code between 1 and 65535")
    if (kind is FaultKind.REFUSE) != (found.on is Target.CONNECT):
        raise InvalidFaultError("the fault refuse, and no other, concerns connect")
    return found


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "fault": FaultKind,
    "on": Target,
    "at": int,
    "times": int,
    "moment": Moment,
    "seconds": float,
    "code": int,
    "statement": str,
}


def parse_option(text: str) -> Fault:
    """Return the fault of a command line: `name` or `name:key=value,key=value`.

    A `statement` comes last, since it may hold commas. Raises InvalidFaultError.
    """
    name, _, rest = text.partition(":")
    head, marker, statement = rest.partition("statement=")
    settings: dict[str, Any] = {"fault": name}
    for part in filter(None, head.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise InvalidFaultError(f"{part!r} in {text!r} is no key=value")
        settings[key.strip()] = value.strip()
    if marker:
        settings["statement"] = statement
    return parse(settings)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0
    struck: int = 0

    def strikes(self, occasion: Occasion) -> bool:
        if self.fault.on not in occasion.targets:
            return False
        if self.fault.statement and not re.search(
            self.fault.statement, occasion.text, re.IGNORECASE
        ):
            return False
        self.seen += 1
        last = self.fault.at + self.fault.times if self.fault.times else self.seen + 1
        if not self.fault.at <= self.seen < last:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults of one server. Safe to use from several threads."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._armed = [_Armed(fault) for fault in faults]

    def arm(self, faults: Iterable[Fault]) -> None:
        """Add faults, whose counts begin now."""
        with self._lock:
            self._armed += [_Armed(fault) for fault in faults]

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._armed.clear()

    def due(self, occasion: Occasion) -> Fault | None:
        """Count a call for every fault that it concerns; return the first one that strikes."""
        if not self._armed:
            return None
        with self._lock:
            struck = [armed.fault for armed in self._armed if armed.strikes(occasion)]
        return struck[0] if struck else None

    def snapshot(self) -> list[dict[str, object]]:
        """Return every fault with how many calls it has seen and struck."""
        with self._lock:
            return [
                {**asdict(armed.fault), "seen": armed.seen, "struck": armed.struck}
                for armed in self._armed
            ]


def of_statement(kind: Kind, text: str, *, commits: bool) -> Occasion:
    """Return the occasion of a statement's execution."""
    targets = {Target.ANY, Target.EXECUTE}
    if kind.value in {"query", "dml", "ddl"}:
        targets.add(Target(kind.value))
    words = text.split(None, 1)
    if commits or kind is Kind.DDL or (words and words[0].rstrip(";").upper() == "COMMIT"):
        targets.add(Target.COMMIT)
    return Occasion(frozenset(targets), text)


def of_call(label: str, *targets: Target) -> Occasion:
    """Return the occasion of a call that is no statement."""
    return Occasion(frozenset({Target.ANY, *targets}), label)


def error_of(fault: Fault) -> OracleError | None:
    """Return the error that a fault answers with; None where it answers nothing."""
    if fault.fault is FaultKind.ERROR:
        return OracleError(fault.code, "made by a fault of the emulator")
    if fault.fault is FaultKind.KILL_SESSION:
        return OracleError(28, "your session has been killed")
    if fault.fault is FaultKind.TABLESPACE_FULL:
        return OracleError(fault.code or 1653, "unable to extend table by 8192 in tablespace USERS")
    if fault.fault is FaultKind.DDL_LOCKED:
        return OracleError(
            fault.code or 54,
            "resource busy and acquire with NOWAIT specified or timeout expired",
        )
    return None
