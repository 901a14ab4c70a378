"""Oracle as the target would meet it: address, certificate, user, rights, quota, character set.

Connects through the target's own pool, so that what passes here passes in a run. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from flext_cli import ends
from flext_cli.doctor.findings import Finding, remedy_in
from flext_target_oracle import settings as settings_of
from flext_target_oracle.connection import Database, Session
from flext_target_oracle.errors import DatabaseError, SettingsError, TargetError
from flext_target_oracle.settings import Settings

ABOUT = "Oracle"
_DML = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})


def check(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the settings, then connect and look around."""
    try:
        chosen = settings_of.load(ends.target_config(environ))
    except SettingsError as error:
        for text in str(error).split("; setting "):
            yield Finding(ABOUT, "settings", "error", text, "correct it in .env")
        return
    yield Finding(ABOUT, "settings", "ok", "every setting of the target is valid")
    if chosen.protocol == "tcp":
        yield Finding(
            ABOUT, "TLS", "warning", "protocol is tcp: passwords and data go over the network open",
            "ask the DBA for a TCPS listener and set protocol tcps",
        )  # fmt: skip
    elif not chosen.ssl_server_dn_match:
        yield Finding(
            ABOUT, "TLS", "warning",
            "ssl_server_dn_match is off: any server of the issuer passes",
            "set it to true, and host to the name in the server's certificate",
        )  # fmt: skip
    try:
        with closing(Database(chosen, run_id="flext-doctor")) as database:
            yield from _connected(database, chosen)
    except (DatabaseError, TargetError) as error:
        yield Finding(ABOUT, "reachable", "error", str(error), remedy_in(str(error)))


def _connected(database: Database, chosen: Settings) -> Iterator[Finding]:
    limit = database.max_identifier_bytes
    with database.session("flext doctor") as session:
        (version,) = _one(session, "SELECT VERSION FROM PRODUCT_COMPONENT_VERSION")
        (user, schema) = _one(
            session,
            "SELECT SYS_CONTEXT('USERENV', 'SESSION_USER'),"
            " SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL",
        )
        yield Finding(ABOUT, "reachable", "ok", f"version {version}, as user {user}")
        if limit < 128:
            yield Finding(
                ABOUT, "names", "warning", "this version takes names of 30 bytes at most",
                "expect shortened column names with a hash, or upgrade to 12.2 or later",
            )  # fmt: skip
        yield from _character_set(session)
        yield _text_size(session)
        control = chosen.control_schema or schema
        yield from _rights(session, chosen, str(user), str(control))
        yield from _quota(session, str(user))


def _one(session: Session, sql: str, binds: list[Any] | None = None) -> tuple[Any, ...]:
    rows = session.query(sql, binds or [], what="looking around")
    return rows[0]


def _character_set(session: Session) -> Iterator[Finding]:
    (name,) = _one(
        session,
        "SELECT VALUE FROM NLS_DATABASE_PARAMETERS WHERE PARAMETER = 'NLS_CHARACTERSET'",
    )
    if name in {"AL32UTF8", "UTF8"}:
        yield Finding(ABOUT, "character set", "ok", f"{name} holds every character")
    else:
        yield Finding(
            ABOUT, "character set", "warning", f"{name} does not hold every character of the WMS",
            "rows with other characters are rejected: allow some (max_rejects), or load into a"
            " database with AL32UTF8",
        )  # fmt: skip


def _text_size(session: Session) -> Finding:
    """MAX_STRING_SIZE, where the user may see it; the target needs no more than STANDARD."""
    try:
        (value,) = _one(session, "SELECT VALUE FROM V$PARAMETER WHERE NAME = 'max_string_size'")
    except DatabaseError as error:
        if error.code != "ORA-00942":
            raise
        value = "not shown to this user, STANDARD is enough"
    text = f"MAX_STRING_SIZE: {value}; longer texts go by setting on_overflow"
    return Finding(ABOUT, "text size", "ok", text)


def _rights(session: Session, chosen: Settings, user: str, control: str) -> Iterator[Finding]:
    rows = session.query("SELECT PRIVILEGE FROM SESSION_PRIVS", what="reading the user's rights")
    rights = {str(row[0]) for row in rows}
    any_rights = sorted(right for right in rights if " ANY " in right)
    if any_rights:
        yield Finding(
            ABOUT, "rights", "warning", f"{user} has more than it needs: {', '.join(any_rights)}",
            "give the pipeline a user of its own with CREATE SESSION and CREATE TABLE only",
        )  # fmt: skip
    if "CREATE TABLE" not in rights:
        yield Finding(
            ABOUT, "rights", "error", f"{user} may not make tables in {control}",
            f"GRANT CREATE TABLE TO {user}",
        )  # fmt: skip
    else:
        yield Finding(ABOUT, "rights", "ok", f"{user} may make tables in its own schema")
    owner = chosen.target_schema
    if owner == user:
        return
    if not session.query(
        "SELECT USERNAME FROM ALL_USERS WHERE USERNAME = :1", [owner], what="looking for the schema"
    ):
        yield Finding(
            ABOUT, "schema", "error", f"there is no schema {owner}",
            "correct setting schema, or have the DBA make it",
        )  # fmt: skip
        return
    yield from _rights_on_tables(session, chosen, user, owner)


def _rights_on_tables(
    session: Session, chosen: Settings, user: str, owner: str
) -> Iterator[Finding]:
    granted: dict[str, set[str]] = {}
    for table, privilege in session.query(
        "SELECT TABLE_NAME, PRIVILEGE FROM ALL_TAB_PRIVS WHERE TABLE_SCHEMA = :1 AND GRANTEE = :2",
        [owner, user],
        what="reading the rights on tables",
    ):
        granted.setdefault(str(table), set()).add(str(privilege))
    ours = {t: rights for t, rights in granted.items() if t.startswith(chosen.table_prefix)}
    lacking = {table: _DML - rights for table, rights in ours.items() if _DML - rights}
    for table, rights in sorted(lacking.items()):
        names = ", ".join(sorted(rights))
        yield Finding(
            ABOUT, "rights on tables", "error", f"{user} lacks {names} on {owner}.{table}",
            f'GRANT {names} ON "{owner}"."{table}" TO {user}',
        )  # fmt: skip
    if not ours:
        yield Finding(
            ABOUT, "rights on tables", "warning",
            f"{user} has no rights on any table {owner}.{chosen.table_prefix}…",
            f"have {owner} make the tables (`flext plan` prints them) and grant SELECT, INSERT,"
            " UPDATE, DELETE on each",
        )  # fmt: skip
    elif not lacking:
        yield Finding(ABOUT, "rights on tables", "ok", f"on {len(ours)} tables of {owner}")


def _quota(session: Session, user: str) -> Iterator[Finding]:
    rights = session.query(
        "SELECT PRIVILEGE FROM SESSION_PRIVS WHERE PRIVILEGE = 'UNLIMITED TABLESPACE'",
        what="reading the user's rights",
    )
    (tablespace,) = _one(session, "SELECT DEFAULT_TABLESPACE FROM USER_USERS")
    quotas = session.query(
        "SELECT BYTES, MAX_BYTES FROM USER_TS_QUOTAS WHERE TABLESPACE_NAME = :1",
        [tablespace],
        what="reading the quota",
    )
    give = f"ALTER USER {user} QUOTA UNLIMITED ON {tablespace}"
    if rights or any(int(limit) == -1 for _, limit in quotas):
        yield Finding(ABOUT, "quota", "ok", f"unlimited on {tablespace}")
    elif not quotas or not any(int(limit) for _, limit in quotas):
        yield Finding(ABOUT, "quota", "error", f"{user} has no quota on {tablespace}", give)
    else:
        used, limit = (int(value) for value in quotas[0])
        text = f"{used:,} of {limit:,} bytes on {tablespace} are used"
        if used >= 0.9 * limit:
            yield Finding(ABOUT, "quota", "warning", text, give)
        else:
            yield Finding(ABOUT, "quota", "ok", text)
