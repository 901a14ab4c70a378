"""What the connection insists on, through the real driver."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from flext_target_oracle.connection import Database
from flext_target_oracle.errors import DatabaseError
from flext_target_oracle.settings import load as load_settings

SCHEMA = {
    "type": "SCHEMA",
    "stream": "s",
    "schema": {"properties": {"id": {"type": "integer"}}},
    "key_properties": ["id"],
}


@pytest.fixture
def tcps(oracle_account: Any) -> dict[str, Any]:
    """Settings for TCPS."""
    if oracle_account.tcps_port is None:
        pytest.skip("FLEXT_TEST_ORACLE_DSN names a server whose TCPS port is not known")
    port, ca_file = oracle_account.tcps_port, oracle_account.ca_file
    return {"protocol": "tcps", "port": port, "ca_file": ca_file}


def test_the_certificate_must_name_the_host(
    target: Any, tcps: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host == "other.invalid" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    outcome = target.run([SCHEMA], host="other.invalid", **tcps)
    assert isinstance(outcome.error, DatabaseError)
    assert "name in the server's certificate" in str(outcome.error)
    target.ok([SCHEMA], host="other.invalid", ssl_server_dn_match=False, **tcps)
    assert target.table("S", "ID") == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_session_that_dies_as_it_is_given_back_is_not_lent_again(
    target: Any, proxy: Any, when: str
) -> None:
    """With an open transaction, which is rolled back then; what it was for is done."""
    settings = load_settings(target.account.settings() | {"port": proxy.port})
    database = Database(settings, run_id="1")
    try:
        with database.session("reading") as session:
            session.execute('CREATE TABLE "T" ("ID" NUMBER)', what="making a table")
        with database.session("locking") as session:
            session.execute('INSERT INTO "T" VALUES (1)', what="inserting")
            proxy.arm(1, when)
        assert proxy.was_cut
        with database.session("reading") as session:
            assert session.query('SELECT COUNT(*) FROM "T"', what="counting") == [(0,)]
    finally:
        database.close()


def test_a_batch_costs_five_round_trips_on_one_connection(target: Any, proxy: Any) -> None:
    """Staging, fence, census, apply, ledger with COMMIT; whatever the batch holds (§2)."""

    def requests(batches: int, rows: int) -> int:
        records = [
            {"type": "RECORD", "stream": "s", "record": {"id": number}}
            for number in range(batches * rows)
        ]
        proxy.arm(None)
        outcome = target.ok([SCHEMA, *records], batch_size=rows, max_parallelism=1, port=proxy.port)
        assert len(outcome.of("BatchCommitted")) == batches
        return int(proxy.requests)

    requests(1, 1)  # makes the tables
    assert requests(12, 1) - requests(2, 1) == 10 * 5
    assert requests(12, 300) - requests(2, 300) == 10 * 5
    assert proxy.connections == 5


@pytest.mark.parametrize("method", ["upsert", "append-only"])
def test_after_the_first_batch_there_is_no_ddl_and_no_question_to_the_catalogue(
    target: Any, method: str
) -> None:
    """§2, by the server's own count: each batch is the same five calls, parsed once."""
    if target.account.admin_port is None:
        pytest.skip("only oracle-emulator counts: run without FLEXT_TEST_ORACLE_DSN")
    batches, rows = 9, 50

    def messages(count: int) -> list[dict[str, Any]]:
        numbers = range(count * rows)
        return [SCHEMA, *({"type": "RECORD", "stream": "s", "record": {"id": n}} for n in numbers)]

    def statements() -> dict[str, int]:
        return {each["sql"]: each["round_trips"] for each in target.account.statistics()}

    options = {"batch_size": rows, "max_parallelism": 1, "load_method": method}
    target.ok(messages(1), **options)
    target.account.reset_statistics()
    target.ok(messages(1), **options)
    once = statements()
    target.account.reset_statistics()
    target.ok(messages(batches), **options)
    more = {sql: n - once.get(sql, 0) for sql, n in statements().items() if n != once.get(sql, 0)}
    assert set(more.values()) == {batches - 1}
    kinds = sorted(sql.split()[0] for sql in more)
    expected = ["INSERT", "INSERT", "MERGE", "SELECT", "UPDATE"]
    if method == "append-only":
        expected = ["INSERT", "INSERT", "INSERT", "UPDATE"]
    assert kinds == expected
    assert not [sql for sql in more if "ALL_TAB" in sql or "USER_" in sql]
