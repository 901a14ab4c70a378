"""`flext verify` finds each planted difference and nothing else, and `--repair` mends each.

Beside it the other ways to read rows again, `flext backfill` and `flext refresh`, on the same rig.
"""

import json
import subprocess
from datetime import UTC
from pathlib import Path

import pytest
import yaml

from flext_cli import oracle

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("verify"), pytest.mark.timeout(600)]

TABLE = '"OIC"."WMS_ALLOCATION"'
TEXT = "CREATE_USER"
#: What is done to a row, what it is then, and the columns that are named: one row each.
PLANTED = {
    "missing row": ("DELETE FROM {t} WHERE {id}", "missing", []),
    "changed column": (
        'UPDATE {t} SET "STATUS_ID" = "STATUS_ID" + 1 WHERE {id}', "changed", ["STATUS_ID"],
    ),
    "wrong decimal": (
        'UPDATE {t} SET "ALLOC_QTY" = "ALLOC_QTY" + 0.0000000001 WHERE {id}', "changed",
        ["ALLOC_QTY"],
    ),
    "timestamp ahead": (
        'UPDATE {t} SET "MOD_TS" = "MOD_TS" + INTERVAL \'1\' HOUR WHERE {id}', "changed",
        ["MOD_TS"],
    ),
    "timestamp behind": (
        'UPDATE {t} SET "MOD_TS" = "MOD_TS" - INTERVAL \'1\' HOUR WHERE {id}', "changed",
        ["MOD_TS"],
    ),
    "truncated text": (
        f'UPDATE {{t}} SET "{TEXT}" = SUBSTR("{TEXT}", 1, 2) WHERE {{id}}', "changed", [TEXT],
    ),
    "lost text": (f'UPDATE {{t}} SET "{TEXT}" = NULL WHERE {{id}}', "changed", [TEXT]),
    "mark of a time when on_missing was soft": (
        'UPDATE {t} SET "_SDC_DELETED_AT" = SYSTIMESTAMP WHERE {id}', "changed",
        ["_SDC_DELETED_AT"],
    ),
    "duplicate": ("INSERT INTO {t} ({names}) SELECT {names} FROM {t} WHERE {id}", "duplicate", []),
    "extra row": ('INSERT INTO {t} ("ID") VALUES ({key})', "extra", []),
    "row gone from the WMS": (
        'INSERT INTO {t} ("ID", "_SDC_BATCHED_AT") VALUES ({key}, SYSTIMESTAMP)', "gone", [],
    ),
}  # fmt: skip
NEW = {"extra", "gone"}


@pytest.fixture(scope="module")
def rig(make_module_rig):
    """Both ends, after a full load."""
    made = make_module_rig(rows=300)
    code, output = made.run("run", "full-sync-job")
    assert code == 0, output
    return made


def asked(rig, flext, *arguments):
    """Exit code and the JSON object that a command answers."""
    done = subprocess.run(
        [flext, *arguments, "--json"],
        cwd=rig.place.root,
        env=rig.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    for secret in (rig.ends.wms.password, rig.ends.oracle.password):
        assert secret not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


def verified(rig, flext, *options):
    """Exit code, the report of allocation and the differences of the file, by kind."""
    code, answer = asked(rig, flext, "verify", "allocation", *options)
    found = {}
    with Path(answer["file"]).open(encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            found.setdefault(line["kind"], {})[line["key"]] = line["columns"]
    report = {**answer["streams"][0], "repairs": answer.get("repairs")}
    return code, report, found


def plant(rig, *statements):
    """Change the table behind the pipeline's back, one row at a time."""
    with oracle.connected(rig.ends.oracle) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            assert statement.startswith("ALTER") or cursor.rowcount == 1, statement
        connection.commit()


def changed(rig, statement):
    """Run a statement that changes some rows."""
    with oracle.connected(rig.ends.oracle) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount > 0
        connection.commit()


def plant_all(rig):
    """Plant every fault, each in a row of its own; answers what must be found, by kind."""
    columns = rig.sql(
        "SELECT COLUMN_NAME FROM ALL_TAB_COLUMNS WHERE OWNER = 'OIC' AND TABLE_NAME ="
        " 'WMS_ALLOCATION' ORDER BY COLUMN_ID"
    )
    ((constraint,),) = rig.sql(
        "SELECT CONSTRAINT_NAME FROM ALL_CONSTRAINTS WHERE OWNER = 'OIC' AND TABLE_NAME ="
        " 'WMS_ALLOCATION' AND CONSTRAINT_TYPE = 'P'"
    )
    filled = [f'"{name}" IS NOT NULL' for name in ("STATUS_ID", "ALLOC_QTY", "MOD_TS", TEXT)]
    ids = [
        int(row[0])
        for row in rig.sql(f'SELECT "ID" FROM {TABLE} WHERE {" AND ".join(filled)} ORDER BY "ID"')
    ]
    names = ", ".join(f'"{name}"' for (name,) in columns)
    statements, expected = [f'ALTER TABLE {TABLE} DROP CONSTRAINT "{constraint}"'], {}
    statements.append(f'ALTER TABLE {TABLE} ADD ("_SDC_DELETED_AT" TIMESTAMP(6))')
    for number, (statement, kind, wrong) in enumerate(PLANTED.values()):
        key = ids[-1] + 1000 + number if kind in NEW else ids[1 + number * 10]
        statements.append(statement.format(t=TABLE, id=f'"ID" = {key}', key=key, names=names))
        expected.setdefault(kind, {})[key] = wrong
    plant(rig, *statements)
    return expected


def newest_and_oldest(rig):
    """Ids by their mod_ts, newest first, and the instants."""
    rows = rig.sql(f'SELECT "ID", "MOD_TS" FROM {TABLE} WHERE "MOD_TS" IS NOT NULL ORDER BY 2 DESC')
    return [(int(key), instant.replace(tzinfo=UTC)) for key, instant in rows]


def ids(rig):
    return {int(key) for (key,) in rig.sql(f'SELECT "ID" FROM {TABLE}')}


def test_a_backfill_reads_a_stretch_moves_no_bookmark_and_keeps_what_is_newer(rig, flext):
    rows = newest_and_oldest(rig)
    (newest, since), (kept, _), (oldest, _) = rows[0], rows[1], rows[-1]
    plant(
        rig,
        f'DELETE FROM {TABLE} WHERE "ID" = {newest}',
        f'DELETE FROM {TABLE} WHERE "ID" = {oldest}',
        f'UPDATE {TABLE} SET "ALLOC_QTY" = 77777, "MOD_TS" = "MOD_TS" + INTERVAL \'1\' DAY'
        f' WHERE "ID" = {kept}',
    )
    states = rig.states()
    start = rows[1][1].isoformat() if rows[1][1] < since else since.isoformat()
    code, said = asked(rig, flext, "backfill", "allocation", "--from", start)
    assert code == 0
    assert (said["changed"], said["rejected"]) == (1, 0)
    assert 1 <= said["loaded"] < len(rows)
    assert ids(rig) == {key for key, _ in rows} - {oldest}
    assert rig.sql(f'SELECT "ALLOC_QTY" FROM {TABLE} WHERE "ID" = {kept}') == [(77777,)]
    assert rig.states() == states
    scopes = {scope for (scope,) in rig.sql('SELECT "SCOPE" FROM "FLEXT_FENCE"')}
    assert any(scope.endswith("-to-target-oracle-incremental:backfill") for scope in scopes)


def test_a_refresh_reads_all_again_older_or_not_and_bookmarks_count_again(rig, flext):
    rows = newest_and_oldest(rig)
    known = (
        'SELECT COUNT("BOOKMARK"), COUNT("TABLE_ID") FROM "FLEXT_FENCE" WHERE "TABLE_NAME" ='
        " 'OIC.WMS_ALLOCATION' AND \"SCOPE\" LIKE '%target-oracle-full'"
    )
    assert rig.sql(known) == [(1, 1)]
    plant(
        rig,
        f'DELETE FROM {TABLE} WHERE "ID" = {rows[3][0]}',
        f'UPDATE {TABLE} SET "ALLOC_QTY" = 88888, "MOD_TS" = "MOD_TS" + INTERVAL \'1\' DAY'
        f' WHERE "ID" = {rows[5][0]}',
    )
    states = rig.states()
    code, said = asked(rig, flext, "refresh", "allocation")
    assert code == 0
    assert said["scopes"] == ["dev:tap-oracle-wms-full-to-target-oracle-full"]
    assert said["loaded"] >= len(rows)
    assert rig.sql(known) == [(0, 0)]
    assert rig.states() == states
    code, report, found = verified(rig, flext, "--everything")
    assert (code, report["agrees"], found) == (0, True, {})


def test_what_the_taps_filters_leave_out_and_where_meltano_yml_loads_is_known(rig, flext):
    status = f'SELECT MAX("STATUS_ID") FROM {TABLE}'
    ((highest,),) = rig.sql(status)
    hidden = f'UPDATE {TABLE} SET "ID" = -"ID" WHERE "STATUS_ID" = {highest}'
    path = rig.place.root / "meltano.yml"
    before = path.read_text(encoding="utf-8")
    changed(rig, hidden)
    try:
        code, report, found = verified(rig, flext, "--everything")
        assert (code, report["agrees"], set(found)) == (1, False, {"missing", "gone"})
        left_out = report["missing"]

        for plugin, setting in (
            ("tap-oracle-wms", {"filters": {"allocation": {"status_id__lt": int(highest)}}}),
            ("target-oracle", {"table_prefix": "OTHER_"}),
        ):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            (entry,) = [
                each
                for kind in ("extractors", "loaders")
                for each in content["plugins"][kind]
                if each["name"] == plugin
            ]
            entry.setdefault("config", {}).update(setting)
            path.write_text(yaml.safe_dump(content), encoding="utf-8")
            if plugin == "tap-oracle-wms":
                code, report, found = verified(rig, flext, "--everything")
                assert (code, report["agrees"], set(found)) == (0, True, {"gone"})
                assert report["compared"] == report["oracle_rows"] - left_out > 0
        done = subprocess.run(
            [flext, "verify", "allocation"],
            cwd=rig.place.root, env=rig.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, "no table OIC.OTHER_ALLOCATION" in done.stderr) == (1, True)
    finally:
        path.write_text(before, encoding="utf-8")
        changed(rig, f'UPDATE {TABLE} SET "ID" = -"ID" WHERE "ID" < 0')


def test_each_planted_difference_is_found_and_mended_and_nothing_else(rig, flext):
    code, report, found = verified(rig, flext, "--everything", "--volatile", "--days", "0")
    assert (code, found) == (0, {})
    assert report["agrees"]
    assert report["compared"] == report["wms_rows"] == report["oracle_rows"] > 200
    assert report["columns_not_compared"] == []

    expected = plant_all(rig)
    code, report, found = verified(rig, flext, "--everything")
    assert (code, report["agrees"], found) == (1, False, expected)
    assert (report["missing"], report["changed"], report["gone"]) == (1, 7, 1)

    states = rig.states()
    code, report, found = verified(rig, flext, "--repair", "--everything")
    assert (code, report["agrees"], found) == (0, False, expected)
    (repair,) = report["repairs"]
    assert (repair["agrees"], repair["read_again"], repair["removed"]) == (True, 9, 2)
    assert rig.states() == states
    code, report, found = verified(rig, flext, "--everything")
    assert (code, report["agrees"], found) == (0, True, {"gone": expected["gone"]})
    ledger = (
        'SELECT SUM("ROWS_INSERTED"), SUM("ROWS_UPDATED"), SUM("ROWS_DELETED"), SUM("ROWS_STALE")'
        ' FROM "FLEXT_LEDGER" WHERE "SCOPE" LIKE \'%:repair\''
    )
    assert rig.sql(ledger) == [(1, 6, 2, 0)]

    rig.admin("POST", "/changes", {"update": {"allocation": 5}})
    code, report, found = verified(rig, flext)
    assert (code, report["pending"], set(found)) == (0, 5, {"gone"})


@pytest.mark.long
def test_a_database_that_was_set_back_stops_the_stream_until_its_refresh(make_rig, flext):
    rig = make_rig(rows=60)
    for job in ("full-sync-job", "allocation-sync-job"):
        code, output = rig.run("run", job)
        assert code == 0, output
    old = '{"replication_key": "mod_ts", "replication_key_value": "2001-01-01T00:00:00+00:00"}'
    gone = newest_and_oldest(rig)[0][0]
    plant(rig, f'DELETE FROM {TABLE} WHERE "ID" = {gone}')
    plant(
        rig,
        f'UPDATE "FLEXT_FENCE" SET "BOOKMARK" = \'{old}\' WHERE "SCOPE" LIKE \'%allocation-to-%\'',
    )
    code, output = rig.run("run", "allocation-sync-job")
    assert code != 0
    assert "run `flext refresh allocation`" in output
    code, said = asked(rig, flext, "plan", "allocation-sync-job", "--no-estimate")
    (troubled,) = [each for each in said["streams"] if each["trouble"]]
    assert (code, troubled["stream"]) == (1, "allocation")
    assert "run `flext refresh allocation`" in troubled["trouble"]
    code, said = asked(rig, flext, "refresh", "allocation")
    assert code == 0
    assert len(said["scopes"]) == 2
    code, output = rig.run("run", "allocation-sync-job")
    assert code == 0, output
    code, report, _ = verified(rig, flext, "--everything")
    assert (code, report["agrees"]) == (0, True)
    assert gone in ids(rig)
