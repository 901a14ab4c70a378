"""The admin interface: JSON over HTTP on a loopback port of its own.

It reads statistics, and arms and clears faults.
"""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from oracle_emulator.session.context import ServerContext
from oracle_emulator.session.faults import parse

LOOPBACK = "127.0.0.1"


class AdminServer:
    """Answers from `start` to `stop`.

    GET /health; GET and DELETE /statistics; GET, POST and DELETE /faults.
    """

    def __init__(self, context: ServerContext, port: int) -> None:
        handler = type("Handler", (_Handler,), {"context": context})
        self._http = ThreadingHTTPServer((LOOPBACK, port), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, name="admin", daemon=True)
        self.port: int = self._http.server_address[1]

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    context: ClassVar[ServerContext]

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(HTTPStatus.OK, {"profile": self.context.profile.name})
        elif self.path == "/statistics":
            self._answer(HTTPStatus.OK, self.context.statistics.snapshot())
        elif self.path == "/faults":
            self._answer(HTTPStatus.OK, {"faults": self.context.faults.snapshot()})
        else:
            self._unknown()

    def do_POST(self) -> None:
        if self.path != "/faults":
            self._unknown()
            return
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            wanted = body if isinstance(body, list) else [body]
            self.context.faults.arm([parse(settings) for settings in wanted])
        except (AttributeError, ValueError) as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        else:
            self._answer(HTTPStatus.OK, {"armed": len(wanted)})

    def do_DELETE(self) -> None:
        if self.path == "/statistics":
            self.context.statistics.reset()
            self._answer(HTTPStatus.OK, {"reset": True})
        elif self.path == "/faults":
            self.context.faults.clear()
            self._answer(HTTPStatus.OK, {"cleared": True})
        else:
            self._unknown()

    def _unknown(self) -> None:
        self._answer(HTTPStatus.NOT_FOUND, {"error": f"nothing at {self.command} {self.path}"})

    def _answer(self, status: HTTPStatus, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its base's
        """Say nothing: stderr is for what goes wrong."""
