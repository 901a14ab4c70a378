"""A server that throws values away, but for the statements that it was told to carry out."""

from __future__ import annotations

import oracledb

from oracle_emulator.testing import running_server


def test_dml_is_thrown_away_but_for_what_is_kept() -> None:
    with (
        running_server(options=["--sink-keep", r"\bledger\b"]) as server,
        oracledb.connect(
            user="system", password=server.system_password, dsn=server.dsn
        ) as connection,
        connection.cursor() as cursor,
    ):
        for table in ("BIG", "LEDGER"):
            cursor.execute(f"CREATE TABLE {table} (ID NUMBER, NAME VARCHAR2(10))")
            cursor.executemany(
                f"INSERT INTO {table} (ID, NAME) VALUES (:1, :2)", [(1, "a"), (2, None), (3, "c")]
            )
            assert cursor.rowcount == 3
        cursor.execute("UPDATE LEDGER SET NAME = :1 WHERE ID = :2", ["b", 2])
        connection.commit()
        assert cursor.execute("SELECT COUNT(*) FROM BIG").fetchone() == (0,)
        found = cursor.execute("SELECT ID, NAME FROM LEDGER ORDER BY ID").fetchall()
        assert found == [(1, "a"), (2, "b"), (3, "c")]
