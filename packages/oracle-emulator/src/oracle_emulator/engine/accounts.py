"""Users, their verifiers, privileges and quotas.

Each user is also a role and a schema of PostgreSQL.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import psycopg

from oracle_emulator.engine import names
from oracle_emulator.engine.ddl.statements import CreateUser, DropUser, Grant
from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.interface import Credentials, OracleError

ITERATIONS = 4096
KEY_BYTES = 64
SALT_BYTES = 16
TABLESPACES = frozenset({"SYSTEM", "SYSAUX", "USERS", "TEMP", "UNDOTBS1"})
ADMINISTRATORS = ("SYS", "SYSTEM")

SYSTEM_PRIVILEGES = frozenset(
    {
        "ALTER ANY TABLE",
        "ALTER SESSION",
        "ALTER SYSTEM",
        "ALTER USER",
        "ANALYZE ANY",
        "COMMENT ANY TABLE",
        "CREATE ANY INDEX",
        "CREATE ANY SEQUENCE",
        "CREATE ANY TABLE",
        "CREATE ANY VIEW",
        "CREATE JOB",
        "CREATE MATERIALIZED VIEW",
        "CREATE PROCEDURE",
        "CREATE SEQUENCE",
        "CREATE SESSION",
        "CREATE ANY SYNONYM",
        "CREATE PUBLIC SYNONYM",
        "CREATE SYNONYM",
        "DROP ANY SYNONYM",
        "DROP PUBLIC SYNONYM",
        "CREATE TABLE",
        "CREATE TRIGGER",
        "CREATE TYPE",
        "CREATE USER",
        "CREATE VIEW",
        "DELETE ANY TABLE",
        "DROP ANY INDEX",
        "DROP ANY TABLE",
        "DROP USER",
        "GRANT ANY OBJECT PRIVILEGE",
        "GRANT ANY PRIVILEGE",
        "INSERT ANY TABLE",
        "LOCK ANY TABLE",
        "SELECT ANY DICTIONARY",
        "SELECT ANY SEQUENCE",
        "SELECT ANY TABLE",
        "UNLIMITED TABLESPACE",
        "UPDATE ANY TABLE",
    }
)
ROLES = {
    "CONNECT": ("CREATE SESSION",),
    "RESOURCE": (
        "CREATE TABLE",
        "CREATE SEQUENCE",
        "CREATE PROCEDURE",
        "CREATE TRIGGER",
        "CREATE TYPE",
    ),
    "DBA": tuple(sorted(SYSTEM_PRIVILEGES)),
}
# Privileges on tables: what PostgreSQL calls them; None: there is no such thing here, and nothing
# to give.
OBJECT_PRIVILEGES = {
    "SELECT": "SELECT",
    "READ": "SELECT",
    "INSERT": "INSERT",
    "UPDATE": "UPDATE",
    "DELETE": "DELETE",
    "REFERENCES": "REFERENCES",
    "ALL": "ALL",
    "ALL PRIVILEGES": "ALL",
}
Run = psycopg.Connection[Any]


def verifier(password: str, salt: bytes) -> bytes:
    """The 64-byte key that the 12c logon derives from a password."""
    return hashlib.pbkdf2_hmac(
        "sha512", password.encode(), salt + b"AUTH_PBKDF2_SPEEDY_KEY", ITERATIONS, KEY_BYTES
    )


def credentials(run: Run, user: str) -> Credentials | None:
    """A user's verifier and what a right password meets."""
    row = run.execute(
        "SELECT salt, key, status FROM ora.users WHERE username = $1", [user]
    ).fetchone()
    if row is None or row[0] is None:
        return None
    status = int(row[2])
    if status == 0 and not has_privilege(run, user, "CREATE SESSION"):
        status = 1045
    return Credentials(bytes(row[0]), bytes(row[1]), status)


def has_privilege(run: Run, user: str, *privileges: str) -> bool:
    """Whether a user holds one of these system privileges."""
    found = run.execute(
        "SELECT 1 FROM ora.system_privileges WHERE grantee IN ($1, 'PUBLIC') AND privilege = ANY "
        "($2) LIMIT 1",
        [user, list(privileges)],
    ).fetchone()
    return found is not None


def require(run: Run, user: str, *privileges: str) -> None:
    """Raise ORA-01031 unless the user holds one of these system privileges."""
    if not has_privilege(run, user, *privileges):
        raise error(1031)


def exists(run: Run, user: str) -> bool:
    """Whether there is such a user."""
    return run.execute("SELECT 1 FROM ora.users WHERE username = $1", [user]).fetchone() is not None


def may_connect_through(run: Run, proxy: str, user: str) -> bool:
    """Whether a user may be connected as by another: ALTER USER … GRANT CONNECT THROUGH."""
    found = run.execute(
        "SELECT 1 FROM ora.proxies WHERE proxy = $1 AND client = $2", [proxy, user]
    ).fetchone()
    return found is not None


def _change_proxies(run: Run, statement: CreateUser) -> None:
    for proxy in [*statement.proxies, *statement.former_proxies]:
        if not exists(run, proxy):
            raise error(1918, proxy)
    for proxy in statement.proxies:
        run.execute(
            "INSERT INTO ora.proxies VALUES ($1, $2) ON CONFLICT DO NOTHING",
            [proxy, statement.name],
        )
    for proxy in statement.former_proxies:
        run.execute(
            "DELETE FROM ora.proxies WHERE proxy = $1 AND client = $2", [proxy, statement.name]
        )


def create_administrators(run: Run, password: str) -> None:
    """Make SYS and SYSTEM, who may do everything, or set their password when they exist."""
    for name in ADMINISTRATORS:
        salt = os.urandom(SALT_BYTES)
        values = [name, salt, verifier(password, salt)]
        if exists(run, name):
            run.execute("UPDATE ora.users SET salt = $2, key = $3 WHERE username = $1", values)
            continue
        run.execute("INSERT INTO ora.users (username, salt, key) VALUES ($1, $2, $3)", values)
        run.execute(f"CREATE ROLE {names.quote(name)} SUPERUSER")
        if name != "SYS":
            run.execute(f"CREATE SCHEMA {names.quote(name)} AUTHORIZATION {names.quote(name)}")
            run.execute(f"GRANT USAGE ON SCHEMA {names.quote(name)} TO PUBLIC")
        for privilege in sorted(SYSTEM_PRIVILEGES):
            run.execute(
                "INSERT INTO ora.system_privileges VALUES ($1, $2, true)", [name, privilege]
            )


def create(run: Run, statement: CreateUser) -> None:
    """CREATE USER and ALTER USER. The caller has checked the right to do so."""
    name = statement.name
    for tablespace in [
        *statement.quotas,
        *([statement.tablespace] if statement.tablespace else []),
    ]:
        if tablespace not in TABLESPACES:
            raise error(959, tablespace)
    if statement.alter:
        if not exists(run, name):
            raise error(1918, name)
    else:
        if exists(run, name) or name in ROLES or name == "PUBLIC":
            raise error(1920, name)
        run.execute("INSERT INTO ora.users (username) VALUES ($1)", [name])
        run.execute(f"CREATE ROLE {names.quote(name)}")
        run.execute(f"CREATE SCHEMA {names.quote(name)}")
        run.execute(f"GRANT USAGE ON SCHEMA {names.quote(name)} TO PUBLIC")
    _change(run, statement)


def _change(run: Run, statement: CreateUser) -> None:
    name = statement.name
    _change_proxies(run, statement)
    if statement.password is not None:
        salt = os.urandom(SALT_BYTES)
        run.execute(
            "UPDATE ora.users SET salt = $2, key = $3, status = CASE WHEN status = 28001 THEN 0 "
            "ELSE status END "
            "WHERE username = $1",
            [name, salt, verifier(statement.password, salt)],
        )
    if statement.tablespace is not None:
        run.execute(
            "UPDATE ora.users SET default_tablespace = $2 WHERE username = $1",
            [name, statement.tablespace],
        )
    if statement.locked is not None:
        run.execute(
            "UPDATE ora.users SET status = $2 WHERE username = $1",
            [name, 28000 if statement.locked else 0],
        )
    if statement.expired:
        run.execute("UPDATE ora.users SET status = 28001 WHERE username = $1", [name])
    for tablespace, size in statement.quotas.items():
        run.execute(
            "INSERT INTO ora.quotas VALUES ($1, $2, $3) "
            "ON CONFLICT (username, tablespace) DO UPDATE SET max_bytes = excluded.max_bytes",
            [name, tablespace, size],
        )


def drop(run: Run, statement: DropUser) -> None:
    """DROP USER. The caller has made sure that the user is not connected."""
    name = statement.name
    if not exists(run, name):
        raise error(1918, name)
    if name in ADMINISTRATORS:
        raise error(1031)
    owned = run.execute(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname "
        "= $1 LIMIT 1",
        [names.physical(name)],
    ).fetchone()
    if owned is not None and not statement.cascade:
        raise error(1922, name)
    for table in ("columns", "objects"):
        run.execute(
            f"DELETE FROM ora.{table} WHERE relid IN (SELECT c.oid FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1)",
            [names.physical(name)],
        )
    run.execute(f"DROP SCHEMA {names.quote(name)} CASCADE")
    run.execute(f"DROP OWNED BY {names.quote(name)} CASCADE")
    run.execute(f"DROP ROLE {names.quote(name)}")
    run.execute("DELETE FROM ora.system_privileges WHERE grantee = $1", [name])
    run.execute("DELETE FROM ora.quotas WHERE username = $1", [name])
    run.execute("DELETE FROM ora.proxies WHERE $1 IN (proxy, client)", [name])
    run.execute("DELETE FROM ora.users WHERE username = $1", [name])


def grant_system(run: Run, statement: Grant, grantor: str) -> None:
    """GRANT or REVOKE of system privileges and roles."""
    wanted = _system_privileges(statement.privileges)
    admin = has_privilege(run, grantor, "GRANT ANY PRIVILEGE")
    for grantee in statement.grantees:
        if grantee != "PUBLIC" and not exists(run, grantee):
            raise error(1917, grantee)
        for privilege in wanted:
            if not admin and not _may_pass_on(run, grantor, privilege):
                raise error(1031)
            _give(run, statement, grantee, privilege)


def _system_privileges(asked: Sequence[str]) -> list[str]:
    wanted: list[str] = []
    for privilege in asked:
        if privilege in ROLES:
            wanted += ROLES[privilege]
        elif privilege in SYSTEM_PRIVILEGES:
            wanted.append(privilege)
        elif " " in privilege or privilege in OBJECT_PRIVILEGES:
            raise error(990)
        else:
            raise OracleError(1919, f"role '{privilege}' does not exist")
    return wanted


def _may_pass_on(run: Run, grantor: str, privilege: str) -> bool:
    row = run.execute(
        "SELECT 1 FROM ora.system_privileges WHERE grantee = $1 AND privilege = $2 AND "
        "admin_option",
        [grantor, privilege],
    ).fetchone()
    return row is not None


def _give(run: Run, statement: Grant, grantee: str, privilege: str) -> None:
    if statement.revoke:
        _inherit(run, grantee, privilege, words=("REVOKE", "FROM"))
        gone = run.execute(
            "DELETE FROM ora.system_privileges WHERE grantee = $1 AND privilege = $2",
            [grantee, privilege],
        )
        if gone.rowcount == 0 and privilege in statement.privileges:
            raise error(1952, grantee)
    else:
        _inherit(run, grantee, privilege, words=("GRANT", "TO"))
        run.execute(
            "INSERT INTO ora.system_privileges VALUES ($1, $2, $3) ON CONFLICT (grantee, "
            "privilege) "
            "DO UPDATE SET admin_option = system_privileges.admin_option OR excluded.admin_option",
            [grantee, privilege, statement.option],
        )


# System privileges that PostgreSQL enforces: the role that stands for each.
_ROLES_BEHIND = {
    "SELECT ANY DICTIONARY": '"ora$dictionary"',
    "SELECT ANY TABLE": "pg_read_all_data",
    "INSERT ANY TABLE": "pg_write_all_data",
    "UPDATE ANY TABLE": "pg_write_all_data",
    "DELETE ANY TABLE": "pg_write_all_data",
}


def _inherit(run: Run, grantee: str, privilege: str, words: tuple[str, str]) -> None:
    role = _ROLES_BEHIND.get(privilege)
    if role is None or grantee in ADMINISTRATORS:
        return
    if grantee == "PUBLIC":
        raise unsupported(f"{privilege} granted to PUBLIC")
    run.execute(f"{words[0]} {role} {words[1]} {names.quote(grantee)}")


def grant_object(run: Run, statement: Grant, owner: str, name: str) -> None:
    """GRANT or REVOKE on one object. The caller has checked the right to do so."""
    rights: list[str] = []
    for privilege in statement.privileges:
        if privilege in {"ALTER", "INDEX", "DEBUG"}:
            raise unsupported(f"object privilege {privilege}")
        if privilege not in OBJECT_PRIVILEGES:
            raise error(990)
        rights.append(OBJECT_PRIVILEGES[privilege])
    for grantee in statement.grantees:
        if grantee == owner:
            raise error(1749)
        if grantee != "PUBLIC" and not exists(run, grantee):
            raise error(1917, grantee)
        role = "PUBLIC" if grantee == "PUBLIC" else names.quote(grantee)
        kind = _kind(run, owner, name)
        words = ("REVOKE", "FROM") if statement.revoke else ("GRANT", "TO")
        listed = ", ".join(
            dict.fromkeys("USAGE, SELECT" if kind == "SEQUENCE" else r for r in rights)
        )
        option = " WITH GRANT OPTION" if statement.option and not statement.revoke else ""
        run.execute(
            f"{words[0]} {listed} ON {kind} {names.quote(owner, name)} {words[1]} {role}{option}"
        )


def _kind(run: Run, owner: str, name: str) -> str:
    row = run.execute(
        "SELECT relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = $1 AND c.relname = $2 AND relkind IN ('r', 'v', 'S')",
        [names.physical(owner), names.physical(name)],
    ).fetchone()
    if row is None:
        raise error(942)
    return "SEQUENCE" if row[0] == "S" else "TABLE"
