"""The hooks with a real command and a real server: what arrives, and how each failure is said."""

import contextlib
import json
import os
import socket
import sys
import threading

import psutil
import pytest

from flext_cli.alerts import hooks
from flext_cli.settings import Hooks
from flext_observability import redaction
from flext_observability.testing import clean_process

PASSWORD = "pass-of-the-wms-77"
MESSAGE = {"text": f"no login with {PASSWORD}", "alerts": [{"kind": "failure", "value": 1}]}


@pytest.fixture(autouse=True)
def _secrets():
    with clean_process():
        redaction.register(PASSWORD)
        yield


@pytest.fixture
def command(tmp_path):
    """A program that does `code` after it wrote stdin and environment to files."""

    def make(code="", timeout_s=30.0):
        program = tmp_path / "notify.py"
        program.write_text(
            "import json, os, subprocess, sys, time\n"
            f"folder = {str(tmp_path)!r}\n"
            "open(folder + '/stdin', 'wb').write(sys.stdin.buffer.read())\n"
            "open(folder + '/environ', 'w').write(json.dumps(dict(os.environ)))\n"
            f"{code}\n",
            encoding="utf-8",
        )
        return Hooks(command=(sys.executable, str(program), "a b"), timeout_s=timeout_s)

    return make


def test_the_command_gets_the_message_without_secrets(command, tmp_path):
    environ = {
        **os.environ,
        "FLEXT_TAP_ORACLE_WMS_PASSWORD": PASSWORD,
        "FLEXT_ALERT_WEBHOOK_URL": "https://hooks.example.com/s3cr3t",
        "DESK_TOKEN": "its-own",
        "FLEXT_SCOPE": "kept",
    }
    assert hooks.send(command(), MESSAGE, environ) == {"command": ""}
    assert json.loads((tmp_path / "stdin").read_bytes()) == {
        "text": "no login with ***",
        "alerts": [{"kind": "failure", "value": 1}],
    }
    seen = json.loads((tmp_path / "environ").read_bytes())
    assert (seen["DESK_TOKEN"], seen["FLEXT_SCOPE"]) == ("its-own", "kept")
    assert not {"FLEXT_TAP_ORACLE_WMS_PASSWORD", "FLEXT_ALERT_WEBHOOK_URL"} & set(seen)


def test_a_command_that_fails_says_so_with_what_it_said(command):
    chosen = command(f"print('no desk, {PASSWORD}'); sys.exit(3)")
    (answer,) = hooks.send(chosen, MESSAGE, os.environ).values()
    assert "ended with exit code 3: no desk, ***" in answer
    assert "flext alerts test" in answer


def test_a_command_that_is_not_there_is_named(tmp_path):
    (answer,) = hooks.send(Hooks(command=("/nowhere/notify",)), MESSAGE, {}).values()
    assert answer.startswith("/nowhere/notify cannot be run")
    assert "FLEXT_ALERT_COMMAND" in answer


def test_a_command_that_does_not_end_is_stopped_with_what_it_started(tmp_path):
    # A child that holds our pipe open would keep us waiting for ever. A shell starts at once.
    script = f"sleep 600 & echo $! > '{tmp_path}/pid'; wait"
    chosen = Hooks(command=("/bin/sh", "-c", script), timeout_s=2.0)
    (answer,) = hooks.send(chosen, MESSAGE, os.environ).values()
    assert "did not end within 2 s and was stopped" in answer
    assert "FLEXT_ALERT_TIMEOUT_S" in answer
    with contextlib.suppress(psutil.NoSuchProcess):  # over already
        child = psutil.Process(int((tmp_path / "pid").read_text()))
        _, left = psutil.wait_procs([child], timeout=20)
        assert [each for each in left if each.status() != psutil.STATUS_ZOMBIE] == []


def test_the_webhook_gets_the_message_over_tls(desk):
    chosen = Hooks(
        webhook_url=desk.url, webhook_token="t0ken-of-the-desk", webhook_ca_file=desk.ca_file
    )
    assert hooks.send(chosen, MESSAGE, {}) == {"webhook": ""}
    ((path, headers, body),) = desk.taken
    assert path == "/hooks/s3cr3t-path"
    assert headers["Authorization"] == "Bearer t0ken-of-the-desk"
    assert headers["Content-Type"] == "application/json"
    assert body["text"] == "no login with ***"


def test_a_certificate_that_is_not_trusted_stops_the_message(desk):
    (answer,) = hooks.send(Hooks(webhook_url=desk.url), MESSAGE, {}).values()
    assert "certificate" in answer.lower()
    assert "FLEXT_ALERT_WEBHOOK_CA_FILE" in answer
    assert "s3cr3t" not in answer
    assert desk.taken == []


def test_a_name_that_is_not_the_certificates_stops_the_message(desk, monkeypatch):
    found = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: found("127.0.0.1", *rest, **more)
    )
    url = desk.url.replace("localhost", "desk.example.com")
    chosen = Hooks(webhook_url=url, webhook_ca_file=desk.ca_file)
    (answer,) = hooks.send(chosen, MESSAGE, {}).values()
    assert "not valid for 'desk.example.com'" in answer
    assert desk.taken == []


@pytest.mark.parametrize("status", [302, 401, 500])
def test_an_answer_that_is_no_success_is_a_failure(desk, status):
    desk.answer = status
    chosen = Hooks(webhook_url=desk.url, webhook_ca_file=desk.ca_file)
    (answer,) = hooks.send(chosen, MESSAGE, {}).values()
    assert f"answered {status}" in answer
    assert "s3cr3t" not in answer
    assert len(desk.taken) == 1


def test_a_webhook_that_does_not_answer_is_given_up(desk):
    desk.delay = threading.Event()
    chosen = Hooks(webhook_url=desk.url, webhook_ca_file=desk.ca_file, timeout_s=1.0)
    (answer,) = hooks.send(chosen, MESSAGE, {}).values()
    desk.delay.set()
    assert "timed out" in answer.lower()
    assert "s3cr3t" not in answer


def test_nobody_there_is_said_without_the_address(desk):
    url = desk.url
    chosen = Hooks(webhook_url=url.replace(str(desk.server_address[1]), "1"))
    (answer,) = hooks.send(chosen, MESSAGE, {}).values()
    assert "the webhook at localhost did not take it" in answer
    assert "s3cr3t" not in answer


def test_one_hook_that_fails_does_not_keep_the_other_from_being_asked(desk):
    chosen = Hooks(command=("/nowhere/notify",), webhook_url=desk.url, webhook_ca_file=desk.ca_file)
    answers = hooks.send(chosen, MESSAGE, {})
    assert answers["webhook"] == ""
    assert "cannot be run" in answers["command"]
