"""From an address to its endpoint: authentication, permission, methods, errors."""

import binascii
from base64 import b64decode
from hmac import compare_digest

from wms_emulator.api import describe, listing, record, root
from wms_emulator.api.context import API_PATH, Context
from wms_emulator.api.errors import ApiError, invalid, not_found
from wms_emulator.messages import Request, Response
from wms_emulator.query.errors import QueryError

_ENTITY_PATH = f"{API_PATH}/entity"


def _authenticate(context: Context, request: Request) -> None:
    """Basic authentication on every call, stateless."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    try:
        given = b64decode(text.strip(), validate=True) if scheme.lower() == "basic" else b""
    except binascii.Error:
        given = b""
    wanted = f"{context.user.username}:{context.user.password}".encode()
    if not compare_digest(given, wanted):
        raise ApiError(
            401,
            "AUTHENTICATION_FAILED",
            "Invalid username/password.",
            headers={"WWW-Authenticate": 'Basic realm="api"'},
        )


def _dispatch(context: Context, request: Request) -> Response:
    if request.path != _ENTITY_PATH and not request.path.startswith(_ENTITY_PATH + "/"):
        raise not_found()
    _authenticate(context, request)
    if request.method not in {"GET", "HEAD"}:
        message = f'Method "{request.method}" not allowed.'
        raise ApiError(405, "METHOD_NOT_ALLOWED", message, headers={"Allow": "GET, HEAD"})
    parts = request.path[len(_ENTITY_PATH) :].strip("/").split("/")
    if parts == [""]:
        return root.handle(context, request)
    entity = context.entities.get(parts[0])
    if entity is None or len(parts) > 2:
        raise not_found()
    if entity.name in context.user.forbidden:
        message = "You do not have permission to perform this action."
        raise ApiError(403, "PERMISSION_DENIED", message)
    if len(parts) == 1:
        return listing.handle(context, request, entity)
    if parts[1] == "describe":
        return describe.handle(entity)
    return record.handle(context, request, entity, parts[1])


def handle(context: Context, request: Request) -> Response:
    """The answer to one request of the API."""
    try:
        return _dispatch(context, request)
    except QueryError as error:
        return invalid(error.key, error.message).response()
    except ApiError as error:
        return error.response()
