"""A bare HTTP client for these tests: it knows nothing of the API."""

import base64
import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from wms_emulator.testing import WmsServer


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass(frozen=True)
class Client:
    server: WmsServer

    def call(self, method: str, url: str, headers: dict[str, str] | None = None) -> Answer:
        """`url` is absolute, or follows the base URL."""
        parts = urlsplit(url if "://" in url else self.server.base_url + url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=str(self.server.ca_file))
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.netloc, context=context, timeout=30
            )
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        account = f"{self.server.username}:{self.server.password}".encode()
        basic = {"Authorization": "Basic " + base64.b64encode(account).decode()}
        try:
            connection.request(method, target, headers={**basic, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, url: str) -> Answer:
        return self.call("GET", url)

    def walk(self, url: str, limit: int = 1000) -> list[dict[str, Any]]:
        """All rows of a list, page after page; none if it is empty."""
        rows: list[dict[str, Any]] = []
        following: str | None = url
        for _ in range(limit):
            if following is None:
                return rows
            answer = self.get(following)
            if answer.status == 404 and not rows:
                return rows
            assert answer.status == 200, answer.raw
            rows += answer.json["results"]
            following = answer.json["next_page"]
        raise AssertionError(f"{url}: no end after {limit} pages")
