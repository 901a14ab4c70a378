"""A session's settings.

ALTER SESSION, the client's attributes, and what SYS_CONTEXT shows of them.
"""

from __future__ import annotations

import re
import zoneinfo
from typing import TYPE_CHECKING

from oracle_emulator.engine import names
from oracle_emulator.engine.ddl.statements import AlterSession
from oracle_emulator.engine.errors import error, unsupported

if TYPE_CHECKING:
    from oracle_emulator.engine.session import EngineSession

_OFFSET = re.compile(r"^([+-])(\d{1,2}):(\d{1,2})$")
# Settings that change nothing here beyond being remembered for NLS_SESSION_PARAMETERS.
_REMEMBERED = frozenset(
    [
        "NLS_DATE_FORMAT",
        "NLS_TIMESTAMP_FORMAT",
        "NLS_TIMESTAMP_TZ_FORMAT",
        "NLS_LANGUAGE",
        "NLS_TERRITORY",
        "NLS_SORT",
        "NLS_COMP",
        "NLS_NUMERIC_CHARACTERS",
        "NLS_LENGTH_SEMANTICS",
        "NLS_CALENDAR",
        "NLS_CURRENCY",
        "NLS_ISO_CURRENCY",
        "NLS_DATE_LANGUAGE",
        "STATISTICS_LEVEL",
        "OPTIMIZER_MODE",
        "CURSOR_SHARING",
        "RECYCLEBIN",
        "PLSQL_WARNINGS",
        "SQL_TRACE",
        "EVENTS",
        "TRACEFILE_IDENTIFIER",
        "OPTIMIZER_DYNAMIC_SAMPLING",
        "RESUMABLE_TIMEOUT",
    ]
)
_ONLY = {
    "NLS_NUMERIC_CHARACTERS": {".,", ". "},
    "NLS_LENGTH_SEMANTICS": {"BYTE"},
    "NLS_SORT": {"BINARY"},
    "NLS_COMP": {"BINARY"},
}


class Control:
    """The settings of one session, in PostgreSQL and here."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self.ddl_lock_timeout_s = 0.0
        self._in_force: dict[str, str] = {}  # in PostgreSQL, unless a rollback undid some of it
        self._is_at_stake = False
        info = session.info
        self._values: dict[str, str] = {
            "session_user": info.user,
            "current_user": info.user,
            "sid": str(info.session_id),
            "sessionid": str(info.session_id),
            "service_name": info.service_name,
            "con_name": info.service_name,
            "con_id": "3",
            "db_name": info.service_name,
            "db_unique_name": info.service_name,
            "instance_name": "emulator",
            "instance": "1",
            "host": info.machine,
            "terminal": info.terminal or info.machine,
            "os_user": info.os_user,
            "module": info.program,
            "isdba": "FALSE",
            "language": "AMERICAN_AMERICA.AL32UTF8",
            "lang": "US",
            "nls_territory": "AMERICA",
            "time_zone": "+00:00",
        }
        if info.proxy_user is not None:
            self._values["proxy_user"] = info.proxy_user

    def begin(self) -> None:
        """Give a fresh connection its user, schema and settings."""
        self._session.run.execute(f"SET ROLE {names.quote(self._session.info.user)}")
        self._session.run.execute("SET TIME ZONE 'UTC'")
        self.apply()
        self._session.database.opened(self._session)

    def apply(self) -> None:
        """Set in PostgreSQL what is another value there."""
        schema = self._session.schema
        self._values["current_schema"] = schema
        wanted = {
            "search_path": f'{names.quote(schema)}, "SYS", ora',
            "TimeZone": _posix(self._values["time_zone"]),
        } | {f"ora.{key}": value for key, value in self._values.items()}
        changed = wanted
        if not self._is_at_stake:
            changed = {
                key: value for key, value in wanted.items() if self._in_force.get(key) != value
            }
        if not changed:
            return
        self._session.run.execute(
            "SELECT count(set_config(k, v, false)) FROM unnest($1::text[], $2::text[]) AS s (k, v)",
            [list(changed), list(changed.values())],
        )
        self._in_force = wanted
        self._is_at_stake = self._session.in_transaction

    def committed(self) -> None:
        """What was set in the transaction stays."""
        self._is_at_stake = False

    def rolled_back(self) -> None:
        """Set again what the transaction had set: its rollback has undone that, too."""
        if self._is_at_stake:
            self.apply()

    def alter(self, statement: AlterSession) -> None:
        """Carry out ALTER SESSION. Raises ORA-02248 for an unknown setting."""
        for name, value in statement.settings.items():
            if name == "TIME_ZONE":
                _posix(value)
                self._values["time_zone"] = value
            elif name == "DDL_LOCK_TIMEOUT":
                if not value.isdigit() or int(value) > 1_000_000:
                    raise error(68, value, name.lower())
                self.ddl_lock_timeout_s = float(value)
            elif name == "CURRENT_SCHEMA":
                self._set_schema(value)
            elif name == "ISOLATION_LEVEL" or name not in _REMEMBERED:
                raise error(2248)
            else:
                if name in _ONLY and value.upper() not in _ONLY[name]:
                    raise unsupported(f"{name} = {value}")
                self._values[name.lower()] = value
        self.apply()

    def _set_schema(self, schema: str) -> None:
        found = self._session.run.execute(
            "SELECT 1 FROM pg_namespace WHERE nspname = $1", [names.physical(schema)]
        ).fetchone()
        if found is None:
            raise error(1435)
        self._session.schema = schema

    def set_attributes(self, attributes: dict[str, str]) -> None:
        """Take the client's attributes; CURRENT_SCHEMA changes the schema."""
        before = self._session.schema, self._values.copy()
        for name, value in attributes.items():
            if name.upper() == "CURRENT_SCHEMA":
                self._set_schema(value)
            else:
                self._values[name.lower()] = value
        self.apply()
        if before != (self._session.schema, self._values):
            self._session.database.show_attributes(self._session, self._values)


def _posix(zone: str) -> str:
    """A time zone offset for PostgreSQL, whose POSIX zones count the other way.

    Raises ORA-01882.
    """
    match = _OFFSET.match(zone.strip())
    if match is None:
        if zone.upper() in {"UTC", "GMT"}:
            return "UTC"
        if zone in zoneinfo.available_timezones():
            return zone
        raise error(1882)
    sign = "-" if match[1] == "+" else "+"
    return f"<{zone.strip()}>{sign}{int(match[2]):02d}:{match[3]}"
