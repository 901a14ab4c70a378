"""Fifty sessions that want the same rows: nothing is lost, nobody waits for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

import oracledb
import pytest

SESSIONS, ROUNDS, ROWS = 50, 6, 3
DEADLOCK = 60


pytestmark = pytest.mark.xdist_group("oracle-emulator-19c")


@pytest.fixture
def server(served):
    return served("19c")


def connect(server):
    return oracledb.connect(user="system", password=server.system_password, dsn=server.dsn)


@pytest.fixture
def counters(server):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("create table counters (id number(9) primary key, total number(9))")
        cursor.executemany("insert into counters values (:1, 0)", [(n,) for n in range(ROWS)])
        connection.commit()
        yield connection
        cursor.execute("drop table counters")


def totals(connection):
    return connection.cursor().execute("select sum(total) from counters").fetchone()[0]


def in_parallel(work):
    """Run `work(number)` in one thread per session, all started together; return the results."""
    barrier = threading.Barrier(SESSIONS)

    def begin(number):
        barrier.wait(60)
        return work(number)

    with ThreadPoolExecutor(SESSIONS) as pool:
        return list(pool.map(begin, range(SESSIONS)))


def test_no_update_is_lost(server, counters):
    def work(number):
        with connect(server) as connection, connection.cursor() as cursor:
            for step in range(ROUNDS):
                cursor.execute(
                    "update counters set total = total + 1 where id = :1", [(number + step) % ROWS]
                )
                connection.commit()

    in_parallel(work)
    assert totals(counters) == SESSIONS * ROUNDS


def test_a_deadlock_is_told_to_one_of_the_two_and_the_other_goes_on(server, counters):
    """Each pair locks its two rows crosswise, and waits for the other in between."""
    pairs = [threading.Barrier(2) for _ in range(SESSIONS // 2)]
    with counters.cursor() as cursor:
        rows = [(n,) for n in range(ROWS, SESSIONS)]
        cursor.executemany("insert into counters values (:1, 0)", rows)
        counters.commit()

    def work(number):
        pair, side = divmod(number, 2)
        update = "update counters set total = total + 1 where id = :1"
        with connect(server) as connection, connection.cursor() as cursor:
            cursor.execute(update, [2 * pair + side])
            pairs[pair].wait(60)
            try:
                cursor.execute(update, [2 * pair + 1 - side])
            except oracledb.DatabaseError as error:
                connection.rollback()
                return error.args[0].code
            connection.commit()
            return 0

    codes = in_parallel(work)
    assert sorted(codes) == [0] * (SESSIONS // 2) + [DEADLOCK] * (SESSIONS // 2)
    assert totals(counters) == SESSIONS  # both rows of every pair, by the one that went on


def test_a_user_who_has_left_can_be_dropped_at_once(server):
    """The end of a session is answered once the session has ended."""
    with connect(server) as system, system.cursor() as cursor:
        for _ in range(20):
            cursor.execute("create user leaver identified by x quota unlimited on users")
            cursor.execute("grant create session, create table to leaver")
            left = oracledb.connect(user="leaver", password="x", dsn=server.dsn)
            with left.cursor() as work:
                work.execute("create global temporary table g (a number) on commit preserve rows")
                work.execute("insert into g values (1)")
                left.commit()
            left.close()
            cursor.execute("drop user leaver cascade")
        cursor.execute("select count(*) from all_users where username = 'LEAVER'")
        assert cursor.fetchone() == (0,)
