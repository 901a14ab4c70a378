"""The WMS side as `flext` reads it: the only module here that speaks HTTP.

`describe` asks the WMS's own API; the other functions ask wms-emulator's admin interface, which a
real WMS does not have.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from flext_cli.errors import EndError

_TIMEOUT = urllib3.Timeout(connect=10, read=120)


@dataclass(frozen=True)
class WmsEnd:
    """Where the WMS is and who asks; `admin_port` belongs to the emulator."""

    base_url: str
    ca_file: str
    username: str
    password: str = field(repr=False)
    admin_port: int


def describe(end: WmsEnd, entity: str) -> dict[str, str]:
    """Type word of each field, as the WMS describes the entity.

    Raises:
        EndError: the WMS did not answer with a description.
    """
    url = f"{end.base_url}entity/{entity}/describe/"
    context = ssl.create_default_context(cafile=end.ca_file)
    headers = urllib3.make_headers(basic_auth=f"{end.username}:{end.password}")
    with urllib3.PoolManager(ssl_context=context, timeout=_TIMEOUT, retries=False) as http:
        answer = _json(_ask(http, "GET", url, headers=headers), url)
    return {name: str(field.get("type", "")) for name, field in answer["fields"].items()}


def journal(end: WmsEnd, entity: str) -> list[dict[str, Any]]:
    """Every record of the entity as it is now, from the emulator's journal."""
    url = f"{_admin(end)}/journal/{entity}"
    with urllib3.PoolManager(timeout=_TIMEOUT, retries=False) as http:
        lines = _ask(http, "GET", url).splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def change(end: WmsEnd, changes: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Have the emulator insert and update rows now; answers what it did."""
    done: dict[str, Any] = admin(end, "POST", "/changes", changes)
    return done


def admin(end: WmsEnd, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """One request to the emulator's admin interface, JSON both ways."""
    url = f"{_admin(end)}{path}"
    with urllib3.PoolManager(timeout=_TIMEOUT, retries=False) as http:
        data = None if body is None else json.dumps(body).encode()
        return _json(
            _ask(http, method, url, headers={"Content-Type": "application/json"}, body=data), url
        )


def _admin(end: WmsEnd) -> str:
    return f"http://127.0.0.1:{end.admin_port}"


def _ask(
    http: urllib3.PoolManager,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> bytes:
    try:
        answer = http.request(method, url, headers=headers, body=body)
    except urllib3.exceptions.HTTPError as error:
        raise EndError(
            f"{method} {url} failed: {error}", remedy="look at the log of wms-emulator"
        ) from error
    if answer.status >= 300:
        raise EndError(
            f"{method} {url} was answered {answer.status}: {answer.data[:300]!r}",
            remedy="look at the log of wms-emulator",
        )
    return answer.data


def _json(text: bytes, url: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise EndError(f"{url} answered no JSON", remedy="look at its log") from error
