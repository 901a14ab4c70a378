"""The tap's one door to the network: a method per operation of the WMS REST API.

HTTPS with certificates validated (plain http only where the settings let it: loopback), timeouts
on everything, retries as `retry` decides, credentials to the configured origin only, redirects
refused. What a page means, and in which order pages are asked for, is not decided here.
"""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import urllib3

from flext_observability import emit
from flext_tap_oracle_wms import paging, retry
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.errors import (
    AccessError,
    AuthenticationError,
    NotFoundError,
    ProtocolError,
    ServerError,
    SettingsError,
    UnreachableError,
)
from flext_tap_oracle_wms.events import RequestCompleted, RequestFailed, RetryScheduled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from flext_tap_oracle_wms.auth import Authenticator

T = TypeVar("T")
_DETAIL_CHARS = 300
_EMPTY = paging.Envelope(results=msgspec.Raw(b"[]"), next_page=None)


@dataclass(frozen=True)
class Failure:
    """Why one attempt gave nothing usable."""

    error_class: str
    detail: str
    retried: bool
    retry_after_s: float | None = None


class _AttemptError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


def pool(
    *, ca_file: str | None, connect_timeout_s: float, read_timeout_s: float, connections: int
) -> urllib3.PoolManager:
    """Return the transport: a pool that validates certificates and neither retries nor redirects.

    Raises:
        SettingsError: ca_file cannot be read as certificates.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"ca_file: {ca_file} cannot be read as PEM certificates ({error.strerror or error}); "
            "name a readable PEM file"
        ) from None
    return urllib3.PoolManager(
        maxsize=connections,
        block=True,
        retries=False,
        ssl_context=context,
        timeout=urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s),
    )


class WmsClient:
    """The WMS REST API of one base URL; safe under threads, closed at the end."""

    def __init__(
        self,
        base_url: str,
        *,
        transport: urllib3.PoolManager,
        auth: Authenticator,
        policy: retry.Policy,
        clock: Clock | None = None,
    ) -> None:
        self._base_url = base_url
        self._transport = transport
        self._auth = auth
        self._policy = policy
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._confirmed: set[str] = set()
        self._server_date: tuple[datetime, float] | None = None

    def close(self) -> None:
        """Close all idle connections."""
        self._transport.clear()

    def list_entities(self) -> list[str]:
        """Return the names of the entities that the WMS lists, sorted."""
        url = f"{self._base_url}entity/"
        found = self._get(url, msgspec.json.Decoder(dict[str, Any]).decode)
        return sorted(found)

    def describe(self, entity: str) -> dict[str, Any]:
        """Return what the WMS says of an entity's fields, by name."""
        url = f"{self._base_url}entity/{quote(entity, safe='')}/describe/"
        found = self._get(url, msgspec.json.Decoder(dict[str, Any]).decode)
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

    def list_page(self, entity: str, params: Mapping[str, str]) -> paging.Envelope:
        """Return one page of an entity's list.

        Raises:
            NotFoundError: the WMS answered 404, which may mean an empty list.
        """
        url = f"{self._base_url}entity/{quote(entity, safe='')}/"
        # quote, not quote_plus: a + in a value goes out as %2B and a blank as %20.
        return self._page(f"{url}?{urlencode(params, quote_via=quote, safe='')}")

    def follow(self, next_page: str) -> paging.Envelope:
        """Return the page that the server names as the next one.

        Raises:
            ProtocolError: it is not on the configured scheme, host and port.
            NotFoundError: the WMS answered 404.
        """
        return self._page(paging.check_next_page(next_page, self._base_url))

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

    def _page(self, url: str) -> paging.Envelope:
        envelope = self._get(url, _decode_page)
        if envelope.next_page is not None:
            paging.check_next_page(envelope.next_page, self._base_url)
        return envelope

    def _get(self, url: str, decode: Callable[[bytes], T]) -> T:
        """Send a GET until it is answered usably or the policy ends it."""
        path = urlsplit(url).path
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt(url, path, decode)
            except _AttemptError as error:
                failure = error.failure
            emit(RequestFailed(path, failure.error_class, failure.detail, attempt))
            pause_s = (
                retry.delay_s(self._policy, attempt, self._clock.uniform, failure.retry_after_s)
                if failure.retried
                else None
            )
            if pause_s is None:
                raise _final_error(path, failure, attempt)
            emit(RetryScheduled(path, failure.error_class, attempt, round(pause_s, 3)))
            self._clock.sleep(pause_s)

    def _attempt(self, url: str, path: str, decode: Callable[[bytes], T]) -> T:
        started_s = self._clock.monotonic_s()
        answer = self._send(url)
        seconds = self._clock.monotonic_s() - started_s
        date = retry.parse_http_date(answer.headers.get("Date"))
        if date is not None:
            # The header's time lies before the answer's arrival, so this never runs ahead.
            with self._lock:
                self._server_date = (date, self._clock.monotonic_s())
        emit(RequestCompleted(path, answer.status, len(answer.body), round(seconds, 6)))
        if answer.status == 404:
            raise NotFoundError(f"{path}: the WMS answered 404")
        if answer.status not in {200, 204}:
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
            answer.body.decode("utf-8")
            return decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            detail = f"the answer is cut or not the JSON that was due ({error})"
            raise _AttemptError(Failure("body", detail, retried=True)) from None

    def _send(self, url: str) -> _Answer:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        headers |= self._auth.headers()
        try:
            response = self._transport.request("GET", url, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise _AttemptError(_transport_failure(error)) from None
        return _Answer(response.status, response.data, response.headers)


def _decode_page(body: bytes) -> paging.Envelope:
    if not body.strip():
        return _EMPTY
    return _envelope_decoder.decode(body)


_envelope_decoder = msgspec.json.Decoder(paging.Envelope)


def _transport_failure(error: urllib3.exceptions.HTTPError) -> Failure:
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and len(causes) < 10:
        causes.append(cause)
    causes.extend(arg for arg in error.args if isinstance(arg, BaseException))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        reason = next(c for c in causes if isinstance(c, ssl.SSLCertVerificationError))
        return Failure("certificate", reason.verify_message or str(reason), retried=False)
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return Failure("name", "the host of base_url cannot be resolved", retried=True)
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return Failure("connection", "no connection to the host of base_url", retried=True)
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return Failure("timeout", "no data within the timeout", retried=True)
    detail = str(causes[-1])[:_DETAIL_CHARS] or type(error).__name__
    return Failure("connection", f"the connection broke: {detail}", retried=True)


def _reason(answer: _Answer) -> str:
    """Say what an error answer says: its code and message, which may also be an HTML page."""
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"HTTP {answer.status}"
    parts = [str(found[key]) for key in ("code", "message", "details") if found.get(key)]
    return f"HTTP {answer.status}: {' '.join(parts)}"[:_DETAIL_CHARS]


def _final_error(path: str, failure: Failure, attempts: int) -> Exception:
    detail = failure.detail.rstrip(".")
    tried = f" after {attempts} tries" if attempts > 1 else ""
    remedies = {
        "http_401": "check username and password, and whether the user is locked or expired",
        "http_403": "give the user the permission lgfapi_read_access and the entity",
        "http_400": "the WMS refuses the filter or order of this request; check the settings",
        "name": "check base_url, and the name service of this machine",
        "certificate": "set ca_file to the authority that signed it, or correct base_url",
        "timeout": "raise request_timeout or connect_timeout, or lower page_size",
        "connection": "check base_url, and the network and proxies between",
        "body": "check that base_url is the API's address up to its version",
    }
    remedy = remedies.get(failure.error_class, "try again later; ask the administrators of the WMS")
    text = f"{path}: {detail}{tried}; {remedy}"
    if failure.error_class == "http_401":
        return AuthenticationError(text)
    if failure.error_class == "http_403":
        return AccessError(text)
    if failure.error_class in {"name", "certificate", "timeout", "connection"}:
        return UnreachableError(text)
    return ServerError(text)
