"""For tests of the products: what was emitted, and a clean process between tests."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from flext_observability import context, logs, metrics, redaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flext_observability.events import Event


@contextmanager
def capture_events() -> Iterator[list[Event]]:
    """Yield the list that every event emitted meanwhile is added to, whatever its level."""
    events: list[Event] = []
    remove = logs.add_listener(events.append)
    try:
        yield events
    finally:
        remove()


@contextmanager
def clean_process() -> Iterator[None]:
    """Begin and end without metrics, secrets and context; what `configure` changes is put back."""
    with logs.preserved():
        _forget()
        try:
            yield
        finally:
            _forget()


def _forget() -> None:
    metrics.reset()
    redaction.clear()
    context.clear_process()
