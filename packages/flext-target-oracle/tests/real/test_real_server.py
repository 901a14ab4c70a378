"""What only a real Oracle Database proves: plans, locks, ended sessions, what direct path stores.

All of it runs on oracle-emulator too, as far as that goes; what it cannot show there is skipped,
with how to run it. The workflow's job `real-oracle` runs it on Oracle Database Free.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import oracledb
import pytest

from flext_target_oracle.connection import Session
from flext_target_oracle.settings import Settings

HOW = "set FLEXT_TEST_ORACLE_DSN, _USER and _PASSWORD to a real server (CONTRIBUTING.md)"
STAMP = {"type": ["string", "null"], "format": "date-time"}
NEVER_S = 60


def is_real(account: Any) -> bool:
    """The emulator has an admin interface."""
    return account.admin_port is None


def schema(stream: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"properties": {"id": {"type": "integer"}, "mod_ts": STAMP} | properties},
        "key_properties": ["id"],
        "bookmark_properties": ["mod_ts"],
    }


def records(stream: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    first = {"mod_ts": "2026-01-01T00:00:00Z"}
    return [{"type": "RECORD", "stream": stream, "record": first | row} for row in rows]


# the optimizer


def test_merge_goes_by_the_key_index_after_the_table_grew_from_empty(
    oracle_server: Any, oracle_account: Any, target: Any
) -> None:
    """Its cursor is parsed while the table is empty, and used again when it has grown."""
    batches, rows = (60, 500) if is_real(oracle_account) else (3, 5)
    wanted = [{"id": n, "n": n} for n in range(batches * rows)]
    lines = [schema("grown", n={"type": "integer"}), *records("grown", *wanted)]
    again = [each | {"n": -1, "mod_ts": "2026-01-02T00:00:00Z"} for each in wanted[:rows]]
    target.ok([*lines, *records("grown", *again)], batch_size=rows)
    found = target.table("GROWN", "ID", "N")
    assert found == [(n, -1 if n < rows else n) for n in range(batches * rows)]
    if not is_real(oracle_account):
        pytest.skip(f"an optimizer's plan: {HOW}")
    system, owner = oracle_server.system, oracle_account.user
    cursors = system.rows(
        "SELECT SQL_ID, CHILD_NUMBER, PLAN_HASH_VALUE FROM V$SQL WHERE SQL_TEXT LIKE :1"
        " AND EXECUTIONS > 0 ORDER BY LAST_ACTIVE_TIME",
        [f'MERGE%INTO "{owner}"."WMS_GROWN" T%'],
    )
    assert cursors, "the MERGE is not in V$SQL"
    sql_id, child, _ = cursors[-1]
    steps = system.rows(
        "SELECT OPERATION, OPTIONS, OBJECT_NAME FROM V$SQL_PLAN"
        " WHERE SQL_ID = :1 AND CHILD_NUMBER = :2",
        [sql_id, child],
    )
    text = "\n".join(
        str(line)
        for (line,) in system.rows(
            "SELECT PLAN_TABLE_OUTPUT FROM TABLE(DBMS_XPLAN.DISPLAY_CURSOR(:1, :2, 'TYPICAL'))",
            [sql_id, int(child)],
        )
    )
    assert any(step[0] == "INDEX" and step[2] == "PK_WMS_GROWN" for step in steps), text
    assert ("TABLE ACCESS", "FULL", "WMS_GROWN") not in steps, text


def test_decode_tells_timestamps_apart_that_differ_by_a_microsecond(
    oracle_account: Any, target: Any
) -> None:
    """The skip of unchanged rows compares TIMESTAMP(6) by DECODE, which must not round to DATE."""
    one = "CAST(TIMESTAMP '2026-01-01 00:00:00.000001' AS TIMESTAMP(6))"
    two = "CAST(TIMESTAMP '2026-01-01 00:00:00.000002' AS TIMESTAMP(6))"
    none = "CAST(NULL AS TIMESTAMP(6))"
    for left, right, differs in (
        (one, one, 0), (one, two, 1), (one, none, 1), (none, one, 1), (none, none, 0),
    ):  # fmt: skip
        (found,) = oracle_account.rows(f"SELECT DECODE({left}, {right}, 0, 1) FROM DUAL")
        assert found == (differs,), (left, right)
    message = schema("moment", at=STAMP)
    target.ok([message, *records("moment", {"id": 1, "at": "2026-01-01T00:00:00.000001Z"})])
    later = records("moment", {"id": 1, "at": "2026-01-01T00:00:00.000002Z"})
    outcome = target.ok([message, *later])
    (batch,) = outcome.of("BatchCommitted")
    assert (batch.rows_updated, batch.rows_unchanged) == (1, 0)
    (batch,) = target.ok([message, *later]).of("BatchCommitted")
    assert (batch.rows_updated, batch.rows_unchanged) == (0, 1)
    assert target.table("MOMENT", "AT") == [(datetime(2026, 1, 1, 0, 0, 0, 2),)]  # noqa: DTZ001  # TIMESTAMP has no zone


# direct path


def test_direct_path_keeps_more_than_ten_decimals_and_never_cuts_characters(
    oracle_account: Any, record_property: Any
) -> None:
    """Into columns such as its staging has, NUMBER and texts in bytes, values stay as they were.

    Into a column that counts characters they do too, or the driver refuses them, by what the server
    says of the column: that is why staging counts bytes. Which one it is, is reported.
    """
    numbers = ["0.123456789012345", "-1.000000000000001", "1e-28", "99999999999999999999.999999"]
    texts = ["ação é ñ ü", "箱入り部品箱入り部品", "🚚" * 10, "plain"]
    made = "(ID NUMBER, N NUMBER, T VARCHAR2({}), A TIMESTAMP(6))"
    oracle_account.execute(f"CREATE TABLE DIRECT_BYTES {made.format('4000 BYTE')}")
    oracle_account.execute(f"CREATE TABLE DIRECT_CHARS {made.format('10 CHAR')}")
    moment = datetime(2026, 1, 1, 0, 0, 0, 1)  # noqa: DTZ001  # TIMESTAMP has no zone
    rows = [
        (place, Decimal(number), text, moment + timedelta(microseconds=place))
        for place, (number, text) in enumerate(zip(numbers, texts, strict=True))
    ]
    assert _loaded_directly(oracle_account, "DIRECT_BYTES", rows) == rows
    try:
        assert _loaded_directly(oracle_account, "DIRECT_CHARS", rows) == rows
    except oracledb.DatabaseError as error:
        assert "DPY-8000" in str(error)  # noqa: PT017  # either is right, a cut text is not
        assert oracle_account.rows("SELECT COUNT(*) FROM DIRECT_CHARS") == [(0,)]
        record_property("direct_path_into_characters", "refused by the driver")
    else:
        record_property("direct_path_into_characters", "kept")


def _loaded_directly(account: Any, table: str, rows: list[tuple[Any, ...]]) -> list[Any]:
    with account.connect() as connection:
        connection.direct_path_load(account.user, table, ["ID", "N", "T", "A"], rows)
    return list(account.rows(f"SELECT ID, N, T, A FROM {table} ORDER BY ID"))


def test_a_table_with_characters_and_exact_numbers_is_loaded_by_direct_path(
    oracle_account: Any, target: Any
) -> None:
    """The whole way: the live table counts characters, the staging table bytes.

    By array insert where this version of the target has no direct path.
    """
    oracle_account.execute(
        'CREATE TABLE WMS_WIDE ("ID" NUMBER NOT NULL, "MOD_TS" TIMESTAMP(6), "N" NUMBER,'
        ' "T" VARCHAR2(10 CHAR), CONSTRAINT PK_WMS_WIDE PRIMARY KEY ("ID"))'
    )
    rows = [
        {"id": 1, "n": "@1@", "t": "箱入り部品箱入り部品"},
        {"id": 2, "n": "@2@", "t": "🚚" * 10},
    ]
    message = schema("wide", n={"type": ["number", "null"]}, t={"type": ["string", "null"]})
    text = target.text([message, *records("wide", *rows)])
    text = text.replace('"@1@"', "0.123456789012345").replace('"@2@"', "-7.000000000000001")
    direct = {"direct_path_rows": 1} if "direct_path_rows" in Settings.model_fields else {}
    target.ok_text(text, **direct)
    assert target.table("WIDE", "N", "T") == [
        (Decimal("0.123456789012345"), "箱入り部品箱入り部品"),
        (Decimal("-7.000000000000001"), "🚚" * 10),
    ]


def test_truncate_gives_the_space_back_to_the_next_direct_path_load(
    oracle_account: Any, record_property: Any
) -> None:
    """Direct path never fills used space; how long a TRUNCATE takes is reported, in ms."""
    oracle_account.execute("CREATE TABLE DIRECT_AGAIN (ID NUMBER, T VARCHAR2(4000 BYTE))")
    rows = [(n, "x" * 200) for n in range(2000 if is_real(oracle_account) else 50)]
    taken_ms: list[float] = []
    blocks: list[int] = []
    with oracle_account.connect() as connection, connection.cursor() as cursor:
        for _ in range(10):
            began_s = time.perf_counter()
            cursor.execute("TRUNCATE TABLE DIRECT_AGAIN REUSE STORAGE")
            taken_ms.append((time.perf_counter() - began_s) * 1000)
            assert cursor.execute("SELECT COUNT(*) FROM DIRECT_AGAIN").fetchone() == (0,)
            connection.direct_path_load(oracle_account.user, "DIRECT_AGAIN", ["ID", "T"], rows)
            assert cursor.execute("SELECT COUNT(*) FROM DIRECT_AGAIN").fetchone() == (len(rows),)
            if is_real(oracle_account):
                cursor.execute("SELECT BLOCKS FROM USER_SEGMENTS WHERE SEGMENT_NAME = :1",
                               ["DIRECT_AGAIN"])  # fmt: skip
                blocks.append(cursor.fetchone()[0])
    record_property("truncate_ms_median", round(statistics.median(taken_ms), 2))
    record_property("truncate_ms_max", round(max(taken_ms), 2))
    if not is_real(oracle_account):
        pytest.skip(f"blocks of a segment, and a real server's TRUNCATE: {HOW}")
    assert blocks[-1] == blocks[1], "the segment grows from load to load"


# two sessions


def test_two_sessions_share_a_staging_table_and_see_their_own_rows(
    oracle_account: Any, target: Any
) -> None:
    """The private staging table of a stream: no lock, no row of the other, gone at COMMIT."""
    target.ok([schema("shared"), *records("shared", {"id": 0})])
    found = oracle_account.rows(
        "SELECT TABLE_NAME, TEMPORARY, DURATION FROM USER_TABLES"
        " WHERE TABLE_NAME LIKE 'FLEXT\\_G\\_%' ESCAPE '\\'"
    )
    ((table, temporary, duration),) = found
    assert (temporary, duration) == ("Y", "SYS$TRANSACTION")
    insert, ask = f"INSERT INTO {table} (ID) VALUES (:1)", f"SELECT ID FROM {table} ORDER BY ID"
    with (
        oracle_account.connect() as one,
        oracle_account.connect() as two,
        one.cursor() as mine,
        two.cursor() as theirs,
    ):
        mine.executemany(insert, [(1,), (2,)])
        theirs.executemany(insert, [(1,), (3,)])
        assert mine.execute(ask).fetchall() == [(1,), (2,)]
        assert theirs.execute(ask).fetchall() == [(1,), (3,)]
        one.commit()
        assert mine.execute(ask).fetchall() == []
        assert theirs.execute(ask).fetchall() == [(1,), (3,)]
        # A run beside an open transaction in its staging table, its table widened meanwhile.
        wider = schema("shared", more={"type": ["string", "null"]})
        target.ok([wider, *records("shared", {"id": 7, "more": "x"})])
        two.rollback()
    assert target.table("SHARED", "ID", "MORE") == [(0, None), (7, "x")]


@pytest.mark.long  # on the emulator, test_takeover.py has shown it already
def test_two_runs_load_one_table_through_one_staging_table_at_once(
    target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.ok([schema("both", n={"type": "integer"}), *records("both", {"id": 0, "n": 0})])
    runs = []
    for scope, start in (("even", 2), ("odd", 1)):
        monkeypatch.setenv("FLEXT_SCOPE", scope)
        rows = [{"id": n, "n": n} for n in range(start, 81, 2)]
        lines = [schema("both", n={"type": "integer"}), *records("both", *rows)]
        runs.append(target.start(lines, batch_size=5))
    for run in runs:
        outcome = run.join()
        assert outcome.error is None, outcome.error
    assert target.table("BOTH", "ID", "N") == [(n, n) for n in range(81)]


# a session that ends


@pytest.fixture
def killing(oracle_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Ends the session that commits a batch, by a DBA's hand: before it does, or as it does."""
    killers: list[threading.Thread] = []

    def arm(moment: str) -> list[str]:
        done: list[str] = []
        plain = Session.execute

        def execute(
            session: Session, sql: str, *more: Any, commit: bool = False, **named: Any
        ) -> int:
            if commit and "FLEXT_LEDGER" in sql and not done:
                connection = session._connection
                name = f"{connection.session_id},{connection.serial_num}"
                done.append(name)
                killer = threading.Thread(target=kill, args=(name,))
                killers.append(killer)
                killer.start()
                if moment == "before":
                    killer.join(NEVER_S)
            return plain(session, sql, *more, commit=commit, **named)

        monkeypatch.setattr(Session, "execute", execute)
        return done

    def kill(name: str) -> None:
        # ORA-00030, ORA-00031: it is gone already, or goes when its call is over.
        with contextlib.suppress(oracledb.DatabaseError):
            oracle_server.system.execute(f"ALTER SYSTEM KILL SESSION '{name}'")

    yield arm
    for killer in killers:
        killer.join(NEVER_S)
        assert not killer.is_alive()


@pytest.mark.parametrize("moment", ["before", pytest.param("beside", marks=pytest.mark.long)])
def test_a_session_killed_at_commit_leaves_each_row_once(
    oracle_account: Any, target: Any, killing: Any, moment: str
) -> None:
    """Whether it took effect is asked of the fence; the rows are there once, the STATE is out."""
    rows = [{"id": n, "n": n} for n in range(9)]
    lines = [schema("killed", n={"type": "integer"}), *records("killed", *rows)]
    state = {"type": "STATE", "value": {"bookmarks": {"killed": {"replication_key_value": "9"}}}}
    done = killing(moment)
    outcome = target.ok([*lines, state], batch_size=3)
    assert len(done) == 1
    assert target.table("KILLED", "ID", "N") == [(n, n) for n in range(9)]
    assert outcome.states[-1] == state["value"]
    batches = oracle_account.rows("SELECT SEQ, ROWS_RECEIVED FROM FLEXT_LEDGER ORDER BY SEQ")
    assert batches == [(1, 3), (2, 3), (3, 3)]
    doubts = outcome.of("DoubtSettled")
    if moment == "before":
        assert [doubt.was_committed for doubt in doubts] == [False]
