"""The digest by which an equal row is known again where no key tells. Nothing else lives here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any


def row_hash(names: Sequence[str], row: Sequence[Any]) -> str:
    """Return a digest of a row's binds by which an equal row is known again.

    NULL takes no part, so that a column added later leaves the digests of rows without it.
    """
    digest = hashlib.sha256()
    for name, value in zip(names, row, strict=True):
        if value is None or value == "":
            continue
        text = value if isinstance(value, str) else _canonical(value)
        part = f"{len(name)}:{name}={len(text)}:{text};"
        digest.update(part.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _canonical(value: Any) -> str:
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    if isinstance(value, int):  # by way of a float it would lose digits
        return str(value)
    digits = format(value, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
