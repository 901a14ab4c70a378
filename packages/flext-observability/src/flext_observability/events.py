"""What an event is: a frozen dataclass whose class says its level and which metrics it feeds.

Products keep their own events in their `events.py`; this module holds the base, the metric
declarations and the rules every event class follows (`problems`). Nothing is written here.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LEVELS: tuple[str, ...] = get_args(Level)

#: Keys that the record itself or Meltano's parser of plugin logs owns.
RESERVED_FIELDS = frozenset(
    {
        "app_name", "component", "event", "exc_info", "exception", "extra", "level",
        "logger_name", "message", "method_name", "metrics", "name", "pid", "plugin_exception",
        "plugin_logger", "self", "stack_info", "stream_name", "thread_name", "timestamp", "ts",
    }
)  # fmt: skip

_NAME = re.compile(r"(?:[A-Z][a-z0-9]+){2,}$")
#: Past forms that do not end in -ed.
_IRREGULAR = (
    "Lost", "Begun", "Found", "Held", "Kept", "Made", "Met", "Put", "Read", "Sent", "Set", "Shut",
    "Split", "Taken", "Withdrawn", "Written",
)  # fmt: skip


@dataclass(frozen=True)
class Counter:
    """A sum that grows by `field` of the event, or by 1 without a field.

    Attributes:
        name: the metric's name, for example "records".
        field: the event's field that holds the amount.
        label: the event's field whose value, of few possible ones, splits the metric: Counter
            ("errors", label="error_class") counts "errors.timeout" and so on.
    """

    name: str
    field: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Timing:
    """Seconds spent: number, total and maximum of `field`, which is in seconds."""

    name: str
    field: str = "seconds"
    label: str | None = None


Metric: TypeAlias = Counter | Timing


@dataclass(frozen=True)
class Event:
    """Something that happened, named <Noun><PastVerb>; its fields are its facts.

    Subclasses are `@dataclass(frozen=True)` too, with a docstring whose first line says what
    happened. A field `stream` (str | None) overrides the stream of the context.
    """

    level: ClassVar[Level] = "INFO"
    metrics: ClassVar[tuple[Metric, ...]] = ()


def fields_of(event: Event) -> dict[str, Any]:
    """Return the event's fields by name.

    Raises:
        TypeError: a field has a reserved name, which would overwrite the record's own.
    """
    values = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    if taken := RESERVED_FIELDS & set(values):
        name = type(event).__qualname__
        raise TypeError(f"{name}: reserved field names {', '.join(sorted(taken))}")
    return values


def problems(cls: type[Event]) -> list[str]:
    """Return what is wrong with an event class by the rules of the catalogue; empty if nothing."""
    found = []
    params = vars(cls).get("__dataclass_params__")
    if params is None or not params.frozen:
        return [f"{cls.__qualname__} is not a frozen dataclass of its own"]
    names = {field.name for field in dataclasses.fields(cls)}
    if taken := RESERVED_FIELDS & names:
        found.append(f"reserved field names {', '.join(sorted(taken))}")
    if not _NAME.match(cls.__name__) or not cls.__name__.endswith(("ed", *_IRREGULAR)):
        found.append("the name is not <Noun><PastVerb>")
    if cls.level not in LEVELS:
        found.append(f"level {cls.level!r} is none of {', '.join(LEVELS)}")
    if not (cls.__doc__ or "").strip() or (cls.__doc__ or "").startswith(f"{cls.__name__}("):
        found.append("no docstring")
    found.extend(
        f"metric {metric.name} reads the field {wanted}, which is not there"
        for metric in cls.metrics
        for wanted in (metric.field, metric.label)
        if wanted is not None and wanted not in names
    )
    return [f"{cls.__qualname__}: {text}" for text in found]


@dataclass(frozen=True)
class ExceptionEscaped(Event):
    """An exception reached the edge of the process or of a thread: an error in the program.

    The record carries the exception with its traceback, secrets redacted.
    """

    level: ClassVar[Level] = "ERROR"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("exceptions_escaped"),)

    exception_type: str
    thread: str


@dataclass(frozen=True)
class LogLineLost(Event):
    """A line could not be written because the reader of stderr is gone; only the metric tells."""

    level: ClassVar[Level] = "WARNING"
    metrics: ClassVar[tuple[Metric, ...]] = (Counter("log_lines_lost"),)
