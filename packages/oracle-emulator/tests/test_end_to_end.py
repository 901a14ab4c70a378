"""The real driver, the wire and the engine together: what a loader does to a database."""

import threading
from datetime import datetime, timedelta
from decimal import Decimal

import oracledb
import pytest

MOMENT = datetime.fromisoformat("2026-11-23T08:05:09.678901")
DAY = datetime.fromisoformat("2026-11-23T08:05:09")
OWNER, PASSWORD = "LOADER", "Secret#1"


@pytest.fixture(scope="module")
def database(served_release):
    server = served_release
    options = {"user": "system", "password": server.system_password, "dsn": server.dsn}
    with oracledb.connect(**options) as connection, connection.cursor() as cursor:
        cursor.execute(f'create user {OWNER} identified by "{PASSWORD}" quota unlimited on users')
        cursor.execute(f"grant create session, create table to {OWNER}")
    return server


@pytest.fixture
def connection(database):
    with connect(database) as connection:
        yield connection


def connect(server, **options):
    return oracledb.connect(**({"user": OWNER, "password": PASSWORD, "dsn": server.dsn} | options))


@pytest.fixture
def table(connection, request):
    name = f"T{abs(hash(request.node.name)) % 10**8}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"create table {name} (id number(18) not null, name varchar2(20), amount number(38,10),"
            f" at timestamp(6), day date, raw_data raw(20), note clob, picture blob,"
            f" constraint pk_{name} primary key (id))"
        )
        yield name
        connection.rollback()
        cursor.execute(f"drop table {name}")


def count(connection, table):
    with connection.cursor() as cursor:
        return cursor.execute(f"select count(*) from {table}").fetchone()[0]


def test_over_tls_with_the_wallet(database):
    with connect(
        database, dsn=database.tcps_dsn, wallet_location=str(database.wallet_location)
    ) as connection:
        assert connection.cursor().execute("select user from dual").fetchone() == (OWNER,)


def test_a_wrong_password_and_an_unknown_service(database):
    with pytest.raises(oracledb.DatabaseError, match="ORA-01017"):
        connect(database, password="wrong")
    with pytest.raises(oracledb.OperationalError, match="DPY-6001"):
        connect(database, dsn=f"localhost:{database.port}/NOPE")


def test_a_proxy_opens_sessions_of_another_user(database):
    system = {"user": "system", "password": database.system_password, "dsn": database.dsn}
    with oracledb.connect(**system) as admin, admin.cursor() as cursor:
        cursor.execute('create user through identified by "Way#1"')

        def refused():
            with pytest.raises(oracledb.DatabaseError) as caught:
                connect(database, user=f"through[{OWNER}]", password="Way#1")
            return caught.value.args[0].full_code

        assert refused() == "ORA-01045"
        cursor.execute("grant create session to through")
        assert refused() == "ORA-28150"
        cursor.execute(f"alter user {OWNER} grant connect through through")
        with connect(database, user=f"through[{OWNER}]", password="Way#1") as proxied:
            row = proxied.cursor().execute(
                "select user, sys_context('userenv', 'proxy_user'),"
                " sys_context('userenv', 'current_schema') from dual"
            )
            assert row.fetchone() == (OWNER, "THROUGH", OWNER)
            proxied.cursor().execute("create table made_by_proxy (a number)")
        shown = cursor.execute("select owner from all_tables where table_name = 'MADE_BY_PROXY'")
        assert shown.fetchall() == [(OWNER,)]
        cursor.execute(f"drop table {OWNER}.made_by_proxy")
        cursor.execute(f"alter user {OWNER} account lock")
        assert refused() == "ORA-28000"
        cursor.execute(f"alter user {OWNER} account unlock revoke connect through through")
        assert refused() == "ORA-28150"
        cursor.execute("drop user through")


def test_a_truncated_table_ends_a_readers_result(database, connection, table):
    with connection.cursor() as cursor, connect(database) as other:
        cursor.executemany(f"insert into {table} (id) values (:1)", [(n,) for n in range(500)])
        connection.commit()
        reading = other.cursor()
        reading.arraysize = reading.prefetchrows = 10
        reading.execute(f"select id from {table}")
        assert reading.fetchone() is not None
        cursor.execute(f"truncate table {table}")
        with pytest.raises(oracledb.DatabaseError, match="ORA-08103"):
            reading.fetchall()
        assert count(other, table) == 0


def test_rows_of_every_type_are_read_back_as_they_were_written(connection, table, monkeypatch):
    monkeypatch.setattr(oracledb.defaults, "fetch_lobs", False)
    monkeypatch.setattr(oracledb.defaults, "fetch_decimals", True)
    rows = [
        (n, f"n€{n}", Decimal(n) / 7, MOMENT, DAY, bytes([n % 256]), "x€" * n, b"\x01\x02" * n)
        for n in range(1, 301)
    ]
    rows += [(1000, None, None, None, None, None, None, None)]
    rows = [(a, b, c and round(c, 10), *rest) for a, b, c, *rest in rows]
    with connection.cursor() as cursor:
        cursor.setinputsizes(
            None, 20, None, oracledb.DB_TYPE_TIMESTAMP, None, oracledb.DB_TYPE_RAW,
            oracledb.DB_TYPE_LONG, oracledb.DB_TYPE_LONG_RAW,
        )  # fmt: skip
        places = ", ".join(f":{n}" for n in range(1, 9))
        cursor.executemany(f"insert into {table} values ({places})", rows)
        assert cursor.rowcount == len(rows)
        connection.commit()
        assert cursor.execute(f"select * from {table} order by id").fetchall() == rows


@pytest.mark.parametrize(
    ("expression", "value", "kind"),
    [
        ("cast(:1 as number)", Decimal("12345678901234567890.0123456789"), None),
        ("cast(:1 as varchar2(100))", "text €", None),
        ("cast(:1 as timestamp(6))", MOMENT, oracledb.DB_TYPE_TIMESTAMP),
        ("cast(:1 as date)", DAY, None),
        (":1", "text €", None),
        (":1", Decimal("0.1"), None),
        (":1", DAY, None),
        (":1", b"\x00\xff", None),
        (":1", 1.5, oracledb.DB_TYPE_BINARY_DOUBLE),
        (":1", timedelta(days=3, microseconds=5), None),
        (":1", None, None),
    ],
    ids=repr,
)
def test_binds_come_back(connection, monkeypatch, expression, value, kind):
    monkeypatch.setattr(oracledb.defaults, "fetch_decimals", True)
    with connection.cursor() as cursor:
        if kind is not None:
            cursor.setinputsizes(kind)
        assert cursor.execute(f"select {expression} from dual", [value]).fetchone() == (value,)


def test_lobs_by_locator(connection, table):
    with connection.cursor() as cursor:
        cursor.setinputsizes(None, oracledb.DB_TYPE_CLOB)
        text = "long €\U0001f600" * 10_000
        cursor.execute(f"insert into {table} (id, note) values (:1, :2)", [1, text])
        (note,) = cursor.execute(f"select note from {table}").fetchone()
        assert note.read() == text
        assert note.size() == len(text.encode("utf-16-be")) // 2


@pytest.mark.parametrize(
    ("sql", "binds", "kind", "code"),
    [
        ("select nope from {t}", [], oracledb.DatabaseError, "ORA-00904"),
        ("select * from nope", [], oracledb.DatabaseError, "ORA-00942"),
        ("selec 1 from dual", [], oracledb.DatabaseError, "ORA-00900"),
        ("insert into {t} (id) values (:1)", [None], oracledb.IntegrityError, "ORA-01400"),
        ("insert into {t} (id) values (:1)", [10**18], oracledb.IntegrityError, "ORA-01438"),
        ("update {t} set name = :1", ["x" * 21], oracledb.DatabaseError, "ORA-12899"),
        ("insert into {t} (id) values (to_number(:1))", ["x"], oracledb.DatabaseError, "ORA-01722"),
    ],
)  # fmt: skip
def test_errors_have_their_class_and_code_and_the_session_lives(
    connection, table, sql, binds, kind, code
):
    with connection.cursor() as cursor:
        cursor.execute(f"insert into {table} (id) values (0)")
        with pytest.raises(kind) as caught:
            cursor.execute(sql.format(t=table), binds)
        assert caught.value.args[0].full_code == code
        assert count(connection, table) == 1


def test_an_array_keeps_the_rows_before_the_one_that_fails(connection, table):
    with connection.cursor() as cursor:
        with pytest.raises(oracledb.IntegrityError, match="ORA-00001"):
            cursor.executemany(f"insert into {table} (id) values (:1)", [(1,), (2,), (1,), (3,)])
        assert cursor.rowcount == 2
    assert count(connection, table) == 2


def test_batch_errors(connection, table):
    with connection.cursor() as cursor:
        cursor.executemany(
            f"insert into {table} (id, name) values (:1, :2)",
            [(1, "a"), (1, "b"), (2, "x" * 30), (3, "d")],
            batcherrors=True,
            arraydmlrowcounts=True,
        )
        errors = [(error.offset, error.full_code) for error in cursor.getbatcherrors()]
        assert errors == [(1, "ORA-00001"), (2, "ORA-12899")]
        assert cursor.getarraydmlrowcounts() == [1, 0, 0, 1]
    assert count(connection, table) == 2


def test_returning_into(connection, table):
    with connection.cursor() as cursor:
        seen = cursor.var(str, arraysize=2)
        cursor.setinputsizes(None, None, seen)
        cursor.executemany(
            f"insert into {table} (id, name) values (:1, :2) returning name into :3",
            [(1, "a"), (2, "b")],
        )
        assert seen.values == [["a"], ["b"]]


def test_commit_and_rollback_and_who_sees_what(database, connection, table):
    with connection.cursor() as cursor, connect(database) as other:
        cursor.execute(f"insert into {table} (id) values (1)")
        assert connection.transaction_in_progress
        assert (count(connection, table), count(other, table)) == (1, 0)
        connection.rollback()
        assert not connection.transaction_in_progress
        cursor.execute(f"insert into {table} (id) values (2)")
        connection.commit()
        assert count(other, table) == 1


def test_a_lost_connection_is_rolled_back(database, connection, table):
    other = connect(database)
    other.cursor().execute(f"insert into {table} (id) values (1)")
    other.close()
    with connection.cursor() as cursor:  # would wait for the lock of an open transaction
        cursor.execute(f"insert into {table} (id) values (1)")
    assert count(connection, table) == 1


def test_a_wait_for_a_lock_can_be_cut_short(database, connection, table):
    with connection.cursor() as cursor, connect(database) as other:
        cursor.execute(f"insert into {table} (id) values (1)")
        connection.commit()
        cursor.execute(f"update {table} set name = 'mine'")
        other.call_timeout = 300
        with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
            other.cursor().execute(f"update {table} set name = 'yours'")
        other.call_timeout = 0
        assert count(other, table) == 1
        connection.rollback()
        other.cursor().execute(f"update {table} set name = 'yours'")


def test_direct_path_load_is_committed(database, connection, table, monkeypatch):
    monkeypatch.setattr(oracledb.defaults, "fetch_lobs", False)
    rows = [(n, f"n{n}", MOMENT, "x€" * n) for n in range(1, 500)]
    columns = ["ID", "NAME", "AT", "NOTE"]
    connection.direct_path_load(OWNER, table, columns, rows)
    connection.rollback()
    with connect(database) as other:
        seen = other.cursor().execute(f"select id, name, at, note from {table} order by id")
        assert seen.fetchall() == rows


def test_both_ways_of_loading_store_what_was_sent(database, connection, table, monkeypatch):
    monkeypatch.setattr(oracledb.defaults, "fetch_lobs", False)
    monkeypatch.setattr(oracledb.defaults, "fetch_decimals", True)
    amounts = [
        None,
        0,
        1,
        -1,
        100,
        -100,
        Decimal("0.5"),
        Decimal("-12.34"),
        Decimal("1E-10"),
        10**20,
    ]
    notes = [None, "a", "tab\t\\N\nend", "é€😀", "x" * 251, "y€" * 200, "long " * 14_000]
    rows = [
        (
            n,
            None if n % 3 == 0 else f"name {n}",
            amounts[n % len(amounts)],
            None if n % 5 == 0 else MOMENT + timedelta(microseconds=n) if n % 2 else DAY,
            None if n % 7 == 0 else DAY + timedelta(days=n, seconds=n),
            None if n % 4 == 0 else bytes(range(n % 20 + 1)),
            notes[n % len(notes)],
            None if n % 6 == 0 else bytes([n]) * (n * 10),
        )
        for n in range(1, 90)
    ]
    columns = ["ID", "NAME", "AMOUNT", "AT", "DAY", "RAW_DATA", "NOTE", "PICTURE"]
    with connection.cursor() as cursor:
        cursor.setinputsizes(
            *[None] * 3, oracledb.DB_TYPE_TIMESTAMP, None, None, oracledb.DB_TYPE_LONG,
            oracledb.DB_TYPE_LONG_RAW,
        )  # fmt: skip
        places = ", ".join(f":{n + 1}" for n in range(len(columns)))
        listed = ", ".join(columns)
        cursor.executemany(f"insert into {table} ({listed}) values ({places})", rows)
        assert cursor.rowcount == len(rows)
        query = f"select {listed} from {table} order by id"
        assert cursor.execute(query).fetchall() == rows
        cursor.execute(f"delete from {table}")
        connection.commit()
        connection.direct_path_load(OWNER, table, columns, rows, batch_size=40)
        assert cursor.execute(query).fetchall() == rows


def test_many_sessions_at_once(database, connection, table):
    failures = []

    def work(start):
        try:
            with connect(database) as mine, mine.cursor() as cursor:
                for n in range(5):
                    cursor.executemany(
                        f"insert into {table} (id, name) values (:1, :2)",
                        [(start + 100 * n + m, "x") for m in range(100)],
                    )
                    mine.commit()
        except oracledb.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert count(connection, table) == 8 * 500
