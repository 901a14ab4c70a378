"""Every event follows the rules of the catalogue."""

from __future__ import annotations

from flext_observability.events import Event, problems
from flext_target_oracle import events


def test_every_event_follows_the_rules() -> None:
    classes = [item for item in vars(events).values() if isinstance(item, type)]
    ours = [cls for cls in classes if issubclass(cls, Event) and cls is not Event]
    assert len(ours) > 10
    assert [problem for cls in ours for problem in problems(cls)] == []
