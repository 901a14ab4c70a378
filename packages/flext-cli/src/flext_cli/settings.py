"""What `flext` itself can be told: FLEXT_* of the environment or `.env`, read and checked here.

The settings of tap and target are theirs. A value that is wrong is named with its variable and the
remedy before anything is run.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from flext_cli.errors import SettingsRefusedError
from flext_observability import redaction, runs

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
#: What shells call the folder that one is in: the name says password, the value is in every path.
_FOLDER = "PWD"


@dataclass(frozen=True)
class Setting:
    """One variable: its name, what it may hold, and what it means, for people."""

    name: str
    kind: str
    default: str
    meaning: str
    is_secret: bool = False


SETTINGS = (
    Setting("FLEXT_WORKSPACE", "folder", "the project's", "Where `.token` and `.flext` lie."),
    Setting(runs.KEEP_DAYS_NAME, "days", str(runs.DEFAULT_KEEP_DAYS),
            "How long run records are kept; 0 keeps all. Each job's last run and success stay."),
    Setting("FLEXT_METRICS_FILE", "file", "",
            "Where `flext run` writes the metrics of each job's last run for Prometheus, such as"
            " /var/lib/node_exporter/flext.prom."),
    Setting("FLEXT_ALERT_COMMAND", "command", "",
            "A program with its arguments, run without a shell, that gets alerts as JSON on its"
            " stdin."),
    Setting("FLEXT_ALERT_WEBHOOK_URL", "URL", "",
            "Where alerts are sent by POST; HTTPS, except on a loopback host.", is_secret=True),
    Setting("FLEXT_ALERT_WEBHOOK_TOKEN", "text", "",
            "Sent to the webhook as a bearer token.", is_secret=True),
    Setting("FLEXT_ALERT_WEBHOOK_CA_FILE", "file", "the system's",
            "PEM file of the authorities to trust for the webhook."),
    Setting("FLEXT_ALERT_TIMEOUT_S", "seconds", "10", "How long a hook may take."),
    Setting("FLEXT_ALERT_REPEAT_S", "seconds", "3600",
            "After how long an alert that lasts is sent again; 0 sends it once."),
    Setting("FLEXT_ALERT_LAG_S", "seconds", "",
            "Alert where an incremental bookmark is older than this. Asking Meltano for the"
            " bookmarks takes some seconds after each run."),
    Setting("FLEXT_ALERT_REJECTS", "rows", "",
            "Alert where a run rejects more rows of a stream than this."),
    Setting("FLEXT_ALERT_NO_DATA_S", "seconds", "",
            "Alert where no run of a job has read a record for this long."),
)  # fmt: skip


@dataclass(frozen=True)
class Hooks:
    """Where alerts go; neither is set where nobody wants them."""

    command: tuple[str, ...] = ()
    webhook_url: str | None = field(default=None, repr=False)
    webhook_token: str | None = field(default=None, repr=False)
    webhook_ca_file: Path | None = None
    timeout_s: float = 10.0

    @property
    def wanted(self) -> bool:
        """Whether there is one at all."""
        return bool(self.command or self.webhook_url)


@dataclass(frozen=True)
class Limits:
    """Beyond what an alert is sent; None where the thing is not looked at."""

    lag_s: int | None = None
    rejects: int | None = None
    no_data_s: int | None = None
    repeat_s: int = 3600


@dataclass(frozen=True)
class Settings:
    """All of them, checked."""

    keep_days: int = runs.DEFAULT_KEEP_DAYS
    metrics_file: Path | None = None
    hooks: Hooks = field(default_factory=Hooks)
    limits: Limits = field(default_factory=Limits)


def environment(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What Meltano would give its plugins: `.env` below the environment; secrets are registered.

    Raises:
        SettingsRefusedError: `.env` is there and cannot be read.
    """
    path = root / ".env"
    try:
        given = dotenv_values(path)
    except UnicodeDecodeError as error:
        raise SettingsRefusedError(
            f"{path} is not UTF-8: its byte {error.start} cannot be read",
            remedy="save the file as UTF-8",
        ) from None
    except OSError as error:
        raise SettingsRefusedError(
            f"{path} cannot be read: {error.strerror}", remedy="give this user the right to read it"
        ) from None
    found = {name: value for name, value in {**given, **environ}.items() if value is not None}
    secret_names = {each.name for each in SETTINGS if each.is_secret}
    for name, value in found.items():
        secret = name in secret_names or redaction.is_secret_key(name)
        if secret and name != _FOLDER and value:
            redaction.register(value)
    return found


def load(environ: Mapping[str, str], root: Path) -> Settings:
    """The settings as the environment has them; files are relative to the project's folder.

    Raises:
        SettingsRefusedError: one is wrong; it is named with the remedy.
    """
    known = {each.name for each in SETTINGS}
    for name in sorted(environ):
        if name.startswith(("FLEXT_ALERT_", "FLEXT_METRICS_", "FLEXT_RUNS_")) and name not in known:
            raise SettingsRefusedError(
                f"{name} is no setting", remedy=f"use one of {', '.join(sorted(known))}"
            )
    values = {each.name: environ.get(each.name, "").strip() for each in SETTINGS}
    try:
        keep_days = runs.keep_days(environ)
    except runs.RunRecordError as error:
        raise SettingsRefusedError(str(error), remedy="correct it in .env") from error
    return Settings(
        keep_days=keep_days,
        metrics_file=_file(values, "FLEXT_METRICS_FILE", root),
        hooks=Hooks(
            command=_command(values["FLEXT_ALERT_COMMAND"]),
            webhook_url=_url(values["FLEXT_ALERT_WEBHOOK_URL"]),
            webhook_token=values["FLEXT_ALERT_WEBHOOK_TOKEN"] or None,
            webhook_ca_file=_ca_file(values, root),
            timeout_s=float(_number(values, "FLEXT_ALERT_TIMEOUT_S", least=1) or 10),
        ),
        limits=Limits(
            lag_s=_number(values, "FLEXT_ALERT_LAG_S", least=1),
            rejects=_number(values, "FLEXT_ALERT_REJECTS", least=0),
            no_data_s=_number(values, "FLEXT_ALERT_NO_DATA_S", least=1),
            repeat_s=_or(_number(values, "FLEXT_ALERT_REPEAT_S", least=0), 3600),
        ),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _number(values: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = values[name]
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= 10**9):
        raise SettingsRefusedError(
            f"{name} is {text!r}", remedy=f"write a whole number from {least} to 1000000000"
        )
    return int(text)


def _file(values: Mapping[str, str], name: str, root: Path) -> Path | None:
    text = values[name]
    if not text:
        return None
    path = root / text
    if path.is_dir() or not path.parent.is_dir():
        raise SettingsRefusedError(
            f"{name} is {text}, which is a folder or in none that exists",
            remedy="make the folder, or name a file in one that exists",
        )
    return path


def _ca_file(values: Mapping[str, str], root: Path) -> Path | None:
    path = _file(values, "FLEXT_ALERT_WEBHOOK_CA_FILE", root)
    if path is not None and not path.is_file():
        raise SettingsRefusedError(
            f"FLEXT_ALERT_WEBHOOK_CA_FILE: there is no file {path}",
            remedy="name a PEM file of authorities",
        )
    return path


def _command(text: str) -> tuple[str, ...]:
    return tuple(_checked("FLEXT_ALERT_COMMAND", lambda: shlex.split(text), "close its quotes"))


def _url(text: str) -> str | None:
    if not text:
        return None
    name = "FLEXT_ALERT_WEBHOOK_URL"  # its value may hold a secret, so it is never shown
    parts = _checked(name, lambda: urlsplit(text), "write an address as https://HOST/PATH")
    if not parts.hostname or parts.scheme not in {"https", "http"}:
        raise SettingsRefusedError(f"{name} is no address", remedy="write it as https://HOST/PATH")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingsRefusedError(
            f"{name} is not HTTPS", remedy="write https://; plain http is for a loopback host only"
        )
    if parts.username is not None:
        raise SettingsRefusedError(
            f"{name} holds a user", remedy="use FLEXT_ALERT_WEBHOOK_TOKEN instead"
        )
    return text


def _checked(name: str, read: Callable[[], Any], remedy: str) -> Any:
    try:
        return read()
    except ValueError:
        raise SettingsRefusedError(f"{name} cannot be read", remedy=remedy) from None
