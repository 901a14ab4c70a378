"""Users, privileges, quotas and what they forbid."""

from __future__ import annotations

from typing import Any

import pytest

from oracle_emulator.engine import accounts
from oracle_emulator.engine.interface import OracleError

Client = Any


def test_verifier_of_a_new_user(database: Any, user: str) -> None:
    found = database.credentials(user)
    assert found is not None
    assert found.key == accounts.verifier("secret", found.salt)
    assert (len(found.salt), len(found.key), found.status) == (16, 64, 0)
    assert database.credentials("NOBODY") is None


def test_status_of_accounts(database: Any, system: Client, user: str, connect: Any) -> None:
    system.run(f"ALTER USER {user} ACCOUNT LOCK")
    assert database.credentials(user).status == 28000
    system.run(f"ALTER USER {user} ACCOUNT UNLOCK")
    system.run(f"REVOKE CREATE SESSION FROM {user}")
    assert database.credentials(user).status == 1045
    with pytest.raises(OracleError, match=f"ORA-01045: user {user} lacks CREATE SESSION"):
        connect(user)


def test_password_change(database: Any, client: Client, user: str) -> None:
    client.run(f'ALTER USER {user} IDENTIFIED BY "other"')
    found = database.credentials(user)
    assert found.key == accounts.verifier("other", found.salt)


def test_another_schema(client: Client, user: str, system: Client, connect: Any) -> None:
    client.run("CREATE TABLE T (A NUMBER)")
    system.run("CREATE USER STRANGER IDENTIFIED BY x")
    system.run("GRANT CREATE SESSION TO STRANGER")
    stranger = connect("STRANGER")
    for statement in (
        "SELECT * FROM {}.T",
        "INSERT INTO {}.T VALUES (1)",
        "DELETE FROM {}.T",
        "SELECT * FROM {}.NOPE",
    ):
        assert stranger.code(statement.format(user)) == 942
    assert stranger.code(f"CREATE TABLE {user}.U (A NUMBER)") == 1031
    assert stranger.code(f"GRANT SELECT ON {user}.T TO STRANGER") == 942
    assert stranger.rows(f"SELECT TABLE_NAME FROM ALL_TABLES WHERE OWNER = '{user}'") == []
    client.run("GRANT SELECT, INSERT ON T TO STRANGER")
    assert stranger.run(f"INSERT INTO {user}.T VALUES (1)").row_count == 1
    assert stranger.one(f"SELECT COUNT(*) FROM {user}.T") == 1
    assert stranger.code(f"DELETE FROM {user}.T") == 1031
    assert stranger.code(f"ALTER TABLE {user}.T ADD (B NUMBER)") == 1031
    assert stranger.code(f"DROP TABLE {user}.T") == 1031
    stranger.session.commit()
    privileges = "SELECT GRANTEE, TABLE_NAME, PRIVILEGE FROM USER_TAB_PRIVS ORDER BY PRIVILEGE"
    assert client.rows(privileges) == [("STRANGER", "T", "INSERT"), ("STRANGER", "T", "SELECT")]
    client.run("REVOKE INSERT ON T FROM STRANGER")
    assert stranger.code(f"INSERT INTO {user}.T VALUES (1)") == 1031
    stranger.session.close()
    system.run("DROP USER STRANGER")


def test_missing_privileges_and_quota(system: Client, connect: Any) -> None:
    system.run("CREATE USER POOR IDENTIFIED BY x")
    system.run("GRANT CREATE SESSION TO POOR")
    poor = connect("POOR")
    assert poor.code("CREATE TABLE T (A NUMBER)") == 1031
    assert poor.code("CREATE USER X IDENTIFIED BY x") == 1031
    assert poor.code("DROP USER SYSTEM") == 1031
    assert poor.code("SELECT * FROM DBA_USERS") == 942
    system.run("GRANT CREATE TABLE TO POOR")
    poor.run("CREATE TABLE T (A NUMBER)")  # segments are made by the first row
    assert poor.error("INSERT INTO T VALUES (1)").text == "no privileges on tablespace 'USERS'"
    assert poor.error("INSERT INTO T VALUES (1)").code == 1950
    poor.run("CREATE GLOBAL TEMPORARY TABLE G (A NUMBER)")
    assert poor.run("INSERT INTO G VALUES (1)").row_count == 1
    system.run("ALTER USER POOR QUOTA 10M ON USERS")
    assert poor.run("INSERT INTO T VALUES (1)").row_count == 1
    assert poor.rows("SELECT TABLESPACE_NAME, MAX_BYTES FROM USER_TS_QUOTAS") == [
        ("USERS", 10 << 20)
    ]
    poor.session.close()
    assert system.code("DROP USER POOR") == 1922
    system.run("DROP USER POOR CASCADE")
    assert system.code("DROP USER POOR CASCADE") == 1918


def test_connected_users_cannot_be_dropped(client: Client, system: Client, user: str) -> None:
    assert system.code(f"DROP USER {user} CASCADE") == 1940


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("CREATE USER SYSTEM IDENTIFIED BY x", 1920),
        ("CREATE USER Q IDENTIFIED BY x QUOTA 1M ON NOWHERE", 959),
        ("GRANT CREATE TABLE TO NOONE", 1917),
        ("GRANT FLY TO SYSTEM", 1919),
        ("ALTER USER NOONE IDENTIFIED BY x", 1918),
    ],
)
def test_account_errors(system: Client, statement: str, code: int) -> None:
    assert system.code(statement) == code


def test_system_sees_everything(system: Client, client: Client, user: str) -> None:
    client.run("CREATE TABLE T (A NUMBER)")
    client.run("INSERT INTO T VALUES (1)")
    client.session.commit()
    assert system.one(f"SELECT COUNT(*) FROM {user}.T") == 1
    assert system.rows("SELECT TABLE_NAME FROM DBA_TABLES WHERE OWNER = :1", user) == [("T",)]
    system.run(f"ALTER TABLE {user}.T ADD (B NUMBER)")
    assert client.rows("SELECT * FROM T") == [(1, None)]
