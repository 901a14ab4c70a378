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

from flext_tap_oracle_wms import moments
from flext_tap_oracle_wms.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

ENV_PREFIX = "FLEXT_TAP_ORACLE_WMS_"
MAX_PAGE_SIZE = 1250
MAX_CONCURRENCY = 8
DEFAULT_ENTITIES = ("allocation", "order_hdr", "order_dtl")
#: For checks that hold whenever a run begins.
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
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
    auth: Literal["basic", "oauth2"] = Field(
        "basic", description="How the tap proves who it is: user and password, or OAuth2 tokens."
    )
    oauth_token_url: str | None = Field(
        None,
        description="Token endpoint: that of the WMS (…/api/oauth2/token/) or of its identity "
        "domain. HTTPS, except on a loopback host.",
    )
    oauth_client_id: str | None = Field(None, description="Id of the registered application.")
    oauth_client_secret: SecretStr | None = Field(
        None,
        description="Secret of the registered application.",
        json_schema_extra={"secret": True},
    )
    oauth_grant: Literal["password", "client_credentials"] = Field(
        "password", description="What tokens are asked with: the user, or the application alone."
    )
    oauth_scope: str | None = Field(
        None, description="Scope to ask for; identity domains want one, the WMS does not."
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
    filters: dict[str, dict[str, Any]] = Field(
        {},
        description="Filters per entity (* for all) as the API writes them, such as "
        '{"order_hdr": {"status_id__lt": 90, "ord_date__gte": "today-7d"}}. Checked against '
        "describe before the first request.",
    )
    facilities: list[str] = Field(
        [], description="Codes of facilities to read; entities without facility_id are read whole."
    )
    companies: list[str] = Field(
        [], description="Codes of companies to read; entities without company_id are read whole."
    )
    sync_mode: Literal["full", "incremental", "backfill"] = Field(
        "incremental",
        description="full reads everything once; incremental what changed since the bookmark; "
        "backfill what changed between start_date and end_date, without touching a bookmark.",
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
    replication_keys: dict[str, str] = Field(
        {}, description="The same for single entities, by name."
    )
    start_date: str | None = Field(
        None,
        description="Where the first incremental run and a backfill begin: ISO 8601 with offset, "
        "or an expression such as today-7d; without it and without a bookmark the whole history "
        "is read.",
    )
    end_date: str | None = Field(
        None,
        description="Where incremental runs and a backfill end, in the same forms; rows modified "
        "then or later are left out, and no bookmark moves past it.",
    )
    ids_file: str | None = Field(
        None,
        description='JSON file of ids by entity, such as {"item": [7, 9]}: a backfill then reads '
        "exactly these rows, instead of those of a stretch of time.",
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
    request_timeout: float = Field(
        600, gt=0, description="Seconds for an answer to be there whole."
    )
    connect_timeout: float = Field(30, gt=0, description="Seconds to wait for a connection.")
    max_retries: int = Field(5, ge=0, le=20, description="Tries after a failed one.")
    max_concurrency: int = Field(
        4,
        ge=1,
        le=MAX_CONCURRENCY,
        description="Requests in flight at a time, over all streams; fewer while the WMS is slow.",
    )
    requests_per_second: float | None = Field(
        None, gt=0, description="Most requests that begin in a second; no limit without it."
    )
    sets: Literal["count", "json"] = Field(
        "count",
        description="What becomes of *_set: the number of its rows, or its JSON text as well.",
    )
    url_columns: bool = Field(
        False, description="Whether the addresses of records and relations become columns."
    )
    on_eligibility_growth: Literal["backfill", "fail", "accept"] = Field(
        "backfill",
        description="What an incremental run does when the user sees further facilities or "
        "companies: read their history, fail, or go on and take them as known.",
    )
    hand_over: Literal["records", "batch"] = Field(
        "records",
        description="How records go to the target: as messages, or in Parquet files that BATCH "
        "messages name, for a target on the same machine that takes them.",
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
        return _address(value).rstrip("/") + "/"

    @field_validator("oauth_token_url")
    @classmethod
    def _check_token_url(cls, value: str | None) -> str | None:
        return None if value is None else _address(value)

    @field_validator("start_date", "end_date")
    @classmethod
    def _check_moment(cls, value: str | None) -> str | None:
        if value is not None:
            moments.resolve(value, _ANY_TIME)
        return value

    @model_validator(mode="after")
    def _check_oauth(self) -> Settings:
        if self.auth == "oauth2":
            for name in ("oauth_token_url", "oauth_client_id", "oauth_client_secret"):
                if getattr(self, name) is None:
                    raise ValueError(f"{name}: is needed for auth oauth2")
        return self

    @model_validator(mode="after")
    def _check_span(self) -> Settings:
        if self.start_date is not None and self.end_date is not None:
            start, end = (
                moments.resolve(text, _ANY_TIME) for text in (self.start_date, self.end_date)
            )
            if start >= end:
                raise ValueError("end_date: lies before start_date, or at it")
        return self

    @model_validator(mode="after")
    def _check_ids_file(self) -> Settings:
        if self.ids_file is not None and self.sync_mode != "backfill":
            raise ValueError("ids_file: is for sync_mode backfill alone; remove it")
        return self

    @model_validator(mode="after")
    def _check_ordering(self) -> Settings:
        if self.page_mode == "sequenced" and not self.orders_by_id:
            raise ValueError(
                "ordering: in page_mode sequenced it must begin with id or -id, since the "
                "server's cursor holds only the first field and cuts ties"
            )
        return self

    @model_validator(mode="after")
    def _check_hand_over(self) -> Settings:
        if self.hand_over == "batch" and self.stream_maps:
            raise ValueError(
                "hand_over: batch cannot be used with stream_maps, which change records one by "
                "one; set it to records"
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

    def replication_key_of(self, entity: str) -> str:
        """Return the timestamp by which an entity's changes are found."""
        return self.replication_keys.get(entity, self.replication_key)


def _address(value: str) -> str:
    """Check an address that credentials go to.

    Raises:
        ValueError: it is none, holds credentials, or is neither encrypted nor loopback.
    """
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
    return value


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
