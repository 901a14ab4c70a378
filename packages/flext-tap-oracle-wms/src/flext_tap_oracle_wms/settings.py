"""The tap's settings: one model, from which config schema, documentation and checks come.

Reading an environment is here too, since names and types are the model's. No network, no file.
"""

from __future__ import annotations

import difflib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from flext_tap_oracle_wms.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

ENV_PREFIX = "FLEXT_TAP_ORACLE_WMS_"
MAX_PAGE_SIZE = 1250
MAX_CONCURRENCY = 8
DEFAULT_ENTITIES = ("allocation", "order_hdr", "order_dtl")
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_EntityName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Settings(BaseModel):
    """Everything a user can set; each description is what `--about` prints."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = Field(
        description="Address of the WMS API up to its version, "
        "such as https://HOST/ENVIRONMENT/wms/lgfapi/v10/. HTTPS, except on a loopback host."
    )
    username: str = Field(min_length=1, description="WMS user for Basic authentication.")
    password: SecretStr = Field(
        min_length=1,
        description="Password of the WMS user.",
        json_schema_extra={"secret": True},
    )
    ca_file: str | None = Field(
        None, description="PEM file of the authorities to trust instead of the system's."
    )
    entities: list[_EntityName] = Field(
        list(DEFAULT_ENTITIES), description="Entities to read, by name."
    )
    include: list[str] = Field(
        [], description="Patterns (* and ?) of further entities, among those the WMS lists."
    )
    exclude: list[str] = Field([], description="Patterns of entities to leave out.")
    sync_mode: Literal["full", "incremental"] = Field(
        "incremental",
        description="full reads everything once; incremental what changed since the bookmark.",
    )
    page_size: int = Field(500, ge=1, le=MAX_PAGE_SIZE, description="Rows per request.")
    page_mode: Literal["sequenced", "paged"] = Field(
        "sequenced", description="The API's paging mode; paged makes the server count each time."
    )
    ordering: str = Field(
        "-id",
        description="Order of a full load: -id (newest first) or id. "
        "page_mode paged takes any, then without resuming.",
    )
    replication_key: str = Field("mod_ts", description="Timestamp by which changes are found.")
    start_date: datetime | None = Field(
        None,
        description="Where the first incremental run begins (ISO 8601 with offset); "
        "without it and without a bookmark the whole history is read.",
    )
    lookback_seconds: int = Field(
        300, ge=0, description="How far each incremental run looks behind its bookmark."
    )
    deep_lookback_seconds: int = Field(
        7200, ge=0, description="The same, at most once an hour, for rows committed late."
    )
    daily_lookback_seconds: int = Field(86400, ge=0, description="The same, once a day.")
    handover_lookback_seconds: int = Field(
        86400, ge=0, description="The same for the first incremental run after a full load."
    )
    safety_lag_seconds: int = Field(
        30, ge=0, description="A window ends this long before the present."
    )
    max_clock_skew_seconds: int = Field(
        60,
        ge=0,
        description="Largest difference to the clock of the WMS; beyond it a stream fails.",
    )
    window_days: int = Field(
        30, ge=1, description="Longer incremental windows are cut into pieces of this length."
    )
    request_timeout: float = Field(600, gt=0, description="Seconds to wait for data of an answer.")
    connect_timeout: float = Field(30, gt=0, description="Seconds to wait for a connection.")
    max_retries: int = Field(5, ge=0, le=20, description="Tries after a failed one.")
    max_concurrency: int = Field(
        4, ge=1, le=MAX_CONCURRENCY, description="Requests in flight at a time."
    )
    record_limit: int | None = Field(
        None, ge=1, description="Stop each stream after this many records (the load stays open)."
    )
    discovery_cache_age_s: int = Field(
        3600, ge=0, description="Seconds for which described fields are kept on disk; 0 is never."
    )
    stream_maps: dict[str, Any] | None = Field(
        None, description="Singer SDK stream maps; streams with one take a slower path."
    )
    stream_map_config: dict[str, Any] | None = Field(
        None, description="Values that stream maps can use."
    )
    faker_config: dict[str, Any] | None = Field(
        None, description="Settings of the faker in stream maps."
    )

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError as error:
            raise ValueError(f"is not an address ({error})") from None
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise ValueError("must begin with https:// and name a host")
        if parts.username or parts.password:
            raise ValueError("must not hold credentials; they belong in username and password")
        if parts.query or parts.fragment:
            raise ValueError("must end with the path of the API's version, without ? or #")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
            raise ValueError("must begin with https:// (http is for loopback hosts only)")
        return value.rstrip("/") + "/"

    @field_validator("start_date")
    @classmethod
    def _check_start_date(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs an offset from UTC, such as 2026-01-31T00:00:00+00:00")
        return None if value is None else value.astimezone(UTC)

    @model_validator(mode="after")
    def _check_ordering(self) -> Settings:
        if self.page_mode == "sequenced" and not self.orders_by_id:
            raise ValueError(
                "ordering: in page_mode sequenced it must begin with id or -id, since the "
                "server's cursor holds only the first field and cuts ties"
            )
        return self

    @property
    def orders_by_id(self) -> bool:
        """Whether a full load can go on from an id, and so resume and run in ranges."""
        return self.ordering.split(",")[0].strip() in {"id", "-id"}

    @property
    def newest_first(self) -> bool:
        """Whether a full load begins with the highest id."""
        return self.ordering.startswith("-")


def parse(config: Mapping[str, Any]) -> Settings:
    """Return the settings of a configuration; blank values count as absent.

    Raises:
        SettingsError: with one line per wrong setting, which names it and the remedy.
    """
    given = {key: value for key, value in config.items() if value is not None and value != ""}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError("\n".join(_line(item) for item in error.errors())) from None


def _line(error: ErrorDetails) -> str:
    location = error["loc"]
    text = error["msg"].removeprefix("Value error, ")
    if not location:
        return text
    name = str(location[0])
    if error["type"] == "missing":
        return f"{name}: is missing; set {ENV_PREFIX}{name.upper()} or {name} in the configuration"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, n=1)
        hint = f"did you mean {near[0]}?" if near else "see --about for the settings there are"
        return f"{name}: there is no such setting; {hint}"
    where = "".join(f"[{part}]" for part in location[1:])
    text = text[:1].lower() + text[1:]
    return f"{name}{where}: {text}; correct {ENV_PREFIX}{name.upper()} or {name}"


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration that the environment holds, as unvalidated values.

    Lists and mappings are JSON; a list may also be words between commas.

    Raises:
        SettingsError: a variable that must be JSON is not.
    """
    config: dict[str, Any] = {}
    properties = json_schema()["properties"]
    for name, definition in properties.items():
        text = environ.get(ENV_PREFIX + name.upper(), "").strip()
        if not text:
            continue
        kinds = definition.get("type", [])
        if "array" in kinds and not text.startswith("["):
            config[name] = [part.strip() for part in text.split(",") if part.strip()]
        elif "array" in kinds or "object" in kinds:
            try:
                config[name] = json.loads(text)
            except ValueError:
                raise SettingsError(f"{name}: {ENV_PREFIX}{name.upper()} is not JSON") from None
        else:
            config[name] = text
    return config


def json_schema() -> dict[str, Any]:
    """Return the model as the flat JSON schema that Singer and the SDK expect."""
    model = Settings.model_json_schema()
    properties = {}
    for name, definition in model["properties"].items():
        flat = {key: value for key, value in definition.items() if key not in {"title", "anyOf"}}
        for choice in definition.get("anyOf", []):
            kinds = flat.setdefault("type", [])
            kinds.append(choice["type"])
            flat.update({k: v for k, v in choice.items() if k not in {"type", "title"}})
        if flat.get("default", 0) is None:
            del flat["default"]
        properties[name] = flat
    return {"type": "object", "properties": properties, "required": model["required"]}
