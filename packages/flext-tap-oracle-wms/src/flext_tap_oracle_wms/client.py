"""The tap's one door to the network: a method per operation of the WMS REST API.

HTTPS with certificates validated (plain http only where the settings let it: loopback), timeouts
on everything, retries as `retry` decides, credentials to the configured origin only, redirects
refused. What a page means, and in which order pages are asked for, is not decided here.
"""

from __future__ import annotations

import codecs
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from flext_observability import emit
from flext_tap_oracle_wms import paging, retry, sizing
from flext_tap_oracle_wms.auth import TokenError
from flext_tap_oracle_wms.budget import Budget
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.errors import (
    AccessError,
    AuthenticationError,
    NotFoundError,
    ProtocolError,
    ServerError,
    SettingsError,
    TapError,
    UnreachableError,
)
from flext_tap_oracle_wms.events import (
    PageHalved,
    RequestCompleted,
    RequestFailed,
    RetryScheduled,
)
from flext_tap_oracle_wms.transport import Failure, HTTPError, failure_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from flext_tap_oracle_wms.auth import Authenticator
    from flext_tap_oracle_wms.budget import Outcome
    from flext_tap_oracle_wms.transport import Response, Transport

T = TypeVar("T")
_DETAIL_CHARS = 300
_PATH_REMEDY = (
    "check the path in base_url: it ends with the API's version, as in /ENVIRONMENT/wms/lgfapi/v10/"
)
_UTF8_PIECE_BYTES = 4096
#: How the WMS says that a list has no rows; what else it may mean is found out in `sync.reading`.
_NOTHING = frozenset({204, 404})
_OUTCOMES: dict[int, Outcome] = {
    200: "good",
    204: "good",
    404: "good",
    429: "overload",
    503: "overload",
    504: "overload",
}


class _AttemptError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class _Ask:
    """One question, which may go out several times.

    Attributes:
        path: the resource, as messages name it.
        url: its address for a page size; None where the size does not vary.
        size: the page size that gives way to failures.
    """

    path: str
    url: Callable[[int | None], str]
    size: sizing.PageSize | None = None

    @classmethod
    def at(cls, url: str) -> _Ask:
        """Ask for one address."""
        return cls(urlsplit(url).path, lambda _size: url)


class WmsClient:
    """The WMS REST API of one base URL; safe under threads, closed at the end."""

    def __init__(
        self,
        base_url: str,
        *,
        transport: Transport,
        auth: Authenticator,
        policy: retry.Policy,
        clock: Clock | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._base_url = base_url
        self._transport = transport
        self._auth = auth
        self._policy = policy
        self._clock = clock or Clock()
        self._budget = budget or Budget(1, self._clock)
        self._refusal: AuthenticationError | None = None
        self._lock = threading.Lock()
        self._confirmed: set[str] = set()
        self._server_date: tuple[datetime, float] | None = None

    def close(self) -> None:
        """Close all idle connections."""
        self._transport.clear()

    def list_entities(self) -> list[str]:
        """Return the names of the entities that the WMS lists, sorted.

        Raises:
            SettingsError: there is no such list where base_url leads.
        """
        url = f"{self._base_url}entity/"
        try:
            found = self._get(_Ask.at(url), msgspec.json.Decoder(dict[str, Any]).decode)
        except NotFoundError as error:
            raise SettingsError(f"{error} for the list of entities; {_PATH_REMEDY}") from None
        return sorted(found)

    def describe(self, entity: str) -> dict[str, Any]:
        """Return what the WMS says of an entity's fields, by name."""
        url = f"{self._base_url}entity/{quote(entity, safe='')}/describe/"
        found = self._get(_Ask.at(url), msgspec.json.Decoder(dict[str, Any]).decode)
        fields = found.get("fields")
        if not isinstance(fields, dict) or not all(isinstance(v, dict) for v in fields.values()):
            raise ProtocolError(f"describe of entity {entity} answered without its fields")
        with self._lock:
            self._confirmed.add(entity)
        return fields

    def confirm(self, entity: str, *, anew: bool) -> bool:
        """Return whether the WMS describes the entity, now or, unless anew, earlier."""
        with self._lock:
            known = entity in self._confirmed
        if known and not anew:
            return True
        try:
            self.describe(entity)
        except NotFoundError:
            return False
        return True

    def list_page(
        self, entity: str, params: Mapping[str, str], size: sizing.PageSize | None = None
    ) -> paging.Envelope:
        """Return one page of an entity's list, of as many rows as `size` says when it is asked.

        Raises:
            NotFoundError: the WMS answered 404, which may mean an empty list.
        """
        address = self._address(entity)

        def url(rows: int | None) -> str:
            sized = params if rows is None else {**params, "page_size": str(rows)}
            # quote, not quote_plus: a + in a value goes out as %2B and a blank as %20.
            return f"{address}?{urlencode(sized, quote_via=quote, safe='')}"

        return self._page(_Ask(urlsplit(address).path, url, size))

    def in_flight(self, entity: str) -> int:
        """Return how many pages of an entity are on their way now."""
        return self._budget.in_flight(f"{urlsplit(self._address(entity)).path} ")

    def _address(self, entity: str) -> str:
        return f"{self._base_url}entity/{quote(entity, safe='')}/"

    def follow(self, next_page: str) -> paging.Envelope:
        """Return the page that the server names as the next one.

        Raises:
            ProtocolError: it is not on the configured scheme, host and port.
            NotFoundError: the WMS answered 404.
        """
        return self._page(_Ask.at(paging.check_next_page(next_page, self._base_url)))

    def server_now(self) -> tuple[datetime, datetime]:
        """Return the present by the clock of the WMS and by this machine's.

        The former is the Date header of the latest answer, brought forward by the seconds since.

        Raises:
            ProtocolError: the WMS sends no Date header.
        """
        if self._server_date is None:
            self.list_entities()
        with self._lock:
            seen = self._server_date
        if seen is None:
            raise ProtocolError(
                "the WMS sends no Date header, without which an incremental window has no safe "
                "end; run sync_mode full, or have the proxy pass the header on"
            )
        date, at_s = seen
        return date + timedelta(seconds=self._clock.monotonic_s() - at_s), self._clock.now()

    def _page(self, ask: _Ask) -> paging.Envelope:
        envelope = self._get(ask, _decode_page)
        if envelope.next_page is not None:
            paging.check_next_page(envelope.next_page, self._base_url)
        return envelope

    def _get(self, ask: _Ask, decode: Callable[[bytes], T]) -> T:
        """Send a GET until it is answered usably or the policy ends it.

        A failure that halves the page is not counted: only the smallest page uses up the tries.
        """
        failed = tried = 0
        while True:
            rows = ask.size.value if ask.size is not None else None
            try:
                found = self._attempt(ask, rows, decode)
            except _AttemptError as error:
                failure = error.failure
            else:
                if ask.size is not None and rows is not None:
                    ask.size.succeed(rows)
                return found
            tried += 1
            emit(RequestFailed(ask.path, failure.error_class, failure.detail, tried))
            if self._shrunk(ask, rows, failure):
                pause_s: float | None = retry.first_delay_s(
                    self._policy, self._clock.uniform, failure.retry_after_s
                )
            else:
                failed += 1
                pause_s = self._pause_s(failure, failed)
            if pause_s is None:
                raise self._final_error(ask.path, failure, tried)
            emit(RetryScheduled(ask.path, failure.error_class, tried, round(pause_s, 3)))
            self._clock.sleep(pause_s)

    def _shrunk(self, ask: _Ask, rows: int | None, failure: Failure) -> bool:
        if ask.size is None or rows is None or failure.error_class not in sizing.SHRINKING:
            return False
        if not ask.size.shrink(rows):
            return False
        emit(PageHalved(ask.path, rows, ask.size.value, failure.error_class))
        return True

    def _pause_s(self, failure: Failure, failed: int) -> float | None:
        if failure.error_class == "http_401" and failed == 1 and self._auth.renew():
            return 0.0
        if not failure.retried:
            return None
        return retry.delay_s(self._policy, failed, self._clock.uniform, failure.retry_after_s)

    def _final_error(self, path: str, failure: Failure, tried: int) -> TapError:
        error = _error_of(path, failure, tried)
        if isinstance(error, AuthenticationError):
            # More requests with credentials that are refused could lock the user.
            self._refusal = error
        return error

    def _attempt(self, ask: _Ask, rows: int | None, decode: Callable[[bytes], T]) -> T:
        if self._refusal is not None:
            raise self._refusal
        with self._budget.slot(f"{ask.path} {rows}") as slot:
            started_s = self._clock.monotonic_s()
            try:
                answer = self._send(ask.url(rows))
            except _AttemptError as error:
                if error.failure.error_class == "timeout":
                    slot.outcome = "overload"
                raise
            slot.seconds = self._clock.monotonic_s() - started_s
            slot.outcome = _OUTCOMES.get(answer.status, "other")
        # The place is free: the next request goes out while this answer is unpacked and decoded.
        return self._read(ask.path, _opened(answer), slot.seconds, decode)

    def _read(self, path: str, answer: _Answer, seconds: float, decode: Callable[[bytes], T]) -> T:
        date = retry.parse_http_date(answer.headers.get("Date"))
        if date is not None:
            # The header's time lies before the answer's arrival, so this never runs ahead.
            with self._lock:
                self._server_date = (date, self._clock.monotonic_s())
        emit(RequestCompleted(path, answer.status, len(answer.body), round(seconds, 6)))
        if answer.status in _NOTHING and not _is_web_page(answer):
            raise NotFoundError(f"{path}: the WMS answered {answer.status}")
        if answer.status != 200:
            after_s = retry.parse_retry_after(answer.headers.get("Retry-After"), self._clock.now())
            raise _AttemptError(
                Failure(
                    error_class=f"http_{answer.status}",
                    detail=_reason(answer),
                    retried=answer.status in retry.RETRIED_STATUSES,
                    retry_after_s=after_s,
                )
            )
        try:
            # Raw values are not checked by the JSON decoder, so the encoding is checked here.
            check_utf8(answer.body)
            return decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            detail = f"the answer is cut or not the JSON that was due ({error})"
            raise _AttemptError(Failure("body", detail, retried=True)) from None

    def _send(self, url: str) -> Response:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        try:
            headers |= self._auth.headers()
            return self._transport.request("GET", url, headers=headers, redirect=False)
        except TokenError as error:
            raise _AttemptError(Failure("token", str(error), retried=error.retried)) from None
        except HTTPError as error:
            raise _AttemptError(failure_of(error)) from None


def _opened(response: Response) -> _Answer:
    try:
        return _Answer(response.status, response.data, response.headers)
    except HTTPError as error:
        raise _AttemptError(failure_of(error)) from None


def check_utf8(body: bytes) -> None:
    """Check an encoding, piece by piece.

    The text as a whole, of four bytes a character as soon as one is rare, costs five times as much.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    if body.isascii():
        return
    view, start = memoryview(body), 0
    while start < len(view):
        end = start + _UTF8_PIECE_BYTES
        start += codecs.utf_8_decode(view[start:end], "strict", end >= len(view))[1]


_decode_page = msgspec.json.Decoder(paging.Envelope).decode


def _is_web_page(answer: _Answer) -> bool:
    """Whether it comes from something else than the API, such as a proxy or another path."""
    return answer.headers.get("Content-Type", "").strip().lower().startswith("text/html")


def _reason(answer: _Answer) -> str:
    """Say what an error answer says: its code and message, which may also be an HTML page."""
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"HTTP {answer.status}"
    parts = [str(found[key]) for key in ("code", "message", "details") if found.get(key)]
    return f"HTTP {answer.status}: {' '.join(parts)}"[:_DETAIL_CHARS]


def _error_of(path: str, failure: Failure, attempts: int) -> TapError:
    detail = failure.detail.rstrip(".")
    tried = f" after {attempts} tries" if attempts > 1 else ""
    remedies = {
        "http_401": "check username and password, and whether the user is locked or expired",
        "http_403": "give the user the permission lgfapi_read_access and the entity",
        "http_404": f"it came as a web page, which the API never sends; {_PATH_REMEDY}",
        "http_400": "the WMS refuses the filter or order of this request; check the settings",
        "token": "check the oauth settings, and whether the application is still registered",
        "name": "check base_url, and the name service of this machine",
        "certificate": "set ca_file to the authority that signed it, or correct base_url",
        "timeout": "raise request_timeout or connect_timeout, or lower page_size",
        "connection": "check base_url, and the network and proxies between",
        "body": "check that base_url is the API's address up to its version",
    }
    remedy = remedies.get(failure.error_class, "try again later; ask the administrators of the WMS")
    text = f"{path}: {detail}{tried}; {remedy}"
    if failure.error_class in {"http_401", "token"} and not failure.retried:
        return AuthenticationError(text)
    if failure.error_class == "http_403":
        return AccessError(text)
    if failure.error_class in {"name", "certificate", "timeout", "connection"}:
        return UnreachableError(text)
    return ServerError(text)
