"""The logon (O5LOGON with the 12c verifier), the server's side of it.

The password travels encrypted under a key that both sides derive from two random halves, each sent
encrypted under the stored verifier. Ciphers are AES-256 in CBC with a zero vector, as the protocol
has it; keys come from PBKDF2.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from oracle_emulator.engine.interface import Credentials, OracleError
from oracle_emulator.ttc.auth import AuthRequest

VERIFIER_12C = 0x4815
LOCKED = 28000
EXPIRED = 28001
_SPEEDY_KEY_LABEL = b"AUTH_PBKDF2_SPEEDY_KEY"
_VERIFIER_ITERATIONS = 4096
_SESSION_ITERATIONS = 3
_PREFIX_BYTES = 16  # random bytes before every secret
_KEY_BYTES = 64
_HALF_BYTES = 32
_BLOCK_BYTES = 16
_MAX_PASSWORD_BYTES = 1024
_DATABASE_ID = "0" * 32

Pair = tuple[str, str, int]


def derive_key(password: str, salt: bytes) -> bytes:
    """Return the key that a password and a salt make, as `Credentials` stores it."""
    return hashlib.pbkdf2_hmac(
        "sha512", password.encode(), salt + _SPEEDY_KEY_LABEL, _VERIFIER_ITERATIONS, _KEY_BYTES
    )


def normalize_name(name: str) -> str:
    """Return a name as the catalogue has it: as it stands in quotes, else in capitals."""
    if len(name) >= 2 and name.startswith('"') and name.endswith('"'):
        return name[1:-1]
    return name.upper()


def _aes(key: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(key), modes.CBC(bytes(_BLOCK_BYTES)))


def encrypt(key: bytes, data: bytes) -> bytes:
    """Return whole blocks of data encrypted."""
    encryptor = _aes(key).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def decrypt(key: bytes, text: str) -> bytes:
    """Return what hexadecimal text holds, decrypted; nothing when it is no whole blocks."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return b""
    if not data or len(data) % _BLOCK_BYTES:
        return b""
    decryptor = _aes(key).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def _secret(key: bytes, text: str) -> bytes:
    """Return a decrypted secret without its random prefix and its padding."""
    data = decrypt(key, text)[_PREFIX_BYTES:]
    return data[: -data[-1]] if data and 1 <= data[-1] <= _BLOCK_BYTES else data


@dataclass(frozen=True, slots=True)
class LoggedOn:
    """A user who proved the password, and the key under which a new one may follow."""

    user: str
    session_key: bytes


class Logon:
    """The two steps of one logon. `find` returns a user's verifier."""

    def __init__(self, find: Callable[[str], Credentials | None]) -> None:
        self._find = find
        self._user = ""
        self._credentials: Credentials | None = None
        self._half = b""
        self._salt = b""

    def challenge(self, request: AuthRequest) -> list[Pair]:
        """Return the answer to the first step.

        An unknown user gets the same kind of answer as a known one.
        """
        self._user = normalize_name(request.user)
        self._credentials = self._find(self._user)
        self._half = secrets.token_bytes(_HALF_BYTES)
        self._salt = secrets.token_bytes(_PREFIX_BYTES)
        shown = self._credentials or Credentials(
            hashlib.sha256(self._user.encode()).digest()[:_PREFIX_BYTES],
            secrets.token_bytes(_KEY_BYTES),
        )
        encrypted = encrypt(_verifier(shown), self._half)
        return [
            ("AUTH_SESSKEY", encrypted.hex().upper(), 0),
            ("AUTH_VFR_DATA", shown.salt.hex().upper(), VERIFIER_12C),
            ("AUTH_PBKDF2_CSK_SALT", self._salt.hex().upper(), 0),
            ("AUTH_PBKDF2_VGEN_COUNT", str(_VERIFIER_ITERATIONS), 0),
            ("AUTH_PBKDF2_SDER_COUNT", str(_SESSION_ITERATIONS), 0),
            ("AUTH_GLOBALLY_UNIQUE_DBID\x00", _DATABASE_ID, 0),
        ]

    def verify(self, request: AuthRequest) -> LoggedOn:
        """Return who logged on.

        Raises OracleError: 1017 for a wrong password, or what a right one meets.
        """
        credentials = self._credentials
        if credentials is None or not self._half:
            raise invalid_credentials()
        peer_half = decrypt(_verifier(credentials), request.pairs.get("AUTH_SESSKEY", "")[:64])
        combined = (peer_half.hex() + self._half.hex()).upper().encode()
        key = hashlib.pbkdf2_hmac("sha512", combined, self._salt, _SESSION_ITERATIONS, 32)
        self._half = b""  # one attempt per challenge
        password = _secret(key, request.pairs.get("AUTH_PASSWORD", ""))
        speedy = decrypt(key, request.pairs.get("AUTH_PBKDF2_SPEEDY_KEY", ""))
        shown = speedy[_PREFIX_BYTES : _PREFIX_BYTES + _KEY_BYTES]
        stored = hashlib.pbkdf2_hmac(
            "sha512",
            password,
            credentials.salt + _SPEEDY_KEY_LABEL,
            _VERIFIER_ITERATIONS,
            _KEY_BYTES,
        )
        right = hmac.compare_digest(shown, credentials.key)
        if not (hmac.compare_digest(stored, credentials.key) and right):
            raise invalid_credentials()
        renewed = credentials.status == EXPIRED and "AUTH_NEWPASSWORD" in request.pairs
        if credentials.status and not renewed:
            raise OracleError(credentials.status, _refusal(credentials.status, self._user))
        return LoggedOn(self._user, key)


def _verifier(credentials: Credentials) -> bytes:
    return hashlib.sha512(credentials.key + credentials.salt).digest()[:32]


def invalid_credentials() -> OracleError:
    """Return the error of a wrong name or password."""
    return OracleError(1017, "invalid username/password; logon denied")


def _refusal(code: int, user: str) -> str:
    texts = {
        LOCKED: "The account is locked.",
        EXPIRED: "the password has expired",
        1045: f"user {user} lacks CREATE SESSION privilege; logon denied",
    }
    return texts.get(code, "logon denied")


def password_change(user: str, request: AuthRequest, session_key: bytes) -> str:
    """Return the statement that gives a user the new password of a request. Raises OracleError."""
    try:
        old = _secret(session_key, request.pairs.get("AUTH_PASSWORD", "")).decode()
        new = _secret(session_key, request.pairs.get("AUTH_NEWPASSWORD", "")).decode()
    except UnicodeDecodeError as error:
        raise invalid_credentials() from error
    if len(new.encode()) > _MAX_PASSWORD_BYTES and not new[0].isdigit():
        raise OracleError(28218, f"password length more than {_MAX_PASSWORD_BYTES} bytes")
    if not new or len(new.encode()) > _MAX_PASSWORD_BYTES or '"' in old + new:
        raise OracleError(988, "missing or invalid password(s)")
    return f'ALTER USER "{user}" IDENTIFIED BY "{new}" REPLACE "{old}"'


def server_proof(session_key: bytes) -> str:
    """Return what shows the client that the server knows the key too."""
    data = secrets.token_bytes(_PREFIX_BYTES) + b"SERVER_TO_CLIENT"
    return encrypt(session_key, data + bytes([_BLOCK_BYTES]) * _BLOCK_BYTES).hex().upper()
