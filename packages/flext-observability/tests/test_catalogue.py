"""The generated table of events."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from flext_observability import catalogue

if TYPE_CHECKING:
    from pathlib import Path

OURS = "flext_observability.events"


def test_the_table_has_a_row_per_event_with_its_metrics() -> None:
    assert [cls.__name__ for cls in catalogue.events_of(OURS)] == [
        "ExceptionEscaped",
        "LogLineLost",
    ]
    text = catalogue.table([OURS])
    assert f"### `{OURS}`" in text
    assert (
        "| `ExceptionEscaped` | ERROR | `exception_type`: str, `thread`: str |"
        " `exceptions_escaped` counts events |" in text
    )


def test_a_module_without_events_says_so() -> None:
    assert "No events." in catalogue.table(["flext_observability.clock"])


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    text = f"before\n{catalogue.BEGIN}\nold\n{catalogue.END}\nafter\n"
    once = catalogue.put_into(text, "new\n")
    assert once == f"before\n{catalogue.BEGIN}\n\nnew\n\n{catalogue.END}\nafter\n"
    assert catalogue.put_into(once, "new\n") == once
    with pytest.raises(ValueError, match="has no <!-- events"):
        catalogue.put_into("no markers", "new")


def test_the_command_prints_or_writes_into_a_document(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flext_observability.catalogue", OURS]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert printed.stdout == catalogue.table([OURS])
    document = tmp_path / "events.md"
    document.write_text(f"# Events\n{catalogue.BEGIN}\n{catalogue.END}\n", encoding="utf-8")
    done = subprocess.run([*command, "--into", str(document)], capture_output=True, check=True)
    assert done.stdout == b""
    assert catalogue.table([OURS]) in document.read_text(encoding="utf-8")


def test_the_command_refuses_classes_that_break_the_rules(tmp_path: Path) -> None:
    (tmp_path / "bad_events.py").write_text(
        "from flext_observability import Event\nclass Oops(Event): ...\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "flext_observability.catalogue", "bad_events"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Oops is not a frozen dataclass" in done.stderr
