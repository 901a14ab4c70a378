"""What every endpoint works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from zoneinfo import ZoneInfo

from wms_emulator.messages import Request
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.schema.model import Entity
from wms_emulator.store.database import Database

ENVIRONMENT = "emu"
API_PATH = f"/{ENVIRONMENT}/wms/lgfapi/v10"


@dataclass(frozen=True)
class ApiUser:
    """The account that clients use; it decides more of the answers than one would think."""

    username: str
    password: str = field(repr=False)
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("America/New_York"))
    rows_per_page: int = 25
    forbidden: frozenset[str] = frozenset({"user"})  # entities it has no permission for


@dataclass(frozen=True)
class Context:
    """The rows and the account."""

    database: Database
    user: ApiUser
    entities: Mapping[str, Entity] = field(default_factory=lambda: ENTITIES)


def entity_url(request: Request) -> str:
    """The address of the entity module as this client asked for it, with a slash at the end."""
    return f"{request.origin}{API_PATH}/entity/"
