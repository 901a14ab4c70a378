"""The settings: one model, from which the SDK's schema, the checks and the messages are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from flext_target_oracle.errors import SettingsError

ENV_PREFIX = "FLEXT_TARGET_ORACLE_"


class Settings(BaseModel):
    """What the target can be told. Times are in seconds, sizes in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    host: Annotated[str, Field(min_length=1, description="Host of the Oracle listener.")]
    port: Annotated[
        int | None,
        Field(ge=1, le=65535, description="Port; 2484 for tcps and 1521 for tcp if not set."),
    ] = None
    service_name: Annotated[str, Field(min_length=1, description="Service of the database.")]
    protocol: Annotated[
        Literal["tcps", "tcp"],
        Field(description="tcps (TLS); plain tcp only when it is asked for here, never by itself."),
    ] = "tcps"
    user: Annotated[str, Field(min_length=1, description="User, or proxy as user[SCHEMA].")]
    password: Annotated[SecretStr, Field(min_length=1, description="Password of the user.")]
    ca_file: Annotated[
        str | None, Field(description="PEM file of the issuers that the server is trusted by.")
    ] = None
    wallet_location: Annotated[
        str | None, Field(description="Folder of ewallet.pem, instead of ca_file.")
    ] = None
    wallet_password: Annotated[
        SecretStr | None, Field(description="Password of the wallet, if it has one.")
    ] = None
    ssl_server_dn_match: Annotated[
        bool, Field(description="Whether the certificate must name the host.")
    ] = True
    # "schema" is a deprecated method name of the base class, hence the alias.
    target_schema: Annotated[
        str, Field(alias="schema", min_length=1, description="Schema of the tables.")
    ] = "OIC"
    table_prefix: Annotated[str, Field(description="What table names begin with.")] = "WMS_"
    control_schema: Annotated[
        str | None,
        Field(
            description="Schema of fence, ledger, rejects and staging; the connecting user's if not"
            " set."
        ),
    ] = None
    load_method: Annotated[
        Literal["upsert", "append-only", "overwrite"],
        Field(
            description="upsert: one row per key, the newest; append-only: one row per key and"
            " replication value; overwrite: the rows of the last complete load."
        ),
    ] = "upsert"
    overwrite_on_eof: Annotated[
        bool,
        Field(
            description="With overwrite, the end of input completes a load whose records have no"
            " version: for taps without ACTIVATE_VERSION that never end well after a failure."
        ),
    ] = False
    keep_newer: Annotated[
        bool,
        Field(
            description="Whether a row is kept when an older version of it comes; off for refresh"
            " and repair, which flext sets."
        ),
    ] = True
    append_at_least_once: Annotated[
        bool,
        Field(
            description="With append-only, load streams without key although a repeated run repeats"
            " their rows."
        ),
    ] = False
    replication_key: Annotated[
        str,
        Field(
            description="Property that orders the versions of a row where a SCHEMA message names no"
            " bookmark_properties; ignored by streams that lack it."
        ),
    ] = "mod_ts"
    on_missing: Annotated[
        Literal["keep", "soft", "hard"],
        Field(
            description="What becomes of rows that a complete full load (ACTIVATE_VERSION after its"
            " records) lacks: keep them, mark them in _SDC_DELETED_AT (soft), delete them (hard)."
        ),
    ] = "keep"
    # In per cent, since Meltano makes whole numbers of numbers.
    max_delete_percent: Annotated[
        int,
        Field(
            ge=0,
            le=100,
            description="Per cent of a table's rows that one load may mark or delete at most (with"
            " overwrite: a load without any row); beyond it the run stops and removes nothing.",
        ),
    ] = 5
    batch_size: Annotated[int, Field(ge=1, le=50_000, description="Most rows of a batch.")] = 1000
    direct_path_rows: Annotated[
        int,
        Field(
            ge=0,
            description="Batches of at least so many rows are staged by direct path, smaller ones"
            " by array insert; 0, or more than batch_size, never. batch_bytes must let batches grow"
            " so large.",
        ),
    ] = 50_000
    batch_bytes: Annotated[
        int, Field(ge=1, description="A batch closes when its records reach this size.")
    ] = 8 * 1024 * 1024
    batch_age_s: Annotated[
        float, Field(gt=0, description="A batch closes when its oldest record is this old.")
    ] = 10.0
    buffer_bytes: Annotated[
        int,
        Field(ge=1, description="Most bytes of records held at once (one that is not all ASCII"
              " counts four times); reading waits at it.")
    ] = 32 * 1024 * 1024  # fmt: skip
    max_parallelism: Annotated[
        int,
        Field(ge=1, le=64, description="Batches at work at the same time, of one stream or several;"
              " one connection for each."),
    ] = 5  # fmt: skip
    max_rejects: Annotated[
        int,
        Field(ge=0, description="Refused rows (kept in FLEXT_REJECTS) after which the run stops."),
    ] = 0
    inexact_number: Annotated[
        Literal["reject", "round", "number"],
        Field(
            description="What becomes of a number with more decimals than its column holds: refuse"
            " the row, round half away from zero, or (number) make new columns NUMBER of any scale."
        ),
    ] = "reject"
    size_by_max_length: Annotated[
        bool,
        Field(
            description="Whether new VARCHAR2 columns are sized by maxLength, four bytes a"
            " character, instead of VARCHAR2(4000 BYTE); key columns always are."
        ),
    ] = False
    timestamp_with_time_zone: Annotated[
        bool,
        Field(description="Whether new columns of instants are TIMESTAMP WITH TIME ZONE, in UTC."),
    ] = False
    ddl: Annotated[
        bool,
        Field(
            description="Whether the target makes and changes tables; if not, it stops where one is"
            " needed and prints all DDL that a DBA must run."
        ),
    ] = True
    on_overflow: Annotated[
        Literal["clob", "reject"],
        Field(description="A text over its VARCHAR2 makes the column a CLOB, or is refused."),
    ] = "clob"
    add_record_metadata: Annotated[
        bool, Field(description="Whether tables have the three _SDC_ columns.")
    ] = True
    add_sequence: Annotated[
        bool, Field(description="Whether tables have _SDC_SEQUENCE, the arrival in milliseconds.")
    ] = False
    add_table_version: Annotated[
        bool,
        Field(
            description="Whether tables have _SDC_TABLE_VERSION, the last full load a row was seen"
            " in; on_missing soft and hard add it by themselves."
        ),
    ] = False
    connect_timeout_s: Annotated[float, Field(gt=0, description="For the connection to stand.")] = (
        30.0
    )
    request_timeout: Annotated[
        float, Field(gt=0, le=86_400, description="For each answer of the database.")
    ] = 600.0
    max_retries: Annotated[
        int,
        Field(ge=0, le=100, description="How often a batch is tried again after a deadlock or a"
              " key that another session inserted.")
    ] = 5  # fmt: skip
    reconnect_s: Annotated[
        float,
        Field(ge=0, le=86_400, description="How long a lost connection is tried to be made again,"
              " in seconds: a restart of the listener should fit.")
    ] = 120.0  # fmt: skip
    max_clock_skew_s: Annotated[
        float,
        Field(ge=0, description="How far past the database's clock a record may say it was"
              " extracted, in seconds; a later one is refused.")
    ] = 300.0  # fmt: skip
    ledger_keep_days: Annotated[
        int,
        Field(ge=0, description="How long ledger rows of earlier runs are kept; 0 keeps all.")
    ] = 90  # fmt: skip
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(description="Least level logged.")
    ] = "INFO"

    @field_validator("target_schema", "table_prefix", "control_schema")
    @classmethod
    def _upper(cls, value: str | None) -> str | None:
        if value is not None and ('"' in value or "\0" in value):
            raise ValueError("a name holds no double quote")
        return value.upper() if value is not None else None

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: Any) -> Any:
        """An empty value, as an unset line of .env gives it, is no value; but of a prefix it is."""
        if isinstance(values, Mapping):
            kept = {k: v for k, v in values.items() if v is not None}
            return {k: v for k, v in kept.items() if v != "" or k == "table_prefix"}
        return values

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.port is None:
            object.__setattr__(self, "port", 2484 if self.protocol == "tcps" else 1521)
        if self.protocol == "tcp" and (self.ca_file or self.wallet_location):
            raise ValueError("ca_file and wallet_location need protocol tcps")
        if self.ca_file and self.wallet_location:
            raise ValueError("ca_file and wallet_location exclude each other: set one")
        if self.on_missing != "keep" and self.load_method != "upsert":
            raise ValueError(
                f"on_missing {self.on_missing} needs load_method upsert: overwrite deletes by"
                " itself, append-only keeps all versions"
            )
        if not self.ddl and self.load_method == "overwrite":
            raise ValueError("load_method overwrite makes shadow tables: it needs ddl")
        if not self.add_record_metadata and (
            self.on_missing != "keep" or self.load_method == "overwrite"
        ):
            raise ValueError("on_missing soft and hard, and overwrite, need add_record_metadata")
        return self

    @property
    def extras(self) -> tuple[str, ...]:
        """The metadata columns by option."""
        wanted = {
            "_SDC_SEQUENCE": self.add_sequence,
            "_SDC_TABLE_VERSION": self.add_table_version or self.on_missing != "keep",
            "_SDC_DELETED_AT": self.on_missing == "soft",
        }
        return tuple(name for name, is_wanted in wanted.items() if is_wanted)


def load(config: Mapping[str, Any]) -> Settings:
    """Return the settings of a Singer configuration.

    Raises:
        SettingsError: one message with every setting at fault; no value of a setting is in it.
    """
    try:
        return Settings.model_validate(dict(config))
    except ValidationError as error:
        problems = [
            _problem(".".join(str(part) for part in item["loc"]), item["type"], item["msg"])
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError("; ".join(problems)) from None


def _problem(name: str, kind: str, message: str) -> str:
    if not name:
        return f"settings: {message.removeprefix('Value error, ')}"
    variable = ENV_PREFIX + name.upper()
    if kind == "missing":
        return f"setting {name} is missing: set it in the configuration or as {variable}"
    if kind == "extra_forbidden":
        return f"setting {name} is unknown: `flext-target-oracle --about` lists them"
    return f"setting {name} ({variable}): {message.removeprefix('Value error, ')}"


def singer_schema() -> dict[str, Any]:
    """Return the settings as the JSON schema that `--about` and Meltano read."""
    properties: dict[str, Any] = {}
    required = []
    for attribute, item in Settings.model_fields.items():
        name = item.alias or attribute
        kinds, choices, secret = _json_types(item.annotation)
        entry: dict[str, Any] = {"type": kinds, "description": item.description}
        if choices:
            entry["enum"] = choices
        if secret:
            entry["secret"] = True
        if item.is_required():
            required.append(name)
        elif item.default is not None:
            entry["default"] = item.default
        properties[name] = entry
    return {"type": "object", "properties": properties, "required": required}


def _json_types(annotation: Any) -> tuple[list[str], list[str], bool]:
    if get_origin(annotation) is Literal:
        return ["string"], list(get_args(annotation)), False
    members = list(get_args(annotation) or (annotation,))
    names = {bool: "boolean", int: "integer", float: "number", str: "string", SecretStr: "string"}
    kinds = [names[item] for item in members if item in names]
    if type(None) in members:
        kinds.append("null")
    return kinds, [], SecretStr in members
