"""Runs the target in this process and tells what came of it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flext_observability.events import Event
from flext_observability.testing import capture_events
from flext_target_oracle.target import TargetOracle

INTEGER = {"type": ["integer", "null"]}
MOMENT = {"type": ["string", "null"], "format": "date-time"}


@dataclass
class Outcome:
    """What a run printed and emitted, and how it failed if it did."""

    states: list[Any] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    error: BaseException | None = None

    def of(self, kind: str) -> list[Any]:
        """The events of a class."""
        return [event for event in self.events if type(event).__name__ == kind]


@dataclass
class Runner:
    """A target on an account."""

    account: Any
    workspace: Path

    def run(self, messages: Iterable[dict[str, Any]], **settings: Any) -> Outcome:
        """Run all messages through a new target; a failure is in the outcome, not raised."""
        outcome = Outcome()
        text = "".join(json.dumps(message) + "\n" for message in messages)
        out = io.StringIO()
        with capture_events() as outcome.events, redirect_stdout(out):
            target = TargetOracle(config=self.account.settings() | settings)
            try:
                target.listen(io.StringIO(text))
            except BaseException as error:  # noqa: BLE001 -- the test judges it
                outcome.error = error
        outcome.states = [json.loads(line) for line in out.getvalue().splitlines()]
        return outcome

    def ok(self, messages: Iterable[dict[str, Any]], **settings: Any) -> Outcome:
        """Run all messages; the run must succeed."""
        outcome = self.run(messages, **settings)
        if outcome.error is not None:
            raise outcome.error
        return outcome

    def table(self, stream: str, *columns: str, order: str = '"ID"') -> list[tuple[Any, ...]]:
        """Rows of a stream's table."""
        listed = ", ".join(f'"{name}"' for name in columns)
        schema = self.account.user
        return list(
            self.account.rows(f'SELECT {listed} FROM "{schema}"."WMS_{stream}" ORDER BY {order}')
        )


def schema(
    stream: str, properties: dict[str, Any], key: Iterable[str] = ("id",), **extra: Any
) -> dict[str, Any]:
    """A SCHEMA message."""
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties},
        "key_properties": list(key),
    } | extra


def record(stream: str, extracted: str | None = None, **values: Any) -> dict[str, Any]:
    """A RECORD message."""
    message = {"type": "RECORD", "stream": stream, "record": values}
    return message | ({"time_extracted": extracted} if extracted else {})


def state(value: Any) -> dict[str, Any]:
    """A STATE message."""
    return {"type": "STATE", "value": value}
