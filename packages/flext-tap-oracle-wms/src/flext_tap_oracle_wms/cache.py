"""What describe answered, kept on disk for a while: the tap's only files.

One file per base URL and user under `<workspace>/.flext/cache`, 0600, replaced as a whole. It
holds names and types of fields, never a secret, and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flext_observability import emit
from flext_tap_oracle_wms.events import CacheRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flext_tap_oracle_wms.clock import Clock

_FORMAT = 1


def workspace(environ: Mapping[str, str]) -> Path:
    """Return the FLEXT workspace: FLEXT_WORKSPACE, the Meltano project, or the current folder."""
    for name in ("FLEXT_WORKSPACE", "MELTANO_PROJECT_ROOT"):
        if environ.get(name, "").strip():
            return Path(environ[name].strip())
    return Path.cwd()


class DescribeCache:
    """The described fields of one WMS as one user sees it."""

    def __init__(
        self, root: Path, base_url: str, username: str, *, age_s: int, clock: Clock
    ) -> None:
        name = hashlib.sha256(f"{base_url}\n{username}".encode()).hexdigest()[:16]
        self._path = root / ".flext" / "cache" / f"wms-{name}.json"
        self._age = timedelta(seconds=age_s)
        self._clock = clock
        self._entries: dict[str, Any] = self._load() if age_s else {}
        self._changed = False

    def get(self, entity: str) -> dict[str, dict[str, Any]] | None:
        """Return an entity's described fields if they are known and young enough."""
        entry = self._entries.get(entity)
        if entry is None:
            return None
        age = self._clock.now() - datetime.fromisoformat(entry["described_at"])
        if not timedelta(0) <= age <= self._age:
            return None
        fields: dict[str, dict[str, Any]] = entry["fields"]
        return fields

    def put(self, entity: str, fields: Mapping[str, Any]) -> None:
        """Keep an entity's fields; `save` writes them."""
        self._entries[entity] = {
            "described_at": self._clock.now().isoformat(),
            "fields": dict(fields),
        }
        self._changed = True

    def save(self) -> None:
        """Write what is new; without an age limit nothing is kept.

        Raises:
            OSError: the workspace cannot be written.
        """
        if not self._changed or not self._age:
            return
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=self._path.stem)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"format": _FORMAT, "entities": self._entries}, file)
        Path(name).replace(self._path)
        self._changed = False

    def _load(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            if found["format"] != _FORMAT:
                return {}
            entries: dict[str, Any] = found["entities"]
            for entry in entries.values():
                datetime.fromisoformat(entry["described_at"]).astimezone()
                _ = entry["fields"].items()
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            emit(CacheRefused(str(self._path), f"{type(error).__name__}: {error}"))
            return {}
        return entries
