"""HTTP requests and responses as values. No sockets, no h11."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

JSON = "application/json"


@dataclass(frozen=True)
class Request:
    """One request. Header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    secure: bool = False

    @cached_property
    def path(self) -> str:
        """The path, decoded, doubled slashes made single."""
        path = unquote(urlsplit(self.target).path)
        while "//" in path:
            path = path.replace("//", "/")
        return path

    @cached_property
    def query(self) -> dict[str, str]:
        """The query: of a repeated key the last value wins."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @cached_property
    def origin(self) -> str:
        """Scheme and host as the client asked them."""
        host = self.headers.get("host", "localhost")
        return f"{'https' if self.secure else 'http'}://{host}"


@dataclass
class Response:
    """One response; the body is bytes, or pieces that are sent chunked."""

    status: int
    body: bytes | Iterator[bytes] = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = JSON


def json_response(status: int, value: object) -> Response:
    """A response whose body is the JSON text of `value`."""
    return Response(status, msgspec.json.encode(value))
