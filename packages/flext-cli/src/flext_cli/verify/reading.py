"""Both ends as a comparison reads them: pages of the WMS by id, what Oracle's catalogue says.

The tap's client sends the requests (credentials, TLS, retries); which rows are asked for, when a
list has ended and what a record means is decided here and in `columns`, by code of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from flext_cli.errors import EndError
from flext_cli.verify import sql
from flext_cli.verify.columns import LiveColumn
from flext_tap_oracle_wms import filters, schema
from flext_tap_oracle_wms.client import WmsClient
from flext_tap_oracle_wms.errors import NotFoundError
from flext_tap_oracle_wms.settings import Settings
from flext_target_oracle.connection import Session

KEY = "id"
IDS_PER_REQUEST = 100
_records = msgspec.json.Decoder(list[dict[str, Any]], float_hook=Decimal)


@dataclass(frozen=True)
class Listing:
    """What the pipeline reads of an entity.

    Attributes:
        params: the filters of the tap's settings: what they leave out is in no answer.
        types: the type word of each field, as the WMS describes the entity.
    """

    client: WmsClient
    entity: str
    params: Mapping[str, str]
    types: Mapping[str, str]


def listing(client: WmsClient, settings: Settings, entity: str, now: datetime) -> Listing:
    """An entity as the tap's settings have it read; `now` is for expressions of time in them.

    Raises:
        TapError: the WMS does not describe it, or a filter does not fit what it says.
    """
    described = client.describe(entity)
    types = {name: str(each.get("type", "")) for name, each in described.items()}
    params = filters.compile_filters(
        entity,
        filters.of_settings(settings, entity, described),
        schema.fields_of(entity, described),
        now,
        windowed={KEY},
    )
    return Listing(client, entity, params, types)


def pages(
    listing: Listing, *, above: int, up_to: int, page_size: int
) -> Iterator[list[dict[str, Any]]]:
    """The rows with above < id <= up_to, by id; each page is asked for by the last id seen.

    An answer without rows is asked for once more before it counts as the end.

    Raises:
        EndError: the WMS does not answer in the order that was asked for.
    """
    empty = False
    while True:
        found = _list(
            listing,
            {f"{KEY}__gt": above, f"{KEY}__lte": up_to, "ordering": KEY, "page_size": page_size},
        )
        if not found:
            if empty:
                return
            empty = True
            continue
        empty = False
        ids = [record[KEY] for record in found]
        if ids != sorted(set(ids)) or ids[0] <= above or ids[-1] > up_to:
            raise EndError(
                f"the WMS did not answer {listing.entity} in the order of its ids, above {above}",
                remedy="run it again; if it stays so, this entity cannot be compared by id",
            )
        above = ids[-1]
        yield found
        del found, ids  # not held while the next page comes


def _list(listing: Listing, params: Mapping[str, object]) -> list[dict[str, Any]]:
    own = {name: str(value) for name, value in params.items()}
    asked = {"page_mode": "sequenced", **listing.params, **own}
    try:
        return _records.decode(listing.client.list_page(listing.entity, asked).results)
    except NotFoundError:
        return []


def span(listing: Listing) -> tuple[int, int] | None:
    """The least and the greatest id that the WMS shows, None where it shows no rows."""
    ends = [_list(listing, {"ordering": ordering, "page_size": 1}) for ordering in (KEY, f"-{KEY}")]
    if not ends[0] or not ends[1]:
        return None
    return ends[0][0][KEY], ends[1][0][KEY]


def count(listing: Listing, params: Mapping[str, str]) -> int:
    """How many rows the WMS counts, by its own counting (paged mode)."""
    asked = {"page_mode": "paged", "page_size": "1", **listing.params, **params}
    try:
        envelope = listing.client.list_page(listing.entity, asked)
    except NotFoundError:
        return 0
    if envelope.result_count is None:
        raise EndError(
            f"the WMS answered {listing.entity} in paged mode without a count",
            remedy="leave out the counts, or ask who runs the proxy in between",
        )
    return envelope.result_count


def between(field: str, begin: datetime, end: datetime) -> dict[str, str]:
    """The filter for instants in begin <= field < end, both in UTC."""
    return {
        f"{field}__gte": begin.isoformat(timespec="microseconds"),
        f"{field}__lt": end.isoformat(timespec="microseconds"),
    }


def still_there(listing: Listing, keys: Sequence[int]) -> set[int]:
    """Which of these ids the WMS shows when it is asked for them by name."""
    found: set[int] = set()
    for begin in range(0, len(keys), IDS_PER_REQUEST):
        some = keys[begin : begin + IDS_PER_REQUEST]
        found.update(record[KEY] for record in rows(listing, some))
    return found


def rows(listing: Listing, keys: Sequence[int]) -> list[dict[str, Any]]:
    """The rows of these ids, of at most `IDS_PER_REQUEST`, as far as the WMS shows them.

    Raises:
        EndError: the WMS answers with other rows.
    """
    some = ",".join(map(str, keys))
    found = _list(listing, {f"{KEY}__in": some, "page_size": IDS_PER_REQUEST})
    ids = [record[KEY] for record in found]
    if len(set(ids)) != len(ids) or not set(ids) <= set(keys):
        raise EndError(
            f"the WMS answered {listing.entity} with other rows than were asked for by id",
            remedy="run it again; if it stays so, this entity cannot be compared by id",
        )
    return found


def live_columns(session: Session, schema: str, table: str) -> list[LiveColumn]:
    """The columns of a table, none where it is not there."""
    rows = session.query(sql.COLUMNS, [schema, table], what=f"reading the columns of {table}")
    return [
        LiveColumn(str(name), re.sub(r"\(\d+\)", "", str(kind)), int(length or 0))
        for name, kind, length in rows
    ]
