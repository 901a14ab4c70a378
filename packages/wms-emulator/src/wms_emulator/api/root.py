"""GET /entity/: every entity's name with its address."""

from wms_emulator.api.context import Context, entity_url
from wms_emulator.messages import Request, Response, json_response


def handle(context: Context, request: Request) -> Response:
    """One flat object, sorted by name."""
    base = entity_url(request)
    return json_response(200, {name: base + name for name in sorted(context.entities)})
