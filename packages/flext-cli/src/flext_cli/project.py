"""The Meltano project as files: where it is, its environments, the pairs of its jobs.

Reads meltano.yml, and `.env` where the workspace is asked for; commands are in `meltano.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import flext_coordination
from flext_cli import settings
from flext_cli.errors import ProjectError
from flext_cli.handover import Pair

FILE_NAME = "meltano.yml"


@dataclass(frozen=True)
class Layer:
    """A plugin's settings as the file has them, without those that it inherits."""

    plugin: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Project:
    """A Meltano project: its folder and the content of its meltano.yml."""

    root: Path
    content: Mapping[str, Any]

    def workspace(self, environ: Mapping[str, str]) -> Path:
        """The workspace of the runs that Meltano starts in this project, from wherever asked."""
        root = {"MELTANO_PROJECT_ROOT": str(self.root)}
        return flext_coordination.workspace_from_env({**environ, **root})

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments, in the file's order."""
        return tuple(str(each["name"]) for each in self.content.get("environments") or ())

    def environment(self, wanted: str | None) -> str:
        """The environment to work in: the wanted one, else the project's default.

        Raises:
            ProjectError: it is not declared, or none was named and the project has no default.
        """
        name = wanted or self.content.get("default_environment")
        if not name:
            raise ProjectError(
                f"no Meltano environment is named and {self.root / FILE_NAME} has no default",
                remedy="set MELTANO_ENVIRONMENT or give --environment",
            )
        if name not in self.environments:
            raise ProjectError(
                f"the Meltano environment {name!r} is not declared in {self.root / FILE_NAME}",
                remedy=f"use one of {', '.join(self.environments)}",
            )
        return str(name)

    def pairs(self, sync_mode: str) -> tuple[Pair, ...]:
        """The pairs of all jobs whose extractor has this `sync_mode`, in the file's order."""
        found = {
            (extractor, loader): Pair(extractor, loader, self._streams(extractor))
            for extractor, loader in self._job_pairs()
            if self._config(extractor).get("sync_mode") == sync_mode
        }
        return tuple(found.values())

    def job(self, name: str) -> tuple[Pair, ...]:
        """The pairs that a job runs, in its order.

        Raises:
            ProjectError: there is no such job.
        """
        jobs = [str(each["name"]) for each in self.content.get("jobs") or ()]
        if name not in jobs:
            raise ProjectError(
                f"there is no job {name!r} in {self.root / FILE_NAME}",
                remedy=f"use one of {', '.join(jobs) or 'those you declare there'}",
            )
        return tuple(
            Pair(extractor, loader, self._streams(extractor))
            for extractor, loader in self._job_pairs(name)
        )

    def _job_pairs(self, only: str | None = None) -> Iterator[tuple[str, str]]:
        plugins = self.content.get("plugins") or {}
        extractors = {each["name"] for each in plugins.get("extractors") or ()}
        loaders = {each["name"] for each in plugins.get("loaders") or ()}
        for job in self.content.get("jobs") or ():
            if only is not None and job["name"] != only:
                continue
            for task in job["tasks"]:
                words = task.split() if isinstance(task, str) else list(task)
                for first, second in itertools.pairwise(words):
                    if first in extractors and second in loaders:
                        yield first, second

    def layers(self, kind: str, plugin: str, environment: str) -> list[Layer]:
        """What stands in the file of a plugin's settings, behind what it inherits from.

        Args:
            kind: "extractors" or "loaders".
            plugin: its name.
            environment: whose own settings of a plugin stand above the plugin's.
        """
        own = self._of_environment(kind, environment)
        return [
            Layer(entry["name"], {**(entry.get("config") or {}), **own.get(entry["name"], {})})
            for entry in self._line(kind, plugin)
        ]

    def _of_environment(self, kind: str, environment: str) -> dict[str, dict[str, Any]]:
        for each in self.content.get("environments") or ():
            if each["name"] == environment:
                plugins = ((each.get("config") or {}).get("plugins") or {}).get(kind) or ()
                return {plugin["name"]: plugin.get("config") or {} for plugin in plugins}
        return {}

    def _config(self, extractor: str) -> dict[str, Any]:
        """The extractor's settings as the file has them, its parents' included."""
        found: dict[str, Any] = {}
        for layer in self.layers("extractors", extractor, ""):
            found |= layer.config
        return found

    def _line(self, kind: str, plugin: str) -> list[Mapping[str, Any]]:
        """A plugin's entry behind those it inherits from."""
        declared = {each["name"]: each for each in (self.content["plugins"].get(kind) or ())}
        found = declared[plugin]
        parent = found.get("inherit_from")
        return [*(self._line(kind, parent) if parent in declared else ()), found]

    def _streams(self, extractor: str) -> frozenset[str] | None:
        entities = self._config(extractor).get("entities")
        return frozenset(entities) if entities else None


def workspace(start: Path, environ: Mapping[str, str]) -> Path:
    """The workspace seen from a folder: that of its project, or what the environment says.

    Raises:
        SettingsRefusedError: the project's `.env` is there and cannot be read.
    """
    try:
        found = find(start, environ)
    except ProjectError:
        return flext_coordination.workspace_from_env(environ)
    return found.workspace(settings.environment(found.root, environ))


def find(start: Path, environ: Mapping[str, str]) -> Project:
    """The project of MELTANO_PROJECT_ROOT, else of `start` or the nearest folder above it.

    Raises:
        ProjectError: there is none, or its meltano.yml is not readable.
    """
    named = environ.get("MELTANO_PROJECT_ROOT")
    folders = [Path(named)] if named else [start, *start.parents]
    for folder in folders:
        path = folder / FILE_NAME
        if path.is_file():
            return Project(folder, _content(path))
    raise ProjectError(
        f"no {FILE_NAME} in {folders[0]}" + ("" if named else " or above it"),
        remedy="run flext inside the FLEXT workspace, or set MELTANO_PROJECT_ROOT to it",
    )


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ProjectError(f"{path} cannot be read: {error}", remedy="correct the file") from error
    if not isinstance(content, dict):
        raise ProjectError(f"{path} holds no mapping", remedy="correct the file")
    return content
