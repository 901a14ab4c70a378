"""Which entities become streams, and what fields they have.

The choice is pure; describing asks the client, several entities at a time, past the cache.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

from flext_observability import emit
from flext_tap_oracle_wms import parallel, schema
from flext_tap_oracle_wms.errors import (
    AuthenticationError,
    EntityError,
    NotFoundError,
    TapError,
)
from flext_tap_oracle_wms.events import DuplicationDetected, EntityDescribed, EntitySkipped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from flext_tap_oracle_wms.cache import DescribeCache
    from flext_tap_oracle_wms.schema import Field
    from flext_tap_oracle_wms.settings import Settings

#: Entities that hold the rows of others, under other names.
_SUPERSETS = {
    "container": ("iblpn", "oblpn"),
    "location": ("active_location", "reserve_location"),
}
#: Entities whose lists the API gives only for certain combinations of filters.
_REFUSED = {
    "inventory_history": "the API lists it only for one facility, company and activity, group or "
    "item at a time, so it cannot be read as a whole; use the WMS's inventory history export",
}


class Describer(Protocol):
    """The request that discovery needs."""

    def describe(self, entity: str) -> dict[str, Any]:
        """Return an entity's fields; NotFoundError if there is no such entity."""
        ...


@dataclass
class Discovered:
    """What became of the entities that were to be described."""

    fields: dict[str, tuple[Field, ...]] = field(default_factory=dict)
    failures: dict[str, TapError] = field(default_factory=dict)


def choose(listed: Collection[str], settings: Settings) -> list[str]:
    """Return the entities to read: the named ones and those that patterns choose.

    Raises:
        EntityError: a named entity is not among those the WMS lists, or cannot be read.
    """
    named = [name for name in settings.entities if not _matches(name, settings.exclude)]
    for name in named:
        if name in _REFUSED:
            raise EntityError(f"entities: {name}: {_REFUSED[name]}")
        if name not in listed:
            near = difflib.get_close_matches(name, listed, n=3)
            hint = f"did you mean {', '.join(near)}?" if near else "see GET entity/ for its names"
            raise EntityError(f"entities: the WMS lists no entity {name}; {hint}")
    chosen = set(named)
    for name in sorted(listed):
        if not _matches(name, settings.include) or _matches(name, settings.exclude):
            continue
        if name in _REFUSED and name not in chosen:
            emit(EntitySkipped(name, _REFUSED[name]))
            continue
        chosen.add(name)
    return sorted(chosen)


def warn_of_duplicates(chosen: Collection[str]) -> None:
    """Emit an event for entities that hold the same rows under two names."""
    for whole, parts in _SUPERSETS.items():
        if whole in chosen and (found := tuple(part for part in parts if part in chosen)):
            emit(DuplicationDetected(whole, found))


def describe(
    source: Describer,
    names: Sequence[str],
    cache: DescribeCache,
    *,
    workers: int,
    flattening: schema.Flattening = schema.PLAIN,
) -> Discovered:
    """Return the fields of each entity, or why they are not known.

    Raises:
        AuthenticationError: the WMS does not know the user, so that no entity can be described.
    """

    def one(name: str) -> Iterator[tuple[str, dict[str, Any] | TapError]]:
        try:
            yield name, source.describe(name)
        except NotFoundError:
            yield (
                name,
                EntityError(
                    f"the WMS has no entity {name}; correct entities or the catalog, or the path "
                    "in base_url if it has none of them"
                ),
            )
        except AuthenticationError:
            raise
        except TapError as error:
            yield name, error

    refused = {name: EntityError(_REFUSED[name]) for name in names if name in _REFUSED}
    found = Discovered(failures=dict(refused))
    names = [name for name in names if name not in refused]
    described = {name: known for name in names if (known := cache.get(name)) is not None}
    missing = [name for name in names if name not in described]
    for _, item in parallel.read(missing, one, workers=workers):
        if item is None:
            continue
        name, answer = item
        if isinstance(answer, TapError):
            found.failures[name] = answer
        else:
            cache.put(name, answer)
            described[name] = answer
            emit(EntityDescribed(name, len(answer)))
    cache.save()
    for name in names:
        if name in described:
            found.fields[name] = schema.fields_of(name, described[name], flattening)
    return found


def _matches(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
