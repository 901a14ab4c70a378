"""The server's side of the logon against a client written from the description of the protocol."""

import hashlib
import secrets

import pytest

from oracle_emulator.engine.interface import Credentials, OracleError
from oracle_emulator.session.logon import (
    Logon,
    decrypt,
    derive_key,
    encrypt,
    normalize_name,
    server_proof,
)
from oracle_emulator.ttc.auth import AuthRequest

SALT = bytes(range(16))


def padded(data):
    missing = 16 - len(data) % 16
    return data + bytes([missing]) * missing


def answer(challenge, password):
    values = {key: value for key, value, _ in challenge}
    salt = bytes.fromhex(values["AUTH_VFR_DATA"])
    key = derive_key(password, salt)
    verifier = hashlib.sha512(key + salt).digest()[:32]
    server_half = decrypt(verifier, values["AUTH_SESSKEY"])
    half = secrets.token_bytes(32)
    session_key = hashlib.pbkdf2_hmac(
        "sha512",
        (half.hex() + server_half.hex()).upper().encode(),
        bytes.fromhex(values["AUTH_PBKDF2_CSK_SALT"]),
        3,
        32,
    )
    prefix = secrets.token_bytes(16)
    pairs = {
        "AUTH_SESSKEY": encrypt(verifier, half).hex().upper(),
        "AUTH_PASSWORD": encrypt(session_key, padded(prefix + password.encode())).hex(),
        "AUTH_PBKDF2_SPEEDY_KEY": encrypt(session_key, prefix + key).hex(),
    }
    return session_key, AuthRequest("scott", 0, pairs)


def stored(password="tiger", status=0):
    return lambda user: (
        Credentials(SALT, derive_key(password, SALT), status) if user == "SCOTT" else None
    )


def ask(logon, user="scott"):
    return logon.challenge(AuthRequest(user, 0, {}))


@pytest.mark.parametrize("password", ["tiger", "x" * 100, "pass wörd €", "0123456789abcdef"])
def test_the_right_password_enters_and_both_sides_have_the_same_key(password):
    logon = Logon(stored(password))
    key, request = answer(ask(logon), password)
    logged_on = logon.verify(request)
    assert (logged_on.user, logged_on.session_key) == ("SCOTT", key)
    assert decrypt(key, server_proof(key))[16:32] == b"SERVER_TO_CLIENT"


@pytest.mark.parametrize("user", ["scott", "nobody"])
def test_a_wrong_password_and_an_unknown_user_fail_alike(user):
    logon = Logon(stored())
    challenge = ask(logon, user)
    _, request = answer(challenge, "lion")
    with pytest.raises(OracleError, match="ORA-01017: invalid username/password") as caught:
        logon.verify(request)
    assert caught.value.code == 1017
    assert {key for key, _, _ in challenge} == {key for key, _, _ in ask(Logon(stored()))}


@pytest.mark.parametrize("status", [28000, 28001, 1045])
def test_what_a_right_password_meets_is_told_only_with_it(status):
    for password, expected in (("tiger", status), ("lion", 1017)):
        logon = Logon(stored(status=status))
        _, request = answer(ask(logon), password)
        with pytest.raises(OracleError) as caught:
            logon.verify(request)
        assert caught.value.code == expected


def test_a_challenge_serves_one_attempt():
    logon = Logon(stored())
    _, request = answer(ask(logon), "tiger")
    logon.verify(request)
    with pytest.raises(OracleError):
        logon.verify(request)


def test_the_key_alone_is_not_enough():
    logon = Logon(stored())
    _, request = answer(ask(logon), "tiger")
    request.pairs["AUTH_PASSWORD"] = "00" * 32
    with pytest.raises(OracleError):
        logon.verify(request)


@pytest.mark.parametrize("garbage", ["", "zz", "00", "00" * 15, "ff" * 64])
def test_garbage_is_a_wrong_password(garbage):
    for field in ("AUTH_SESSKEY", "AUTH_PASSWORD", "AUTH_PBKDF2_SPEEDY_KEY"):
        logon = Logon(stored())
        _, request = answer(ask(logon), "tiger")
        request.pairs[field] = garbage
        with pytest.raises(OracleError):
            logon.verify(request)


def test_names_fold_up_unless_quoted():
    assert normalize_name("scott") == "SCOTT"
    assert normalize_name('"Scott"') == "Scott"
