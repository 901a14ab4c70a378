"""What the pipeline reads of a stream and where it loads it: what a comparison goes by.

The settings are those of the pairs that jobs run for the stream. Where these pairs read or load it
differently, nothing can be said of the table as a whole, and that is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flext_cli import again, effective, ends
from flext_cli.again import Place
from flext_cli.ends import Opened
from flext_cli.errors import AgainRefusedError, SettingsRefusedError
from flext_cli.handover import Pair
from flext_tap_oracle_wms import filters
from flext_tap_oracle_wms import settings as tap_settings
from flext_tap_oracle_wms.errors import TapError
from flext_target_oracle import settings as target_settings
from flext_target_oracle.errors import TargetError

#: What one pair's settings may have otherwise without that its rows are others.
_OF_THE_RUN = frozenset({"sync_mode", "entities", "include", "exclude", "load_method"})


@dataclass(frozen=True)
class Course:
    """The settings of tap and target, unvalidated, that some streams share."""

    tap: dict[str, Any]
    target: dict[str, Any]
    streams: tuple[str, ...] = ()


def of_streams(place: Place, streams: Sequence[str]) -> list[Course]:
    """The courses of these streams, or of all that the project's pairs read where none is named.

    Raises:
        AgainRefusedError: pairs differ in what they read of a stream or where they load it.
        SettingsRefusedError: a setting is wrong.
    """
    found: list[Course] = []
    for stream in streams or _read(place):
        course = _course(place, stream)
        same = next((n for n, each in enumerate(found) if _shared(each) == _shared(course)), None)
        if same is None:
            found.append(Course(course.tap, course.target, (stream,)))
        else:
            joined = (*found[same].streams, stream)
            found[same] = Course(found[same].tap, found[same].target, joined)
    return found


@contextlib.contextmanager
def opened(place: Place, pair: Pair, *, workers: int) -> Iterator[Opened]:
    """Both ends as a pair has them.

    Raises:
        SettingsRefusedError: a setting is wrong, or an end refuses or does not answer.
    """
    course = _of_pair(place, pair)
    with ends.opened(course.tap, course.target, workers=workers) as both:
        yield both


def _shared(course: Course) -> tuple[dict[str, Any], dict[str, Any]]:
    return tuple(  # type: ignore[return-value]  # two of two
        {name: value for name, value in config.items() if name not in _OF_THE_RUN}
        for config in (course.tap, course.target)
    )


def _read(place: Place) -> list[str]:
    """The streams that the pairs read, in the order of their settings."""
    pairs = [*place.project.pairs("incremental"), *place.project.pairs("full")]
    configs = [effective.of_tap(place.project, pair, place.environment, place.environ)
               for pair in pairs] or [_alone(place).tap]  # fmt: skip
    found: dict[str, None] = {}
    for config in configs:
        found |= dict.fromkeys(ends.entities(config))
    return list(found)


def _course(place: Place, stream: str) -> Course:
    try:
        pairs = again.pairs(place.project, stream)
    except AgainRefusedError:
        return _alone(place)  # named by hand: as the environment has it
    first, *others = sorted(pairs, key=lambda pair: pair not in place.project.pairs("incremental"))
    course = _of_pair(place, first)
    for pair in others:
        for what, name in _differing(course, _of_pair(place, pair), stream):
            raise AgainRefusedError(
                f"{first.extractor} and {pair.extractor} do not {what} {stream} alike:"
                f" their settings {name} differ",
                remedy="give both the same, so that one comparison holds for what both loaded",
            )
    return course


def _alone(place: Place) -> Course:
    try:
        named = tap_settings.from_environment(place.environ)
    except TapError as error:
        raise SettingsRefusedError(str(error), remedy="correct it in .env") from error
    return Course(named, ends.target_config(place.environ))


def _of_pair(place: Place, pair: Pair) -> Course:
    where = (place.project, pair, place.environment, place.environ)
    return Course(effective.of_tap(*where), effective.of_target(*where))


def _differing(one: Course, other: Course, stream: str) -> Iterator[tuple[str, str]]:
    for what, name, mine, theirs in zip(
        ("read", "read", "read", "read", "load", "load", "load", "load"),
        ("base_url", "filters", "facilities", "companies",
         "host", "service_name", "schema", "table_prefix"),
        _deciding(one, stream), _deciding(other, stream), strict=True,
    ):  # fmt: skip
        if mine != theirs:
            yield what, name


def _deciding(course: Course, stream: str) -> tuple[Any, ...]:
    try:
        tap, target = tap_settings.parse(course.tap), target_settings.load(course.target)
    except (TapError, TargetError) as error:
        raise SettingsRefusedError(
            str(error), remedy="`flext doctor` looks at each end and names the remedy"
        ) from error
    read = (filters.of_entity(tap.filters, stream), tap.facilities, tap.companies)
    place = (target.host, target.service_name, target.target_schema, target.table_prefix)
    return (tap.base_url, *read, *place)
