"""Tokens of the WMS and of an identity domain: docs/specs/wms-api.md §1.3."""

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from wms_emulator.testing import running

WMS = "/emu/wms/api/oauth2/token/"
IDCS = "/oauth2/v1/token"
SCOPE = "urn:resource:fusion:scm:logistics:wms:lgfapi/"
PASSWORD = {"grant_type": "password", "username": "tap_user", "password": "emulator"}
CLIENT = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
def own(make_client: Any) -> Iterator[Any]:
    """A server whose tokens live ten minutes and whose clock the tests move."""
    with running(tls=False, rows={"allocation": 5}, token_life_s=600) as server:
        yield make_client(server)


def ask(
    own: Any, path: str, form: dict[str, str], client: str = "emulator_client:emulator_secret"
) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("localhost", own.server.port, timeout=10)
    headers = {
        "Authorization": "Basic " + base64.b64encode(client.encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    try:
        connection.request("POST", path, urlencode(form), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def reads(own: Any, token: str) -> int:
    status: int = own.call("GET", "entity/item", {"Authorization": f"Bearer {token}"}).status
    return status


def test_password_grant_and_bearer(own: Any) -> None:
    """§1.3: the reply's five keys; the token opens the API until it expires."""
    status, token = ask(own, WMS, PASSWORD)
    assert status == 200
    assert set(token) == {"access_token", "refresh_token", "expires_in", "token_type", "scope"}
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 600)
    assert reads(own, token["access_token"]) == 200
    own.server.clock(advance_s=599)
    assert reads(own, token["access_token"]) == 200
    own.server.clock(advance_s=2)
    assert reads(own, token["access_token"]) == 401


def test_refresh_once(own: Any) -> None:
    """§1.3: a refresh token gives a new pair, and is used up by that."""
    _, old = ask(own, WMS, PASSWORD)
    form = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    status, new = ask(own, WMS, form)
    assert status == 200
    assert reads(own, new["access_token"]) == 200
    assert ask(own, WMS, form) == (
        400,
        {"error": "invalid_grant", "error_description": "The refresh token is not valid."},
    )
    assert reads(own, old["refresh_token"]) == 401  # it opens nothing by itself


@pytest.mark.parametrize("path", [WMS, IDCS])
def test_client_credentials(own: Any, path: str) -> None:
    """§1.3: no refresh token; the identity domain wants its scope."""
    status, token = ask(own, path, {**CLIENT, "scope": SCOPE})
    assert status == 200
    assert "refresh_token" not in token
    assert reads(own, token["access_token"]) == 200


@pytest.mark.parametrize(
    ("path", "form", "client", "status", "word"),
    [
        (WMS, CLIENT, "emulator_client:wrong", 401, "invalid_client"),
        (IDCS, CLIENT, "nobody:x", 401, "invalid_client"),
        (IDCS, CLIENT, "emulator_client:emulator_secret", 400, "invalid_scope"),
        (WMS, {"grant_type": "magic"}, "emulator_client:emulator_secret", 400,
         "unsupported_grant_type"),
        (WMS, {**PASSWORD, "password": "no"}, "emulator_client:emulator_secret", 400,
         "invalid_grant"),
    ],
)  # fmt: skip
def test_refusals(
    own: Any, path: str, form: dict[str, str], client: str, status: int, word: str
) -> None:
    """§1.3: RFC 6749's error words."""
    answered, body = ask(own, path, form, client)
    assert (answered, body["error"]) == (status, word)


def test_revoked_tokens_and_expired_credentials(own: Any) -> None:
    """§1.3: 401 in the middle of a run; a new token helps."""
    _, token = ask(own, WMS, PASSWORD)
    own.server.account(revoke=True)
    assert reads(own, token["access_token"]) == 401
    _, token = ask(own, WMS, PASSWORD)
    own.server.faults({"name": "expire", "times": 1, "after": 1})
    assert [reads(own, token["access_token"]) for _ in range(3)] == [200, 401, 401]
    assert reads(own, ask(own, WMS, PASSWORD)[1]["access_token"]) == 200
    own.server.faults()


def test_password_expiry(own: Any) -> None:
    """§1.3 [open]: an expired password is refused like a wrong one, until it is changed."""
    own.server.account(password_life_days=60)
    assert own.get("entity/item").status == 200
    own.server.clock(advance_s=60 * 86400)
    assert own.get("entity/item").status == 401
    assert ask(own, WMS, PASSWORD)[0] == 400
    own.server.account(password="emulator")
    assert own.get("entity/item").status == 200
    own.server.account(password_life_days=None)
