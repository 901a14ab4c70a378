"""What the environment says of the scope and the workspace; pure but for the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL_SCOPE = "local"


def scope_from_env(environ: Mapping[str, str]) -> str:
    """Return the scope of a run: FLEXT_SCOPE, else what Meltano says, else "local".

    Under Meltano it is `environment:extractor-to-loader[:suffix]`, which is Meltano's own state id.
    """
    if scope := _get(environ, "FLEXT_SCOPE"):
        return scope
    extractor = _get(environ, "MELTANO_EXTRACTOR_NAME")
    loader = _get(environ, "MELTANO_LOADER_NAME")
    if not extractor or not loader:
        return LOCAL_SCOPE
    parts = (
        _get(environ, "MELTANO_ENVIRONMENT"),
        f"{extractor}-to-{loader}",
        _get(environ, "MELTANO_RUN_STATE_ID_SUFFIX"),
    )
    return ":".join(part for part in parts if part)


def workspace_from_env(environ: Mapping[str, str]) -> Path:
    """Return the workspace's root: FLEXT_WORKSPACE, else MELTANO_PROJECT_ROOT, else here."""
    named = _get(environ, "FLEXT_WORKSPACE") or _get(environ, "MELTANO_PROJECT_ROOT")
    return (Path(named).expanduser() if named else Path.cwd()).absolute()


def _get(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()
