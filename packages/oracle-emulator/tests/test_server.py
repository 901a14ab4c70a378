"""The real driver against the wire, with a tiny engine behind it; in both profiles."""

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import oracledb
import pytest

from oracle_emulator.engine.interface import Column, OracleError, OracleType, TypeCode
from oracle_emulator.session.cursors import MAX_OPEN_CURSORS

MOMENT = datetime.fromisoformat("2026-11-23T08:05:09.678901")
LONG_TEXT = "x€\U0001f600" * 20_000


def echo(connection, value, kind=None):
    with connection.cursor() as cursor:
        if kind is not None:
            cursor.setinputsizes(kind)
        (result,) = cursor.execute("select :1 from dual", [value]).fetchone()
        return result.read() if isinstance(result, oracledb.LOB) else result


def test_logon_over_tcp_and_over_tls(server, connect, profile, certificates):
    tls = {
        "dsn": f"tcps://localhost:{server.tcps_port}/FREEPDB1",
        "wallet_location": str(certificates.wallet),
    }
    for options in ({}, tls, tls | {"dsn": f"{tls['dsn']}?sdu=65535"}):
        connection = connect(**options)
        assert connection.version == f"{profile.release[0]}.0.0.0.0"
        assert echo(connection, LONG_TEXT) == LONG_TEXT


def test_tls_needs_the_right_authority(server, connect):
    with pytest.raises(oracledb.OperationalError, match="DPY-6005"):
        connect(dsn=f"tcps://localhost:{server.tcps_port}/FREEPDB1")


@pytest.mark.parametrize(
    ("options", "code"),
    [({"password": "lion"}, "ORA-01017"), ({"user": "nobody"}, "ORA-01017")],
)
def test_who_does_not_know_the_password_stays_out(connect, options, code):
    with pytest.raises(oracledb.DatabaseError, match=code):
        connect(**options)


def test_a_locked_account_says_so(engine, connect):
    engine.status = 28000
    with pytest.raises(oracledb.DatabaseError, match="ORA-28000: The account is locked"):
        connect()


def test_an_unknown_service_or_sid_is_refused(server, connect):
    with pytest.raises(oracledb.OperationalError, match="DPY-6001"):
        connect(dsn=f"127.0.0.1:{server.port}/NOPE")
    params = oracledb.ConnectParams(host="127.0.0.1", port=server.port, sid="NOPE")
    with pytest.raises(oracledb.OperationalError, match="DPY-6003"):
        connect(dsn=params.get_connect_string())


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (7, None),
        (-(10**37), None),
        ("text €", None),
        ("text €", oracledb.DB_TYPE_NVARCHAR),
        ("text", oracledb.DB_TYPE_CHAR),
        (b"\x00\xff", None),
        (None, None),
        (MOMENT, oracledb.DB_TYPE_TIMESTAMP),
        (MOMENT.replace(microsecond=0), None),
        (timedelta(days=-3, microseconds=5), None),
        (oracledb.IntervalYM(-3, -5), None),
        (1.25e300, oracledb.DB_TYPE_BINARY_DOUBLE),
        (-1.5, oracledb.DB_TYPE_BINARY_FLOAT),
        (True, oracledb.DB_TYPE_BOOLEAN),
        (None, oracledb.DB_TYPE_BOOLEAN),
        (LONG_TEXT, None),
        (LONG_TEXT.encode(), None),
        (LONG_TEXT, oracledb.DB_TYPE_LONG),
        (LONG_TEXT, oracledb.DB_TYPE_CLOB),
        (LONG_TEXT, oracledb.DB_TYPE_NCLOB),
        (LONG_TEXT.encode(), oracledb.DB_TYPE_BLOB),
        (None, oracledb.DB_TYPE_CLOB),
    ],
    ids=repr,
)
def test_every_type_comes_back_through_the_driver(connect, value, kind):
    assert echo(connect(), value, kind) == value


def test_decimals_come_back_exactly(connect, monkeypatch):
    monkeypatch.setattr(oracledb.defaults, "fetch_decimals", True)
    connection = connect()
    for text in ("0.1", "-12345678901234567890.0123456789", "1E-100", "99999999999999999999"):
        assert echo(connection, Decimal(text)) == Decimal(text)


def test_a_time_zone_is_applied(connect, engine):
    # The driver sends aware values as UTC, and drops the zone of what it fetches.
    moment = MOMENT.replace(tzinfo=UTC)
    assert echo(connect(), moment, oracledb.DB_TYPE_TIMESTAMP_TZ) == MOMENT


def test_long_binds_stand_behind_the_others_of_their_row(engine, connect):
    with connect().cursor() as cursor:
        cursor.setinputsizes(None, oracledb.DB_TYPE_LONG, None)
        cursor.executemany(
            "insert into t values (:1, :2, :3)",
            [(1, "a" * 70_000, "x"), (2, None, "y"), (3, "b", None)],
        )
    assert engine.rows == [[1, "a" * 70_000, "x"], [2, None, "y"], [3, "b", None]]


def test_ten_thousand_rows_arrive_in_one_round_trip(server, engine, connect):
    rows = [(n, f"name {n}", MOMENT.replace(microsecond=0)) for n in range(10_000)]
    connection = connect()
    server.context.statistics.reset()
    with connection.cursor() as cursor:
        cursor.executemany("insert into t values (:1, :2, :3)", rows)
        assert cursor.rowcount == 10_000
        assert cursor.lastrowid == "AAAR3sAAEAAAACXAAA"
    assert engine.rows == [list(row) for row in rows]
    total = server.context.statistics.snapshot()["total"]
    assert (total["round_trips"], total["parses"], total["rows_received"]) == (1, 1, 10_000)


def test_a_statement_used_again_is_not_parsed_again(server, connect):
    connection = connect()
    server.context.statistics.reset()
    for number in range(3):
        assert echo(connection, number) == number
        with connection.cursor() as cursor:
            cursor.execute("insert into t values (:1)", [number])
    counts = {s["sql"]: s for s in server.context.statistics.snapshot()["statements"]}
    for sql in ("select :1 from dual", "insert into t values (:1)"):
        assert (counts[sql]["parses"], counts[sql]["executions"]) == (1, 3)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100, 101, 2500])
def test_rows_are_fetched_to_the_end(connect, count):
    with connect().cursor() as cursor:
        cursor.arraysize = 100
        rows = cursor.execute(f"select count to {count} from dual").fetchall()
    assert rows == [(n + 1,) for n in range(count)]


@pytest.mark.parametrize("fetch_lobs", [True, False])
def test_lobs_are_read_by_locator_or_inline_again_and_again(connect, monkeypatch, fetch_lobs):
    monkeypatch.setattr(oracledb.defaults, "fetch_lobs", fetch_lobs)
    with connect().cursor() as cursor:
        for _ in range(2):
            (value,) = cursor.execute("select clob from dual").fetchone()
            if fetch_lobs:
                assert (value.size(), value.read(2, 2)) == (4, "lo")
            assert (value.read() if fetch_lobs else value) == "clob"


def test_a_temporary_lob_is_written_measured_trimmed_and_freed(connect):
    connection = connect()
    lob = connection.createlob(oracledb.DB_TYPE_CLOB, "hello world")
    lob.write("W", 7)
    assert (lob.size(), lob.read(7), lob.getchunksize() > 0) == (11, "World", True)
    lob.trim(5)
    lob.open()
    assert lob.isopen()
    lob.close()
    assert echo(connection, lob) == "hello"
    del lob
    connection.ping()


def test_returning_brings_values_per_row(connect):
    with connect().cursor() as cursor:
        ids = cursor.var(int, arraysize=2)
        cursor.setinputsizes(None, ids)
        cursor.executemany("insert into t values (:1) returning id into :2", [(5,), (6,)])
        assert ids.values == [[5], [6]]


def test_batch_errors_and_row_counts(engine, connect):
    with connect().cursor() as cursor:
        cursor.executemany(
            "insert into t values (:1)",
            [(1,), (-1,), (3,), (-1,)],
            batcherrors=True,
            arraydmlrowcounts=True,
        )
        errors = [(error.offset, error.full_code) for error in cursor.getbatcherrors()]
        assert errors == [(1, "ORA-00001"), (3, "ORA-00001")]
        assert cursor.getarraydmlrowcounts() == [1, 0, 1, 0]
        assert cursor.rowcount == 2
    assert engine.rows == [[1], [3]]


def test_a_thousand_batch_errors_fit(connect):
    with connect().cursor() as cursor:
        cursor.executemany("insert into t values (:1)", [(-1,)] * 1000, batcherrors=True)
        assert [error.offset for error in cursor.getbatcherrors()] == list(range(1000))


def test_errors_have_class_code_and_offset_and_the_session_lives(connect):
    with connect().cursor() as cursor:
        with pytest.raises(oracledb.DatabaseError, match="ORA-00942: made to fail") as caught:
            cursor.execute("select fail 942 from t")
        assert caught.value.args[0].offset == 7
        with pytest.raises(oracledb.IntegrityError, match="ORA-00001"):
            cursor.executemany("insert into t values (:1)", [(1,), (2,), (-1,)])
        assert cursor.rowcount == 2
        assert cursor.execute("select still from dual").fetchall() == [("still",)]


def test_a_defect_of_the_engine_is_an_error_and_the_session_lives(connect, caplog):
    connection = connect()
    with connection.cursor() as cursor, pytest.raises(oracledb.DatabaseError, match="ORA-03001"):
        cursor.execute("select bug from t")
    assert echo(connection, 1) == 1
    assert "a call failed unexpectedly" in caplog.text


def test_binds_that_are_not_supported_are_refused_and_the_session_lives(connect):
    connection = connect()
    with connection.cursor() as cursor, connection.cursor() as inner:
        with pytest.raises(oracledb.DatabaseError, match="ORA-03001"):
            cursor.execute("begin x(:1, :2); end;", [inner, 5])
        array = cursor.arrayvar(int, [1, 2, 3])
        with pytest.raises(oracledb.DatabaseError, match="ORA-03001"):
            cursor.execute("begin x(:1, :2); end;", [array, 5])
    assert echo(connection, "still") == "still"


def test_plsql_out_binds(connect):
    with connect().cursor() as cursor:
        text = cursor.var(str)
        for value in ("a", "b"):
            text.setvalue(0, value)
            cursor.execute("begin x(:1, :2); end;", [text, 5])
            assert text.getvalue() == f"out {value}"


def test_transactions(engine, connect):
    connection = connect()
    with connection.cursor() as cursor:
        cursor.execute("insert into t values (:1)", [1])
        assert connection.transaction_in_progress
        connection.rollback()
        assert not connection.transaction_in_progress
        connection.autocommit = True
        engine.log.clear()
        for number in range(2):  # executed, then executed again
            cursor.execute("insert into t values (:1)", [number])
        assert engine.log.count("COMMIT") == 2
        cursor.executemany("insert into t values (:1)", [(1,), (-1,)], batcherrors=True)
        assert engine.log.count("COMMIT") == 2


def test_attributes_reach_the_engine(engine, connect):
    connection = connect()
    connection.module, connection.action = "loader", "apply"
    connection.client_identifier, connection.clientinfo = "run 1", "info"
    connection.current_schema = "OIC"
    connection.ping()
    assert engine.attributes == {
        "MODULE": "loader",
        "ACTION": "apply",
        "CLIENT_IDENTIFIER": "run 1",
        "CLIENT_INFO": "info",
        "CURRENT_SCHEMA": "OIC",
    }
    assert (engine.info.user, engine.info.service_name) == ("SCOTT", "FREEPDB1")


@pytest.mark.parametrize("expired", [False, True])
def test_a_new_password(engine, connect, expired):
    if expired:
        engine.status = 28001
        with pytest.raises(oracledb.DatabaseError, match="ORA-28001"):
            connect()
        connect(newpassword="lion")
    else:
        connect().changepassword("tiger", "lion")
    assert 'ALTER USER "SCOTT" IDENTIFIED BY "lion" REPLACE "tiger"' in engine.log


@pytest.mark.parametrize("tls", [False, True])
def test_a_call_that_takes_too_long_is_cancelled(engine, server, connect, certificates, tls):
    options = {}
    if tls:
        options["dsn"] = f"tcps://localhost:{server.tcps_port}/FREEPDB1"
        options["wallet_location"] = str(certificates.wallet)
    connection = connect(**options)
    connection.call_timeout = 200
    with connection.cursor() as cursor:
        with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
            cursor.execute("select wait from t")
        assert engine.cancelled.is_set()
        connection.call_timeout = 0
        assert cursor.execute("select still from dual").fetchall() == [("still",)]


def test_cancel_from_another_thread(engine, connect):
    connection = connect()
    canceller = threading.Thread(target=lambda: engine.running.wait(10) and connection.cancel())
    canceller.start()
    with connection.cursor() as cursor:
        with pytest.raises(oracledb.OperationalError, match="ORA-01013"):
            cursor.execute("select wait from t")
        canceller.join()
        assert cursor.execute("select still from dual").fetchall() == [("still",)]


def test_cursors_that_are_closed_make_room(connect):
    with connect(stmtcachesize=5).cursor() as cursor:
        for number in range(1100):
            rows = cursor.execute(f"select number{number} from dual").fetchall()
            assert rows == [(f"number{number}",)]


def test_too_many_open_cursors(connect):
    connection = connect(stmtcachesize=2000)
    with connection.cursor() as cursor:
        for number in range(MAX_OPEN_CURSORS):
            cursor.execute(f"select number{number} from dual")
        with pytest.raises(oracledb.DatabaseError, match="ORA-01000"):
            cursor.execute("select too_many from dual")


def test_an_attribute_that_is_refused_fails_the_call_that_brings_it(engine, connect, monkeypatch):
    def refuse(attributes):
        raise OracleError(1435, "user does not exist")

    connection = connect()
    with monkeypatch.context() as patched:
        patched.setattr(engine, "set_attributes", refuse, raising=False)
        connection.current_schema = "NOBODY"
        with pytest.raises(oracledb.DatabaseError, match="ORA-01435"):
            connection.ping()
    assert echo(connection, 1) == 1


def test_a_client_that_fails_while_reading_gets_into_step_again(connect):
    connection = connect()
    with connection.cursor() as cursor:
        cursor.outputtypehandler = lambda cursor, _: cursor.var(
            str, arraysize=cursor.arraysize, outconverter=lambda _: 1 / 0
        )
        with pytest.raises(ZeroDivisionError):
            cursor.execute("select count to 500 from dual").fetchall()
    assert echo(connection, 1) == 1


def test_scrolling(connect):
    with connect().cursor(scrollable=True) as cursor:
        cursor.arraysize = 10
        cursor.execute("select count to 200 from dual")
        assert cursor.fetchone() == (1,)
        cursor.scroll(mode="last")
        assert cursor.fetchone() == (200,)
        cursor.scroll(50, mode="absolute")
        assert cursor.fetchone() == (50,)
        cursor.scroll(-10)
        assert cursor.fetchone() == (40,)


def test_describing_without_executing(engine, connect):
    with connect().cursor() as cursor:
        cursor.parse("select count to 5 from dual")
        assert [(column.name, column.precision) for column in cursor.description] == [("N", 9)]
        cursor.parse("insert into t values (:1)")
    assert engine.rows == []


def test_direct_path_load(engine, connect):
    engine.load_columns = (
        Column("ID", OracleType(TypeCode.NUMBER)),
        Column("NOTE", OracleType(TypeCode.CLOB)),
        Column("AT", OracleType(TypeCode.TIMESTAMP, precision=6)),
        Column("RAW", OracleType(TypeCode.RAW, 2000)),
        Column("NAME", OracleType(TypeCode.VARCHAR, 1000)),
    )
    rows = [(n, "y€" * (n * 500), MOMENT, b"\x01" * n, "z" * n) for n in range(300, 303)]
    rows += [(1, None, None, None, None), (None, "x", MOMENT, b"1", "n")]
    connect().direct_path_load("S", "T", ["ID", "NOTE", "AT", "RAW", "NAME"], rows)
    assert [tuple(row) for row in engine.loaded] == rows


def test_pool_and_threads(connect, server):
    pool = oracledb.create_pool(
        user="scott", password="tiger", dsn=f"127.0.0.1:{server.port}/FREEPDB1", min=2, max=4
    )
    results = []

    def work(start):
        with pool.acquire() as connection:
            results.extend(echo(connection, start + n) for n in range(20))

    threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.close()
    assert sorted(results) == sorted(100 * n + m for n in range(8) for m in range(20))


def test_asyncio_and_pipelines(engine, server):
    async def work():
        connection = await oracledb.connect_async(
            user="scott", password="tiger", dsn=f"127.0.0.1:{server.port}/FREEPDB1"
        )
        pipeline = oracledb.create_pipeline()
        pipeline.add_fetchall("select count to 500 from dual")
        pipeline.add_execute("insert into t values (:1)", [3])
        pipeline.add_execute("select fail 942 from t")
        pipeline.add_fetchone("select :1 from dual", ["z"])
        results = await connection.run_pipeline(pipeline, continue_on_error=True)
        aborting = oracledb.create_pipeline()
        aborting.add_execute("select fail 942 from t")
        aborting.add_execute("insert into t values (:1)", [77])
        with pytest.raises(oracledb.DatabaseError, match="ORA-00942"):
            await connection.run_pipeline(aborting)
        rows = await connection.fetchall("select still from dual")
        await connection.close()
        return results, rows

    results, rows = asyncio.run(work())
    assert len(results[0].rows) == 500
    assert results[2].error.full_code == "ORA-00942"
    assert results[3].rows == [("z",)]
    assert engine.rows == [[3]]
    assert rows == [("still",)]


WAITING = """
import sys, oracledb
connection = oracledb.connect(user="scott", password="tiger", dsn=sys.argv[1])
connection.cursor().execute("select wait from t")
"""


def test_a_client_that_dies_has_its_call_cancelled_and_its_session_ended(engine, server):
    before = set(threading.enumerate())
    dsn = f"127.0.0.1:{server.port}/FREEPDB1"
    client = subprocess.Popen([sys.executable, "-c", WAITING, dsn])
    assert engine.running.wait(20)
    client.kill()
    client.wait()
    assert engine.cancelled.wait(10)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert engine.log[-1] == "CLOSE"


@pytest.mark.parametrize("size", [1, 7, 8, 100, 5000, 300_000])
@pytest.mark.parametrize("seed", range(3))
def test_garbage_is_hung_up_on_and_the_server_lives(server, connect, size, seed):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        with contextlib.suppress(OSError):  # the server may be faster in hanging up
            sock.sendall(random.Random(seed).randbytes(size))
            sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            assert sock.recv(100) == b""
    assert echo(connect(), "still") == "still"


def test_stopping_the_server_ends_calls_and_sessions(engine, server, connect):
    connection = connect()
    failed = []

    def wait():
        with connection.cursor() as cursor:
            try:
                cursor.execute("select wait from t")
            except oracledb.Error as error:
                failed.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert engine.running.wait(10)
    server.stop()
    waiting.join(10)
    assert len(failed) == 1
    assert engine.log[-1] == "CLOSE"
