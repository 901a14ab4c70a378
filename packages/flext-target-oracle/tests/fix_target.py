"""Runs the target in this process and tells what came of it."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flext_coordination import CoordinationError
from flext_observability import logs
from flext_observability.events import Event
from flext_observability.testing import capture_events
from flext_target_oracle.errors import TargetError
from flext_target_oracle.interruption import Interruption
from flext_target_oracle.run import Run
from flext_target_oracle.settings import load as load_settings
from flext_target_oracle.target import TargetOracle

WAIT_S = 30


@dataclass
class Outcome:
    """What a run printed and emitted, and how it failed if it did."""

    states: list[Any] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    error: BaseException | None = None

    def of(self, kind: str) -> list[Any]:
        """The events of a class."""
        return [event for event in self.events if type(event).__name__ == kind]


class Driven:
    """A run in a thread of its own, without the shell around it."""

    def __init__(self, settings: dict[str, Any], lines: list[bytes]) -> None:
        self.outcome = Outcome()
        self._run = Run(load_settings(settings), self.outcome.states.append, Interruption())
        self._lines = lines
        self._thread = threading.Thread(target=self._drive, daemon=True)
        self._thread.start()

    def _drive(self) -> None:
        try:
            for line in self._lines:
                self._run.take([line])
            self._run.finish()
        except (TargetError, CoordinationError) as error:
            self.outcome.error = error
            self._run.abandon(error, exit_code=1)

    def join(self) -> Outcome:
        """Wait for its end."""
        self._thread.join(120)
        assert not self._thread.is_alive()
        return self.outcome


@dataclass
class Runner:
    """A target on an account."""

    account: Any
    workspace: Path

    def run(self, messages: Iterable[dict[str, Any]], **settings: Any) -> Outcome:
        """Run all messages through a new target; a failure is in the outcome, not raised."""
        return self.run_source(io.StringIO(self.text(messages)), **settings)

    def run_source(self, source: Any, **settings: Any) -> Outcome:
        """Run what a file gives."""
        outcome = Outcome()
        out = io.StringIO()
        with capture_events() as outcome.events, redirect_stdout(out):
            target = TargetOracle(config=self.account.settings() | settings)
            try:
                target.listen(source)
            except (TargetError, CoordinationError) as error:
                outcome.error = error
        outcome.states = [json.loads(line) for line in out.getvalue().splitlines()]
        return outcome

    def start(self, messages: Iterable[dict[str, Any]], **settings: Any) -> Driven:
        """Start a run beside this thread; scope and workspace are those of the environment now."""
        lines = [line.encode() for line in self.text(messages).splitlines()]
        return Driven(self.account.settings() | settings, lines)

    def interrupted(
        self,
        before: Iterable[dict[str, Any]],
        between: Callable[[], None],
        after: Iterable[dict[str, Any]],
        **settings: Any,
    ) -> Outcome:
        """Run messages, with something that happens once those before it are committed."""
        committed = threading.Event()
        remove = logs.add_listener(
            lambda event: committed.set() if type(event).__name__ == "BatchCommitted" else None
        )

        def lines() -> Iterator[str]:
            yield from self.text(before).splitlines()
            assert committed.wait(WAIT_S)
            between()
            yield from self.text(after).splitlines()

        try:
            return self.run_source(lines(), batch_size=1, **settings)
        finally:
            remove()

    def ok(self, messages: Iterable[dict[str, Any]], **settings: Any) -> Outcome:
        """Run all messages; the run must succeed."""
        return self.ok_text(self.text(messages), **settings)

    def ok_text(self, text: str, **settings: Any) -> Outcome:
        """Run lines as they are; the run must succeed."""
        outcome = self.run_source(io.StringIO(text), **settings)
        if outcome.error is not None:
            raise outcome.error
        return outcome

    @staticmethod
    def text(messages: Iterable[dict[str, Any]]) -> str:
        """The messages as lines of JSON."""
        return "".join(json.dumps(message) + "\n" for message in messages)

    @staticmethod
    def bookmark(line: bytes, stream: str) -> Any:
        """The stream's bookmark of a STATE line."""
        return json.loads(line)["bookmarks"][stream]

    def table(self, stream: str, *columns: str, order: str = '"ID"') -> list[tuple[Any, ...]]:
        """Rows of a stream's table."""
        listed = ", ".join(f'"{name}"' for name in columns)
        schema = self.account.user
        return list(
            self.account.rows(f'SELECT {listed} FROM "{schema}"."WMS_{stream}" ORDER BY {order}')
        )
