"""docs/specs/events.md shows every event of every package, as the classes are now."""

from __future__ import annotations

from pathlib import Path

import pytest

from flext_observability import catalogue
from flext_observability.events import problems

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "specs" / "events.md"
MODULES = sorted(f"{path.parent.name}.events" for path in ROOT.glob("packages/*/src/*/events.py"))


def test_the_document_shows_the_events_as_they_are() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    renewed = catalogue.put_into(document, catalogue.table(MODULES))
    assert document == renewed, (
        "docs/specs/events.md lags behind the classes; run: .venv/bin/python -m"
        f" flext_observability.catalogue --into docs/specs/events.md {' '.join(MODULES)}"
    )


@pytest.mark.parametrize("module", MODULES)
def test_events_follow_the_rules(module: str) -> None:
    assert [text for cls in catalogue.events_of(module) for text in problems(cls)] == []


def test_no_event_is_defined_outside_an_events_module() -> None:
    bases = ("(Event)", "(events.Event)", "(flext_observability.Event)")
    elsewhere = [
        str(path.relative_to(ROOT))
        for path in ROOT.glob("packages/*/src/**/*.py")
        if path.name != "events.py"
        and any(
            line.startswith("class ") and any(base in line for base in bases)
            for line in path.read_text(encoding="utf-8").splitlines()
        )
    ]
    assert elsewhere == []
