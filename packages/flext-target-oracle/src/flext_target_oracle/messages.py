"""Singer messages: one line of JSON becomes one Message. Pure."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from flext_target_oracle import surrogates
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
    version: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    encoding: msgspec.Raw = NULL
    manifest: msgspec.Raw = NULL
    flext_rows: msgspec.Raw = NULL
    flext_run_id: str | None = None
    flext_complete: bool = False


_decoder = msgspec.json.Decoder(Message)


def parse(line: bytes) -> Message:
    """Return the message of a line.

    A record with half a character in it (`surrogates`) stays as it came: it is refused by itself.

    Raises:
        InputError: the line is no Singer message; its content is not in the error's text.
    """
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if surrogates.has_half(line):
            return _with_halves(line)
        raise InputError(f"it is no Singer message: {error}") from error
    except RecursionError as error:
        raise InputError(_TOO_DEEP) from error


def _with_halves(line: bytes) -> Message:
    """Return the message of a line with halves of characters, if they are all in its record."""
    blotted, places = surrogates.blotted(line)
    message = parse(blotted)
    record = bytes(message.record)
    first = blotted.find(record)
    last = first + len(record)
    is_sure = blotted.find(record, first + 1) < 0  # else it could be another member of the line
    if not (is_sure and all(first <= place < last for place in places)):
        raise InputError("half a character stands in it (a lone \\ud800 to \\udfff)")
    message.record = msgspec.Raw(line[first:last])
    return message


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
