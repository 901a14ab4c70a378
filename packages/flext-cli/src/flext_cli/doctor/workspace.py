"""The workspace as files: `.env`, meltano.yml, the commands of the plugins. Reads, never writes."""

from __future__ import annotations

import difflib
import os
import re
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import flext_coordination
from flext_cli import clock, leftovers, settings
from flext_cli.doctor.findings import Finding
from flext_cli.errors import SettingsRefusedError
from flext_cli.project import FILE_NAME, Project
from flext_tap_oracle_wms import settings as tap_settings
from flext_target_oracle import settings as target_settings

ABOUT = "workspace"
_ENV = ".env"
_SECRET = re.compile(r"password|secret|token", re.IGNORECASE)
#: Read from the environment by ourselves, not by a plugin's settings.
_OTHERS = frozenset({"LOGLEVEL", "STREAM_MAPS", "STREAM_MAP_CONFIG"})


def check(project: Project, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the files and at what the settings are, without asking either end."""
    yield from _env_file(project.root)
    yield from _unknown_names(environ)
    yield from _own_settings(project.root, environ)
    yield from _secrets_in_project(project)
    yield from _leftovers(project, environ)
    yield from _commands(project)


def _env_file(root: Path) -> Iterator[Finding]:
    path = root / _ENV
    if not path.exists():
        yield Finding(
            ABOUT, ".env", "warning", f"there is no {path}",
            "copy .env.example to .env and fill it in, unless the environment has every setting",
        )  # fmt: skip
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Finding(
            ABOUT, ".env", "error", f"{path} can be read by others (mode {mode:04o})",
            f"chmod 600 {path}",
        )  # fmt: skip
    elif _tracked(path):
        yield Finding(
            ABOUT, ".env", "error", f"git tracks {path} or would: passwords would be committed",
            "add .env to .gitignore, `git rm --cached .env`, and change the passwords if it was"
            " ever committed",
        )  # fmt: skip
    else:
        yield Finding(ABOUT, ".env", "ok", "is there, and for its owner alone")


def _tracked(path: Path) -> bool:
    """Whether git knows the file or would add it; no, where there is no repository."""
    command = ["git", "-C", str(path.parent), "status", "--porcelain", "--ignored", "--", path.name]
    try:
        done = subprocess.run(  # noqa: S603 -- git with constants and our own path
            command, capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and not done.stdout.startswith("!!")


def _unknown_names(environ: Mapping[str, str]) -> Iterator[Finding]:
    found = False
    for prefix, names in (
        (tap_settings.ENV_PREFIX, tap_settings.json_schema()["properties"]),
        (target_settings.ENV_PREFIX, target_settings.singer_schema()["properties"]),
    ):
        known = {name.upper() for name in names} | _OTHERS
        for name in sorted(environ):
            setting = name.removeprefix(prefix)
            if not name.startswith(prefix) or setting in known:
                continue
            found = True
            near = difflib.get_close_matches(setting, known, n=1)
            yield Finding(
                ABOUT, "setting names", "error", f"{name} is no setting and would be ignored",
                f"write {prefix}{near[0]}" if near else "see the list of settings; remove the line",
            )  # fmt: skip
    if not found:
        yield Finding(ABOUT, "setting names", "ok", "every FLEXT variable is a setting")


def _own_settings(root: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        hooks = settings.load(environ, root).hooks
    except SettingsRefusedError as error:
        yield Finding(ABOUT, "flext's settings", "error", str(error), error.remedy)
        return
    told = [name for name, given in (("a command", hooks.command), ("a webhook", hooks.webhook_url))
            if given]  # fmt: skip
    who = f"are told to {' and '.join(told)}" if told else "no hook is set: nobody is told"
    yield Finding(ABOUT, "alerts", "ok", who)


def _secrets_in_project(project: Project) -> Iterator[Finding]:
    places = [place for place, _ in _secret_values(project.content, ())]
    for place in places:
        yield Finding(
            ABOUT, "secrets", "error", f"{FILE_NAME} holds a value for {place}",
            "take it out of the file, put it into .env, and change the secret",
        )  # fmt: skip
    if not places:
        yield Finding(ABOUT, "secrets", "ok", f"none stands in {FILE_NAME}")


def _leftovers(project: Project, environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        left = leftovers.find(
            project.root, project.workspace(environ), environ, clock.now().timestamp()
        )
    except flext_coordination.CoordinationError:
        return  # the pipeline's part says why
    if left:
        yield Finding(
            ABOUT, "secrets", "warning",
            f"a Meltano that was killed left {len(left)} copies of settings with their secrets,"
            f" such as {left[0].relative_to(project.root)}",
            "the next `flext run` removes them; or delete them now",
        )  # fmt: skip


def _secret_values(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The places under some `config` whose name is that of a secret and which hold a text."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secret_values(item, (*path, str(key)))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            name = item.get("name", number) if isinstance(item, Mapping) else number
            yield from _secret_values(item, (*path, str(name)))
    elif _is_literal(value) and "config" in path and _SECRET.search(path[-1]):
        yield ".".join(path), value


def _is_literal(value: Any) -> bool:
    """Whether it is a text of its own and no reference to the environment."""
    return isinstance(value, str) and value != "" and not value.startswith("$")


def _commands(project: Project) -> Iterator[Finding]:
    plugins = project.content.get("plugins") or {}
    missing = []
    for kind in ("extractors", "loaders", "utilities"):
        for plugin in plugins.get(kind) or ():
            command = plugin.get("executable")
            if command and "/" in command and not os.access(project.root / command, os.X_OK):
                missing.append(f"{plugin['name']}: {command}")
    if missing:
        yield Finding(
            ABOUT, "commands", "error", "cannot be run: " + ", ".join(missing),
            "run `make setup` in the workspace, or correct `executable` in meltano.yml",
        )  # fmt: skip
    else:
        yield Finding(ABOUT, "commands", "ok", "the programs of all plugins are there")
