"""What each ORA- and DPY- code means for us, as a table. Pure; it has no list of its own elsewhere.

A code that is not listed ends the run with Oracle's own message.
"""

from __future__ import annotations

import enum
import re
import socket
import ssl
from dataclasses import dataclass

from flext_target_oracle.errors import (
    ConnectionLostError,
    ContendedError,
    DatabaseError,
    RowDataError,
)


class Kind(enum.Enum):
    """What must be done."""

    LOST = "the session is gone: connect again and ask the fence"
    CONTENDED = "another session was in the way: roll back and try again"
    ROW = "a value is refused"
    FAIL = "only a person can change it"


@dataclass(frozen=True, slots=True)
class Fault:
    """A code's kind and, for a person, the remedy."""

    kind: Kind
    remedy: str = ""


_LOST = Fault(Kind.LOST)
_CONTENDED = Fault(Kind.CONTENDED)
_ROW = Fault(Kind.ROW)


def _fail(remedy: str) -> Fault:
    return Fault(Kind.FAIL, remedy)


TABLE: dict[str, Fault] = {
    # The session is gone, or the driver gave it up.
    "DPY-1001": _LOST,  # not connected
    "DPY-1002": _LOST,  # closed
    "DPY-4011": _LOST,  # the database or network closed the connection
    "DPY-4024": _LOST,  # call timeout (request_timeout)
    "DPY-6005": _LOST,  # cannot connect; at the first connection `connecting` explains it
    "ORA-00028": _LOST,  # session killed
    "ORA-01012": _LOST,  # not logged on
    "ORA-01089": _LOST,  # shutdown in progress
    "ORA-01092": _LOST,  # instance terminated
    "ORA-02396": _LOST,  # idle time exceeded
    "ORA-03113": _LOST,
    "ORA-03114": _LOST,
    "ORA-03135": _LOST,
    "ORA-12514": _fail("the listener knows no such service: check setting service_name"),
    "ORA-12537": _LOST,
    "ORA-12570": _LOST,
    # In the way.
    "ORA-00001": _CONTENDED,  # another session inserted a key between MERGE's look and its insert
    "ORA-00060": _CONTENDED,  # deadlock
    "ORA-08177": _CONTENDED,
    # Values.
    "ORA-01400": _ROW,
    "ORA-01407": _ROW,
    "ORA-01438": _ROW,
    "ORA-01461": _ROW,
    "ORA-01722": _ROW,
    "ORA-02290": _ROW,
    "ORA-02291": _ROW,
    "ORA-12899": _ROW,
    "ORA-14402": _ROW,  # the new partition key would move the row
    "ORA-28132": _ROW,  # MERGE under a security policy
    # For a person.
    "ORA-01017": _fail("check settings user and password"),
    "ORA-01005": _fail("setting password is empty"),
    "ORA-01045": _fail("the user may not log on: GRANT CREATE SESSION to it"),
    "ORA-28000": _fail("the account is locked: ask the DBA to unlock it"),
    "ORA-28001": _fail("the password has expired: change it and setting password"),
    "DPY-4001": _fail("check settings user and password: both are needed"),
    "ORA-00942": _fail("it does not exist or the user has no right to it: grant it, or check"
                       " settings schema and control_schema"),
    "ORA-01031": _fail("the user lacks a privilege: GRANT CREATE TABLE for its own schema; in"
                       " another schema a DBA makes the table and grants SELECT, INSERT, UPDATE,"
                       " DELETE on it"),
    "ORA-01918": _fail("there is no such schema: check settings schema and control_schema"),
    "ORA-01950": _fail("the schema's owner has no quota: ALTER USER … QUOTA … ON its tablespace"),
    "ORA-01536": _fail("the quota is used up: ALTER USER … QUOTA … ON its tablespace"),
    "ORA-01653": _fail("the tablespace is full: a DBA must extend it"),
    "ORA-00054": _fail("another session holds the table locked: run again when it is done"),
    "ORA-12838": _fail("the table was changed by direct path or in parallel in this transaction:"
                       " parallel DML must be off for this user"),
    "ORA-30006": _fail("another session holds the row locked: wait for it to end, or have the DBA"
                       " end it (V$LOCK names it)"),
}  # fmt: skip

_CODE = re.compile(r"\b(ORA-\d{5}|DPY-\d{4})\b")
_NOISE = re.compile(r"\(CONNECTION_ID=[^)]*\)\.?|\s*Help: \S+|\s+")


def fault_error(code: str, message: str, *, what: str) -> DatabaseError:
    """Return the exception for an error of the driver.

    Args:
        code: for example ORA-00001.
        message: the driver's, which holds no values that were bound.
        what: what was being done, for the message.
    """
    fault = TABLE.get(code, Fault(Kind.FAIL))
    text = _tidy(message)
    if fault.kind is Kind.LOST:
        return ConnectionLostError(f"{what}: the connection was lost: {text}", code=code)
    if fault.kind is Kind.CONTENDED:
        return ContendedError(f"{what}: {text}", code=code)
    if fault.kind is Kind.ROW:
        return RowDataError(f"{what}: {text}", code=code)
    remedy = f"; {fault.remedy}" if fault.remedy else ""
    return DatabaseError(f"{what}: {text}{remedy}", code=code)


def connecting(error: BaseException, *, code: str, address: str, timeout_s: float) -> DatabaseError:
    """Return the exception for a connection that was never made: it names the setting at fault."""
    what = f"connecting to {address}"
    chain = _chain(error)
    for cause in chain:
        if why := _network_reason(cause, timeout_s):
            return DatabaseError(f"{what}: {why}", code=code)
    message = " ".join(str(cause) for cause in chain)
    # The listener's or the server's own refusal stands inside the driver's message.
    for found in _CODE.findall(message):
        if found in TABLE and TABLE[found].kind is Kind.FAIL:
            return fault_error(found, message, what=what)
    remedy = "check settings host, port, service_name and protocol"
    if code == "DPY-6000":
        remedy = "check setting service_name"
    elif "DN" in message or "certificate" in message.lower():
        remedy = (
            "the name in the server's certificate must be the host, or set ssl_server_dn_match to"
            " false knowingly"
        )
    return DatabaseError(f"{what}: {_tidy(str(error))}; {remedy}", code=code)


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    return chain


def _network_reason(cause: BaseException, timeout_s: float) -> str:
    """Return what the network's own exception means; empty if it is none of those we know."""
    match cause:
        case socket.gaierror():
            return f"the host is unknown ({cause.strerror}); check setting host"
        case ssl.SSLCertVerificationError():
            return (
                f"the server's certificate is not trusted ({cause.verify_message}); set ca_file to"
                " the certificate of its issuer, or wallet_location; the name in the certificate"
                " must be the host"
            )
        case ssl.SSLError():
            reason = getattr(cause, "reason", None) or cause
            return f"TLS failed ({reason}); check settings port and protocol"
        case TimeoutError():
            return (
                f"no answer in {timeout_s:g} s; check settings host and port, or raise"
                " connect_timeout_s"
            )
        case ConnectionRefusedError():
            return "nothing listens there; check settings host and port"
        case _:
            return ""


def _tidy(message: str) -> str:
    return _NOISE.sub(" ", message).strip()
