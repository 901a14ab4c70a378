"""Fixtures of these tests: a server that alerts are sent to."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wms_emulator.certificate import server_context


class Desk(ThreadingHTTPServer):
    """Takes what is posted, over TLS with a certificate of its own making.

    `answer` is the status it gives; `delay` is waited for before it, or None.
    """

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), _Handler)
        context, self.ca_file = server_context(folder, datetime.now(UTC))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.answer, self.delay, self.taken = 204, None, []

    @property
    def url(self):
        return f"https://localhost:{self.server_address[1]}/hooks/s3cr3t-path"

    def handle_error(self, request, client_address):
        """A client that does not trust us hangs up: that is what some tests want."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), json.loads(body)))
        if self.server.delay is not None:
            self.server.delay.wait(30)
        self.send_response(self.server.answer)
        if self.server.answer == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Silence."""


@pytest.fixture
def desk(tmp_path_factory):
    """A server that alerts are sent to."""
    with Desk(tmp_path_factory.mktemp("desk")) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
