"""What a check found. Pure: nothing is read or printed here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: the part it belongs to: workspace, WMS, Oracle, pipeline.
        check: what was looked at, in a few words.
        level: error stops a run or loses something; warning may.
        text: what was seen; never a secret.
        remedy: what to do, empty where nothing is to be done.
    """

    about: str
    check: str
    level: Level
    text: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.level != "ok" and not self.remedy:
            raise ValueError(f"the finding {self.check!r} names no remedy")


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level among them."""
    levels = {finding.level for finding in findings}
    return "error" if "error" in levels else "warning" if "warning" in levels else "ok"


def remedy_in(message: str) -> str:
    """The remedy in a message of tap or target: they end with it, behind a semicolon."""
    _, found, remedy = message.rpartition("; ")
    return remedy if found else "correct the setting that the message names"
