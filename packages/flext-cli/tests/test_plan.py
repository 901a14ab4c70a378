"""The script for a DBA, and the settings that a plan is made of."""

from pathlib import Path

import pytest

from flext_cli.commands.plan import script
from flext_cli.plan import Planned
from flext_cli.project import Project


def test_the_script_holds_every_statement_in_order_and_says_where_there_is_none():
    planned = [
        Planned("", "OIC", ddl=("CREATE TABLE A (X NUMBER)", "CREATE TABLE B (X NUMBER)")),
        Planned("item", "OIC.WMS_ITEM"),
        Planned("location", "OIC.WMS_LOCATION", ddl=("CREATE TABLE C (X NUMBER)",)),
    ]
    assert script(planned) == (
        "-- tables of FLEXT: OIC\n"
        "CREATE TABLE A (X NUMBER);\nCREATE TABLE B (X NUMBER);\n"
        "-- location: OIC.WMS_LOCATION\n"
        "CREATE TABLE C (X NUMBER);\n"
    )
    assert script(planned[1:2]) == "-- every table is there: a run needs no DDL\n"


@pytest.mark.parametrize(
    ("environment", "named", "page_size", "retries"),
    [
        ("dev", {}, 100, 2),  # the environment stands above the plugin
        ("prod", {}, 100, 5),
        ("dev", {"page_size": 7, "max_retries": 9}, 100, 9),  # variables stand above both
    ],
)
def test_settings_stand_in_the_order_of_meltano(environment, named, page_size, retries):
    base = {"name": "tap", "config": {"max_retries": 5, "page_size": 50}}
    heir = {"name": "tap-full", "inherit_from": "tap", "config": {"page_size": 100}}
    of_dev = {"plugins": {"extractors": [{"name": "tap", "config": {"max_retries": 2}}]}}
    content = {
        "environments": [{"name": "dev", "config": of_dev}, {"name": "prod"}],
        "plugins": {"extractors": [base, heir]},
    }
    found = Project(Path(), content).settings("extractors", "tap-full", environment, named)
    assert found == {"page_size": page_size, "max_retries": retries}
