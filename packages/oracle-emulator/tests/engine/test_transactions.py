"""Transactions, locks, array DML and cancelling: what one session may see and do to another."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from oracle_emulator.engine.interface import OracleError

Client = Any


@pytest.fixture
def table(client: Client) -> str:
    client.run("CREATE TABLE T (ID NUMBER(5) CONSTRAINT PK_T PRIMARY KEY, V VARCHAR2(10))")
    client.run("INSERT INTO T (ID, V) VALUES (:1, :2)", [(i, f"v{i}") for i in range(1, 4)])
    client.session.commit()
    return "T"


def in_thread(work: Any) -> tuple[threading.Thread, list[BaseException]]:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except OracleError as failed:
            failures.append(failed)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, failures


def waiting(system: Client, user: str) -> None:
    """Wait until a session of the user waits for a lock."""
    for _ in range(10_000):
        if system.one(
            "SELECT COUNT(*) FROM V$SESSION WHERE USERNAME = :1 AND BLOCKING_SESSION IS NOT NULL",
            user,
        ):
            return
    raise AssertionError("nobody waits")


def test_other_sessions_see_committed_rows_only(
    client: Client, user: str, connect: Any, table: str
) -> None:
    other = connect(user)
    client.run("UPDATE T SET V = 'new' WHERE ID = 1")
    assert client.session.in_transaction
    assert other.one("SELECT V FROM T WHERE ID = 1") == "v1"
    client.session.commit()
    assert not client.session.in_transaction
    assert other.one("SELECT V FROM T WHERE ID = 1") == "new"


def test_a_query_begins_no_transaction(client: Client, user: str, connect: Any, table: str) -> None:
    other = connect(user)
    cursor = client.run("SELECT * FROM T").cursor
    assert not client.session.in_transaction
    other.run(
        "ALTER TABLE T ADD (W NUMBER)"
    )  # would fail with ORA-00054 if the query held anything
    rows, _more = cursor.fetch(10)
    assert len(rows) == 3


def test_a_failed_statement_leaves_the_transaction_as_it_was(client: Client, table: str) -> None:
    client.run("INSERT INTO T (ID) VALUES (10)")
    assert (
        client.code(
            "INSERT INTO T (ID) SELECT ID + 10 FROM T WHERE ID < 10 UNION ALL SELECT 10 FROM DUAL"
        )
        == 1
    )
    assert client.code("SELECT 1 / 0 FROM DUAL") == 1476
    assert client.session.in_transaction
    client.session.commit()
    assert client.one("SELECT COUNT(*) FROM T") == 4


def test_a_failed_first_statement_begins_nothing(client: Client, table: str) -> None:
    assert client.code("INSERT INTO T (ID) VALUES (1)") == 1
    assert not client.session.in_transaction


def test_ddl_commits_before_and_after_even_when_it_fails(
    client: Client, user: str, connect: Any, table: str
) -> None:
    client.run("INSERT INTO T (ID) VALUES (10)")
    assert client.code("CREATE TABLE T (A NUMBER)") == 955
    client.session.rollback()
    assert connect(user).one("SELECT COUNT(*) FROM T") == 4


def test_array_dml_keeps_the_rows_before_the_failing_one(client: Client, table: str) -> None:
    with pytest.raises(OracleError) as caught:
        client.run("INSERT INTO T (ID) VALUES (:1)", [(i,) for i in (10, 11, 12, 13, 2, 14, 3, 15)])
    assert (caught.value.code, caught.value.rows_done) == (1, 4)
    client.session.commit()
    assert client.one("SELECT COUNT(*) FROM T WHERE ID >= 10") == 4


def test_array_dml_collects_errors(client: Client, table: str) -> None:
    outcome = client.run(
        "INSERT INTO T (ID, V) VALUES (:1, :2)",
        [(10, "a"), (1, "b"), (11, "much too long"), (12, None), (123456, "c"), (13, "d")],
        batch_errors=True,
        row_counts=True,
    )
    assert [(e.offset, e.code) for e in outcome.row_errors] == [(1, 1), (2, 12899), (4, 1438)]
    assert outcome.row_counts == [1, 0, 0, 1, 0, 1]
    assert outcome.row_count == 3


def test_array_update_keeps_the_rows_before_the_failing_one(client: Client, table: str) -> None:
    rows = [("a", 1), ("b", 2), ("much too long", 3), ("d", 1)]
    with pytest.raises(OracleError) as caught:
        client.run("UPDATE T SET V = :1 WHERE ID = :2", rows)
    assert (caught.value.code, caught.value.rows_done) == (12899, 2)
    assert client.rows("SELECT V FROM T ORDER BY ID") == [("a",), ("b",), ("v3",)]
    outcome = client.run("UPDATE T SET V = :1 WHERE ID = :2", rows, batch_errors=True)
    assert [(e.offset, e.code) for e in outcome.row_errors] == [(2, 12899)]
    assert client.rows("SELECT V FROM T ORDER BY ID") == [("d",), ("b",), ("v3",)]


def test_array_update_counts_per_row(client: Client, table: str) -> None:
    outcome = client.run(
        "UPDATE T SET V = :1 WHERE ID >= :2", [("x", 1), ("y", 3), ("z", 9)], row_counts=True
    )
    assert outcome.row_counts == [3, 1, 0]
    assert (
        client.run("UPDATE T SET V = :1 WHERE ID >= :2", [("x", 1), ("y", 3), ("z", 9)]).row_count
        == 4
    )


def test_returning_into(client: Client, table: str) -> None:
    outcome = client.run("DELETE FROM T WHERE ID >= :1 RETURNING ID, V INTO :2, :3", [(2,)])
    assert sorted(outcome.returned[0]) == [(2, "v2"), (3, "v3")]
    outcome = client.run("INSERT INTO T (ID) VALUES (:1) RETURNING ID INTO :2", [(20,), (21,)])
    assert outcome.returned == [[(20,)], [(21,)]]


def test_row_locks_wait(
    client: Client, user: str, connect: Any, system: Client, table: str
) -> None:
    other = connect(user)
    client.run("UPDATE T SET V = 'a' WHERE ID = 1")
    thread, failures = in_thread(lambda: other.run("UPDATE T SET V = V || 'b' WHERE ID = 1"))
    waiting(system, user)
    client.session.commit()
    thread.join()
    other.session.commit()
    assert failures == []
    assert client.one("SELECT V FROM T WHERE ID = 1") == "ab"


def test_for_update_nowait_and_wait(client: Client, user: str, connect: Any, table: str) -> None:
    other = connect(user)
    client.run("SELECT * FROM T WHERE ID = 1 FOR UPDATE")
    assert client.session.in_transaction
    assert other.code("SELECT * FROM T WHERE ID = 1 FOR UPDATE NOWAIT") == 54
    assert other.code("SELECT * FROM T WHERE ID = 1 FOR UPDATE WAIT 1") == 30006
    assert not other.session.in_transaction
    assert len(other.rows("SELECT * FROM T WHERE ID = 2 FOR UPDATE NOWAIT")) == 1


def test_ddl_on_a_busy_table(client: Client, user: str, connect: Any, table: str) -> None:
    other = connect(user)
    client.run("UPDATE T SET V = 'a' WHERE ID = 1")
    assert other.code("ALTER TABLE T ADD (W NUMBER)") == 54


def test_ddl_lock_timeout_is_honoured(
    client: Client, user: str, connect: Any, system: Client, table: str
) -> None:
    other = connect(user)
    other.run("ALTER SESSION SET DDL_LOCK_TIMEOUT = 60")
    client.run("UPDATE T SET V = 'a' WHERE ID = 1")
    thread, failures = in_thread(lambda: other.run("ALTER TABLE T ADD (W NUMBER)"))
    waiting(system, user)
    client.session.commit()
    thread.join()
    assert failures == []
    assert client.one("SELECT COUNT(*) FROM USER_TAB_COLUMNS WHERE TABLE_NAME = 'T'") == 3


def test_deadlock(client: Client, user: str, connect: Any, system: Client, table: str) -> None:
    other = connect(user)
    client.run("UPDATE T SET V = 'a' WHERE ID = 1")
    other.run("UPDATE T SET V = 'b' WHERE ID = 2")

    def step(session: Client, statement: str) -> None:
        try:
            session.run(statement)
        finally:
            session.session.rollback()  # the other one goes on when the victim gives up its locks

    thread, failures = in_thread(lambda: step(other, "UPDATE T SET V = 'b' WHERE ID = 1"))
    waiting(system, user)
    try:
        step(client, "UPDATE T SET V = 'a' WHERE ID = 2")
    except OracleError as failed:
        failures.append(failed)
    thread.join()
    assert [failed.code for failed in failures if isinstance(failed, OracleError)] == [60]


def test_unique_key_waits_for_the_other_transaction(
    client: Client, user: str, connect: Any, system: Client, table: str
) -> None:
    other = connect(user)
    client.run("INSERT INTO T (ID) VALUES (50)")
    thread, failures = in_thread(lambda: other.run("INSERT INTO T (ID) VALUES (50)"))
    waiting(system, user)
    client.session.commit()
    thread.join()
    assert [getattr(failed, "code", 0) for failed in failures] == [1]


def test_cancel(client: Client, user: str, connect: Any, system: Client, table: str) -> None:
    other = connect(user)
    client.run("UPDATE T SET V = 'a' WHERE ID = 1")
    other.run("UPDATE T SET V = 'kept' WHERE ID = 2")
    thread, failures = in_thread(lambda: other.run("UPDATE T SET V = 'b' WHERE ID = 1"))
    waiting(system, user)
    other.session.cancel()
    thread.join()
    assert [getattr(failed, "code", 0) for failed in failures] == [1013]
    other.session.commit()
    assert client.one("SELECT V FROM T WHERE ID = 2") == "kept"


def test_savepoints(client: Client, table: str) -> None:
    assert client.code("ROLLBACK TO SAVEPOINT NOPE") == 1086
    client.run("INSERT INTO T (ID) VALUES (10)")
    client.run("SAVEPOINT A")
    client.run("INSERT INTO T (ID) VALUES (11)")
    client.run("ROLLBACK TO A")
    assert client.code("ROLLBACK TO SAVEPOINT NOPE") == 1086
    client.run("COMMIT")
    assert client.one("SELECT COUNT(*) FROM T") == 4
    client.run("INSERT INTO T (ID) VALUES (12)")
    client.run("ROLLBACK WORK")
    assert client.one("SELECT COUNT(*) FROM T") == 4


def test_closing_rolls_back(client: Client, user: str, connect: Any, table: str) -> None:
    other = connect(user)
    other.run("DELETE FROM T")
    other.session.close()
    assert client.one("SELECT COUNT(*) FROM T") == 3
    assert other.code("SELECT 1 FROM DUAL") == 1012


def test_temporary_rows_are_private(client: Client, user: str, connect: Any) -> None:
    client.run("CREATE GLOBAL TEMPORARY TABLE G (A NUMBER(3) CONSTRAINT PK_G PRIMARY KEY, B "
               "VARCHAR2(3)) "
               "ON COMMIT PRESERVE ROWS")  # fmt: skip
    other = connect(user)
    client.run("INSERT INTO G (A, B) VALUES (:1, :2)", [(i, "x") for i in range(5)])
    client.session.commit()
    assert client.one("SELECT COUNT(*) FROM G") == 5
    assert other.one("SELECT COUNT(*) FROM G") == 0
    assert (
        client.error("INSERT INTO G (A) VALUES (1)").text
        == f"unique constraint ({user}.PK_G) violated"
    )
    too_long = f'value too large for column "{user}"."G"."B" (actual: 4, maximum: 3)'
    assert client.error("INSERT INTO G (A, B) VALUES (9, 'abcd')").text == too_long
    client.run("TRUNCATE TABLE G")
    assert client.one("SELECT COUNT(*) FROM G") == 0


def test_a_temporary_table_first_used_in_a_rolled_back_transaction(
    client: Client, table: str
) -> None:
    client.run("CREATE GLOBAL TEMPORARY TABLE G (A NUMBER)")
    client.run("UPDATE T SET V = 'a' WHERE ID = 1")
    client.run("INSERT INTO G (A) VALUES (1)")
    client.session.rollback()
    client.run("INSERT INTO G (A) VALUES (2)")
    assert client.rows("SELECT G.A FROM G") == [(2,)]
    client.session.commit()
    assert client.rows("SELECT A FROM G") == []
    client.run("ALTER TABLE G ADD (B VARCHAR2(5))")
    client.run("INSERT INTO G (A, B) VALUES (3, 'x')")
    assert client.rows("SELECT * FROM G") == [(3, "x")]
    client.session.commit()
    client.run("DROP TABLE G")
    assert client.code("SELECT * FROM G") == 942


def test_a_temporary_table_in_use_is_not_changed(client: Client, table: str) -> None:
    client.run("CREATE GLOBAL TEMPORARY TABLE G (A NUMBER) ON COMMIT PRESERVE ROWS")
    client.run("INSERT INTO G (A) VALUES (1)")
    assert client.code("DROP TABLE G") == 14452
    assert client.code("ALTER TABLE G ADD (B NUMBER)") == 14452
    assert client.rows("SELECT * FROM G") == [(1,)]
    client.run("TRUNCATE TABLE G")
    client.run("DROP TABLE G")


def test_rows_into_a_view_are_not_lost(client: Client, table: str) -> None:
    client.run("CREATE VIEW W AS SELECT ID, V FROM T")
    client.run("INSERT INTO W (ID, V) VALUES (:1, :2)", [(i, "w") for i in range(10, 20)])
    assert client.one("SELECT COUNT(*) FROM T WHERE V = 'w'") == 10


DROP_IF_EXISTS = """BEGIN EXECUTE IMMEDIATE 'DROP TABLE T'; EXCEPTION WHEN OTHERS THEN
  IF SQLCODE != -942 THEN RAISE; END IF; END;"""


def test_known_blocks(client: Client, table: str) -> None:
    client.run("BEGIN NULL; END;")
    client.run(DROP_IF_EXISTS)
    client.run(DROP_IF_EXISTS)
    assert client.code("SELECT * FROM T") == 942
    assert client.code("BEGIN EXECUTE IMMEDIATE 'DROP TABLE T'; END;") == 942
    assert client.code(DROP_IF_EXISTS.replace("DROP TABLE T", "CREATE TABLE T (A NOTHING)")) == 902
    client.run("BEGIN DBMS_APPLICATION_INFO.SET_MODULE(:m, 'step'); END;", [("loader",)])
    assert client.one("SELECT SYS_CONTEXT('USERENV', 'MODULE') FROM DUAL") == "loader"
    assert (
        client.code("BEGIN EXECUTE IMMEDIATE 'CREATE TABLE Z (A NUMBER)'; OTHER.THING; END;")
        == 6550
    )
    assert client.code("SELECT * FROM Z") == 942  # nothing of an unknown block is run
