"""What a record is and how it looks as JSON, as JSON for Meltano and on a terminal.

Values in, text out; nothing is written here. Every JSON record has timestamp, level, event,
run_id, stream and component at the top, then the fields.

Meltano parses a plugin's JSON line if it has level, pid, logger_name, ts, thread_name, app_name
and message, and hands every other key on as a keyword argument next to the message, which it
calls `event`: a key `event` in such a line would be a second value of that argument and would end
Meltano's reader of the log. So the form for Meltano carries the event as `message` (Meltano's own
output shows it as `event` again), and the plain form has no `message` and is never mistaken for it.
"""

from __future__ import annotations

import json
import os
import threading
import traceback
from typing import TYPE_CHECKING, Any

from flext_observability import clock, context
from flext_observability.events import RESERVED_FIELDS
from flext_observability.redaction import MASK, is_secret_key, redact, redact_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.dev import ConsoleRenderer

__all__ = ["FORMATS", "RESERVED_FIELDS", "build", "choose", "renderer"]

FORMATS = ("auto", "json", "meltano", "console")
#: Keys whose values come from code, not from data: masking a common word there helps nobody.
_OWN_KEYS = frozenset({"timestamp", "ts", "level", "component", "logger_name", "pid"})
MAX_CAUSES = 5
MAX_FRAMES = 50


def choose(fmt: str, environ: Mapping[str, str], *, is_terminal: bool) -> tuple[str, bool]:
    """Return the form to write, and whether in colours.

    Raises:
        ValueError: the form is unknown.
    """
    source = "log format"
    if fmt == "auto" and environ.get("FLEXT_LOG_FORMAT", "").strip():
        fmt, source = environ["FLEXT_LOG_FORMAT"].strip().lower(), "FLEXT_LOG_FORMAT"
    if fmt not in FORMATS:
        raise ValueError(f"{source} {fmt!r} is unknown; known are {', '.join(FORMATS)}")
    if fmt == "auto":
        # Meltano sets SINGER_SDK_LOG_CONFIG for its extractors, loaders and mappers.
        piped = "meltano" if environ.get("SINGER_SDK_LOG_CONFIG") else "json"
        fmt = "console" if is_terminal else piped
    return fmt, is_terminal and not environ.get("NO_COLOR")


def build(
    level: str, event: str, fields: Mapping[str, Any], error: BaseException | None = None
) -> dict[str, Any]:
    """Return the record of something that happens now, secrets redacted, in the keys' order."""
    now = clock.now()
    here = context.current()
    values: dict[str, Any] = {
        "timestamp": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": level,
        "event": event,
        "run_id": None,
        "stream": None,
        "component": None,
        **here,
        **{key: value for key, value in fields.items() if value is not None or key not in here},
        "pid": os.getpid(),
        "thread_name": threading.current_thread().name,
        "ts": now.timestamp(),
    }
    record = {key: _clean(key, value) for key, value in values.items()}
    if error is not None:
        record["exception"] = _exception(error)
        record["_error"] = error
    return record


def _clean(key: str, value: object) -> object:
    if key in _OWN_KEYS or value is None:
        return value
    if is_secret_key(key) and not isinstance(value, bool):
        return MASK
    return redact_value(value)


def _exception(error: BaseException, causes: int = 0) -> dict[str, Any]:
    """Return an exception in the structure that the Singer SDK and Meltano use; no variables."""
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    data: dict[str, Any] = {
        "type": type(error).__name__,
        "module": type(error).__module__,
        "message": redact(str(error)),
        "traceback": [
            {
                "filename": frame.filename,
                "function": frame.name,
                "lineno": frame.lineno,
                "line": redact(frame.line or ""),
            }
            for frame in frames
        ],
    }
    if notes := getattr(error, "__notes__", None):
        data["notes"] = [redact(str(note)) for note in notes]
    if causes < MAX_CAUSES:
        if error.__cause__ is not None:
            data["cause"] = _exception(error.__cause__, causes + 1)
        elif error.__context__ is not None and not error.__suppress_context__:
            data["context"] = _exception(error.__context__, causes + 1)
    return data


def renderer(fmt: str, colors: bool) -> Callable[[dict[str, Any]], str]:
    """Return the function that turns a record into one line (console: more with a traceback)."""
    if fmt == "console":
        # Here, since it loads Rich: a fifth of a start, for a terminal alone.
        from structlog.dev import ConsoleRenderer

        return _console(ConsoleRenderer(colors=colors))
    shape = _for_meltano if fmt == "meltano" else _plain
    # What JSON does not know is shown as Python shows it: a line less would hide more.
    encode = json.JSONEncoder(separators=(",", ":"), default=repr).encode

    def render(record: dict[str, Any]) -> str:
        return encode(shape(record))

    return render


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in {"ts", "_error"}}


def _for_meltano(record: dict[str, Any]) -> dict[str, Any]:
    shaped = {key: value for key, value in record.items() if key not in {"event", "_error"}}
    shaped["message"] = _sentence(record)
    shaped["app_name"] = record["component"] or "flext"
    shaped["stream_name"] = record["stream"]
    return shaped


#: What Meltano shows by itself, or nobody looks for in a line of text.
_UNSAID = frozenset(
    {"timestamp", "level", "event", "run_id", "component", "logger_name", "pid", "thread_name"}
    | {"ts", "exception", "_error", "metric_info"}
)


def _sentence(record: dict[str, Any]) -> str:
    """The event with its fields: on a terminal Meltano shows a line's message and nothing else."""
    said = [
        f"{key}={value}"
        for key, value in record.items()
        if key not in _UNSAID
        and value is not None
        and not str(record["event"]).startswith("METRIC")
    ]
    return " ".join([record["event"], *said])


def _console(render: ConsoleRenderer) -> Callable[[dict[str, Any]], str]:
    hidden = {"pid", "thread_name", "ts", "component", "_error", "exception"}

    def to_line(record: dict[str, Any]) -> str:
        shown = {
            key: value
            for key, value in record.items()
            if key not in hidden and (value is not None or key == "event")
        }
        shown["level"] = str(shown["level"]).lower()
        shown["logger"] = shown.pop("logger_name", None) or record["component"] or ""
        if (error := record.get("_error")) is not None:
            shown["exception"] = redact("".join(traceback.format_exception(error)).rstrip())
        return str(render(None, "", shown))

    return to_line
