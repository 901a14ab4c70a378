"""What was told of a job, and when it last had data: one file per job in `.flext/alerts`.

Written whole by a rename, readable by its owner alone. A file that cannot be understood is an
error that names it: to begin anew would send everything again, or nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from flext_cli.alerts.conditions import Firing
from flext_cli.errors import AlertError


@dataclass(frozen=True)
class Memory:
    """What is known of a job from the runs before."""

    firing: Mapping[str, Firing] = field(default_factory=dict)
    data_at: datetime | None = None


def read(workspace: Path, job: str) -> Memory:
    """Return what is remembered; nothing where there is no file.

    Raises:
        AlertError: the file cannot be read or understood.
    """
    path = _path(workspace, job)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Memory()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, str(error)) from error
    try:
        content = json.loads(text)
        firing = {
            key: Firing(_moment(each["since"]), _moment(each["sent_at"]), str(each["text"]))
            for key, each in content["firing"].items()
        }
        data_at = content["data_at"]
        return Memory(firing, None if data_at is None else _moment(data_at))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(path, repr(error)) from error


def write(workspace: Path, job: str, memory: Memory) -> None:
    """Replace what is remembered.

    Raises:
        AlertError: the file cannot be written.
    """
    path = _path(workspace, job)
    content = {
        "firing": {
            key: {
                "since": each.since.isoformat(),
                "sent_at": each.sent_at.isoformat(),
                "text": each.text,
            }
            for key, each in sorted(memory.firing.items())
        },
        "data_at": None if memory.data_at is None else memory.data_at.isoformat(),
    }
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise AlertError(
            f"{path} cannot be written: {error.strerror or error}",
            remedy="make .flext of the workspace writable for this user",
        ) from error


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return found


def _path(workspace: Path, job: str) -> Path:
    # A job may be called anything; no name leads out of the folder.
    return workspace / ".flext" / "alerts" / f"{quote(job, safe='')}.json"


def _unreadable(path: Path, reason: str) -> AlertError:
    return AlertError(
        f"{path} cannot be understood: {reason}",
        remedy="remove it: what is wrong then will be told again",
    )
