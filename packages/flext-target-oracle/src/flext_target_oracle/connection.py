"""The one door to the driver: pool, TLS, sessions, typed binds, and errors made ours.

Nothing else imports `oracledb`. No statement is written here but the session's own set-up.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import oracledb

from flext_target_oracle import faults
from flext_target_oracle.errors import ConnectionLostError, DatabaseError, SettingsError
from flext_target_oracle.settings import Settings
from flext_target_oracle.sql import statements
from flext_target_oracle.sql.identifiers import quoted
from flext_target_oracle.sql.types import ColumnType

#: CLOB values travel as LONG: a temporary LOB per value would cost round trips.
_BIND_TYPES: Mapping[str, Any] = {
    "NUMBER": oracledb.DB_TYPE_NUMBER,
    "VARCHAR2": oracledb.DB_TYPE_VARCHAR,
    "CLOB": oracledb.DB_TYPE_LONG,
    "DATE": oracledb.DB_TYPE_DATE,
    "TIMESTAMP": oracledb.DB_TYPE_TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": oracledb.DB_TYPE_TIMESTAMP,
    "TIMESTAMP WITH LOCAL TIME ZONE": oracledb.DB_TYPE_TIMESTAMP,
}
_MODULE = "flext-target-oracle"
#: What packets are asked to be at most; a server that is set to less says so. A batch then takes an
#: eighth of the writes of the usual 8 KiB, and other workers come between them as much less often.
_SDU_BYTES = 65_535


@dataclass(frozen=True, slots=True)
class RowError:
    """A row of an array insert that Oracle refused; `row` counts from 0."""

    row: int
    code: str
    message: str


class Session:
    """One connection of the pool, for one unit of work. What is not committed is rolled back."""

    def __init__(self, connection: oracledb.Connection) -> None:
        self._connection = connection

    def query(
        self, sql: str, binds: Sequence[Any] = (), *, what: str, types: Sequence[ColumnType] = ()
    ) -> list[tuple[Any, ...]]:
        """Return all rows.

        Raises:
            DatabaseError: as `faults` says; `what` names the doing in its message.
        """
        with _ours(what), self._connection.cursor() as cursor:
            _set_sizes(cursor, types)
            cursor.execute(sql, list(binds))
            return list(cursor.fetchall())

    def execute(
        self,
        sql: str,
        binds: Sequence[Any] = (),
        *,
        what: str,
        types: Sequence[ColumnType] = (),
        commit: bool = False,
    ) -> int:
        """Execute a statement and return how many rows it touched.

        Args:
            sql: the statement.
            binds: its values.
            what: the doing, for messages.
            types: of the values.
            commit: whether the same call commits; then a lost connection leaves open whether it
                took effect.

        Raises:
            DatabaseError: as `faults` says.
        """
        connection = self._connection
        with _ours(what), connection.cursor() as cursor:
            _set_sizes(cursor, types)
            connection.autocommit = commit
            try:
                cursor.execute(sql, list(binds))
            finally:
                connection.autocommit = False
            return int(cursor.rowcount)

    def insert_many(
        self, sql: str, rows: list[tuple[Any, ...]], types: Sequence[ColumnType], *, what: str
    ) -> list[RowError]:
        """Insert all rows in one call, typed; return those that Oracle refused.

        Raises:
            DatabaseError: the call as a whole failed.
        """
        with _ours(what), self._connection.cursor() as cursor:
            _set_sizes(cursor, types)
            cursor.executemany(sql, rows, batcherrors=True)
            refused = cursor.getbatcherrors() or []
            return [
                RowError(int(error.offset), str(error.full_code), str(error.message))
                for error in refused
            ]

    def load_directly(
        self,
        schema: str,
        table: str,
        columns: Sequence[str],
        rows: list[tuple[Any, ...]],
        *,
        chunk_rows: int,
        what: str,
    ) -> None:
        """Append rows by direct path, so many in a call; commits.

        Values are stored as they are sent: precision and scale are not checked by Oracle. A session
        in which it failed must be used no more.

        Raises:
            DatabaseError: as `faults` says; what is not finished is not there.
        """
        names = [quoted(name) for name in columns]
        connection, place = self._connection, (quoted(schema), quoted(table))

        def refuse_if_dead(_message: str) -> None:
            if not connection.is_healthy():
                raise ConnectionLostError(f"{what}: the connection was lost")

        # The driver aborts a load whose session ended, over the connection that went with it, and
        # ends the process by that: nothing is sent from here on where there is none.
        connection.round_trip_callback = refuse_if_dead
        try:
            with _ours(what):
                connection.direct_path_load(*place, names, rows, batch_size=chunk_rows)
        finally:
            connection.round_trip_callback = None

    def commit(self) -> None:
        """Commit.

        Raises:
            ConnectionLostError: nobody knows whether it took effect; ask the fence.
        """
        with _ours("committing"):
            self._connection.commit()

    def rollback(self) -> None:
        """Undo what was not committed."""
        with _ours("rolling back"):
            self._connection.rollback()


class Database:
    """The pool: as many sessions as workers and one more, made when needed and reused."""

    def __init__(self, settings: Settings, *, run_id: str) -> None:
        self._settings = settings
        self._run_id = run_id
        self._was_connected = False
        arguments = _pool_arguments(settings)
        with _ours("preparing the connection pool"):
            self._pool = oracledb.create_pool(**arguments, session_callback=self._begin_session)

    def _begin_session(self, connection: oracledb.Connection, _tag: str | None) -> None:
        connection.call_timeout = int(self._settings.request_timeout * 1000)
        connection.module = _MODULE
        connection.client_identifier = self._run_id[:64]
        connection.outputtypehandler = _texts_whole
        with connection.cursor() as cursor:
            for statement in statements.SESSION:
                cursor.execute(statement)

    @contextmanager
    def session(self, action: str) -> Iterator[Session]:
        """Lend a session; what it did not commit is rolled back when it returns.

        Args:
            action: what it is for, shown in V$SESSION.

        Raises:
            ConnectionLostError: the database that was there before is not reachable now.
            DatabaseError: it never was; the message names the setting.
        """
        connection = self._acquire()
        try:
            connection.action = action[:64]
            yield Session(connection)
        except BaseException:
            # Never back to the pool with a transaction or a broken stream of packets.
            with _quiet():
                self._pool.drop(connection)
            raise
        self._give_back(connection)

    def _give_back(self, connection: oracledb.Connection) -> None:
        """Return a session to the pool, without a transaction; one that is dead goes.

        The pool itself would roll back, and keep a session that it found dead on doing so: the next
        to acquire it would get a TypeError.
        """
        try:
            if connection.transaction_in_progress:
                connection.rollback()
        except (oracledb.Error, OSError):  # the work is decided; this is the session's end only
            with _quiet():
                self._pool.drop(connection)
        else:
            with _quiet():
                self._pool.release(connection)

    def _acquire(self) -> oracledb.Connection:
        settings = self._settings
        address = f"{settings.protocol}://{settings.host}:{settings.port}/{settings.service_name}"
        try:
            connection = self._pool.acquire()
        except (oracledb.Error, OSError) as error:
            code = _code(error)
            if self._was_connected and code not in {"ORA-01017", "ORA-28000"}:
                raise ConnectionLostError(
                    f"connecting to {address} again: {error}", code=code
                ) from error
            raise faults.connecting(
                error, code=code, address=address, timeout_s=settings.connect_timeout_s
            ) from error
        self._was_connected = True
        return connection

    @property
    def max_identifier_bytes(self) -> int:
        """How long a name may be: 128 bytes from 12.2 on, 30 before."""
        connection = self._acquire()
        try:
            major, minor = (int(part) for part in connection.version.split(".")[:2])
        finally:
            with _quiet():
                self._pool.release(connection)
        return 128 if (major, minor) >= (12, 2) else 30

    def close(self) -> None:
        """End all sessions."""
        with _quiet():
            self._pool.close(force=True)


def _pool_arguments(settings: Settings) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "user": settings.user,
        "password": settings.password.get_secret_value(),
        "host": settings.host,
        "port": settings.port,
        "service_name": settings.service_name,
        "protocol": settings.protocol,
        "min": 0,
        "max": settings.max_parallelism + 1,
        "increment": 1,
        "getmode": oracledb.POOL_GETMODE_WAIT,
        "tcp_connect_timeout": float(settings.connect_timeout_s),
        "retry_count": 0,
        "sdu": _SDU_BYTES,
        "ping_interval": 60,
    }
    if settings.protocol == "tcps":
        arguments["ssl_server_dn_match"] = settings.ssl_server_dn_match
        if settings.ca_file is not None:
            arguments["ssl_context"] = _trusting(settings.ca_file)
        if settings.wallet_location is not None:
            arguments["wallet_location"] = settings.wallet_location
            if settings.wallet_password is not None:
                arguments["wallet_password"] = settings.wallet_password.get_secret_value()
    return arguments


def _trusting(ca_file: str) -> ssl.SSLContext:
    """TLS that trusts the issuers of one file; the driver compares the server's name itself."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(
            f"setting ca_file: {ca_file} cannot be read as certificates (PEM): {reason}"
        ) from error
    context.check_hostname = False
    return context


def _texts_whole(cursor: oracledb.Cursor, metadata: oracledb.FetchInfo) -> Any:
    """Fetch a CLOB as its text, not as a locator that is asked again."""
    if metadata.type_code is oracledb.DB_TYPE_CLOB:
        return cursor.var(oracledb.DB_TYPE_LONG, arraysize=cursor.arraysize)
    return None


def _set_sizes(cursor: oracledb.Cursor, types: Sequence[ColumnType]) -> None:
    if types:
        cursor.setinputsizes(*[_BIND_TYPES[kind.name] for kind in types])


def _code(error: BaseException) -> str:
    details = error.args[0] if error.args else None
    return str(getattr(details, "full_code", ""))


@contextmanager
def _ours(what: str) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except oracledb.Error as error:
        details = error.args[0]
        message = str(getattr(details, "message", error))
        raise faults.fault_error(_code(error), message, what=what) from error
    except OSError as error:  # a socket that died under TLS
        raise ConnectionLostError(f"{what}: the connection was lost: {error}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Giving a session back may find it dead; that is the pool's matter, the work is decided."""
    try:
        yield
    except (oracledb.Error, OSError):
        return


__all__ = ["Database", "DatabaseError", "RowError", "Session"]
