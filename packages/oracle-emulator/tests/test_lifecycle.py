"""The process: its ready line, its ends, and what it leaves behind, which is nothing."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import oracledb
import pytest

from oracle_emulator.testing import StartError, running_server

WAIT_S = 15
SHARED = pytest.mark.xdist_group("oracle-emulator-19c")


def descendants(pid):
    found, level = [], [pid]
    while level:
        level = [child for parent in level for child in children(parent)]
        found += level
    return found


def children(pid):
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in tasks for child in path.read_text().split()]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until_gone(pids):
    deadline = time.monotonic() + WAIT_S
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, [pid for pid in pids if alive(pid)]
        time.sleep(0.05)


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "oracle_emulator", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def finish(process):
    out, err = process.communicate(timeout=WAIT_S)
    return process.returncode, out, err


@pytest.fixture
def process():
    process = start(ORACLE_EMULATOR_SYSTEM_PASSWORD="manager")
    process.ready = json.loads(process.stdout.readline())
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()


def test_the_ready_line_and_a_clean_end(process):
    ready = process.ready
    assert (ready["ready"], ready["product"], ready["pid"]) == (
        True,
        "oracle-emulator",
        process.pid,
    )
    assert Path(ready["ca_file"]).exists()
    assert (Path(ready["wallet_location"]) / "ewallet.pem").exists()
    dsn = f"tcps://localhost:{ready['tcps_port']}/{ready['service_name']}"
    with oracledb.connect(
        user="system", password="manager", dsn=dsn, wallet_location=ready["wallet_location"]
    ) as connection:
        assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)
    pids = descendants(process.pid)
    assert pids
    process.send_signal(signal.SIGTERM)
    assert finish(process) == (0, "", "")
    wait_until_gone(pids)
    assert not Path(ready["wallet_location"]).exists()


def test_the_end_does_not_wait_for_clients(process):
    dsn = f"localhost:{process.ready['port']}/{process.ready['service_name']}"
    connection = oracledb.connect(user="system", password="manager", dsn=dsn)
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 0
    with pytest.raises(oracledb.Error):
        connection.ping()


def test_nothing_is_left_of_a_killed_server(process):
    pids = descendants(process.pid)
    assert pids
    directory = Path(process.ready["wallet_location"]).parent
    assert directory.name.startswith("oracle-emulator-")
    process.kill()
    wait_until_gone(pids)
    assert not directory.exists()


def test_the_server_ends_with_its_parent():
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = start("--parent-pid", str(parent.pid))
    json.loads(process.stdout.readline())
    pids = descendants(process.pid)
    parent.kill()  # and not reaped yet: a zombie counts as gone
    assert finish(process)[0] == 0
    wait_until_gone(pids)
    parent.communicate()


@SHARED
def test_a_port_that_is_taken_ends_with_one_message(served):
    port = str(served("19c").port)
    second = start("--port", port)
    code, out, err = finish(second)
    assert (code, out) == (1, "")
    assert err.startswith("oracle-emulator: ")
    assert port in err
    assert "Traceback" not in err


def test_the_helper_says_why_a_server_did_not_start():
    with pytest.raises(StartError, match="invalid choice"), running_server(profile="8i"):
        pass


@SHARED
def test_statistics_over_http(served):
    server = served("19c")
    url = f"http://127.0.0.1:{server.admin_port}"
    with oracledb.connect(
        user="system", password=server.system_password, dsn=server.dsn
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("create table counted (n number)")
        urllib.request.urlopen(urllib.request.Request(f"{url}/statistics", method="DELETE")).close()
        cursor.executemany("insert into counted values (:1)", [(n,) for n in range(100)])
        with urllib.request.urlopen(f"{url}/statistics") as answer:
            seen = json.load(answer)
    statement = next(s for s in seen["statements"] if "into counted" in s["sql"])
    assert (statement["round_trips"], statement["rows_received"]) == (1, 100)
    with urllib.request.urlopen(f"{url}/health") as answer:
        assert json.load(answer) == {"profile": "19c"}
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{url}/nothing").close()


def test_a_data_directory_keeps_rows_and_certificates():
    # Not tmp_path: run by root, PostgreSQL is another user's, who may not enter that.
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        seen = []
        for statement in ("create table t as select 5 n from dual", "select n from t"):
            with (
                running_server(data_dir=Path(directory) / "data") as server,
                oracledb.connect(user="system", password="oracle", dsn=server.dsn) as connection,
            ):
                cursor = connection.cursor()
                cursor.execute(statement)
                seen.append(server.ca_file.read_bytes())
                rows = cursor.fetchall() if cursor.description else None
        assert rows == [(5,)]
        assert seen[0] == seen[1]
