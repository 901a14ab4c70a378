"""The procedures of packages that a block may call, and what they leave behind."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from oracle_emulator.engine.interface import OracleError

Client = Any
STATISTICS = (
    "SELECT NUM_ROWS, BLOCKS, AVG_ROW_LEN, STATTYPE_LOCKED FROM USER_TAB_STATISTICS "
    "WHERE TABLE_NAME = 'T'"
)


@pytest.fixture
def table(client: Client) -> str:
    client.run("CREATE TABLE T (ID NUMBER(5), V VARCHAR2(10))")
    client.run("INSERT INTO T (ID, V) VALUES (:1, :2)", [(n, f"v{n}") for n in range(7)])
    client.session.commit()
    return "T"


def test_statistics_are_gathered(client: Client, user: str, table: str) -> None:
    assert client.rows(STATISTICS) == [(None, None, None, None)]
    client.run(f"BEGIN DBMS_STATS.GATHER_TABLE_STATS('{user}', 'T', CASCADE => TRUE); END;")
    assert client.one("SELECT NUM_ROWS FROM USER_TABLES WHERE TABLE_NAME = 'T'") == 7
    assert client.one(
        "SELECT COUNT(*) FROM USER_TABLES WHERE TABLE_NAME = 'T' AND LAST_ANALYZED IS NOT NULL"
    )


def test_statistics_are_set_locked_and_deleted(client: Client, user: str, table: str) -> None:
    client.run(
        "BEGIN DBMS_STATS.SET_TABLE_STATS(ownname => :o, tabname => :t, numrows => :n, "
        "numblks => 10, avgrlen => 120, no_invalidate => FALSE); END;",
        [(user, "t", 50000)],
    )
    assert client.rows(STATISTICS) == [(50000, 10, 120, None)]
    client.run("BEGIN DBMS_STATS.LOCK_TABLE_STATS(USER, 'T'); END;")
    assert client.rows(STATISTICS) == [(50000, 10, 120, "ALL")]
    gather = "BEGIN DBMS_STATS.GATHER_TABLE_STATS(NULL, 'T'{}); END;"
    assert client.error(gather.format("")).code == 20005
    client.run(gather.format(", FORCE => TRUE"))
    assert client.one("SELECT NUM_ROWS FROM USER_TABLES WHERE TABLE_NAME = 'T'") == 7
    client.run("BEGIN DBMS_STATS.UNLOCK_TABLE_STATS(USER, 'T'); END;")
    client.run("BEGIN DBMS_STATS.DELETE_TABLE_STATS(USER, 'T'); END;")
    assert client.rows(STATISTICS) == [(None, None, None, None)]


def test_statistics_of_a_temporary_table(client: Client) -> None:
    client.run("CREATE GLOBAL TEMPORARY TABLE G (A NUMBER) ON COMMIT PRESERVE ROWS")
    client.run("BEGIN DBMS_STATS.SET_TABLE_STATS(USER, 'G', NUMROWS => 1000); END;")
    client.run("BEGIN DBMS_STATS.LOCK_TABLE_STATS(USER, 'G'); END;")
    assert client.rows(STATISTICS.replace("'T'", "'G'")) == [(1000, None, None, "ALL")]


def test_statistics_need_a_table_of_ones_own(
    client: Client, user: str, system: Client, table: str, connect: Any
) -> None:
    gather = f"BEGIN DBMS_STATS.GATHER_TABLE_STATS('{user}', 'T'); END;"
    assert client.error(gather.replace("'T'", "'NOPE'")).code == 20000
    system.run(f"CREATE USER {user}_2 IDENTIFIED BY x")
    system.run(f"GRANT CREATE SESSION TO {user}_2")
    client.run(f"GRANT SELECT ON T TO {user}_2")
    other = connect(f"{user}_2")
    assert other.error(gather).code == 20000
    system.run(f"GRANT ANALYZE ANY TO {user}_2")
    other.run(gather)
    assert client.one("SELECT NUM_ROWS FROM USER_TABLES WHERE TABLE_NAME = 'T'") == 7


def test_statistics_commit_the_transaction(client: Client, table: str) -> None:
    client.run("DELETE FROM T WHERE ID = 1")
    client.run("BEGIN DBMS_STATS.GATHER_TABLE_STATS(USER, 'T'); END;")
    assert not client.session.in_transaction
    client.session.rollback()
    assert client.one("SELECT COUNT(*) FROM T") == 6


@pytest.mark.parametrize(
    "block",
    [
        "BEGIN DBMS_STATS.GATHER_TABLE_STATS('A'); END;",
        "BEGIN DBMS_STATS.GATHER_TABLE_STATS('A', 'T', TABNAME => 'T'); END;",
        "BEGIN DBMS_STATS.GATHER_TABLE_STATS('A', 'T', NOTHING => 1); END;",
        "BEGIN DBMS_STATS.GATHER_TABLE_STATS('A' 'T'); END;",
        "BEGIN DBMS_STATS.GATHER_TABLE_STATS('A', 'T' || 'U'); END;",
        "BEGIN DBMS_STATS.LOCK_TABLE_STATS('A', 'T', 'U'); END;",
        "BEGIN DBMS_SESSION.SLEEP; END;",
        "BEGIN DBMS_STATS.GATHER_SCHEMA_STATS('A'); END;",
    ],
)
def test_calls_that_do_not_fit_are_refused(client: Client, table: str, block: str) -> None:
    assert client.code(block) == 6550


def test_sleep_and_output(client: Client) -> None:
    client.run(
        "BEGIN DBMS_OUTPUT.ENABLE; DBMS_SESSION.SLEEP(0.01); DBMS_LOCK.SLEEP(:1); END;", [(0,)]
    )
    client.run("BEGIN DBMS_SESSION.SET_IDENTIFIER('me'); END;")
    assert client.one("SELECT SYS_CONTEXT('USERENV', 'CLIENT_IDENTIFIER') FROM DUAL") == "me"
    client.run("BEGIN DBMS_SESSION.CLEAR_IDENTIFIER; END;")
    assert client.one("SELECT SYS_CONTEXT('USERENV', 'CLIENT_IDENTIFIER') FROM DUAL") is None


def test_a_cancelled_sleep_leaves_the_transaction(
    client: Client, user: str, system: Client, table: str
) -> None:
    client.run("DELETE FROM T WHERE ID = 1")
    codes: list[int] = []

    def sleep() -> None:
        try:
            client.run("BEGIN DBMS_SESSION.SLEEP(600); END;")
        except OracleError as failed:
            codes.append(failed.code)

    thread = threading.Thread(target=sleep)
    thread.start()
    active = f"SELECT COUNT(*) FROM V$SESSION WHERE USERNAME = '{user}' AND EVENT = 'PgSleep'"
    while not system.one(active):
        assert thread.is_alive()
    client.session.cancel()
    thread.join()
    assert codes == [1013]
    assert client.session.in_transaction
    assert client.one("SELECT COUNT(*) FROM T") == 6
