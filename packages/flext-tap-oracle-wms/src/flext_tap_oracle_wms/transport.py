"""HTTP by urllib3: the pool of connections, the deadline of a request, what its failures mean.

The only module that knows the HTTP library. Retries, credentials and the API are the client's.
"""

from __future__ import annotations

import gzip
import heapq
import itertools
import socket
import ssl
import threading
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from flext_tap_oracle_wms.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

HTTPError = urllib3.exceptions.HTTPError
_DETAIL_CHARS = 300
#: What zlib is told by this number: a header and a trailer of gzip, with its checksum.
_GZIP_WBITS = 31
#: Deflate makes nothing smaller by more than this.
_MOST_TIMES = 1032


@dataclass(frozen=True, slots=True)
class Response:
    """What the client reads of an answer.

    Attributes:
        packed: the whole body, as it came.
    """

    status: int
    headers: Mapping[str, str]
    packed: bytes

    @property
    def data(self) -> bytes:
        """The whole body, unpacked anew at each look.

        Raises:
            DecodeError: it is damaged.
        """
        return unpacked(self.packed, self.headers.get("Content-Encoding", "identity"))


@dataclass(frozen=True)
class Failure:
    """Why one attempt gave nothing usable."""

    error_class: str
    detail: str
    retried: bool
    retry_after_s: float | None = None


@dataclass(order=True)
class _Watch:
    """A request under a deadline; its connection is cut when that passes."""

    at_s: float
    number: int
    connection: HTTPConnection | None = field(default=None, compare=False)
    ended: bool = field(default=False, compare=False)
    expired: bool = field(default=False, compare=False)


class _Watchman:
    """One thread that cuts the connections of requests that take too long.

    A read timeout begins anew with every byte; this one does not.
    """

    def __init__(self, monotonic_s: Any) -> None:
        self._monotonic_s = monotonic_s
        self._numbers = itertools.count()
        self._watches: list[_Watch] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def begin(self, timeout_s: float) -> _Watch:
        with self._changed:
            self._forget_ended()
            watch = _Watch(self._monotonic_s() + timeout_s, next(self._numbers))
            heapq.heappush(self._watches, watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            if self._watches[0] is watch:
                # Else it waits for an earlier one, or for one that has ended, and looks then.
                self._changed.notify()
        return watch

    def _forget_ended(self) -> None:
        while self._watches and self._watches[0].ended:
            heapq.heappop(self._watches)

    def end(self, watch: _Watch) -> None:
        with self._changed:
            watch.ended = True
            watch.connection = None

    def _run(self) -> None:
        with self._changed:
            while True:
                self._forget_ended()
                if not self._watches:
                    self._changed.wait()
                    continue
                wait_s = self._watches[0].at_s - self._monotonic_s()
                if wait_s > 0:
                    self._changed.wait(wait_s)
                    continue
                watch = heapq.heappop(self._watches)
                watch.expired = True
                _cut(watch.connection)


def _cut(connection: HTTPConnection | None) -> None:
    """End a connection under the thread that waits for it, without touching its TLS state."""
    sock = getattr(connection, "sock", None)
    if sock is not None:
        try:
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        except OSError:
            return  # it ended by itself meanwhile


_in_hand = threading.local()


class _Seen(HTTPConnection):
    """A connection that tells the watch of its thread's request about itself."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        watch: _Watch | None = getattr(_in_hand, "watch", None)
        if watch is not None:
            watch.connection = self
        super().request(*args, **kwargs)


class _SeenTls(_Seen, HTTPSConnection):
    """The same, encrypted."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Seen


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _SeenTls


class Transport(urllib3.PoolManager):
    """Connections to one origin, each request under a deadline of its own."""

    def __init__(self, *, deadline_s: float, clock: Any, **options: Any) -> None:
        super().__init__(**options)
        self.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        self._deadline_s = deadline_s
        self._watchman = _Watchman(clock)

    def request(self, method: str, url: str, **options: Any) -> Response:  # type: ignore[override]  # the arguments are urllib3's own
        """Return the whole answer.

        Raises:
            HTTPError: none came whole within the deadline.
        """
        watch = _in_hand.watch = self._watchman.begin(self._deadline_s)
        try:
            found = super().request(method, url, decode_content=False, **options)
            return Response(found.status, found.headers, found.data)
        finally:
            _in_hand.watch = None
            self._watchman.end(watch)
            if watch.expired:
                raise urllib3.exceptions.TimeoutError("the deadline of the request passed")

    def post_form(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Send a form and return status and body of the answer."""
        content = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form)
        options = {"headers": {**headers, **content}, "body": body, "redirect": False}
        answer = self.request("POST", url, **options)
        return answer.status, answer.data


def unpacked(body: bytes, encoding: str) -> bytes:
    """Return a body as it was before it was packed, by the value of its Content-Encoding.

    urllib3 does so in pieces that it copies together, at three times the cost. Of several parts
    as long as each other it is the first, which is no JSON if there is anything in the others.

    Raises:
        DecodeError: it is not whole, or packed in a way that was not asked for.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"} or not body:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise urllib3.exceptions.DecodeError(f"it is packed as {encoding}, not as gzip")
    # Its last four bytes say how long it was: one piece of memory, if they may be right.
    size = int.from_bytes(body[-4:], "little")
    room_bytes = max(1, min(size, len(body) * _MOST_TIMES))
    try:
        found = zlib.decompress(body, _GZIP_WBITS, room_bytes)
        return found if len(found) == size else gzip.decompress(body)  # it has several parts
    except (zlib.error, EOFError, OSError) as error:
        raise urllib3.exceptions.DecodeError(f"it cannot be unpacked: {error}") from None


def pool(
    *,
    ca_file: str | None,
    connect_timeout_s: float,
    read_timeout_s: float,
    connections: int,
    clock: Any,
) -> Transport:
    """Return the transport: it validates certificates and neither retries nor redirects.

    Args:
        ca_file: PEM file of authorities; None for the system's.
        connect_timeout_s: for a connection to stand.
        read_timeout_s: for an answer to be there whole.
        connections: requests at a time.
        clock: gives monotonic seconds.

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
    return Transport(
        deadline_s=read_timeout_s,
        clock=clock,
        maxsize=connections,
        block=True,
        retries=False,
        ssl_context=context,
        timeout=urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s),
    )


def failure_of(error: urllib3.exceptions.HTTPError) -> Failure:
    """Return what a failure of the transport means, and whether another try may help."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and len(causes) < 10:
        causes.append(cause)
    causes.extend(arg for arg in error.args if isinstance(arg, BaseException))
    if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(
        error, urllib3.exceptions.NewConnectionError
    ):
        return Failure("timeout", "no whole answer within the timeout", retried=True)
    if isinstance(error, urllib3.exceptions.DecodeError):
        return Failure("body", f"the answer is cut or damaged: {error}", retried=True)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        reason = next(c for c in causes if isinstance(c, ssl.SSLCertVerificationError))
        return Failure("certificate", reason.verify_message or str(reason), retried=False)
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        # A name that does not exist stays so; a name service that does not answer may come back.
        gone = any(isinstance(c, socket.gaierror) and c.errno == socket.EAI_NONAME for c in causes)
        return Failure("name", "the host of base_url cannot be resolved", retried=not gone)
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return Failure("connection", "no connection to the host of base_url", retried=True)
    detail = str(causes[-1])[:_DETAIL_CHARS] or type(error).__name__
    return Failure("connection", f"the connection broke: {detail}", retried=True)
