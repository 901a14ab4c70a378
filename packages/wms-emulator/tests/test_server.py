"""Ports, TLS, state directory and the command line."""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wms_emulator.server import StateError
from wms_emulator.testing import WmsServer, running

TINY = {"allocation": 5, "order_dtl": 4, "order_hdr": 2, "item": 3, "location": 3, "inventory": 3}
ARGUMENTS = [f"{name}={count}" for name, count in TINY.items()]


def test_https_with_its_own_certificate(make_client: Any) -> None:
    with running(rows=TINY) as server:
        assert server.base_url.startswith("https://localhost:")
        assert make_client(server).get("entity/item").status == 200
        untrusting = ssl.create_default_context()
        connection = http.client.HTTPSConnection("localhost", server.port, context=untrusting)
        with pytest.raises(ssl.SSLCertVerificationError):
            connection.request("GET", "/")
        connection.close()
        assert server.ca_file is not None
        assert server.ca_file.exists()
    assert not server.ca_file.exists()


def test_connections_are_kept(wms: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", wms.server.port, timeout=10)
    ports = set()
    for _ in range(3):
        connection.request("GET", "/emu/wms/lgfapi/v10/entity/")
        connection.getresponse().read()
        ports.add(connection.sock.getsockname())
    connection.close()
    assert len(ports) == 1


def test_bytes_that_are_no_http(wms: Any) -> None:
    with socket.create_connection(("127.0.0.1", wms.server.port), timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 400")
    assert wms.get("entity/item").status == 200


def test_kept_rows(tmp_path: Path) -> None:
    """A state directory continues where it stood, and refuses other rows."""
    with running(tls=False, rows=TINY, state_dir=tmp_path) as server:
        server.changes(insert={"item": 2}, update={"item": 1})
        held = server.journal("item")
    with running(tls=False, rows=TINY, state_dir=tmp_path) as server:
        assert [row["id"] for row in server.journal("item")] == [row["id"] for row in held]
        server.changes(insert={"item": 1})
        assert server.journal("item")[-1]["id"] > held[-1]["id"]
    with pytest.raises(StateError, match="another"), running(rows=TINY, seed=8, state_dir=tmp_path):
        pass


def test_the_seed_decides_everything(make_client: Any) -> None:
    def rows(server: WmsServer) -> dict[str, Any]:
        journals = {name: server.journal(name) for name in ("allocation", "order_hdr", "item")}
        text = json.dumps(journals).replace(str(server.port), "PORT")
        made: dict[str, Any] = json.loads(text)
        return made

    seen = []
    for seed in (7, 7, 8):
        with running(tls=False, rows=TINY, seed=seed) as server:
            server.clock(now="2026-05-01T12:00:00+00:00")
            server.changes(insert={"allocation": 3}, update={"item": 2})
            seen.append(rows(server))
    assert seen[0] == seen[1] != seen[2]


def start(*arguments: str, **environment: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "wms_emulator", "serve", "--rows", *ARGUMENTS, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_the_command(make_client: Any) -> None:
    """One ready line, an account from the environment, a clean end on SIGTERM."""
    process, ready = start("--parent-pid", str(os.getpid()), WMS_EMULATOR_PASSWORD="other")
    server = WmsServer(
        ready["base_url"], Path(ready["ca_file"]), ready["port"], ready["admin_port"],
        "tap_user", "other",
    )  # fmt: skip
    try:
        assert (ready["ready"], ready["product"], ready["pid"]) == (
            True, "wms-emulator", process.pid,
        )  # fmt: skip
        answer = make_client(server).get("entity/allocation")
        assert answer.json["result_count"] == 5
        assert len(server.journal("allocation")) == 5
    finally:
        assert end(process) == (0, "", "")


@pytest.mark.parametrize("kept", [False, True])
def test_a_start_from_a_template_has_the_rows_of_the_seed(tmp_path: Path, kept: bool) -> None:
    """The first makes the template and the second copies it; neither changes it."""
    templates, found = tmp_path / "templates", []
    for number, given in enumerate(([], ["--templates", str(templates)], [])):
        arguments = ["--plain", *given]
        if kept:
            arguments += ["--state-dir", str(tmp_path / str(number))]
        made_before = {path: path.read_bytes() for path in templates.glob("*")}
        process, ready = start(
            *arguments, WMS_EMULATOR_TEMPLATES=str(templates) if number == 2 else ""
        )
        server = WmsServer(
            ready["base_url"], None, ready["port"], ready["admin_port"], "tap_user", "emulator"
        )
        try:
            text = json.dumps(server.journal("allocation")).replace(str(ready["port"]), "PORT")
            server.changes(insert={"allocation": 1}, update={"allocation": 1})
            found.append((text, len(server.journal("allocation"))))
        finally:
            assert end(process) == (0, "", "")
        if number == 2:
            assert {path: path.read_bytes() for path in templates.glob("*")} == made_before
    assert len(made_before) == 1
    assert found[0] == found[1] == found[2]
    assert found[0][1] > 5


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--rows", "nonsense=1"], "nonsense"),
        (["--rows", "item"], "ENTITY=N"),
        (["--zone", "Nowhere/City"], "--zone"),
        (["--state-dir", "/dev/null/x"], "/dev/null/x"),
    ],
)
def test_bad_options_end_with_one_message(arguments: list[str], named: str) -> None:
    command = [sys.executable, "-m", "wms_emulator", "serve", "--rows", *ARGUMENTS, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_it_ends_with_the_process_that_wanted_it() -> None:
    """--parent-pid: whichever way that process went, kill -9 included."""
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process, _ = start("--plain", "--parent-pid", str(parent.pid))
    parent.kill()  # not waited for yet: it stays behind as a zombie
    try:
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()
        parent.communicate()


def test_bad_days_and_account_by_command_line() -> None:
    """Faults, release and account as options; the ready line tells how long the rows took."""
    command = [
        sys.executable, "-m", "wms_emulator", "serve", "--plain", "--rows", *ARGUMENTS,
        "--release", "25B", "--facilities", "F001",
        "--fault", "status,status=502,html=true,times=1,match=/item",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            assert ready["build_s"] > 0
            admin = http.client.HTTPConnection("127.0.0.1", ready["admin_port"], timeout=10)
            admin.request("GET", "/account")
            assert json.loads(admin.getresponse().read())["facilities"] == ["F001"]
            admin.request("GET", "/faults")
            fault = json.loads(admin.getresponse().read())["faults"][0]
            admin.close()
            assert (fault["status"], fault["html"], fault["times"]) == (502, True, 1)
        finally:
            process.terminate()


@pytest.mark.parametrize("fault", ["nonsense", "status,nonsense=1", "status,every=0"])
def test_faults_that_make_no_sense(fault: str) -> None:
    command = [sys.executable, "-m", "wms_emulator", "serve", "--fault", fault]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("wms-emulator: --fault ")
    assert len(done.stderr.splitlines()) == 1
