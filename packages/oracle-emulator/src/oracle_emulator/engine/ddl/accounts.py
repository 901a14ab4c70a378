"""CREATE, ALTER and DROP USER, GRANT and REVOKE."""

from __future__ import annotations

from oracle_emulator.engine.ddl.reader import Reader
from oracle_emulator.engine.ddl.statements import CreateUser, DropUser, Grant
from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.scanner import Lexeme

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
UNLIMITED = -1


def user(reader: Reader, *, alter: bool) -> CreateUser:
    """Read what follows CREATE USER or ALTER USER."""
    quietly = not alter and reader.if_exists(negated=True)
    made = CreateUser(reader.identifier(1935), alter=alter, quietly=quietly)
    while reader.current is not None:
        if alter and _proxy(reader, made):
            continue
        if not (_identity(reader, made) or _resources(reader, made)):
            raise error(922, offset=reader.offset)
    if not alter and made.password is None:
        raise error(1935 if not made.name else 922, offset=reader.offset)
    return made


def _identity(reader: Reader, made: CreateUser) -> bool:
    """Read a clause about the password or the state of the account, if one is next."""
    if reader.accept("IDENTIFIED"):
        reader.expect("BY", code=924)
        made.password = _password(reader)
        if reader.accept("REPLACE"):
            _password(reader)
    elif reader.accept("ACCOUNT"):
        made.locked = reader.one_of("LOCK", "UNLOCK") == "LOCK"
    elif reader.accept("PASSWORD", "EXPIRE"):
        made.expired = True
    else:
        return False
    return True


def _proxy(reader: Reader, made: CreateUser) -> bool:
    """Read GRANT or REVOKE CONNECT THROUGH, if one is next."""
    if reader.accept("GRANT", "CONNECT", "THROUGH"):
        made.proxies.append(reader.identifier(987))
    elif reader.accept("REVOKE", "CONNECT", "THROUGH"):
        made.former_proxies.append(reader.identifier(987))
    else:
        return False
    if reader.accept("WITH", "NO", "ROLES") or reader.accept("WITH", "ROLE"):
        raise unsupported("roles of a proxy session", reader.offset)
    if reader.accept("AUTHENTICATION"):
        raise unsupported("AUTHENTICATION REQUIRED", reader.offset)
    return True


def _resources(reader: Reader, made: CreateUser) -> bool:
    """Read a clause about space or defaults, if one is next."""
    if reader.accept("DEFAULT", "TABLESPACE"):
        made.tablespace = reader.identifier(922)
    elif reader.accept("TEMPORARY", "TABLESPACE") or reader.accept("PROFILE"):
        reader.advance()
    elif reader.accept("QUOTA"):
        size = _size(reader)
        reader.expect("ON", code=969)
        made.quotas[reader.identifier(922)] = size
    elif reader.accept("DEFAULT", "ROLE"):
        reader.rest()
    elif reader.accept("CONTAINER"):
        reader.expect("=")
        reader.advance()
    else:
        return False
    return True


def _password(reader: Reader) -> str:
    token = reader.advance()
    if token.lexeme is Lexeme.QUOTED:
        return token.value
    if token.lexeme is Lexeme.WORD:
        return reader.text[token.start : token.end]  # passwords keep their case
    raise error(988, offset=token.start)


def _size(reader: Reader) -> int:
    if reader.accept("UNLIMITED"):
        return UNLIMITED
    size = reader.integer(2180)
    unit = reader.one_of("K", "M", "G", "T")
    return size * _UNITS[unit or ""]


def drop_user(reader: Reader) -> DropUser:
    """Read what follows DROP USER."""
    quietly = reader.if_exists()
    return DropUser(reader.identifier(1935), reader.accept("CASCADE"), quietly)


def grant(reader: Reader) -> Grant:
    """Read what follows GRANT."""
    made = _privileges(reader)
    reader.expect("TO")
    made.grantees = _grantees(reader)
    if reader.accept("WITH"):
        if reader.one_of("ADMIN", "GRANT") is None:
            raise error(905, offset=reader.offset)
        reader.expect("OPTION")
        made.option = True
    return made


def revoke(reader: Reader) -> Grant:
    """Read what follows REVOKE."""
    made = _privileges(reader)
    made.revoke = True
    reader.expect("FROM")
    made.grantees = _grantees(reader)
    reader.accept("CASCADE", "CONSTRAINTS")
    return made


def _grantees(reader: Reader) -> list[str]:
    found: list[str] = []
    while True:
        found.append("PUBLIC" if reader.accept("PUBLIC") else reader.identifier(987))
        if not reader.accept(","):
            return found


def _privileges(reader: Reader) -> Grant:
    made = Grant([], [])
    words: list[str] = []
    while not (reader.peek("TO") or reader.peek("FROM") or reader.peek("ON")):
        token = reader.advance()
        if token.value == ",":
            made.privileges.append(" ".join(words))
            words = []
        elif token.value == "(":
            raise unsupported("privileges on single columns", token.start)
        elif token.lexeme in {Lexeme.WORD, Lexeme.QUOTED}:
            words.append(token.value)
        else:
            raise error(990, offset=token.start)
    made.privileges.append(" ".join(words))
    if not all(made.privileges):
        raise error(990, offset=reader.offset)
    if reader.accept("ON"):
        if reader.one_of("DIRECTORY", "EDITION"):
            raise unsupported("privileges on directories and editions", reader.offset)
        made.on = reader.name()
    return made
