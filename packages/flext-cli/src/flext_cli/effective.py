"""The settings that a pair's plugins get in a run, read without starting Meltano.

Meltano asks, from the top: the variables of a plugin's own name and of its namespace, the Meltano
environment's settings of it, the plugin's own, and then the same of the plugin that it inherits
from. What stands in meltano.yml may name variables; what stands in a variable is taken as it is.
A setting kept in Meltano's own database is not seen here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flext_cli import ends
from flext_cli.errors import SettingsRefusedError
from flext_cli.handover import Pair
from flext_cli.project import Layer, Project
from flext_tap_oracle_wms import settings as tap_settings
from flext_tap_oracle_wms.errors import SettingsError
from flext_target_oracle import settings as target_settings

Named = Callable[[Mapping[str, str]], dict[str, Any]]
#: As Meltano reads them: `${NAME}` or `$NAME` in capitals; a backslash before it takes it as text.
_VARIABLE = re.compile(r"(\\)?\$(?:\{(\w+)\}|([A-Z][A-Z0-9_]*))")


def of_tap(
    project: Project, pair: Pair, environment: str, environ: Mapping[str, str]
) -> dict[str, Any]:
    """The extractor's settings, unvalidated.

    Raises:
        SettingsRefusedError: a variable that must be JSON is not, or one that meltano.yml names
            is not set.
    """
    layers = project.layers("extractors", pair.extractor, environment)
    try:
        environ = _with_meltanos(project, environment, environ)
        return _merged(layers, environ, tap_settings.ENV_PREFIX, tap_settings.from_environment)
    except SettingsError as error:
        raise SettingsRefusedError(str(error), remedy="correct it in .env") from error


def of_target(
    project: Project, pair: Pair, environment: str, environ: Mapping[str, str]
) -> dict[str, Any]:
    """The same of the loader."""
    layers = project.layers("loaders", pair.loader, environment)
    environ = _with_meltanos(project, environment, environ)
    return _merged(layers, environ, target_settings.ENV_PREFIX, ends.target_config)


def _with_meltanos(
    project: Project, environment: str, environ: Mapping[str, str]
) -> dict[str, str]:
    """The variables that Meltano sets itself, which paths in meltano.yml begin with."""
    own = {"MELTANO_PROJECT_ROOT": str(project.root), "MELTANO_ENVIRONMENT": environment}
    return {**environ, **own}


def _merged(
    layers: list[Layer], environ: Mapping[str, str], ours: str, read: Named
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    places: dict[str, str] = {}  # of what stands in the file and nothing above it overrides
    for number, layer in enumerate(layers):
        found |= layer.config
        places |= {name: f"{layer.plugin}.{name}" for name in layer.config}
        # An heir has its parent's namespace, whose variables the parent has taken.
        prefixes = [f"{layer.plugin}_"] if number else [ours, f"{layer.plugin}_"]
        for prefix in prefixes:
            start = prefix.upper().replace("-", "_")
            named = read(
                {
                    ours + name.removeprefix(start): value
                    for name, value in environ.items()
                    if name.startswith(start)
                }
            )
            found |= named
            places = {name: place for name, place in places.items() if name not in named}
    return found | {name: _expanded(found[name], environ, place) for name, place in places.items()}


def _expanded(value: Any, environ: Mapping[str, str], place: str) -> Any:
    if isinstance(value, Mapping):
        return {name: _expanded(each, environ, place) for name, each in value.items()}
    if isinstance(value, list):
        return [_expanded(each, environ, place) for each in value]
    if not isinstance(value, str):
        return value

    def found(match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:]
        name = match[2] or match[3]
        if name not in environ:
            raise SettingsRefusedError(
                f"{place} of meltano.yml names the variable {name}, which is not set",
                remedy="set it in .env, or write the value itself unless it is a secret",
            )
        return environ[name]

    return _VARIABLE.sub(found, value)
