"""The choice of the form, and the public surface."""

from __future__ import annotations

import pytest

import flext_observability
from flext_observability.records import choose

MELTANO = {"SINGER_SDK_LOG_CONFIG": "x.json"}


@pytest.mark.parametrize(
    ("fmt", "environ", "is_terminal", "chosen"),
    [
        ("auto", {}, False, ("json", False)),
        ("auto", {}, True, ("console", True)),
        ("auto", {"NO_COLOR": "1"}, True, ("console", False)),
        ("auto", MELTANO, False, ("meltano", False)),
        ("auto", MELTANO | {"FLEXT_LOG_FORMAT": "JSON"}, False, ("json", False)),
        ("console", MELTANO, False, ("console", False)),
        ("json", {"FLEXT_LOG_FORMAT": "console"}, True, ("json", True)),
    ],
)
def test_the_form_follows_what_is_asked_then_the_environment_then_the_terminal(
    fmt: str, environ: dict[str, str], is_terminal: bool, chosen: tuple[str, bool]
) -> None:
    assert choose(fmt, environ, is_terminal=is_terminal) == chosen


def test_an_unknown_form_names_the_variable_that_asked_for_it() -> None:
    with pytest.raises(ValueError, match="FLEXT_LOG_FORMAT 'xml' is unknown; known are auto"):
        choose("auto", {"FLEXT_LOG_FORMAT": "xml"}, is_terminal=False)


def test_the_public_names_are_those_of_the_package() -> None:
    for name in flext_observability.__all__:
        assert hasattr(flext_observability, name), name
    assert sorted(flext_observability.__all__, key=str.lower) == sorted(
        set(flext_observability.__all__), key=str.lower
    )
