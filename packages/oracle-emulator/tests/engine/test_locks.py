"""Whole tables: who may lock them, load them, and take them away from a reader."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from oracle_emulator.engine.interface import OracleError

Client = Any


@pytest.fixture
def table(client: Client) -> str:
    client.run("CREATE TABLE T (ID NUMBER(5) CONSTRAINT PK_T PRIMARY KEY, V VARCHAR2(10))")
    client.run("INSERT INTO T (ID, V) VALUES (:1, :2)", [(n, f"v{n}") for n in range(50)])
    client.session.commit()
    return "T"


def opened(client: Client, query: str) -> Any:
    """A cursor from which one row was read."""
    cursor = client.run(query).cursor
    assert len(cursor.fetch(1)[0]) == 1
    return cursor


def code_of(work: Any) -> int:
    with pytest.raises(OracleError) as caught:
        work()
    return caught.value.code


@pytest.mark.parametrize("statement", ["TRUNCATE TABLE T", "DROP TABLE T PURGE"])
def test_a_reader_loses_a_table_that_is_truncated_or_dropped(
    client: Client, user: str, connect: Any, table: str, statement: str
) -> None:
    other = connect(user)
    mine, others = opened(client, "SELECT ID FROM T"), opened(other, "SELECT A.ID FROM T A, DUAL")
    elsewhere = opened(other, "SELECT * FROM ALL_OBJECTS")
    client.run(statement)
    assert code_of(lambda: mine.fetch(1)) == 8103
    assert code_of(lambda: others.fetch(1)) == 8103
    assert elsewhere.fetch(1)[0]


def test_a_reader_is_not_disturbed_by_other_ddl_or_by_dml(
    client: Client, user: str, connect: Any, table: str
) -> None:
    other = connect(user)
    client.run("CREATE TABLE U (A NUMBER)")
    cursor = opened(other, "SELECT ID FROM T")
    client.run("TRUNCATE TABLE U")
    client.run("DROP TABLE U")
    client.run("ALTER TABLE T ADD (W NUMBER)")
    client.run("DELETE FROM T")
    client.session.commit()
    assert len(cursor.fetch(100)[0]) == 49
    assert other.one("SELECT COUNT(*) FROM T") == 0


def test_a_table_made_anew_is_read_again(client: Client, table: str) -> None:
    client.run("TRUNCATE TABLE T")
    client.run("INSERT INTO T (ID) VALUES (1)")
    assert client.rows("SELECT ID FROM T") == [(1,)]


def test_a_truncated_temporary_table_is_nobody_elses_matter(
    client: Client, user: str, connect: Any
) -> None:
    client.run("CREATE GLOBAL TEMPORARY TABLE G (A NUMBER) ON COMMIT PRESERVE ROWS")
    other = connect(user)
    other.run("INSERT INTO G (A) VALUES (:1)", [(n,) for n in range(5)])
    other.session.commit()
    cursor = opened(other, "SELECT A FROM G")
    client.run("TRUNCATE TABLE G")
    assert len(cursor.fetch(10)[0]) == 4


def test_an_exclusive_lock_is_one_sessions(
    client: Client, user: str, connect: Any, table: str
) -> None:
    other = connect(user)
    client.run("LOCK TABLE T IN EXCLUSIVE MODE NOWAIT")
    client.run("LOCK TABLE T IN EXCLUSIVE MODE NOWAIT")
    for statement in (
        "LOCK TABLE T IN EXCLUSIVE MODE NOWAIT",
        "LOCK TABLE T IN ROW SHARE MODE NOWAIT",
        "LOCK TABLE T IN EXCLUSIVE MODE WAIT 1",
        "TRUNCATE TABLE T",
    ):
        assert other.code(statement) == 54
    assert other.one("SELECT COUNT(*) FROM T") == 50  # readers are never locked out
    assert code_of(lambda: other.session.direct_path(None, "T", ["ID"])) == 54
    client.session.commit()
    other.run("LOCK TABLE T IN EXCLUSIVE MODE NOWAIT")


def test_an_uncommitted_row_keeps_others_from_the_whole_table(
    client: Client, user: str, connect: Any, table: str
) -> None:
    other = connect(user)
    other.run("UPDATE T SET V = 'x' WHERE ID = 1")
    assert client.code("LOCK TABLE T IN EXCLUSIVE MODE NOWAIT") == 54
    assert code_of(lambda: client.session.direct_path(None, "T", ["ID"])) == 54


def test_a_direct_path_load_holds_the_table_and_commits(
    client: Client, user: str, connect: Any, table: str
) -> None:
    other = connect(user)
    client.run("UPDATE T SET V = 'mine' WHERE ID = 1")
    load = client.session.direct_path(None, "T", ["ID", "V"])
    load.load([(100, "a"), (101, "b")])
    assert other.code("LOCK TABLE T IN EXCLUSIVE MODE NOWAIT") == 54
    assert other.one("SELECT COUNT(*) FROM T") == 50
    load.finish()
    client.session.rollback()
    assert other.one("SELECT COUNT(*) FROM T") == 52
    assert other.one("SELECT V FROM T WHERE ID = 1") == "mine"
    other.run("LOCK TABLE T IN EXCLUSIVE MODE NOWAIT")


def test_locking_needs_a_right(client: Client, user: str, system: Client, connect: Any) -> None:
    client.run("CREATE TABLE T (A NUMBER)")
    system.run(f"CREATE USER {user}_2 IDENTIFIED BY x")
    system.run(f"GRANT CREATE SESSION TO {user}_2")
    other = connect(f"{user}_2")
    lock = f"LOCK TABLE {user}.T IN EXCLUSIVE MODE NOWAIT"
    assert other.code(lock) == 942
    client.run(f"GRANT SELECT, INSERT, UPDATE ON T TO {user}_2")
    other.run(lock)


def test_the_session_in_the_way_can_be_named(
    client: Client, user: str, connect: Any, system: Client, table: str
) -> None:
    other = connect(user)
    client.session.set_attributes({"module": "in the way"})
    client.run("UPDATE T SET V = 'a' WHERE ID = 1")
    failures: list[int] = []

    def wait() -> None:
        try:
            other.run("SELECT ID FROM T WHERE ID = 1 FOR UPDATE WAIT 60")
        except OracleError as failed:
            failures.append(failed.code)

    thread = threading.Thread(target=wait)
    thread.start()
    blocking = (
        "SELECT B.SID, B.SERIAL#, B.USERNAME, B.MODULE FROM V$SESSION W JOIN V$SESSION B "
        "ON B.SID = W.BLOCKING_SESSION WHERE W.SID = :1"
    )
    waiting_id = other.session.info.session_id
    while not (found := system.rows(blocking, waiting_id)):
        assert thread.is_alive()
    info = client.session.info
    assert found == [(info.session_id, info.serial, user, "in the way")]
    holders = (
        "SELECT L.SESSION_ID FROM V$LOCKED_OBJECT L JOIN ALL_OBJECTS O "
        "ON O.OBJECT_ID = L.OBJECT_ID WHERE O.OWNER = :1 AND O.OBJECT_NAME = 'T'"
    )
    assert (info.session_id,) in system.rows(holders, user)
    client.session.rollback()
    thread.join()
    assert failures == []


def test_columns_are_added_renamed_and_dropped(client: Client, user: str, table: str) -> None:
    client.run('ALTER TABLE T ADD ("_SDC_DELETED_AT" TIMESTAMP DEFAULT NULL)')
    client.run("ALTER TABLE T ADD (W NUMBER DEFAULT NULL CONSTRAINT CK_W CHECK (W > 0))")
    client.run("ALTER TABLE T RENAME COLUMN W TO X")
    client.run("ALTER TABLE T MODIFY (X DEFAULT NULL)")
    assert client.rows('SELECT X, "_SDC_DELETED_AT" FROM T WHERE ID = 1') == [(None, None)]
    client.run("ALTER TABLE T DROP COLUMN X")
    assert client.code("SELECT X FROM T") == 904
