"""What a comparison goes by: one course where pairs agree, a refusal where they do not."""

import pytest
import yaml

from flext_cli import courses, project
from flext_cli.again import Place
from flext_cli.errors import AgainRefusedError

ENVIRON = {
    "FLEXT_TAP_ORACLE_WMS_BASE_URL": "https://localhost/emu/wms/lgfapi/v10/",
    "FLEXT_TAP_ORACLE_WMS_USERNAME": "u",
    "FLEXT_TAP_ORACLE_WMS_PASSWORD": "a-secret",
    "FLEXT_TARGET_ORACLE_HOST": "h",
    "FLEXT_TARGET_ORACLE_SERVICE_NAME": "s",
    "FLEXT_TARGET_ORACLE_USER": "u",
    "FLEXT_TARGET_ORACLE_PASSWORD": "another-secret",
}


def place(folder, *, full=None, item=None, loader=None):
    content = {
        "default_environment": "dev",
        "environments": [{"name": "dev"}],
        "plugins": {
            "extractors": [
                {"name": "all", "config": {"sync_mode": "full", "entities": ["lpn", "item"],
                                           **(full or {})}},
                {"name": "item", "config": {"sync_mode": "incremental", "entities": ["item"],
                                            **(item or {})}},
            ],
            "loaders": [{"name": "a"}, {"name": "b", "config": loader or {}}],
        },
        "jobs": [{"name": "x", "tasks": ["all a"]}, {"name": "y", "tasks": ["item b"]}],
    }  # fmt: skip
    (folder / "meltano.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return Place(project.find(folder, {}), "dev", ENVIRON)


def test_streams_whose_pairs_agree_are_one_course(tmp_path):
    (only,) = courses.of_streams(place(tmp_path), ())
    assert only.streams == ("item", "lpn")


def test_a_stream_of_other_filters_is_a_course_of_its_own_and_another_table_too(tmp_path):
    mine = {"filters": {"item": {"code": "X"}}}
    found = courses.of_streams(place(tmp_path, full={**mine, "page_size": 5}, item=mine), ())
    assert [each.streams for each in found] == [("item",), ("lpn",)]
    assert [each.tap["filters"] for each in found] == [mine["filters"]] * 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"item": {"filters": {"item": {"code": "X"}}}}, "do not read item alike: .* filters"),
        ({"full": {"filters": {"*": {"code": "X"}}}}, "do not read item alike: .* filters"),
        ({"full": {"facilities": ["F1"]}}, "do not read item alike: .* facilities"),
        ({"loader": {"table_prefix": "X_"}}, "do not load item alike: .* table_prefix"),
        ({"loader": {"schema": "X"}}, "do not load item alike: .* schema"),
    ],
)
def test_pairs_that_differ_are_named_with_the_setting(tmp_path, changed, message):
    with pytest.raises(AgainRefusedError, match=message):
        courses.of_streams(place(tmp_path, **changed), ["item"])


def test_filters_of_another_stream_make_no_difference(tmp_path):
    changed = place(tmp_path, item={"filters": {"lpn": {"code": "X"}}})
    assert [each.streams for each in courses.of_streams(changed, ["item"])] == [("item",)]


def test_a_stream_that_no_job_reads_is_compared_as_the_environment_has_it(tmp_path):
    (only,) = courses.of_streams(place(tmp_path), ["wave"])
    assert (only.streams, only.target["host"]) == (("wave",), "h")
