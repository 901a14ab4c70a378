"""The settings of a pair as Meltano would give them: files, environments, variables, heirs."""

from pathlib import Path

import pytest

from flext_cli import effective
from flext_cli.errors import SettingsRefusedError
from flext_cli.handover import Pair
from flext_cli.project import Project

OURS = "FLEXT_TAP_ORACLE_WMS_"
PAIR = Pair("tap-full", "load")


def project(**config):
    base = {"name": "tap", "config": {"max_retries": 5, "page_size": 50, **config}}
    heir = {"name": "tap-full", "inherit_from": "tap", "config": {"page_size": 100}}
    of_dev = {"plugins": {"extractors": [{"name": "tap", "config": {"max_retries": 2}}]}}
    content = {
        "environments": [{"name": "dev", "config": of_dev}, {"name": "prod"}],
        "plugins": {
            "extractors": [base, heir],
            "loaders": [{"name": "load", "config": {"table_prefix": "IN_FILE_"}}],
        },
    }
    return Project(Path(), content)


@pytest.mark.parametrize(
    ("environment", "environ", "page_size", "retries"),
    [
        ("dev", {}, 100, 2),  # the environment stands above the plugin
        ("prod", {}, 100, 5),
        # The variables of the namespace stand above both, those of a plugin's name above these.
        ("dev", {f"{OURS}PAGE_SIZE": "7", f"{OURS}MAX_RETRIES": "9"}, 100, "9"),
        ("dev", {f"{OURS}MAX_RETRIES": "9", "TAP_MAX_RETRIES": "8"}, 100, "8"),
        ("dev", {"TAP_FULL_PAGE_SIZE": "6", "TAP_PAGE_SIZE": "5"}, "6", 2),
    ],
)
def test_settings_stand_in_the_order_of_meltano(environment, environ, page_size, retries):
    found = effective.of_tap(project(), PAIR, environment, environ)
    assert found == {"page_size": page_size, "max_retries": retries}


def test_the_loader_has_what_the_file_says_and_a_variable_above_it():
    assert effective.of_target(project(), PAIR, "prod", {}) == {"table_prefix": "IN_FILE_"}
    variable = {"FLEXT_TARGET_ORACLE_TABLE_PREFIX": "X_"}
    assert effective.of_target(project(), PAIR, "prod", variable) == {"table_prefix": "X_"}


def test_variables_that_the_file_names_are_filled_in_and_others_are_not():
    found = project(facilities=["${SITE}", "a$SITE", r"\$SITE"], username="$1 me")
    settings = effective.of_tap(found, PAIR, "prod", {"SITE": "$F1"})
    assert settings["facilities"] == ["$F1", "a$F1", "$SITE"]
    assert settings["username"] == "$1 me"


def test_a_variable_that_is_not_set_is_named_with_the_place_that_wants_it():
    with pytest.raises(SettingsRefusedError, match=r"tap\.username .* names the variable WHO"):
        effective.of_tap(project(username="${WHO}"), PAIR, "prod", {})


def test_a_list_that_is_no_json_is_named():
    with pytest.raises(SettingsRefusedError, match="is not JSON"):
        effective.of_tap(project(), PAIR, "prod", {f"{OURS}FILTERS": "{no"})


def test_what_meltano_says_of_itself_may_be_named():
    found = project(ca_file="$MELTANO_PROJECT_ROOT/${MELTANO_ENVIRONMENT}.pem")
    for environ in ({}, {"MELTANO_ENVIRONMENT": "dev"}):
        settings = effective.of_tap(found, PAIR, "prod", environ)
        assert settings["ca_file"] == f"{found.root}/prod.pem"


def test_a_variable_that_something_above_makes_needless_may_be_missing():
    found = project(username="${WHO}", page_size="${SIZE}")  # the heir has a size of its own
    settings = effective.of_tap(found, PAIR, "prod", {f"{OURS}USERNAME": "$me"})
    assert settings == {"max_retries": 5, "page_size": 100, "username": "$me"}
