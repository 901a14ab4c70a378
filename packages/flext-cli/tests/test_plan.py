"""The script for a DBA."""

from flext_cli.commands.plan import script
from flext_cli.plan import Planned


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
