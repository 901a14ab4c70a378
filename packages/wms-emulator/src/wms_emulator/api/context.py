"""What every endpoint works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from wms_emulator.accounts import Account, ApiUser
from wms_emulator.messages import Request
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.schema.model import Entity
from wms_emulator.store.database import Database

__all__ = ["API_PATH", "RELEASES", "WMS_PATH", "Account", "ApiUser", "Context", "entity_url"]

ENVIRONMENT = "emu"
WMS_PATH = f"/{ENVIRONMENT}/wms"
API_PATH = f"{WMS_PATH}/lgfapi/v10"
RELEASES = ("25B", "26A", "26C")


@dataclass(frozen=True)
class Context:
    """The rows, the account and the release that is played."""

    database: Database
    account: Account
    release: str = RELEASES[-1]

    @property
    def user(self) -> ApiUser:
        """The account as it is now."""
        return self.account.user

    @cached_property
    def entities(self) -> Mapping[str, Entity]:
        """The entities of this release."""
        return {name: entity for name, entity in ENTITIES.items() if entity.since <= self.release}

    @property
    def has_empty_response_code(self) -> bool:
        """Whether lists take empty_response_http_code."""
        return self.release >= "26A"

    @property
    def has_openapi(self) -> bool:
        """Whether the API describes itself as an OpenAPI document."""
        return self.release >= "26C"


def entity_url(request: Request) -> str:
    """The address of the entity module as this client asked for it, with a slash at the end."""
    return f"{request.origin}{API_PATH}/entity/"
