"""From an address to its endpoint: authentication, permission, methods, errors."""

from wms_emulator.api import describe, listing, oauth, openapi, record, root
from wms_emulator.api.context import API_PATH, Context
from wms_emulator.api.errors import ApiError, invalid, not_emulated, not_found
from wms_emulator.api.oauth import IDCS_TOKEN_PATH, WMS_TOKEN_PATH, basic_credentials
from wms_emulator.messages import Request, Response
from wms_emulator.query.errors import QueryError

_ENTITY_PATH = f"{API_PATH}/entity"
_OPENAPI_PATHS = frozenset({f"{API_PATH}/schema", f"{API_PATH}/openapi"})


def _authenticate(context: Context, request: Request) -> None:
    """Basic, or a bearer token, on every call; stateless."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        good = context.account.bears(text.strip())
    else:
        good = context.account.knows(*basic_credentials(request))
    if not good:
        raise ApiError(
            401,
            "AUTHENTICATION_FAILED",
            "Invalid username/password.",
            headers={"WWW-Authenticate": 'Basic realm="api"'},
        )


def _permit(context: Context, request: Request, allowed: bool = True) -> None:
    """The methods there are, and the group permission that reading takes."""
    if request.method not in {"GET", "HEAD"}:
        message = f'Method "{request.method}" not allowed.'
        raise ApiError(405, "METHOD_NOT_ALLOWED", message, headers={"Allow": "GET, HEAD"})
    if not context.user.read_access or not allowed:
        message = "You do not have permission to perform this action."
        raise ApiError(403, "PERMISSION_DENIED", message)


def _dispatch(context: Context, request: Request) -> Response:
    path = request.path.rstrip("/")
    if path in {WMS_TOKEN_PATH, IDCS_TOKEN_PATH}:
        return oauth.handle(context.account, request)
    described = path in _OPENAPI_PATHS and context.has_openapi
    if not described and path != _ENTITY_PATH and not path.startswith(_ENTITY_PATH + "/"):
        raise not_found()
    _authenticate(context, request)
    if described:
        _permit(context, request)
        return openapi.handle(context, request, page=path.endswith("openapi"))
    return _entities(context, request, path[len(_ENTITY_PATH) :].strip("/").split("/"))


def _entities(context: Context, request: Request, parts: list[str]) -> Response:
    """What stands below the entity module."""
    if parts == [""]:
        _permit(context, request)
        return root.handle(context, request)
    if parts[-1].endswith(".xml"):
        raise not_emulated("XML")
    if parts[-1].endswith(".json"):
        parts[-1] = parts[-1].removesuffix(".json")
        parts = parts if parts[-1] else parts[:-1]
    entity = context.entities.get(parts[0]) if parts else None
    if entity is None:
        raise not_found()
    _permit(context, request, entity.name not in context.user.forbidden)
    match parts[1:]:
        case []:
            return listing.handle(context, request, entity)
        case ["describe"]:
            return describe.handle(entity)
        case [id_text]:
            return record.handle(context, request, entity, id_text)
        case [id_text, "orders"] if (entity.base or entity.name) == "container":
            only = record.orders_of_container(context, entity, id_text)
            return listing.handle(context, request, context.entities["order_hdr"], only)
    raise not_found()


def handle(context: Context, request: Request) -> Response:
    """The answer to one request of the API."""
    try:
        return _dispatch(context, request)
    except QueryError as error:
        return invalid(error.key, error.message).response()
    except ApiError as error:
        return error.response()
