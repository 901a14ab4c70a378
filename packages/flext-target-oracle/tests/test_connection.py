"""What the connection insists on, through the real driver."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from flext_target_oracle.errors import DatabaseError

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
