"""Who is speaking: the run id, the component and the stream that every record carries.

Two places feed a record. The process context (component, run id) is set once and seen by every
thread. What `bound` adds is seen by the thread or task that bound it, so a worker thread binds
its own stream. No formatting and no input or output here.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_bound: ContextVar[dict[str, Any]] = ContextVar("flext_observability_bound", default={})  # noqa: B039 -- the default is never mutated, `bound` makes a new dict
_process: dict[str, str | None] = {"component": None, "run_id": None}
_process_lock = threading.Lock()


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Add fields to every record of this thread or task until the block ends.

    Args:
        **fields: usually `stream` and `run_id`; an inner block overrides an outer one, a
                value of None overrides nothing.
    """
    given = {key: value for key, value in fields.items() if value is not None}
    token = _bound.set({**_bound.get(), **given})
    try:
        yield
    finally:
        _bound.reset(token)


def current() -> dict[str, Any]:
    """Return the context of a record made here and now; `run_id` and `stream` are always keys."""
    with _process_lock:
        process = dict(_process)
    return {
        "run_id": process["run_id"],
        "stream": None,
        "component": process["component"],
    } | _bound.get()


def set_process(*, component: str | None = None, run_id: str | None = None) -> None:
    """Set what the whole process is; None leaves a part as it was.

    A target learns its run id from the first SCHEMA message when the environment has none.
    """
    with _process_lock:
        if component is not None:
            _process["component"] = component
        if run_id is not None:
            _process["run_id"] = run_id


def clear_process() -> None:
    """Forget component and run id (between tests, or before another configure)."""
    with _process_lock:
        _process.update(component=None, run_id=None)


def run_id_from_env(environ: Mapping[str, str]) -> str | None:
    """Return the run id that the caller's environment names, None if it names none.

    MELTANO_RUN_ID wins; MELTANO_PARENT_CONTEXT_UUID is the one value that extractor, loader and
    utility of a plain `meltano run` share.
    """
    for name in ("MELTANO_RUN_ID", "MELTANO_PARENT_CONTEXT_UUID"):
        value = environ.get(name, "").strip()
        if value:
            return value
    return None
