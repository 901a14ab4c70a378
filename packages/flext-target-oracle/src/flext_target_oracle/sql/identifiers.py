"""Names: from Singer's to Oracle's, and the one function that quotes them.

Names are upper-cased and always quoted, so any character but the quote and NUL is itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from flext_target_oracle.errors import SchemaRefusedError

MAX_BYTES = 128
_FORBIDDEN = {ord('"'): "_", 0: "_"}
_HASH_CHARS = 8


def quoted(name: str) -> str:
    """Return the name as SQL text.

    Raises:
        ValueError: the name is empty or holds a character that no quoted identifier may hold.
    """
    if not name or '"' in name or "\0" in name:
        raise ValueError(f"not an Oracle identifier: {name!r}")
    return f'"{name}"'


def qualified(schema: str, name: str) -> str:
    """Return schema and name as SQL text."""
    return f"{quoted(schema)}.{quoted(name)}"


def identifier(text: str, *, max_bytes: int = MAX_BYTES) -> str:
    """Return the Oracle name of a Singer name: upper case, at most `max_bytes` bytes of UTF-8.

    A name that is too long, or that holds a quote or NUL, ends in a hash of the original, so that
    two of them stay two.
    """
    name = text.upper()
    clean = name.translate(_FORBIDDEN)
    if clean == name and len(name.encode("utf-8", "surrogatepass")) <= max_bytes:
        return name
    return with_hash(clean, text, max_bytes=max_bytes)


def with_hash(name: str, source: str, *, max_bytes: int = MAX_BYTES) -> str:
    """Return the name cut so that a hash of `source` fits behind it."""
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    suffix = "_" + digest[:_HASH_CHARS].upper()
    room = max_bytes - len(suffix)
    return name.encode("utf-8", "ignore")[:room].decode("utf-8", "ignore") + suffix


def is_ours(table: str) -> bool:
    """Return whether a table of that name could be taken for one of our own."""
    ours = {"FLEXT_FENCE", "FLEXT_LEDGER", "FLEXT_LOADS", "FLEXT_REJECTS", "FLEXT_VERSION"}
    return table in ours or table.startswith(("FLEXT_G_", "FLEXT_O_", "FLEXT_S_"))


def column_names(
    properties: Iterable[str], *, stream: str, max_bytes: int = MAX_BYTES
) -> dict[str, str]:
    """Return the column of each property.

    Raises:
        SchemaRefusedError: a property has no name, or two of them have one column; both are named.
    """
    owners: dict[str, str] = {}
    for prop in properties:
        if not prop:
            raise SchemaRefusedError(f"stream {stream}: a property of the schema has no name")
        name = identifier(prop, max_bytes=max_bytes)
        if name in owners:
            raise SchemaRefusedError(
                f"stream {stream}: properties {owners[name]!r} and {prop!r} are both column "
                f'"{name}": rename or deselect one of them in the tap'
            )
        owners[name] = prop
    return {prop: name for name, prop in owners.items()}
