"""What a comparison says of a stream: when it agrees, and what a person gets to read of it."""

import io

import pytest
from rich.console import Console

from flext_cli.commands import verify
from flext_cli.verify import sql
from flext_cli.verify.columns import Column
from flext_cli.verify.differences import Bucket, Difference, Report


def report(**changes):
    return Report(**{"stream": "allocation", "note": lambda _: None, **changes})


def shown(*reports):
    console = Console(file=io.StringIO(), width=80)
    console.print(verify.table(list(reports)))
    return console.file.getvalue()


@pytest.mark.parametrize(("oracle_rows", "agrees"), [(290, False), (291, True), (292, True)])
def test_a_sample_that_met_no_difference_does_not_outweigh_a_day_that_lacks_rows(
    oracle_rows, agrees, capsys
):
    found = report(buckets=[Bucket("2026-11-23", 291, oracle_rows)])
    assert found.agrees is agrees
    verify._print_remarks(found)
    said = capsys.readouterr().err
    assert ("2026-11-23 (UTC) the WMS counts 291 rows, Oracle 290" in said) is not agrees


def test_what_is_no_row_is_said_too(capsys):
    verify._print_remarks(report(uncovered={"b", "a"}, not_compared=("NOTE",), keyless=True))
    said = capsys.readouterr().err
    assert "no column for a, b" in said
    assert "not compared: NOTE" in said
    assert "only counted" in said


def test_no_sum_is_cut_on_a_page_of_80_columns():
    text = shown(report(wms_rows=12_345_678, oracle_rows=12_345_677, compared=12_345_678))
    assert "12,345,678" in text
    assert "12,345,677" in text
    assert "…" not in text


def test_a_kind_of_difference_that_is_rare_is_shown_where_there_is_one():
    with_extra = report()
    with_extra.add(Difference("allocation", 7, "extra"))
    assert "extra" in shown(report(), with_extra)
    assert "extra" not in shown(report())
    assert "missing" in shown(report())


def test_a_row_that_is_there_and_marked_as_deleted_is_asked_for_where_marks_can_be():
    columns = [Column("ID", "NUMBER", False, "id")]
    stage, live = ("OIC", "S"), ("OIC", "T")
    mark = """CASE WHEN l."_SDC_DELETED_AT" IS NULL THEN '0' ELSE '1' END AS F"""
    assert mark in sql.changed(stage, live, "ID", columns, "_SDC_DELETED_AT")
    assert "_SDC_DELETED_AT" not in sql.changed(stage, live, "ID", columns, None)
