"""The table of all events, from the classes themselves, for docs/specs/events.md.

`python -m flext_observability.catalogue MODULE …` prints it; this command is the one thing in the
package that writes to stdout, and it is never part of a run. A module that is not installed is an
error; one that defines no event adds nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flext_observability.events import Counter, Event, problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BEGIN = "<!-- events: generated from here -->"
END = "<!-- events: to here -->"
_HEADER = ("| event | level | fields | metrics | meaning |", "|---|---|---|---|---|")


def events_of(module_name: str) -> list[type[Event]]:
    """Return the event classes that a module itself defines, by name.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    module = importlib.import_module(module_name)
    return sorted(
        (
            cls
            for _, cls in inspect.getmembers(module, inspect.isclass)
            if issubclass(cls, Event) and cls is not Event and cls.__module__ == module.__name__
        ),
        key=lambda cls: cls.__name__,
    )


def table(module_names: Iterable[str]) -> str:
    """Return one section with a table per module, in the order given."""
    return "\n".join(_section(name) for name in module_names)


def _section(module_name: str) -> str:
    rows = [_row(cls) for cls in events_of(module_name)]
    body = [*_HEADER, *rows] if rows else ["No events."]
    return "\n".join([f"### `{module_name}`", "", *body, ""])


def _row(cls: type[Event]) -> str:
    fields = ", ".join(f"`{f.name}`: {_type(f)}" for f in dataclasses.fields(cls))
    metrics = ", ".join(
        f"`{m.name}{'.<' + m.label + '>' if m.label else ''}`"
        f" {'counts' if isinstance(m, Counter) else 'times'} {m.field or 'events'}"
        for m in cls.metrics
    )
    # The first paragraph of the docstring is the meaning.
    meaning = " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())
    cells = (f"`{cls.__name__}`", cls.level, fields or "–", metrics or "–", meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(field: dataclasses.Field[object]) -> str:
    return field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)


def put_into(text: str, generated: str) -> str:
    """Return a document's text with what stands between the markers replaced.

    Raises:
        ValueError: the markers are not there, once each and in order.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {BEGIN} followed by {END}")
    return f"{head}{begin}\n\n{generated}\n{end}{tail}"


def main(arguments: Sequence[str]) -> int:
    """Print the table, or with --into write it into a document; return the exit code."""
    parser = argparse.ArgumentParser(prog="flext_observability.catalogue", description=__doc__)
    parser.add_argument("modules", nargs="+", metavar="MODULE")
    parser.add_argument("--into", type=Path, help="the document whose marked part is replaced")
    options = parser.parse_args(arguments)
    broken = [text for name in options.modules for cls in events_of(name) for text in problems(cls)]
    if broken:
        sys.stderr.write("\n".join(broken) + "\n")
        return 1
    generated = table(options.modules)
    if options.into is None:
        sys.stdout.write(generated)
    else:
        document = options.into.read_text(encoding="utf-8")
        options.into.write_text(put_into(document, generated), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
