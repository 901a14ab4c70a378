"""The two token endpoints: the WMS's own and that of an identity domain (IDCS).

Both speak RFC 6749: form in, JSON out, errors as {"error": word}.
"""

import binascii
from base64 import b64decode
from urllib.parse import parse_qsl

from wms_emulator.accounts import Account, Grant
from wms_emulator.api.context import WMS_PATH
from wms_emulator.messages import Request, Response, json_response

WMS_TOKEN_PATH = f"{WMS_PATH}/api/oauth2/token"
IDCS_TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 - an address
IDCS_SCOPE = "urn:resource:fusion:scm:logistics:wms:lgfapi/"
_FORM = "application/x-www-form-urlencoded"


class _RefusedError(Exception):
    """A token is not given out."""

    def __init__(self, status: int, word: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.word = word


def basic_credentials(request: Request) -> tuple[str, str]:
    """Name and password of a Basic header; two empty texts without one."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
        raise _RefusedError(400, "invalid_request", f"the body must be {_FORM}")
    try:
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    except UnicodeDecodeError as error:
        raise _RefusedError(400, "invalid_request", "the body is no UTF-8") from error


def _granted(account: Account, form: dict[str, str]) -> Grant:
    match form.get("grant_type"):
        case "password":
            if not account.knows(form.get("username", ""), form.get("password", "")):
                raise _RefusedError(400, "invalid_grant", "Invalid credentials given.")
            return account.grant(refreshable=True)
        case "refresh_token":
            if not account.take_refresh(form.get("refresh_token", "")):
                raise _RefusedError(400, "invalid_grant", "The refresh token is not valid.")
            return account.grant(refreshable=True)
        case "client_credentials":
            return account.grant(refreshable=False)
    raise _RefusedError(
        400, "unsupported_grant_type", "password, refresh_token, client_credentials"
    )


def _checked(account: Account, request: Request, *, idcs: bool) -> Grant:
    if request.method != "POST":
        raise _RefusedError(405, "invalid_request", "POST is expected")
    form = _form(request)
    if not account.knows_client(*basic_credentials(request)):
        raise _RefusedError(401, "invalid_client", "Client authentication failed.")
    if idcs and form.get("scope") != IDCS_SCOPE:
        raise _RefusedError(400, "invalid_scope", f"scope={IDCS_SCOPE} is expected")
    return _granted(account, form)


def handle(account: Account, request: Request) -> Response:
    """Give out a token, or say why not."""
    idcs = request.path.rstrip("/") == IDCS_TOKEN_PATH
    try:
        granted = _checked(account, request, idcs=idcs)
    except _RefusedError as error:
        response = json_response(
            error.status, {"error": error.word, "error_description": str(error)}
        )
        if error.status == 401:
            response.headers.append(("WWW-Authenticate", 'Basic realm="oauth2"'))
        return response
    body: dict[str, object] = {
        "access_token": granted.access_token,
        "token_type": "Bearer",
        "expires_in": granted.expires_in,
    }
    if granted.refresh_token is not None and not idcs:
        body["refresh_token"] = granted.refresh_token
    if not idcs:
        body["scope"] = "read"
    response = json_response(200, body)
    response.headers.append(("Cache-Control", "no-store"))
    return response
