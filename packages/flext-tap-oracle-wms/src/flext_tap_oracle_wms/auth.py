"""What proves to the WMS who is asking. A new way (OAuth2) is a new class with `headers`.

No HTTP here: an authenticator that must fetch a token is given the client's sender.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Protocol

from flext_observability import redaction


class Authenticator(Protocol):
    """Gives the headers that go with a request to the configured origin, and only there."""

    def headers(self) -> dict[str, str]:
        """Return the headers to add."""
        ...


@dataclass(frozen=True)
class BasicAuth:
    """User name and password with each request."""

    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        redaction.register(self.password)

    def headers(self) -> dict[str, str]:
        """Return the Authorization header, of the UTF-8 bytes of user and password."""
        pair = f"{self.username}:{self.password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
