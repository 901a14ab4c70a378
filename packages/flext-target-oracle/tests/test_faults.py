"""What a code means, and that a connection's failure names the setting."""

from __future__ import annotations

import socket
import ssl

import pytest

from flext_target_oracle import faults
from flext_target_oracle.errors import (
    ConnectionLostError,
    ContendedError,
    DatabaseError,
    RowDataError,
)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ORA-03113", ConnectionLostError),
        ("DPY-4011", ConnectionLostError),
        ("ORA-00060", ContendedError),
        ("ORA-12899", RowDataError),
        ("ORA-14402", RowDataError),
        ("ORA-12838", DatabaseError),
        ("ORA-09999", DatabaseError),
    ],
)
def test_a_code_is_classified(code: str, expected: type[DatabaseError]) -> None:
    error = faults.fault_error(code, f"{code}: something", what="loading")
    assert type(error) is expected
    assert error.code == code
    assert str(error).startswith("loading: ")


def test_every_failure_for_a_person_has_a_remedy() -> None:
    for code, fault in faults.TABLE.items():
        assert (fault.kind is faults.Kind.FAIL) == bool(fault.remedy), code


def caused(cause: BaseException) -> Exception:
    error = Exception("DPY-6005: cannot connect")
    error.__cause__ = cause
    return error


UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed")
UNTRUSTED.verify_message = "self-signed certificate"


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (socket.gaierror(-2, "Name or service not known"), "setting host"),
        (caused(ConnectionRefusedError(111, "refused")), "host and port"),
        (caused(TimeoutError()), "connect_timeout_s"),
        (caused(UNTRUSTED), "ca_file"),
        (caused(ssl.SSLError(1, "wrong version number")), "protocol"),
        (caused(Exception("DPY-6001: ORA-12514 unknown service")), "service_name"),
        (Exception("ORA-01017: invalid credential"), "user and password"),
        (Exception("DPY-9999: else"), "host, port, service_name"),
    ],
)
def test_a_failed_connection_names_the_setting(error: BaseException, names: str) -> None:
    made = faults.connecting(error, code="", address="tcps://h:1/s", timeout_s=3)
    assert names in str(made)
    assert "tcps://h:1/s" in str(made)
