"""Records become lines on stderr here: one chain for our events and for other libraries' logs.

stdout is never touched: in a Singer process it carries data. A line that cannot be written (the
reader of stderr is gone) is counted, not raised: telemetry must not end a run that moves data.
How a record looks lives in `records`.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flext_observability import context, metrics, records, redaction
from flext_observability.events import LEVELS, Event, ExceptionEscaped, LogLineLost, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


@dataclass(frozen=True)
class _Settings:
    level: int
    render: Callable[[dict[str, Any]], str]


# Before configure: what is worth a look still reaches stderr, as JSON.
_settings = _Settings(logging.WARNING, records.renderer("json", colors=False))
_write_lock = threading.Lock()
_listeners: list[Callable[[Event], None]] = []


def configure(
    component: str,
    *,
    level: str = "INFO",
    fmt: str = "auto",
    run_id: str | None = None,
    secrets: Iterable[str] = (),
) -> None:
    """Send everything this process logs to stderr, in one form and without secrets.

    Call it once at the start of a process, after the Singer SDK has set up its own logging (in
    `__main__`: `command = Tap.cli`, then `configure(...)`, then `command()`): every handler that
    writes elsewhere is taken off. Uncaught exceptions are logged too.

    Args:
        component: the program's name, for example "flext-tap-oracle-wms".
        level: DEBUG, INFO, WARNING or ERROR; lower ones are not written but still counted.
        fmt: json, console, meltano (JSON for Meltano's parser of plugin logs) or auto:
            FLEXT_LOG_FORMAT if set, console on a terminal, meltano as a Singer plugin of Meltano,
            else json.
        run_id: the run's id if known already; `context.set_process` sets it later.
        secrets: values that must never be readable in what is written.

    Raises:
        ValueError: the level or the format is unknown; the message names the known ones.
    """
    global _settings  # noqa: PLW0603 -- one destination per process, replaced as a whole
    level = level.upper()
    if level not in LEVELS:
        raise ValueError(f"log level {level!r} is unknown; known are {', '.join(LEVELS)}")
    form, colors = records.choose(fmt, os.environ, is_terminal=_is_terminal())
    for secret in secrets:
        redaction.register(secret)
    context.clear_process()
    context.set_process(component=component, run_id=run_id)
    _settings = _Settings(logging.getLevelNamesMapping()[level], records.renderer(form, colors))
    _take_over_stdlib(_settings.level)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def emit(event: Event, *, error: BaseException | None = None) -> None:
    """Count the event's metrics and write it as one record if its level is wanted.

    Args:
        event: what happened.
        error: the exception to show with it, if any; redacted like everything else.

    Raises:
        TypeError: the event has a field with a reserved name.
    """
    fields = fields_of(event)
    metrics.feed(event)
    for listener in tuple(_listeners):
        listener(event)
    cls = type(event)
    if logging.getLevelNamesMapping()[cls.level] >= _settings.level:
        origin = {"logger_name": cls.__module__}
        _write(cls.level, cls.__name__, {**origin, **fields}, error)


def emit_metrics() -> None:
    """Write the metrics so far as Singer METRIC records, one per metric and stream."""
    if _settings.level > logging.INFO:
        return
    for point in metrics.singer_points(metrics.snapshot()):
        with context.bound(stream=point["tags"].get("stream")):
            text = json.dumps(point, separators=(",", ":"))
            origin = {"logger_name": metrics.__name__}
            _write("INFO", f"METRIC: {text}", {**origin, "metric_info": point})


def add_listener(listener: Callable[[Event], None]) -> Callable[[], None]:
    """Call `listener` with every emitted event, in the thread that emits; return its removal."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


@contextmanager
def preserved() -> Iterator[None]:
    """Put back, at the end, all that `configure` changes in the process (for tests)."""
    global _settings
    before = (_settings, sys.excepthook, threading.excepthook)
    loggers = (logging.root, *_known_loggers())
    handlers = {logger: (tuple(logger.handlers), logger.propagate) for logger in loggers}
    level = logging.root.level
    try:
        yield
    finally:
        _settings, sys.excepthook, threading.excepthook = before
        for logger, (held, propagate) in handlers.items():
            logger.handlers[:] = held
            logger.propagate = propagate
        logging.root.setLevel(level)
        logging.captureWarnings(capture=False)


def _write(
    level: str, event: str, fields: dict[str, Any], error: BaseException | None = None
) -> None:
    line = _settings.render(records.build(level, event, fields, error))
    try:
        with _write_lock:
            stream = sys.stderr
            stream.write(line + "\n")
            stream.flush()
    except (OSError, ValueError, AttributeError):
        # Broken pipe, closed stream, no stderr at all: see the module's docstring.
        metrics.feed(LogLineLost())


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (ValueError, AttributeError):  # closed, or none at all
        return False


class _Handler(logging.Handler):
    """Other libraries' log records, through the same chain."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # arguments that do not fit their format
            message = f"{record.msg} {record.args!r}"
        fields = {
            key: value
            for key, value in vars(record).items()
            if key not in _STANDARD_ATTRIBUTES and key not in records.RESERVED_FIELDS
        }
        fields["logger_name"] = record.name
        error = record.exc_info[1] if record.exc_info else None
        _write(record.levelname, message, fields, error)


def _take_over_stdlib(level: int) -> None:
    """Make the root logger's one handler ours; handlers that keep records in memory stay."""
    for logger in (logging.root, *_known_loggers()):
        for handler in tuple(logger.handlers):
            in_memory = isinstance(getattr(handler, "stream", None), io.StringIO)
            if not in_memory and not isinstance(handler, logging.NullHandler):
                logger.removeHandler(handler)
        logger.propagate = True
    logging.root.addHandler(_Handler())
    logging.root.setLevel(level)
    logging.captureWarnings(capture=True)


def _known_loggers() -> list[logging.Logger]:
    return [logging.getLogger(name) for name in tuple(logging.root.manager.loggerDict)]


def _log_uncaught(
    cls: type[BaseException], error: BaseException, _traceback: TracebackType | None
) -> None:
    # Ctrl-C is the user's wish, not a fault: no traceback.
    shown = None if issubclass(cls, KeyboardInterrupt) else error
    emit(ExceptionEscaped(cls.__name__, threading.current_thread().name), error=shown)


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        name = args.thread.name if args.thread else "unknown"
        emit(ExceptionEscaped(args.exc_type.__name__, name), error=args.exc_value)
