"""What one session leaves in PostgreSQL, and what of it another finds: nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Client = Any
Connect = Callable[[str], Any]
MODULE = "SELECT SYS_CONTEXT('USERENV', 'MODULE') FROM DUAL"
ZONE = "SELECT SESSIONTIMEZONE FROM DUAL"


def backend(client: Client) -> int:
    return int(client.session.run.info.backend_pid)


@pytest.fixture
def tables(client: Client) -> Client:
    client.run("CREATE TABLE T (A NUMBER(5))")
    client.run("CREATE GLOBAL TEMPORARY TABLE G (A NUMBER(5)) ON COMMIT PRESERVE ROWS")
    return client


def test_a_session_is_as_if_new_where_another_has_been(
    tables: Client, user: str, connect: Connect
) -> None:
    left = connect(user)
    module, zone = left.one(MODULE), left.one(ZONE)
    left.session.set_attributes({"module": "of the first", "client_info": "its own"})
    left.run("ALTER SESSION SET TIME_ZONE = '+05:00'")
    left.run("INSERT INTO G (A) VALUES (1)")
    left.session.commit()
    left.run("INSERT INTO T (A) VALUES (1)")
    left.session.close()
    tables.run("LOCK TABLE T IN EXCLUSIVE MODE NOWAIT")  # its transaction is over
    tables.session.rollback()
    after = connect(user)
    assert backend(after) == backend(left)
    assert (after.one(MODULE), after.one(ZONE)) == (module, zone)
    assert after.one("SELECT SYS_CONTEXT('USERENV', 'CLIENT_INFO') FROM DUAL") is None
    assert after.one("SELECT COUNT(*) FROM G") == after.one("SELECT COUNT(*) FROM T") == 0


def test_another_user_has_no_rights_of_the_last(
    tables: Client, user: str, system: Client, connect: Connect
) -> None:
    system.run(f"CREATE USER {user}_2 IDENTIFIED BY x")
    system.run(f"GRANT CREATE SESSION TO {user}_2")
    left = connect(user)
    left.session.close()
    after = connect(f"{user}_2")
    assert backend(after) == backend(left)
    assert after.one("SELECT USER FROM DUAL") == f"{user}_2"
    assert after.code(f"SELECT A FROM {user}.T") == 942
    assert after.code("SELECT A FROM T") == 942


def test_what_was_cancelled_or_still_runs_serves_nobody_else(
    tables: Client, user: str, connect: Connect
) -> None:
    cancelled, fetched, gone = (connect(user) for _ in range(3))
    cancelled.session.cancel()
    cursor = fetched.session.run.cursor()
    rows = cursor.stream("SELECT generate_series(1, 100000)")
    assert next(rows) == (1,)
    gone.session.run.close()
    for each in (cancelled, fetched, gone):
        each.session.close()
        assert each.session.run.closed
    assert connect(user).one("SELECT 1 FROM DUAL") == 1


def test_what_a_session_set_outlives_each_kind_of_rollback(client: Client) -> None:
    def assert_set() -> None:
        assert (client.one(MODULE), client.one(ZONE)) == ("m", "+05:00")

    client.run("CREATE TABLE T (A NUMBER(5))")
    client.run("INSERT INTO T (A) VALUES (1)")
    client.run("SAVEPOINT HERE")
    client.session.set_attributes({"module": "m"})
    client.run("ALTER SESSION SET TIME_ZONE = '+05:00'")
    client.run("ROLLBACK TO SAVEPOINT HERE")
    assert_set()
    assert client.code("INSERT INTO T (A) VALUES ('x')") == 1722
    assert_set()
    client.session.rollback()
    assert_set()
    client.run("INSERT INTO T (A) VALUES (1)")
    client.session.rollback()  # nothing was set in it
    assert_set()
    client.session.set_attributes({"module": "m"})
    assert_set()
