"""The account that clients use, its tokens, and what an administrator may change about it.

No HTTP here: the API asks whether credentials hold, the admin API changes them.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import tzinfo
from hmac import compare_digest
from zoneinfo import ZoneInfo

from wms_emulator.clock import Clock

_DAY_US = 86_400_000_000
_SECOND_US = 1_000_000


@dataclass(frozen=True)
class ApiUser:
    """The account that clients use; it decides more of the answers than one would think."""

    username: str
    password: str = field(repr=False)
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("America/New_York"))
    rows_per_page: int = 25
    forbidden: frozenset[str] = frozenset({"user"})  # entities it has no permission for
    facilities: frozenset[str] | None = None  # codes of those it is eligible for; None: all
    companies: frozenset[str] | None = None
    read_access: bool = True  # the group permission lgfapi_read_access
    password_life_days: float | None = None  # from start, or from the last change; None: for ever
    client_id: str = "emulator_client"
    client_secret: str = field(default="emulator_secret", repr=False)
    token_life_s: float = 3600.0


class AccountError(ValueError):
    """A change of the account that does not make sense; nothing was changed."""


@dataclass(frozen=True, slots=True)
class _Token:
    expires_us: int
    refresh: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens as they were given out; no refresh token for client_credentials."""

    access_token: str
    refresh_token: str | None
    expires_in: int


_SETS = frozenset({"facilities", "companies", "forbidden"})
_KINDS: dict[str, tuple[type, ...]] = {
    "username": (str,),
    "password": (str,),
    "client_id": (str,),
    "client_secret": (str,),
    "rows_per_page": (int,),
    "read_access": (bool,),
    "password_life_days": (int, float, type(None)),
    "token_life_s": (int, float),
}


class Account:
    """The account as it is now. Times are the emulator's clock's."""

    def __init__(self, user: ApiUser, clock: Clock) -> None:
        self.user = user
        self._clock = clock
        self._password_set_us = clock.now_us()
        self._tokens: dict[str, _Token] = {}

    @property
    def password_expired(self) -> bool:
        """Whether the password is older than its life."""
        life = self.user.password_life_days
        age_us = self._clock.now_us() - self._password_set_us
        return life is not None and age_us >= life * _DAY_US

    def knows(self, username: str, password: str) -> bool:
        """Whether these are the account's credentials, and still good."""
        wanted = f"{self.user.username}:{self.user.password}".encode()
        same = compare_digest(f"{username}:{password}".encode(), wanted)
        return same and not self.password_expired

    def knows_client(self, client_id: str, secret: str) -> bool:
        """Whether these are the registered application's credentials."""
        wanted = f"{self.user.client_id}:{self.user.client_secret}".encode()
        return compare_digest(f"{client_id}:{secret}".encode(), wanted)

    def grant(self, *, refreshable: bool) -> Grant:
        """Give out an access token that lives token_life_s, and a refresh token if asked."""
        life_s = self.user.token_life_s
        access = secrets.token_urlsafe(24)
        self._tokens[access] = _Token(self._clock.now_us() + round(life_s * _SECOND_US), False)
        refresh = None
        if refreshable:
            refresh = secrets.token_urlsafe(24)
            self._tokens[refresh] = _Token(self._clock.now_us() + 30 * _DAY_US, True)
        return Grant(access, refresh, int(life_s))

    def take_refresh(self, token: str) -> bool:
        """Use up a refresh token; False if it is none, or no longer good."""
        held = self._tokens.get(token)
        if held is None or not held.refresh:
            return False
        del self._tokens[token]
        return self._clock.now_us() < held.expires_us

    def bears(self, token: str) -> bool:
        """Whether an access token is good now."""
        held = self._tokens.get(token)
        return held is not None and not held.refresh and self._clock.now_us() < held.expires_us

    def revoke(self) -> None:
        """Make every access token useless, as when a session ends on the server's side."""
        self._tokens = {text: token for text, token in self._tokens.items() if token.refresh}

    def change(self, wanted: Mapping[str, object]) -> dict[str, object]:
        """Change the account as an administrator does; answers what it is now, secrets left out.

        Raises:
            AccountError: an unknown key or a value of the wrong kind.
        """
        values = {name: _value(name, given) for name, given in wanted.items() if name != "revoke"}
        if wanted.get("revoke"):
            self.revoke()
        self.user = replace(self.user, **values)  # type: ignore[arg-type] # _value checked each
        if "password" in values or "password_life_days" in values:
            self._password_set_us = self._clock.now_us()
        return self.shown()

    def shown(self) -> dict[str, object]:
        """The account, fit for JSON, secrets left out."""
        hidden = {"password", "client_secret", "zone"}
        shown: dict[str, object] = {"zone": str(self.user.zone)}
        for one in fields(self.user):
            value = getattr(self.user, one.name)
            if one.name not in hidden:
                shown[one.name] = sorted(value) if isinstance(value, frozenset) else value
        return shown


def _value(name: str, given: object) -> object:
    if name in _SETS:
        if given is None and name != "forbidden":
            return None
        if isinstance(given, list) and all(isinstance(one, str) for one in given):
            return frozenset(given)
        raise AccountError(f"{name}: a list of texts is expected")
    kinds = _KINDS.get(name)
    if kinds is None:
        known = ", ".join(sorted({*_KINDS, *_SETS, "revoke"}))
        raise AccountError(f"unknown key {name!r}: {known}")
    if not isinstance(given, kinds) or (isinstance(given, bool) and bool not in kinds):
        raise AccountError(f"{name}: {given!r} does not fit")
    if name == "rows_per_page" and not 1 <= int(str(given)) <= 1250:
        raise AccountError("rows_per_page: 1 to 1250")
    return given
