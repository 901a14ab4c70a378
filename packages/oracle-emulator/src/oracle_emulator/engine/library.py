"""What every session of a server may use of what another has worked out: the library cache.

Texts that were scanned, and translations. Both are bounded; the least recently used goes first.

A translation is a function of the text, the binds' types, the schema of unqualified names, and the
answers that it got to its questions about the catalogue. The answers are kept with it, and asked
for again when a DDL has changed the catalogue: as long as they are the same, so is the translation.
The question about a session's own temporary table is asked by every session at every use, since
the table is made by it. Nothing that failed is kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from oracle_emulator.engine import scanner
from oracle_emulator.engine.interface import OracleType, Statement
from oracle_emulator.engine.translate import statements
from oracle_emulator.engine.translate.context import Context, TableName, Translation

KEPT_CHARS = 16_000_000  # of texts, for each of the two caches
ENTRIES = 2_000

Key = TypeVar("Key", bound=Hashable)
Entry = TypeVar("Entry")
Question = str  # the name of one of Context's functions
PlanKey = tuple[str, tuple[OracleType, ...], str]


class Recent(Generic[Key, Entry]):
    """The entries that were used last. Safe to use from several threads."""

    def __init__(self, entries: int = ENTRIES, chars: int = KEPT_CHARS) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[Entry, int]] = OrderedDict()
        self._entries, self._chars = entries, chars
        self._used_chars = 0

    def get(self, key: Key) -> Entry | None:
        """The entry, which is now the last that will go; None if it is not there."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: Key, entry: Entry, chars: int) -> None:
        """Keep an entry of so many characters, at others' expense."""
        with self._lock:
            _, before = self._kept.pop(key, (None, 0))
            self._kept[key] = (entry, chars)
            self._used_chars += chars - before
            while self._kept and (
                len(self._kept) > self._entries or self._used_chars > self._chars
            ):
                _, (_, gone) = self._kept.popitem(last=False)
                self._used_chars -= gone


@dataclass(slots=True)
class _Plan:
    """A translation, what it was made of, and the catalogue's version that last agreed."""

    translation: Translation
    answers: Mapping[tuple[Question, TableName], object]
    version: int


class Library:
    """See the module. Safe to use from several threads."""

    def __init__(self, entries: int = ENTRIES) -> None:
        self._statements: Recent[str, Statement] = Recent(entries)
        self._plans: Recent[PlanKey, _Plan] = Recent(entries)

    def statement(self, text: str) -> Statement:
        """Classify a text and find its placeholders without judging it."""
        known = self._statements.get(text)
        if known is None:
            known = scanner.scan(text)
            self._statements.put(text, known, len(text))
        return known

    def plan(self, statement: Statement, context: Context, version: int) -> Translation:
        """The translation of a query or DML. Must not be changed: others use it too.

        `version` is the catalogue's, read before anything is asked of it. Raises OracleError.
        """
        key = (statement.text, tuple(context.binds), context.schema)
        known = self._plans.get(key)
        if known is not None and _holds(known, context, version):
            return known.translation
        recorded, answers = _recorded(context)
        translation = statements.translate(statement, recorded)
        chars = len(statement.text) + len(translation.sql)
        self._plans.put(key, _Plan(translation, answers, version), chars)
        return translation


def _holds(plan: _Plan, context: Context, version: int) -> bool:
    """Whether a translation would still be made in the same way. Asks in the same order."""
    changed = plan.version != version
    for (question, name), answer in plan.answers.items():
        asked = changed or (question == "temporary" and answer is not None)
        if asked and _comparable(getattr(context, question)(name)) != answer:
            return False
    plan.version = version
    return True


def _recorded(context: Context) -> tuple[Context, Mapping[tuple[Question, TableName], object]]:
    """The context, and what it will have answered."""
    answers: dict[tuple[Question, TableName], object] = {}

    def listened(question: Question) -> Callable[[TableName], Any]:
        ask = getattr(context, question)

        def answer(name: TableName) -> Any:
            found = ask(name)
            answers[question, name] = _comparable(found)
            return found

        return answer

    recorded = replace(
        context,
        temporary=listened("temporary"),
        synonym=listened("synonym"),
        columns=listened("columns"),
        generated=listened("generated"),
    )
    return recorded, answers


def _comparable(answer: object) -> object:
    """An answer, the order of columns included."""
    return tuple(answer.items()) if isinstance(answer, Mapping) else answer
