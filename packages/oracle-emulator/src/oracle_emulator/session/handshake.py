"""From the first DATA packet to a session: negotiation and the two steps of the logon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from oracle_emulator.engine.interface import OracleError, SessionInfo
from oracle_emulator.session.calls import set_context
from oracle_emulator.session.context import Client, ServerContext
from oracle_emulator.session.cursors import MAX_OPEN_CURSORS
from oracle_emulator.session.logon import (
    LOCKED,
    LoggedOn,
    Logon,
    Pair,
    normalize_name,
    password_change,
    server_proof,
)
from oracle_emulator.session.registry import Registered
from oracle_emulator.tns.connect import Descriptor
from oracle_emulator.ttc.auth import AuthRequest, encode_auth
from oracle_emulator.ttc.datatypes import DataTypes
from oracle_emulator.ttc.ending import encode_status

_INSTANCE_NAME = "emulator"
_MAX_IDENTIFIER_BYTES = "128"


@dataclass(frozen=True, slots=True)
class Entered:
    """A logon that succeeded: the client's session and the answer to its last step."""

    client: Client
    answer: bytes


class Handshake:
    """What is agreed and asked before a client has a session."""

    def __init__(
        self, context: ServerContext, descriptor: Descriptor, kill: Callable[[], None]
    ) -> None:
        self._context = context
        self._kill = kill
        self._descriptor = descriptor
        self._logon: Logon | None = None
        self._terminal: dict[str, str] = {}
        self.field_version = context.profile.field_version

    def agree(self, data_types: DataTypes) -> None:
        """Take the client's capabilities: the older of both versions counts."""
        if data_types.field_version:
            self.field_version = min(self.field_version, data_types.field_version)

    def challenge(self, request: AuthRequest) -> bytes:
        """Return the answer to the first step of the logon."""
        self._terminal = request.pairs
        self._logon = Logon(self._context.database.credentials)
        return encode_auth(self._logon.challenge(request)) + encode_status(0)

    def enter(self, request: AuthRequest) -> Entered:
        """Verify the second step and open the session. Raises OracleError."""
        if self._logon is None:
            raise OracleError(1017, "invalid username/password; logon denied")
        logged_on = self._logon.verify(request)
        user = self._session_user(logged_on, request)
        info = SessionInfo(
            user=user,
            session_id=next(self._context.session_ids),
            serial=1,
            service_name=self._context.service_name,
            program=self._descriptor.program or self._terminal.get("AUTH_PROGRAM_NM", ""),
            machine=self._terminal.get("AUTH_MACHINE", self._descriptor.host),
            os_user=self._terminal.get("AUTH_SID", self._descriptor.user),
            terminal=self._terminal.get("AUTH_TERMINAL", ""),
            driver=request.pairs.get("SESSION_CLIENT_DRIVER_NAME", ""),
            proxy_user=logged_on.user if user != logged_on.user else None,
        )
        session = self._context.database.open_session(info)
        registered = Registered(info.session_id, info.serial, self._kill)
        client = Client(
            self._context,
            session,
            self.field_version,
            user,
            registered,
            logged_on.session_key,
        )
        self._context.registry.add(registered)
        try:
            for text in _first_statements(request, logged_on):
                session.execute(session.scan(text), [()], ())
            for namespace, values in request.contexts.items():
                set_context(client, namespace, values)
        except OracleError:
            client.close()
            raise
        answer = encode_auth(self._properties(info, logged_on)) + encode_status(0)
        return Entered(client, answer)

    def _session_user(self, logged_on: LoggedOn, request: AuthRequest) -> str:
        """Return whose session it is to be: the client's, where a proxy logged on for it.

        Raises OracleError: 28150 without the right to do so, 28000 for a locked client.
        """
        named = request.pairs.get("PROXY_CLIENT_NAME", "").rstrip("\x00")
        user = normalize_name(named) if named else logged_on.user
        if user == logged_on.user:
            return user
        database = self._context.database
        if not database.may_connect_through(logged_on.user, user):
            raise OracleError(28150, "proxy not authorized to connect as client")
        client = database.credentials(user)
        if client is not None and client.status == LOCKED:
            raise OracleError(LOCKED, "The account is locked.")
        return user

    def _properties(self, info: SessionInfo, logged_on: LoggedOn) -> list[Pair]:
        service = self._context.service_name
        return [
            ("AUTH_SVR_RESPONSE", server_proof(logged_on.session_key), 0),
            ("AUTH_VERSION_NO", str(self._context.profile.release_number), 0),
            ("AUTH_SESSION_ID", str(info.session_id), 0),
            ("AUTH_SERIAL_NUM", str(info.serial), 0),
            ("AUTH_INSTANCENAME", _INSTANCE_NAME, 0),
            ("AUTH_SC_DBUNIQUE_NAME", service, 0),
            ("AUTH_SC_REAL_DBUNIQUE_NAME", service, 0),
            ("AUTH_SC_SERVICE_NAME", service, 0),
            ("AUTH_SC_INSTANCE_NAME", _INSTANCE_NAME, 0),
            ("AUTH_SC_DB_DOMAIN", "", 0),
            ("AUTH_MAX_OPEN_CURSORS", str(MAX_OPEN_CURSORS), 0),
            ("AUTH_MAX_IDEN_LENGTH", _MAX_IDENTIFIER_BYTES, 0),
        ]


def _first_statements(request: AuthRequest, logged_on: LoggedOn) -> list[str]:
    """Return what is to be done before a logon is answered: password, session."""
    statements = []
    if "AUTH_NEWPASSWORD" in request.pairs:
        statements.append(password_change(logged_on.user, request, logged_on.session_key))
    alter = request.pairs.get("AUTH_ALTER_SESSION", "").rstrip("\x00")
    if alter:
        statements.append(alter)
    return statements
