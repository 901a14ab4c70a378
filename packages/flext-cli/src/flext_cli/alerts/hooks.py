"""The ways out: a command that gets the message on stdin, and a webhook that gets it by POST.

Each has a time limit and raises where the message did not arrive; the caller says so. Neither is
given a secret of the pipeline: the message is redacted, and the command's environment is cut.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from flext_cli.errors import AlertError
from flext_cli.settings import SETTINGS, Hooks
from flext_observability import redaction

_SHOWN_CHARS = 500
_SECRETS = frozenset(each.name for each in SETTINGS if each.is_secret)


def send(hooks: Hooks, message: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Give the message to each hook that is set; answers, by hook, why it did not arrive.

    A hook that took it answers "". One that fails does not keep the other from being asked.
    """
    body = json.dumps(redaction.redact_value(message)).encode()
    answers = {}
    if hooks.command:
        answers["command"] = _answer(lambda: run(hooks, body, environ))
    if hooks.webhook_url:
        answers["webhook"] = _answer(lambda: post(hooks, body))
    return answers


def _answer(ask: Callable[[], None]) -> str:
    try:
        ask()
    except AlertError as error:
        return redaction.redact(f"{error}; {error.remedy}")
    return ""


def run(hooks: Hooks, body: bytes, environ: Mapping[str, str]) -> None:
    """Run the command to its end with the message on its stdin.

    Raises:
        AlertError: it is not there, ends with another exit code than 0, or takes too long.
    """
    name = hooks.command[0]
    try:
        process = subprocess.Popen(  # noqa: S603 -- the user's own setting, and no shell
            hooks.command,
            env=without_secrets(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise AlertError(
            f"{name} cannot be run: {error}",
            remedy="correct FLEXT_ALERT_COMMAND: a program with its arguments, no shell",
        ) from error
    with process:
        try:
            output, _ = process.communicate(body, timeout=hooks.timeout_s)
        except subprocess.TimeoutExpired:
            raise AlertError(
                f"{name} did not end within {hooks.timeout_s:g} s and was stopped",
                remedy="make it faster, or set FLEXT_ALERT_TIMEOUT_S",
            ) from None
        finally:
            # What it started goes with it, or would keep our pipe open.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        said = output.decode("utf-8", "replace").strip()[-_SHOWN_CHARS:]
        raise AlertError(
            f"{name} ended with exit code {process.returncode}" + (f": {said}" if said else ""),
            remedy="run `flext alerts test` and see what it says",
        )


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without our secrets; the command's own stay."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _SECRETS
        and not (name.startswith("FLEXT_") and redaction.is_secret_key(name))
    }


def post(hooks: Hooks, body: bytes) -> None:
    """Send the message to the webhook: TLS checked, one attempt, no redirect followed.

    Raises:
        AlertError: it did not answer with 2xx in time, or its certificate is not trusted.
    """
    url = hooks.webhook_url or ""
    where = urlsplit(url).hostname  # the path may be the secret
    headers = {"Content-Type": "application/json", "User-Agent": "flext"}
    if hooks.webhook_token:
        headers["Authorization"] = f"Bearer {hooks.webhook_token}"
    try:
        context = ssl.create_default_context(cafile=hooks.webhook_ca_file)
        timeout = urllib3.Timeout(total=hooks.timeout_s)
        with urllib3.PoolManager(ssl_context=context, timeout=timeout, retries=False) as http:
            answer = http.request("POST", url, body=body, headers=headers, redirect=False,
                                  preload_content=False)  # fmt: skip
            status = answer.status
            answer.close()  # what it says is not ours to read, however long
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise AlertError(
            f"the webhook at {where} did not take it: {_reason(error, url)}",
            remedy="correct FLEXT_ALERT_WEBHOOK_URL or FLEXT_ALERT_WEBHOOK_CA_FILE, or see whether"
            " it is reachable",
        ) from None
    if not 200 <= status < 300:
        raise AlertError(
            f"the webhook at {where} answered {status}",
            remedy="correct FLEXT_ALERT_WEBHOOK_URL or FLEXT_ALERT_WEBHOOK_TOKEN",
        )


def _reason(error: BaseException, url: str) -> str:
    """What went wrong, without the address, whose path may be a secret."""
    path = urlsplit(url).path
    text = str(error).replace(url, "the address")
    return text.replace(path, "/…") if len(path) > 1 else text
