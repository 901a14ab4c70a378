from pathlib import Path

import pytest

from flext_cli import project
from flext_cli.errors import ProjectError
from flext_cli.handover import Pair

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def ours():
    return project.find(ROOT, {})


def test_the_pairs_of_our_jobs(ours):
    assert ours.pairs("full") == (Pair("tap-oracle-wms-full", "target-oracle-full"),)
    loader = "target-oracle-incremental"
    assert ours.pairs("incremental") == (
        Pair("tap-oracle-wms-incremental", loader),
        Pair("tap-oracle-wms-allocation", loader, frozenset({"allocation"})),
        Pair("tap-oracle-wms-order-hdr", loader, frozenset({"order_hdr"})),
        Pair("tap-oracle-wms-order-dtl", loader, frozenset({"order_dtl"})),
    )


def test_state_ids_are_those_of_meltano(ours):
    (full,) = ours.pairs("full")
    assert full.state_id("prod") == "prod:tap-oracle-wms-full-to-target-oracle-full"


def test_the_environment_is_the_wanted_one_or_the_default(ours):
    assert ours.environment(None) == "dev"
    assert ours.environment("prod") == "prod"
    with pytest.raises(ProjectError, match="'moon' is not declared"):
        ours.environment("moon")


def test_a_folder_below_the_project_finds_it(ours):
    assert project.find(ROOT / "docs" / "guide", {}).root == ours.root


def test_no_project_is_said_with_the_remedy(tmp_path):
    with pytest.raises(ProjectError, match=r"no meltano\.yml") as caught:
        project.find(tmp_path, {"MELTANO_PROJECT_ROOT": str(tmp_path)})
    assert "MELTANO_PROJECT_ROOT" in caught.value.remedy


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "meltano.yml").write_text("jobs: [", encoding="utf-8")
    with pytest.raises(ProjectError, match="cannot be read"):
        project.find(tmp_path, {})
