"""`flext verify` finds each planted difference and nothing else, and `--repair` mends each."""

import json
import subprocess
from pathlib import Path

import pytest

from flext_cli import oracle

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]

TABLE = '"OIC"."WMS_ALLOCATION"'
TEXT = "CREATE_USER"
WRONG = {"missing", "changed", "duplicate", "extra"}


def verified(rig, flext, *options):
    """Exit code, the report of allocation and the differences of the file, by kind."""
    done = subprocess.run(
        [flext, "verify", "allocation", "--json", *options],
        cwd=rig.place.root,
        env=rig.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    found = {}
    with Path(answer["file"]).open(encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            found.setdefault(line["kind"], {})[line["key"]] = line["columns"]
    for secret in (rig.ends.wms.password, rig.ends.oracle.password):
        assert secret not in done.stdout + done.stderr
    report = {**answer["streams"][0], "repairs": answer.get("repairs")}
    return done.returncode, report, found


def plant(rig, *statements):
    """Change the table behind the pipeline's back, one row at a time."""
    with oracle.connected(rig.ends.oracle) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            assert statement.startswith("ALTER") or cursor.rowcount == 1, statement
        connection.commit()


def double(rig, key):
    """Statements that make a second row of a key, which the primary key has to go for."""
    columns = rig.sql(
        "SELECT COLUMN_NAME FROM ALL_TAB_COLUMNS WHERE OWNER = 'OIC' AND TABLE_NAME ="
        " 'WMS_ALLOCATION' ORDER BY COLUMN_ID"
    )
    ((constraint,),) = rig.sql(
        "SELECT CONSTRAINT_NAME FROM ALL_CONSTRAINTS WHERE OWNER = 'OIC' AND TABLE_NAME ="
        " 'WMS_ALLOCATION' AND CONSTRAINT_TYPE = 'P'"
    )
    names = ", ".join(f'"{name}"' for (name,) in columns)
    return [
        f'ALTER TABLE {TABLE} DROP CONSTRAINT "{constraint}"',
        f'INSERT INTO {TABLE} ({names}) SELECT {names} FROM {TABLE} WHERE "ID" = {key}',
    ]


def test_each_planted_difference_is_found_and_nothing_else(make_rig, flext):
    rig = make_rig(rows=300)
    code, output = rig.run("run", "full-sync-job")
    assert code == 0, output
    code, report, found = verified(rig, flext, "--everything", "--volatile")
    assert (code, found) == (0, {})
    assert report["agrees"]
    assert report["compared"] == report["wms_rows"] == report["oracle_rows"] > 200
    assert report["columns_not_compared"] == []

    filled = [f'"{name}" IS NOT NULL' for name in ("STATUS_ID", "ALLOC_QTY", "MOD_TS", TEXT)]
    ids = [
        int(row[0])
        for row in rig.sql(f'SELECT "ID" FROM {TABLE} WHERE {" AND ".join(filled)} ORDER BY "ID"')
    ]
    missing, changed, decimal, ahead, behind, cut, twin, nulled = ids[1:81:10]
    extra = ids[-1] + 1000
    plant(
        rig,
        f'DELETE FROM {TABLE} WHERE "ID" = {missing}',
        f'UPDATE {TABLE} SET "STATUS_ID" = "STATUS_ID" + 1 WHERE "ID" = {changed}',
        f'UPDATE {TABLE} SET "ALLOC_QTY" = "ALLOC_QTY" + 0.0000000001 WHERE "ID" = {decimal}',
        f'UPDATE {TABLE} SET "MOD_TS" = "MOD_TS" + INTERVAL \'1\' HOUR WHERE "ID" = {ahead}',
        f'UPDATE {TABLE} SET "MOD_TS" = "MOD_TS" - INTERVAL \'1\' HOUR WHERE "ID" = {behind}',
        f'UPDATE {TABLE} SET "{TEXT}" = SUBSTR("{TEXT}", 1, 2) WHERE "ID" = {cut}',
        f'UPDATE {TABLE} SET "{TEXT}" = NULL WHERE "ID" = {nulled}',
        *double(rig, twin),
        f'INSERT INTO {TABLE} ("ID") VALUES ({extra})',
        f'INSERT INTO {TABLE} ("ID", "_SDC_BATCHED_AT") VALUES ({extra + 1}, SYSTIMESTAMP)',
    )
    code, report, found = verified(rig, flext, "--everything")
    assert code == 1
    assert not report["agrees"]
    assert found == {
        "missing": {missing: []},
        "changed": {
            changed: ["STATUS_ID"],
            decimal: ["ALLOC_QTY"],
            ahead: ["MOD_TS"],
            behind: ["MOD_TS"],
            cut: [TEXT],
            nulled: [TEXT],
        },
        "duplicate": {twin: []},
        "extra": {extra: []},
        "gone": {extra + 1: []},
    }
    assert (report["missing"], report["changed"], report["gone"]) == (1, 6, 1)

    states = rig.states()
    code, report, found = verified(rig, flext, "--repair", "--everything")
    assert (code, report["agrees"], set(found)) == (0, False, {*WRONG, "gone"})
    (repair,) = report["repairs"]
    assert (repair["agrees"], repair["read_again"], repair["removed"]) == (True, 8, 2)
    assert rig.states() == states
    code, report, found = verified(rig, flext, "--everything")
    assert (code, report["agrees"], found) == (0, True, {"gone": {extra + 1: []}})
    ledger = (
        'SELECT SUM("ROWS_INSERTED"), SUM("ROWS_UPDATED"), SUM("ROWS_DELETED"), SUM("ROWS_STALE")'
        ' FROM "FLEXT_LEDGER" WHERE "SCOPE" LIKE \'%:repair\''
    )
    assert rig.sql(ledger) == [(1, 6, 2, 0)]

    rig.admin("POST", "/changes", {"update": {"allocation": 5}})
    code, report, found = verified(rig, flext)
    assert (code, report["pending"], set(found)) == (0, 5, {"gone"})
