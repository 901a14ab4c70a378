"""HTTP/1.1 over one asyncio connection: h11 for the protocol, and the place where faults act.

The only module that reads and writes sockets. Knows no entity.
"""

import asyncio
import gzip
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from uuid import uuid4

import h11

from wms_emulator.faults import Fault, FaultName, Met
from wms_emulator.messages import Request, Response, json_response

Handler = Callable[[Request], Response]
_READ_BYTES = 65536
_MAX_HEAD_BYTES = 131_072
_GZIP_LEVEL = 1
_KEPT_ANSWERS = 64
_CODES = {409: "CONFLICT", 429: "TOO_MANY_REQUESTS", 401: "AUTHENTICATION_FAILED"}
_REASONS = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Time-out"}
_TOO_MANY = Fault(FaultName.STATUS, status=429)
_EXPIRED = Fault(FaultName.STATUS, status=401)


@dataclass
class Service:
    """What a port offers: handler, faults that meet requests, clock of the Date header."""

    handler: Handler
    now: Callable[[], datetime]
    decide: Callable[[str], list[Met]] = lambda _target: []
    note: Callable[[dict[str, object]], None] = lambda _entry: None
    expire: Callable[[], None] = lambda: None  # what an EXPIRE fault does to tokens
    serving: int = 0  # calls that are being answered now
    freed: asyncio.Event = field(default_factory=asyncio.Event)  # set when one of them ends
    latest: dict[str, Response] = field(default_factory=dict)  # by path, for REPEAT

    async def admit(self, faults: list[Met]) -> bool:
        """Count one more call in; False when a PARALLEL fault refuses it."""
        for fault, _ in faults:
            if fault.name is not FaultName.PARALLEL:
                continue
            if self.serving >= fault.limit and not fault.queue:
                return False
            while self.serving >= fault.limit:
                await self.freed.wait()
        self.serving += 1
        return True

    def leave(self) -> None:
        """Count an admitted call out."""
        self.serving -= 1
        self.freed.set()
        self.freed = asyncio.Event()


class _HangupError(Exception):
    """The connection is over: this request's fault said so."""


def error_response(fault: Fault) -> Response:
    """The answer of a STATUS fault."""
    if fault.html:
        title = f"{fault.status} {_REASONS.get(fault.status, 'Error')}"
        page = (
            f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1>"
            "</center><hr><center>proxy</center></body></html>"
        )
        response = Response(fault.status, page.encode(), content_type="text/html")
    else:
        code = _CODES.get(fault.status, "SERVER_ERROR")
        body = {"reference": str(uuid4()), "code": code, "message": "Emulated error."}
        response = json_response(fault.status, body)
    if fault.retry_after_s is not None:
        response.headers.append(("Retry-After", str(fault.retry_after_s)))
    return response


def empty_page(fault: Fault, request: Request) -> Response:
    """The answer of an EMPTY_PAGE fault: what release 26A sends for a list without rows."""
    if fault.no_content:
        return Response(204)
    head: dict[str, object] = {"next_page": None, "previous_page": None, "results": []}
    if request.query.get("page_mode") != "sequenced":
        head = {"result_count": 0, "page_count": 0, "page_nbr": 1, **head}
    return json_response(200, head)


def made_up(fault: Fault, request: Request) -> Response:
    """The answer that a fault gives in place of the handler's."""
    if fault.name is FaultName.EMPTY_PAGE:
        return empty_page(fault, request)
    if fault.name is FaultName.INVALID_JSON:
        return Response(200, b'{"results": [{"id": ')
    return error_response(fault)


class Connection:
    """One client's connection, from its first byte to its last."""

    def __init__(
        self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._service = service
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._secure = writer.get_extra_info("ssl_object") is not None

    async def serve(self) -> None:
        """Answer requests until either side ends the connection."""
        try:
            while await self._serve_one():
                pass
        except _HangupError:
            return
        except h11.RemoteProtocolError as error:
            await self._refuse(error)
        except (ConnectionError, ssl.SSLError):
            return  # the client left; nothing is owed to it
        finally:
            self._writer.close()

    async def _refuse(self, error: h11.RemoteProtocolError) -> None:
        """Bytes that are no HTTP: say so, if h11 still can, and hang up."""
        if self._protocol.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            response = json_response(error.error_status_hint, {"message": str(error)})
            with suppress(ConnectionError, ssl.SSLError):
                await self._send(response, "GET", gzipped=False, faults=[])

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            event = self._protocol.next_event()
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value] # NEED_DATA was the only other value
            self._protocol.receive_data(await self._reader.read(_READ_BYTES))

    async def _request(self) -> Request | None:
        head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
        if not isinstance(event, h11.EndOfMessage):
            return None
        return Request(
            method=head.method.decode("ascii"),
            target=head.target.decode("ascii", "replace"),
            headers={name.decode("ascii"): value.decode("latin-1") for name, value in head.headers},
            body=bytes(body),
            secure=self._secure,
        )

    async def _serve_one(self) -> bool:
        """One request and its answer; False when there is no next one."""
        request = await self._request()
        if request is None:
            return False
        service = self._service
        faults = service.decide(request.target)
        admitted = await service.admit(faults)
        try:
            await self._exchange(request, faults, admitted=admitted)
        finally:
            if admitted:
                service.leave()
        if self._protocol.our_state is h11.MUST_CLOSE:
            return False
        self._protocol.start_next_cycle()
        return True

    async def _exchange(self, request: Request, faults: list[Met], *, admitted: bool) -> None:
        started = time.perf_counter()
        response = await self._answer(request, faults) if admitted else error_response(_TOO_MANY)
        self._service.note(
            {
                "method": request.method,
                "target": request.target,
                "status": response.status,
                "faults": [met.fault.name.value for met in faults],
                "handled_s": round(time.perf_counter() - started, 6),
            }
        )
        gzipped = "gzip" in request.headers.get("accept-encoding", "")
        await self._send(response, request.method, gzipped=gzipped, faults=faults)

    async def _answer(self, request: Request, faults: list[Met]) -> Response:
        """The handler's answer, or what the faults make of it."""
        latest = self._service.latest
        for fault, wait_s in faults:
            match fault.name:
                case FaultName.LATENCY:
                    await asyncio.sleep(wait_s)
                case FaultName.RESET:
                    self._writer.transport.abort()
                    raise _HangupError
                case FaultName.STATUS | FaultName.EMPTY_PAGE | FaultName.INVALID_JSON:
                    return made_up(fault, request)
                case FaultName.EXPIRE:
                    self._service.expire()
                    return error_response(_EXPIRED)
                case FaultName.REPEAT if request.path in latest:
                    return latest[request.path]
        response = self._service.handler(request)
        if response.status == 200 and isinstance(response.body, bytes):
            if len(latest) >= _KEPT_ANSWERS:
                latest.clear()
            latest[request.path] = response
        return response

    def _date(self, faults: list[Met]) -> list[tuple[str, str]]:
        """The Date header, as the server or a proxy before it would write it."""
        moment = self._service.now()
        extra = []
        for fault, _ in faults:
            if fault.name is FaultName.DATE:
                moment += timedelta(seconds=fault.skew_s)
                extra += [("Via", f"1.1 {fault.via}")] if fault.via else []
        return [("Date", format_datetime(moment, usegmt=True)), *extra]

    async def _send(
        self, response: Response, method: str, *, gzipped: bool, faults: list[Met]
    ) -> None:
        body = response.body
        headers = [*self._date(faults), ("Server", "wms-emulator"), *response.headers]
        bodiless = response.status in {204, 304}
        if not bodiless:
            headers.append(("Content-Type", response.content_type))
        if not isinstance(body, bytes):
            await self._send_pieces(response.status, headers, body)
            return
        if gzipped and body:
            body = gzip.compress(body, _GZIP_LEVEL)
            headers.append(("Content-Encoding", "gzip"))
        if not bodiless:
            headers.append(("Content-Length", str(len(body))))
        head = h11.Response(status_code=response.status, headers=headers)
        out = self._protocol.send(head) or b""
        if method == "HEAD":
            body = b""
        cut = next((one for one, _ in faults if one.name is FaultName.CUT), None)
        if cut is not None:
            self._writer.write(out + body[: int(len(body) * cut.cut_at)])
            await self._writer.drain()
            raise _HangupError
        drip = next((one for one, _ in faults if one.name is FaultName.DRIP), None)
        if drip is not None:
            self._writer.write(out)
            for start in range(0, len(body), drip.drip_bytes):
                part = body[start : start + drip.drip_bytes]
                self._writer.write(self._protocol.send(h11.Data(data=part)) or b"")
                await self._writer.drain()
                await asyncio.sleep(drip.drip_pause_s)
            body = out = b""
        if body:
            out += self._protocol.send(h11.Data(data=body)) or b""
        out += self._protocol.send(h11.EndOfMessage()) or b""
        self._writer.write(out)
        await self._writer.drain()

    async def _send_pieces(
        self, status: int, headers: list[tuple[str, str]], pieces: Iterator[bytes]
    ) -> None:
        head = h11.Response(status_code=status, headers=headers)
        self._writer.write(self._protocol.send(head) or b"")
        for piece in pieces:
            self._writer.write(self._protocol.send(h11.Data(data=piece)) or b"")
            await self._writer.drain()
        self._writer.write(self._protocol.send(h11.EndOfMessage()) or b"")
        await self._writer.drain()
