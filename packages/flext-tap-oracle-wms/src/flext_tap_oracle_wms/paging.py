"""How a list is walked page by page. Pure: values in, values out; no request is made here.

A list ordered by id is walked by keyset: each request asks for the ids that are still to come,
so that rows inserted or removed meanwhile shift nothing, in both page modes, and a page that
failed can be asked again or resumed in another run. `next_page` says whether more follows; that
a page is short says nothing. Only lists without ids follow the server's own `next_page`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from operator import gt, lt
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from flext_tap_oracle_wms.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEFAULT_PORTS = {"https": 443, "http": 80}


class Envelope(msgspec.Struct):
    """A page as it arrives; `results` stays raw until its records are wanted."""

    results: msgspec.Raw
    next_page: str | None
    result_count: int | None = None


class _Identified(msgspec.Struct):
    id: int


_ids_decoder = msgspec.json.Decoder(list[_Identified])
_rows_decoder = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True)
class Interval:
    """The ids that are still to be read: those strictly between two bounds, None being none."""

    above: int | None = None
    below: int | None = None

    @property
    def empty(self) -> bool:
        """Whether no integer lies between the bounds."""
        return self.above is not None and self.below is not None and self.below - self.above <= 1

    def filters(self) -> dict[str, str]:
        """Return the API's filters for it."""
        found = {}
        if self.above is not None:
            found["id__gt"] = str(self.above)
        if self.below is not None:
            found["id__lt"] = str(self.below)
        return found

    def text(self) -> str:
        """Return the bounds in words."""
        lower = "" if self.above is None else f"above id {self.above}"
        upper = "" if self.below is None else f"below id {self.below}"
        return " and ".join(filter(None, (lower, upper))) or "of any id"

    def after(self, ids: list[int], *, descending: bool) -> Interval:
        """Return what is left once the rows of a page are read.

        Raises:
            ProtocolError: the ids are not in the order, or not within the bounds, that were
                asked for: a repeated page or an ignored filter, so that going on could lose or
                double rows.
        """
        if not ids:
            return self
        low, high = (ids[-1], ids[0]) if descending else (ids[0], ids[-1])
        if (
            (self.above is None or low > self.above)
            and (self.below is None or high < self.below)
            and all(map(gt if descending else lt, ids, itertools.islice(ids, 1, None)))
        ):
            return Interval(self.above, low) if descending else Interval(high, self.below)
        return self._step_by_step(ids, descending=descending)

    def _step_by_step(self, ids: list[int], *, descending: bool) -> Interval:
        """Find the id that is out of order or bounds."""
        left = self
        for number in ids:
            inside = (left.above is None or number > left.above) and (
                left.below is None or number < left.below
            )
            if not inside:
                raise ProtocolError(
                    f"the WMS sent id {number} where ids between {left.above} and {left.below} "
                    f"in {'descending' if descending else 'ascending'} order were due: the page "
                    "repeats rows or ignores filter or order, so reading on could lose rows"
                )
            left = Interval(left.above, number) if descending else Interval(number, left.below)
        return left


def ids(results: msgspec.Raw) -> list[int]:
    """Return the ids of a page's records, in their order.

    Raises:
        ProtocolError: a record has no integer id.
    """
    try:
        return [row.id for row in _ids_decoder.decode(results)]
    except msgspec.ValidationError as error:
        raise ProtocolError(f"the WMS sent a record without an integer id ({error})") from None


def count(results: msgspec.Raw) -> int:
    """Return how many records a page holds.

    Raises:
        ProtocolError: `results` is no list.
    """
    try:
        return len(_rows_decoder.decode(results))
    except msgspec.ValidationError as error:
        raise ProtocolError(f"the WMS sent a page without a list of results ({error})") from None


def head(results: msgspec.Raw, limit: int) -> msgspec.Raw:
    """Return the first records of a page, as raw as they came."""
    rows = _rows_decoder.decode(results)
    return results if len(rows) <= limit else msgspec.Raw(msgspec.json.encode(rows[:limit]))


def cut(left: Interval, newest: int, oldest: int, pieces: int, *, smallest: int) -> list[Interval]:
    """Cut an interval at ids from oldest to newest, newest first.

    Together the pieces hold what the interval holds, every id once: the outer ones reach to its
    bounds, so that rows which appear beside the probed span are read too.

    Args:
        left: what is to be cut.
        newest: the highest id that was seen in it.
        oldest: the lowest one.
        pieces: how many intervals at most.
        smallest: no interval is narrower than this many ids.
    """
    span = newest - oldest + 1
    pieces = max(1, min(pieces, span // max(1, smallest)))
    # Interval k holds bounds[k] <= id < bounds[k + 1]; the outer two bounds are not used.
    bounds = [oldest + span * k // pieces for k in range(pieces + 1)]
    return [
        Interval(
            above=left.above if k == 0 else bounds[k] - 1,
            below=left.below if k == pieces - 1 else bounds[k + 1],
        )
        for k in reversed(range(pieces))
    ]


def cut_at(left: Interval, ids: Iterable[int]) -> list[Interval]:
    """Cut an interval at ids, each of which begins a piece, newest first.

    Together the pieces hold what the interval holds, every id once. Ids outside it are left out.
    """
    inside = sorted(
        {
            number
            for number in ids
            if (left.above is None or number > left.above + 1)
            and (left.below is None or number < left.below)
        }
    )
    lower = [left.above, *(number - 1 for number in inside)]
    upper = [*inside, left.below]
    return [Interval(a, b) for a, b in zip(lower, upper, strict=True)][::-1]


def ranks(count: int, pieces: int, *, smallest: int) -> list[int]:
    """Return the ranks, from 1, of the rows that cut so many rows into even pieces.

    Args:
        count: how many rows there are.
        pieces: how many pieces at most.
        smallest: no piece has fewer rows than this.
    """
    pieces = max(1, min(pieces, count // max(1, smallest)))
    return [1 + count * k // pieces for k in range(1, pieces)]


def origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port, an implied port made explicit; None for what is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if parts.hostname is None or scheme not in _DEFAULT_PORTS or "@" in parts.netloc:
        return None
    return scheme, parts.hostname.lower(), _DEFAULT_PORTS[scheme] if port is None else port


def check_next_page(next_page: str, base_url: str) -> str:
    """Return the address of the next page if credentials may go there.

    Raises:
        ProtocolError: it is not on the configured scheme, host and port.
    """
    found = origin(next_page)
    if found is None or found != origin(base_url):
        where = "no address" if found is None else f"{found[0]}://{found[1]}:{found[2]}"
        raise ProtocolError(
            f"next_page leads to {where}, not to base_url's scheme, host and port: refused, "
            "since credentials go nowhere else; correct base_url if the WMS is known there"
        )
    return next_page
