"""Every fault as the real driver meets it, in both profiles, with a tiny engine behind the wire."""

import json
import time
import urllib.error
import urllib.request

import oracledb
import pytest

from oracle_emulator.admin import AdminServer
from oracle_emulator.session.faults import parse

LOST = "DPY-4011"


@pytest.fixture
def arm(context):
    def arm(fault, **settings):
        context.faults.arm([parse({"fault": fault, **settings})])

    return arm


def insert(connection, number=1):
    connection.cursor().execute("insert into t values (:1)", [number])


def wait_for_end(engine):
    assert engine.ended.wait(10)


def test_a_connection_dropped_before_a_commit_leaves_nothing_committed(engine, connect, arm):
    arm("drop", on="commit")
    connection = connect()
    insert(connection)
    with pytest.raises(oracledb.DatabaseError, match=LOST):
        connection.commit()
    assert not connection.is_healthy()
    wait_for_end(engine)
    assert "COMMIT" not in engine.log


def test_a_commit_in_doubt_took_effect_though_nobody_heard_of_it(engine, connect, arm):
    arm("drop", on="commit", moment="after")
    connection = connect()
    insert(connection)
    with pytest.raises(oracledb.DatabaseError, match=LOST):
        connection.commit()
    wait_for_end(engine)
    assert engine.log.count("COMMIT") == 1


def test_a_session_keeps_working_after_its_client_was_cut_off(engine, connect, arm):
    arm("drop", on="commit", moment="during", seconds=1)
    connection = connect()
    insert(connection)
    with pytest.raises(oracledb.DatabaseError, match=LOST):
        connection.commit()
    assert "COMMIT" not in engine.log  # the client knows already; the session is still at it
    wait_for_end(engine)
    assert engine.log[-2:] == ["COMMIT", "CLOSE"]


def test_a_server_that_stops_does_not_wait_for_such_a_session(engine, connect, arm, server):
    arm("drop", on="dml", moment="during", seconds=3600)
    connection = connect()
    with pytest.raises(oracledb.DatabaseError, match=LOST):
        insert(connection)
    server.stop()
    assert engine.rows == []


def test_the_nth_call_is_dropped_and_the_next_connection_works(connect, arm):
    arm("drop", on="query", at=3)
    with connect().cursor() as cursor:
        for _ in range(2):
            cursor.execute("select one from dual").fetchall()
        with pytest.raises(oracledb.DatabaseError, match=LOST):
            cursor.execute("select one from dual")
    with connect().cursor() as cursor:
        assert cursor.execute("select two from dual").fetchall() == [("two",)]


def test_a_code_at_the_nth_execute(engine, connect, arm):
    arm("error", code=1555, on="dml", at=2)
    connection = connect()
    insert(connection, 1)
    with pytest.raises(oracledb.DatabaseError, match="ORA-01555"):
        insert(connection, 2)
    insert(connection, 3)
    assert [row[0] for row in engine.rows] == [1, 3]


def test_a_code_that_hides_what_was_done(engine, connect, arm):
    arm("error", code=12571, on="dml", moment="after")
    connection = connect()
    with pytest.raises(oracledb.OperationalError, match="ORA-12571"):
        insert(connection)
    assert len(engine.rows) == 1


def test_a_delay_ends_by_itself_or_by_the_clients_timeout(engine, connect, arm):
    arm("delay", on="dml", seconds=0.3)
    connection = connect()
    started = time.monotonic()
    insert(connection)
    assert time.monotonic() - started >= 0.3
    arm("delay", on="dml", seconds=3600)
    connection.call_timeout = 200
    with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
        insert(connection)
    connection.call_timeout = 0
    insert(connection)
    assert len(engine.rows) == 2


@pytest.mark.parametrize(("code", "seen"), [(12514, "DPY-6001"), (12516, "12516"), (0, "12528")])
def test_connections_are_refused_as_often_as_wanted(connect, arm, code, seen):
    arm("refuse", code=code, times=2)
    for _ in range(2):
        with pytest.raises(oracledb.OperationalError, match=seen):
            connect()
    assert connect().is_healthy()


def test_a_killed_session(engine, connect, arm):
    arm("kill-session", on="query", at=2)
    connection = connect()
    insert(connection)
    with connection.cursor() as cursor:
        cursor.execute("select one from dual").fetchall()
        with pytest.raises(oracledb.DatabaseError, match=LOST):  # the driver's word for ORA-00028
            cursor.execute("select one from dual").fetchall()
    assert not connection.is_healthy()
    wait_for_end(engine)
    assert "COMMIT" not in engine.log


def test_a_full_tablespace_and_a_locked_table(engine, connect, arm):
    arm("tablespace-full")
    arm("ddl-locked", times=2)
    connection = connect()
    with pytest.raises(oracledb.DatabaseError, match="ORA-01653"):
        insert(connection)
    insert(connection)
    with connection.cursor() as cursor:
        for _ in range(2):
            with pytest.raises(oracledb.DatabaseError, match="ORA-00054"):
                cursor.execute("create table t (n number)")
        cursor.execute("create table t (n number)")
    assert engine.log.count("create table t (n number)") == 1


def call(url, method, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_faults_are_armed_listed_and_cleared_over_http(context, connect):
    admin = AdminServer(context, 0)
    admin.start()
    url = f"http://127.0.0.1:{admin.port}/faults"
    try:
        wanted = [{"fault": "error", "code": 60, "on": "dml"}, {"fault": "refuse", "at": 2}]
        assert call(url, "POST", wanted) == {"armed": 2}
        connection = connect()
        with pytest.raises(oracledb.DatabaseError, match="ORA-00060"):
            insert(connection)
        listed = call(url, "GET")["faults"]
        seen = [(entry["fault"], entry["seen"], entry["struck"]) for entry in listed]
        assert seen == [("error", 1, 1), ("refuse", 1, 0)]
        with pytest.raises(urllib.error.HTTPError, match="400") as refused:
            call(url, "POST", {"fault": "drip"})
        assert b"faults are drop" in refused.value.read()
        refused.value.close()
        call(url, "DELETE")
        assert call(url, "GET") == {"faults": []}
        assert connect().is_healthy()
    finally:
        admin.stop()
