"""The whole server.

The embedded PostgreSQL with Oracle's catalogue in it, its users and its sessions.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from oracle_emulator.engine import accounts, connection, names, server, template, types
from oracle_emulator.engine.backends import Backends
from oracle_emulator.engine.capabilities import RELEASES
from oracle_emulator.engine.catalogue import Catalogue
from oracle_emulator.engine.connection import Connection
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import Credentials, Database, Session, SessionInfo
from oracle_emulator.engine.library import Library
from oracle_emulator.engine.session import EngineSession

EXTENDED_BYTES = 32767  # of VARCHAR2 with MAX_STRING_SIZE = EXTENDED
PREPARED_AFTER = 3  # times that the administrator's connection asked the same
SQL_DIR = Path(__file__).parent / "sql"
# Nobody makes another database in a temporary server: without those that PostgreSQL would copy for
# that, a template has a third of the files.
_TRIM = (
    "UPDATE pg_database SET datistemplate = false",
    "DROP DATABASE template0",
    "DROP DATABASE template1",
    "CHECKPOINT",
)


def open_database(
    data_dir: Path | None,
    *,
    system_password: str,
    service_name: str,
    profile: str,
    max_string_size: str = "STANDARD",
    beside: Path | None = None,
    templates: Path | None = None,
) -> Database:
    """Start the embedded server on `data_dir` (None.

    A temporary one) and make SYSTEM's password the given one.

    `profile` is "19c" or "23ai": which server it claims to be. `max_string_size` is the
    parameter of that name: with "EXTENDED" VARCHAR2 and RAW may have 32767 bytes. `beside` is a
    temporary directory that is to go when the embedded server goes, kill -9 included. A temporary
    server starts from a template in the directory `templates`, if that is given (see template.py).

    Raises:
        ServerError: the embedded server cannot be started.
        TemplateError: `templates` cannot be used.
    """
    made_before = None
    if data_dir is None and templates is not None:
        made_before = template.ensure(templates, _template_name(), _make_template)
    started = server.start(data_dir, beside, made_before)
    try:
        return EngineDatabase(started, system_password, service_name, profile, max_string_size)
    except BaseException:
        started.stop()
        raise


class EngineDatabase:
    """See the module. Safe to use from several threads."""

    def __init__(
        self,
        started: server.Server,
        system_password: str,
        service_name: str,
        profile: str,
        max_string_size: str,
    ) -> None:
        self.profile = profile
        limit_bytes = EXTENDED_BYTES if max_string_size == "EXTENDED" else types.MAX_VARCHAR_BYTES
        self.capabilities = replace(RELEASES[profile], max_string_bytes=limit_bytes)
        self.service_name = service_name
        self._server = started
        self._lock = threading.Lock()
        self._sessions: set[EngineSession] = set()
        self._admin = connection.connect(started.uri)
        self._backends = Backends(started.uri)
        self._admin_lock = threading.RLock()
        with self.administrator() as run:
            _bootstrap(run)
            run.execute("SET search_path = pg_catalog")
            run.execute("TRUNCATE ora.sessions")
            for short, name in run.execute("SELECT short, name FROM ora.long_names").fetchall():
                names.remember(short, name)
            accounts.create_administrators(run, system_password)
            _describe_server(run, service_name, profile, max_string_size)
            self.type_names = connection.own_types(run)
        # What is asked of the catalogue is the same few questions again, after each DDL.
        self._admin.prepare_threshold = PREPARED_AFTER
        self.catalogue = Catalogue(self.administrator)
        self.library = Library()

    @contextmanager
    def administrator(self) -> Iterator[Connection]:
        """The superuser's connection, for one thread at a time."""
        with self._admin_lock:
            yield self._admin

    def credentials(self, user: str) -> Credentials | None:
        """Return a user's verifier; None for a user that does not exist."""
        with self.administrator() as run:
            return accounts.credentials(run, user)

    def may_connect_through(self, proxy: str, user: str) -> bool:
        """Tell whether `proxy`, whose password was verified, may open sessions as `user`."""
        with self.administrator() as run:
            return accounts.may_connect_through(run, proxy, user)

    def open_session(self, info: SessionInfo) -> Session:
        """Start a session for a user whose password was verified. Raises ORA-01045."""
        with self.administrator() as run:
            if not accounts.exists(run, info.user):
                raise error(1017)
            if not accounts.has_privilege(run, info.user, "CREATE SESSION"):
                raise error(1045, info.user)
        run = self._backends.take()
        try:
            connection.adapt(run.adapters, self.type_names)
            session = EngineSession(self, info, run)
        except BaseException:
            run.close()
            raise
        with self._lock:
            self._sessions.add(session)
        return session

    def opened(self, session: EngineSession) -> None:
        """Show a new session in V$SESSION."""
        info = session.info
        with self.administrator() as run:
            run.execute(
                "INSERT INTO ora.sessions (sid, serial, pid, username, program, machine, "
                "os_user, module, terminal, driver) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $5, $8, $9) ON CONFLICT (sid) DO UPDATE SET "
                "serial = excluded.serial, "
                "pid = excluded.pid, username = excluded.username",
                [
                    info.session_id,
                    info.serial,
                    session.run.info.backend_pid,
                    info.user,
                    info.program or None,
                    info.machine or None,
                    info.os_user or None,
                    info.terminal or None,
                    info.driver or None,
                ],
            )

    def show_attributes(self, session: EngineSession, values: Mapping[str, str]) -> None:
        """Show what the client said of itself in V$SESSION."""
        named = ("module", "action", "client_identifier", "client_info")
        with self.administrator() as run:
            run.execute(
                "UPDATE ora.sessions SET module = $2, action = $3, client_identifier = $4, "
                "client_info = $5, "
                "schema_name = $6 WHERE sid = $1",
                [
                    session.info.session_id,
                    *(values.get(name) or None for name in named),
                    session.schema,
                ],
            )

    def show_statistics(self, values: Mapping[int, Mapping[str, int]]) -> None:
        """Show in V$SESSTAT what was counted, by session and by name of the statistic."""
        rows = [
            (sid, name, value) for sid, named in values.items() for name, value in named.items()
        ]
        with self.administrator() as run, run.transaction(), run.cursor() as cursor:
            cursor.execute("DELETE FROM ora.session_statistics")
            cursor.executemany("INSERT INTO ora.session_statistics VALUES ($1, $2, $3)", rows)

    def closed(self, session: EngineSession, *, is_reusable: bool) -> None:
        """End and forget a session; what it had is free before it is no longer shown."""
        with self._lock:
            self._sessions.discard(session)
        if not is_reusable:
            session.run.close()  # PostgreSQL rolls back what was open
        may_serve = is_reusable and self._backends.end(session.run)
        if not self._admin.closed:
            with self.administrator() as run:
                run.execute("DELETE FROM ora.sessions WHERE sid = $1", [session.info.session_id])
        if may_serve:  # after it is no longer shown: to forget what it had set takes a while
            self._backends.keep(session.run)

    def is_connected(self, user: str) -> bool:
        """Whether a user has a session."""
        with self._lock:
            return any(session.info.user == user for session in self._sessions)

    def close(self) -> None:
        """End every session and the embedded server."""
        with self._lock:
            sessions = list(self._sessions)
        self._backends.close()
        for session in sessions:
            session.close()
        self._admin.close()
        self._server.stop()


def _scripts() -> list[bytes]:
    return [script.read_bytes() for script in sorted(SQL_DIR.glob("*.sql"))]


def _template_name() -> str:
    made_by = [server.version(), *server.INITDB, *_TRIM, Path(__file__).read_text(encoding="utf-8")]
    return template.name_of(*_scripts(), *(text.encode() for text in made_by))


def _make_template(data_dir: Path) -> None:
    """Make a data directory with our catalogue and no users, and with one database alone."""
    started = server.start(data_dir)
    try:
        with connection.connect(started.uri) as run:
            _bootstrap(run)
            for statement in _TRIM:
                run.execute(statement)
    finally:
        started.stop()


def _bootstrap(run: Connection) -> None:
    """Make Oracle's types, functions and catalogue, once per data directory.

    Raises ServerError for a directory that another release has made.
    """
    scripts = _scripts()
    mark = hashlib.sha256(b"".join(scripts)).hexdigest()
    if run.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'ora'").fetchone() is not None:
        made_by = run.execute("SELECT value FROM ora.settings WHERE name = 'scripts'").fetchone()
        if made_by is None or made_by[0] != mark:
            raise server.ServerError(
                "the data directory was made by another release of oracle-emulator, whose "
                "catalogue this one does not read: give an empty directory"
            )
        return
    with run.transaction():
        for script in scripts:
            run.execute(script)
        run.execute("INSERT INTO ora.settings VALUES ('scripts', $1)", [mark])


def _describe_server(
    run: Connection, service_name: str, profile: str, max_string_size: str
) -> None:
    version = "23.9.0.25.07" if profile == "23ai" else "19.3.0.0.0"
    shown = {
        "service_name": service_name,
        "version": version,
        "max_string_size": max_string_size,
    }
    for name, value in shown.items():
        run.execute(
            "INSERT INTO ora.settings VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = "
            "excluded.value",
            [name, value],
        )
