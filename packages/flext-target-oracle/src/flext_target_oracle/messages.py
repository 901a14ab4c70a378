"""Singer messages: one line of JSON becomes one Message. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from flext_target_oracle.errors import InputError
from flext_target_oracle.sql import schemas
from flext_target_oracle.sql.plan import StreamSchema

NULL = msgspec.Raw(b"null")
_TOO_DEEP = "JSON is nested deeper in it than can be read (about 1,000 levels); mend the source"


class Message(msgspec.Struct, gc=False):
    """The envelope of any message; the record stays as it came until its batch is read."""

    type: str
    stream: str | None = None
    record: msgspec.Raw = NULL
    time_extracted: str | None = None
    value: msgspec.Raw = NULL
    schema: msgspec.Raw = NULL
    key_properties: list[str] | None = None
    bookmark_properties: list[str] | None = None
    version: int | None = None
    encoding: msgspec.Raw = NULL
    manifest: msgspec.Raw = NULL
    flext_rows: msgspec.Raw = NULL
    flext_run_id: str | None = None
    flext_complete: bool = False


_decoder = msgspec.json.Decoder(Message)


def parse(line: bytes) -> Message:
    """Return the message of a line.

    Raises:
        InputError: the line is no Singer message; its content is not in the error's text.
    """
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"it is no Singer message: {error}") from error
    except RecursionError as error:
        raise InputError(_TOO_DEEP) from error


def stream_of(message: Message) -> str:
    """Return the stream the message is about.

    Raises:
        InputError: it names none.
    """
    if not message.stream:
        raise InputError(f"a {message.type} message names no stream")
    return message.stream


def stream_schema(message: Message, *, replication_key: str) -> StreamSchema:
    """Return what a SCHEMA message says.

    Args:
        message: of type SCHEMA.
        replication_key: what orders versions where the message names no bookmark_properties.

    Raises:
        InputError: it has no schema.
    """
    stream = stream_of(message)
    schema = json_object(message.schema, f"the schema of stream {stream}")
    properties = schema.get("properties")
    if isinstance(properties, dict):
        schema["properties"] = schemas.checked(stream, properties)
    order = message.bookmark_properties or ([replication_key] if replication_key else [])
    return StreamSchema(stream, schema, tuple(message.key_properties or ()), tuple(order))


def json_object(raw: msgspec.Raw, what: str) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        InputError: it is none; `what` says where.
    """
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{what} is not an object: {error}") from error
    except RecursionError as error:
        raise InputError(f"{what}: {_TOO_DEEP}") from error
