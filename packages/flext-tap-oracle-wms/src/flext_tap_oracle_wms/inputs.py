"""The files beside the settings, as far as their shape: state, catalog, and ids to read again.

What a state means is `bookmarks`' matter, what a catalog chooses the SDK's. Those two are opened by
the command line, the ids here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from flext_tap_oracle_wms.errors import CatalogError, SettingsError, StateError, TapError

_STATE_REMEDY = (
    "give the value of the last STATE message of a former run, or leave --state out, which reads "
    "everything anew"
)
_CATALOG_REMEDY = "make it anew with --discover"
_IDS_REMEDY = 'it maps entities to lists of whole numbers, such as {"item": [7, 9]}'


def state(file: IO[str]) -> dict[str, Any]:
    """Return the state that a file holds.

    Raises:
        StateError: it holds none.
    """
    where = f"--state {file.name}"
    found = _object(file, where, _STATE_REMEDY, StateError)
    if found.get("type") == "STATE" and "value" in found:
        # Taken as a state it would have no bookmarks, and everything would be read anew unasked.
        raise StateError(f"{where}: is a whole message; {_STATE_REMEDY}")
    bookmarks = found.get("bookmarks", {})
    if not isinstance(bookmarks, dict) or not all(map(_is_object, bookmarks.values())):
        raise StateError(f"{where}: bookmarks must map each stream to an object; {_STATE_REMEDY}")
    return found


def catalog(file: IO[str]) -> dict[str, Any]:
    """Return the catalog that a file holds.

    Raises:
        CatalogError: it holds none.
    """
    where = f"--catalog {file.name}"
    found = _object(file, where, _CATALOG_REMEDY, CatalogError)
    streams = found.get("streams")
    if not isinstance(streams, list):
        raise CatalogError(f"{where}: must hold a list named streams; {_CATALOG_REMEDY}")
    for number, entry in enumerate(streams):
        if wrong := _wrong_in(entry):
            raise CatalogError(f"{where}: streams[{number}] {wrong}; {_CATALOG_REMEDY}")
    return found


def ids(path: str, entity: str) -> list[int]:
    """Return the ids of an entity that a file holds, each once, in ascending order.

    Raises:
        SettingsError: the file cannot be read, or holds none for the entity.
    """
    where = f"ids_file {path}"
    try:
        with Path(path).open(encoding="utf-8") as file:
            found = _object(file, where, _IDS_REMEDY, SettingsError).get(entity)
    except OSError as error:
        raise SettingsError(f"{where}: cannot be read: {error.strerror}; {_IDS_REMEDY}") from None
    if not isinstance(found, list) or not all(type(each) is int for each in found):
        raise SettingsError(f"{where}: has no list of ids for entity {entity}; {_IDS_REMEDY}")
    return sorted(set(found))


def _object(file: IO[str], where: str, remedy: str, error_class: type[TapError]) -> dict[str, Any]:
    try:
        found = json.loads(file.read())
    except json.JSONDecodeError as error:
        # Its text holds the place, not what stands there.
        raise error_class(f"{where}: is not JSON ({error}); {remedy}") from None
    except (ValueError, RecursionError):
        raise error_class(f"{where}: is not JSON in UTF-8; {remedy}") from None
    if not isinstance(found, dict):
        raise error_class(f"{where}: must hold a JSON object; {remedy}")
    return found


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _wrong_in(entry: object) -> str | None:
    """Say what of a stream's entry is not as the Singer specification has it."""
    if not isinstance(entry, dict):
        return "must be an object"
    if not isinstance(entry.get("tap_stream_id"), str):
        return "must have a tap_stream_id"
    if not _is_schema(entry.get("schema", {})):
        return "must have a JSON schema whose properties are objects"
    metadata = entry.get("metadata", [])
    if not isinstance(metadata, list) or not all(map(_is_metadata, metadata)):
        return "must have metadata as a list of objects with breadcrumb and metadata"
    keys = entry.get("key_properties") or []
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return "must have key_properties as a list of names"
    return None


def _is_schema(schema: object) -> bool:
    if not isinstance(schema, dict):
        return False
    properties = schema.get("properties", {})
    return isinstance(properties, dict) and all(map(_is_object, properties.values()))


def _is_metadata(item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
        return False
    breadcrumb = item.get("breadcrumb")
    return isinstance(breadcrumb, list) and all(isinstance(part, str) for part in breadcrumb)
