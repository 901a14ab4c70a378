"""Random bytes in the place of each request of a session: hung up on, and the server lives on."""

import contextlib
import random
import socket
import threading

import oracledb
import pytest

REQUESTS = 10  # of the session below, at most


class Corrupting:
    """A proxy that puts random bytes in the place of a client's n-th request."""

    def __init__(self, port, position, garbage):
        self.garbled = threading.Event()
        self.hung_up = threading.Event()
        self._position, self._garbage, self._server_port = position, garbage, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(self._listener.accept()[0])
            server = stack.enter_context(
                socket.create_connection(("127.0.0.1", self._server_port), 20)
            )
            back = threading.Thread(target=self._answers, args=(client, server))
            back.start()
            for number in range(self._position + 1):
                data = client.recv(1 << 16)
                if not data:
                    break
                if number == self._position:
                    self.garbled.set()
                    data = self._garbage
                server.sendall(data)
            with contextlib.suppress(OSError):  # the server may have hung up already
                server.shutdown(socket.SHUT_WR)
            back.join()
            with contextlib.suppress(OSError):  # wakes the client up
                client.shutdown(socket.SHUT_RDWR)

    def _answers(self, client, server):
        with contextlib.suppress(ConnectionError):
            while data := server.recv(1 << 16):
                with contextlib.suppress(OSError):  # the client may be gone
                    client.sendall(data)
        self.hung_up.set()

    def close(self):
        self._listener.close()
        self._thread.join(30)
        assert not self._thread.is_alive()


def use_a_session(port):
    with oracledb.connect(
        user="scott", password="tiger", dsn=f"127.0.0.1:{port}/FREEPDB1"
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("select one from dual").fetchall()
        cursor.executemany("insert into t values (:1)", [(n,) for n in range(2000)])
        cursor.execute("select count to 500 from dual").fetchall()
        connection.commit()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("position", range(REQUESTS))
def test_garbage_at_every_stage(server, connect, engine, position, seed):
    chance = random.Random(100 * position + seed)
    garbage = chance.randbytes(chance.choice((1, 7, 60, 3000)))
    if seed == 2:  # a packet that is well formed around nonsense
        large = position > 0
        head = (len(garbage) + 10).to_bytes(4 if large else 2, "big") + bytes(0 if large else 2)
        garbage = head + bytes((6, 0, 0, 0, 0, 0)) + garbage
    proxy = Corrupting(server.port, position, garbage)
    try:
        with contextlib.suppress(oracledb.Error):
            use_a_session(proxy.port)
        assert proxy.hung_up.wait(20)
        assert proxy.garbled.is_set() or position >= 6
    finally:
        proxy.close()
    with connect().cursor() as cursor:
        assert cursor.execute("select still from dual").fetchall() == [("still",)]
