"""What wms-emulator costs: server CPU per page of full allocations, and a seed of 5 million rows.

The server is a process of its own; a bare client reads pages of 500 without decoding them, over
http and over HTTPS, and every id must come once. WMS_EMULATOR_BENCH_ROWS makes it smaller for a
first look.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks.harness import Figure

ROWS = int(os.environ.get("WMS_EMULATOR_BENCH_ROWS", "5000000"))
WALKED = min(ROWS, 1_000_000)
PAGE = 500
_ACCOUNT = "Basic " + base64.b64encode(b"tap_user:emulator").decode()
_ID = re.compile(rb'\{"id":(\d+),"url":"[^"]*/allocation/')
_NEXT = re.compile(rb'\{"next_page":(null|"[^"]*")')


def run() -> list[Figure]:
    """Measure building, memory and disk of the large seed, and the walk over both schemes."""
    with _scratch() as scratch:
        rows = scratch / "rows"
        with _serving(rows, "--plain") as server:
            plain = _walk(server, WALKED)
            _walk(server, min(WALKED, 100_000), offset=ROWS - min(WALKED, 100_000))  # the far end
            build_s = server["build_s"]
            private_mib = _private_mib(server["pid"])
            disk_gib = _disk_gib(rows)
        with _serving(rows, "--tls") as server:
            secure = _walk(server, WALKED)
    per = "server CPU s per 100,000 records"
    walked, large = f"pages of {PAGE}, {WALKED:,} rows walked", f"{ROWS:,} rows of allocation"
    return [
        Figure("http", plain, per, walked, ceiling=1.2),
        Figure("https", secure, per, walked, ceiling=3.0),
        Figure("build", build_s, "s", large),
        Figure("private memory", private_mib, "MiB", large, ceiling=1024.0),
        Figure("disk", disk_gib, "GiB", large, ceiling=12.0 * 1000**3 / 1024**3),
    ]


@contextmanager
def _scratch() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="bench-wms-emulator-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def _serving(state: Path, scheme: str) -> Iterator[dict[str, Any]]:
    command = [
        sys.executable, "-m", "wms_emulator", "serve", scheme, "--state-dir", str(state),
        "--rows", f"allocation={ROWS}", "--parent-pid", str(os.getpid()),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            ready: dict[str, Any] = json.loads(process.stdout.readline())
            yield ready
        finally:
            process.terminate()


def _walk(server: dict[str, Any], wanted: int, offset: int | None = None) -> float:
    """Read that many rows; the server's CPU seconds per 100,000. Every id must come once.

    Raises:
        AssertionError: another number of rows, or an id that came twice.
    """
    base = urlsplit(server["base_url"])
    connection: http.client.HTTPConnection
    if base.scheme == "https":
        context = ssl.create_default_context(cafile=server["ca_file"])
        connection = http.client.HTTPSConnection("localhost", server["port"], context=context)
    else:
        connection = http.client.HTTPConnection("localhost", server["port"])
    process = psutil.Process(server["pid"])
    target: str | None = f"{base.path}entity/allocation?page_mode=sequenced&page_size={PAGE}"
    if offset is not None:
        cursor = base64.b64encode(f"p={48_000_000 + 3 * offset - 1}".encode()).decode()
        target += f"&cursor={cursor}"
    before = process.cpu_times()
    seen, last = 0, -1
    while target is not None and seen < wanted:
        connection.request("GET", target, headers={"Authorization": _ACCOUNT})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise AssertionError(f"{target}: {response.status}")
        for found in _ID.findall(body):
            if int(found) <= last:
                raise AssertionError(f"id {int(found)} after {last}")
            seen, last = seen + 1, int(found)
        following = _NEXT.match(body)
        link = json.loads(following[1]) if following else None
        target = None if link is None else urlsplit(link).path + "?" + urlsplit(link).query
    after = process.cpu_times()
    connection.close()
    if seen != wanted:
        raise AssertionError(f"{seen} rows where {wanted} were expected")
    spent = after.user + after.system - before.user - before.system
    return float(spent) * 100_000 / wanted


def _private_mib(pid: int) -> float:
    """Private memory: what belongs to the process alone, mapped files not counted."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    anonymous = re.search(r"^Anonymous:\s+(\d+) kB", text, re.MULTILINE)
    return int(anonymous[1]) / 1024 if anonymous else float("nan")


def _disk_gib(path: Path) -> float:
    return sum(one.stat().st_blocks * 512 for one in path.rglob("*") if one.is_file()) / 1024**3
