"""The rules that every event class follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from flext_observability import Counter, Event, Metric
from flext_observability.events import fields_of, problems


@dataclass(frozen=True)
class PageFetched(Event):
    """A page came."""

    records: int


@dataclass(frozen=True)
class PageFetch(Event):
    """Not past."""


@dataclass(frozen=True)
class Fetched(Event):
    """No noun."""


@dataclass(frozen=True)
class PageHidden(Event):
    level: ClassVar[str] = "LOUD"  # type: ignore[assignment]  # the fault under test
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("n", field="gone"),)
    message: str


class PageDropped(Event):
    """No dataclass of its own."""


@dataclass(frozen=True)
class PageTurned(Event):
    records: int


def test_fields_are_the_facts_alone() -> None:
    assert fields_of(PageFetched(3)) == {"records": 3}


def test_a_class_that_follows_the_rules_has_no_problems() -> None:
    assert problems(PageFetched) == []


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (PageFetch, ["<Noun><PastVerb>"]),
        (Fetched, ["<Noun><PastVerb>"]),
        (
            PageHidden,
            ["reserved field names message", "PastVerb", "'LOUD'", "no docstring", "gone"],
        ),
        (PageDropped, ["not a frozen dataclass"]),
        (PageTurned, ["no docstring"]),
    ],
)
def test_each_broken_rule_is_named(cls: type[Event], words: list[str]) -> None:
    found = problems(cls)
    assert len(found) == len(words)
    for problem, word in zip(found, words, strict=True):
        assert problem.startswith(f"{cls.__name__}")
        assert word in problem
