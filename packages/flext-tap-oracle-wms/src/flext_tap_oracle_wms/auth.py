"""What proves to the WMS who is asking: user and password, or tokens that these stand for.

No HTTP here: an authenticator that must fetch a token is given a function that posts a form.
"""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from flext_observability import redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: A token is renewed this long before its end, for the way and for clocks.
_MARGIN_S = 30.0
#: For an endpoint that does not say how long its tokens live.
_DEFAULT_LIFE_S = 300.0


class TokenError(Exception):
    """No token was to be had.

    Attributes:
        retried: whether another try may help.
    """

    def __init__(self, text: str, *, retried: bool) -> None:
        super().__init__(text)
        self.retried = retried


class Authenticator(Protocol):
    """Gives the headers that go with a request to the configured origin, and only there."""

    def headers(self) -> dict[str, str]:
        """Return the headers to add.

        Raises:
            TokenError: a token was needed and refused.
        """
        ...

    def renew(self) -> bool:
        """Prepare for another try after a 401; False where another try would be the same."""
        ...


def _basic(name: str, secret: str) -> dict[str, str]:
    pair = f"{name}:{secret}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}


@dataclass(frozen=True)
class BasicAuth:
    """User name and password with each request."""

    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        redaction.register(self.password)

    def headers(self) -> dict[str, str]:
        """Return the Authorization header, of the UTF-8 bytes of user and password."""
        return _basic(self.username, self.password)

    def renew(self) -> bool:
        """Return False: the same credentials would be refused again."""
        return False


@dataclass(frozen=True)
class Client:
    """The registered application, and what it asks tokens with.

    Attributes:
        url: the token endpoint.
        form: grant_type, and user and password where the grant is theirs.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    form: Mapping[str, str] = field(repr=False)


class OAuth2:
    """Bearer tokens of RFC 6749, fetched when needed, refreshed where the endpoint lets."""

    def __init__(
        self,
        client: Client,
        post: Callable[[str, Mapping[str, str], Mapping[str, str]], tuple[int, bytes]],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._client = client
        self._post = post
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._token: str | None = None
        self._refresh: str | None = None
        self._until_s = 0.0
        for secret in (client.client_secret, client.form.get("password", "")):
            if secret:
                redaction.register(secret)

    def headers(self) -> dict[str, str]:
        """Return the Authorization header with a token that is still good."""
        with self._lock:
            if self._token is None or self._monotonic_s() >= self._until_s:
                self._fetch()
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """Give up the token in hand: the WMS does not take it any more."""
        with self._lock:
            self._token = None
        return True

    def _fetch(self) -> None:
        refresh, self._refresh = self._refresh, None
        if refresh is not None:
            try:
                self._ask({"grant_type": "refresh_token", "refresh_token": refresh})
            except TokenError as error:
                if error.retried:
                    self._refresh = refresh
                    raise
            else:
                return
        self._ask(self._client.form)

    def _ask(self, form: Mapping[str, str]) -> None:
        client = self._client
        headers = _basic(client.client_id, client.client_secret)
        status, body = self._post(client.url, form, headers)
        answer = _object(body)
        if status != 200:
            word = str(answer.get("error", ""))[:100]
            raise TokenError(
                f"the token endpoint answered HTTP {status} {word}".rstrip(),
                retried=status == 429 or status >= 500,
            )
        token, life_s = answer.get("access_token"), answer.get("expires_in", _DEFAULT_LIFE_S)
        if not isinstance(token, str) or not token or not isinstance(life_s, int | float):
            raise TokenError("the token endpoint answered without a token", retried=True)
        redaction.register(token)
        refresh = answer.get("refresh_token")
        if isinstance(refresh, str) and refresh:
            redaction.register(refresh)
            self._refresh = refresh
        self._token = token
        margin_s = min(_MARGIN_S, life_s / 10)
        self._until_s = self._monotonic_s() + life_s - margin_s


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
