"""Scope and workspace, as the environment says them."""

from __future__ import annotations

from pathlib import Path

import pytest

from flext_coordination import scope_from_env, workspace_from_env

MELTANO = {
    "MELTANO_ENVIRONMENT": "dev",
    "MELTANO_EXTRACTOR_NAME": "tap-oracle-wms-full",
    "MELTANO_LOADER_NAME": "target-oracle-full",
}


@pytest.mark.parametrize(
    ("environ", "scope"),
    [
        ({}, "local"),
        (MELTANO, "dev:tap-oracle-wms-full-to-target-oracle-full"),
        (MELTANO | {"MELTANO_ENVIRONMENT": ""}, "tap-oracle-wms-full-to-target-oracle-full"),
        (MELTANO | {"MELTANO_RUN_STATE_ID_SUFFIX": "x"},
         "dev:tap-oracle-wms-full-to-target-oracle-full:x"),
        (MELTANO | {"FLEXT_SCOPE": " mine "}, "mine"),
        ({"MELTANO_EXTRACTOR_NAME": "tap", "MELTANO_ENVIRONMENT": "dev"}, "local"),
    ],
)  # fmt: skip
def test_the_scope_is_named_or_meltanos_or_local(environ: dict[str, str], scope: str) -> None:
    assert scope_from_env(environ) == scope


def test_the_workspace_is_named_or_meltanos_or_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    both = {"FLEXT_WORKSPACE": "/srv/flext", "MELTANO_PROJECT_ROOT": "/srv/meltano"}
    assert workspace_from_env(both) == Path("/srv/flext")
    assert workspace_from_env(both | {"FLEXT_WORKSPACE": ""}) == Path("/srv/meltano")
    assert workspace_from_env({"FLEXT_WORKSPACE": "below"}) == tmp_path / "below"
    assert workspace_from_env({}) == tmp_path
