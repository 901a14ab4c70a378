"""The command as a process: what ends it names the remedy, and shows neither secret nor trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMAND = str(Path(sys.executable).with_name("flext-target-oracle"))
SECRET = "not-to-be-seen-4711"
EXAMPLE = """\
{"type": "SCHEMA", "stream": "allocation", "schema": {"properties": {"id": {"type": "integer"}, \
"mod_ts": {"type": "string", "format": "date-time"}}}}
{"type": "RECORD", "stream": "allocation", "record": {"id": 12345, \
"mod_ts": "2025-07-12T10:00:00Z"}}"""
GIVEN = {
    "FLEXT_TARGET_ORACLE_HOST": "127.0.0.1",
    "FLEXT_TARGET_ORACLE_PORT": "1",
    "FLEXT_TARGET_ORACLE_SERVICE_NAME": "FREEPDB1",
    "FLEXT_TARGET_ORACLE_USER": "OIC",
    "FLEXT_TARGET_ORACLE_PASSWORD": SECRET,
}


def run(
    tmp_path: Path, *arguments: str, text: str = EXAMPLE, **environ: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [COMMAND, *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env=kept | {"FLEXT_WORKSPACE": str(tmp_path)} | environ,
    )


def assert_one_message(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode not in (0, 70), done.stderr
    assert done.stdout == ""
    failures = [json.loads(line) for line in done.stderr.splitlines() if "RunFailed" in line]
    assert len(failures) == 1, done.stderr
    for part in parts:
        assert part in failures[0]["error"]
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr + done.stdout


@pytest.mark.parametrize("missing", ["HOST", "SERVICE_NAME", "USER", "PASSWORD"])
def test_a_missing_setting_is_named(tmp_path: Path, missing: str) -> None:
    variable = f"FLEXT_TARGET_ORACLE_{missing}"
    given = {name: value for name, value in GIVEN.items() if name != variable}
    assert_one_message(run(tmp_path, "--config=ENV", **given), variable, missing.lower())


def test_a_port_where_nothing_listens(tmp_path: Path) -> None:
    done = run(tmp_path, "--config=ENV", **GIVEN)
    assert_one_message(done, "nothing listens there", "settings host and port")


def test_a_closed_input_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "{COMMAND}" --config=ENV <&-'],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"], "FLEXT_WORKSPACE": str(tmp_path)} | GIVEN,
    )
    assert_one_message(done, "standard input is closed", "--input")


def test_an_unknown_host(tmp_path: Path) -> None:
    done = run(tmp_path, "--config=ENV", **GIVEN | {"FLEXT_TARGET_ORACLE_HOST": "none.invalid"})
    assert_one_message(done, "the host is unknown", "setting host")


def test_a_certificate_file_that_is_none(tmp_path: Path) -> None:
    done = run(tmp_path, "--config=ENV", **GIVEN, FLEXT_TARGET_ORACLE_CA_FILE="/nowhere/ca.pem")
    assert_one_message(done, "setting ca_file", "/nowhere/ca.pem")


def test_a_line_that_is_no_message(tmp_path: Path) -> None:
    done = run(tmp_path, "--config=ENV", text='{"type": "STATE"\n', **GIVEN)
    assert_one_message(done, "line 1 of the input", "no Singer message")


def test_bad_input_is_named_by_its_line(tmp_path: Path) -> None:
    """Blank lines count, and what is wrong is found before anything connects."""
    schema = '{"type": "SCHEMA", "stream": "s", "schema": {"properties": {"id": %s}}}'
    for text, parts in (
        ('\n\n{"type": "RECORD", "stream": "s", "record": {}}', ("line 3", "before its SCHEMA")),
        ("\n" + schema % '{"type": 5}', ("line 2", "stream s, property 'id'", "`type`")),
        ("\n" + schema % '{"maxLength": "x"}', ("line 2", "property 'id'", "`maxLength`")),
        (schema % "false", ("line 1", "property 'id'", "neither an object nor true")),
        ('{"type": "SCHEMA", "stream": "s", "schema": []}', ("line 1", "schema of stream s")),
        (
            "\n" + '{"type": "STATE", "value": ' + '{"a":' * 3000 + "1" + "}" * 3001,
            ("line 2", "nested deeper", "mend the source"),
        ),
        ('{"type": "WHAT"}', ("line 1", "unknown type 'WHAT'")),
        ('{"type": "ACTIVATE_VERSION", "stream": "s", "version": -1}', ("line 1", "version")),
    ):
        assert_one_message(run(tmp_path, "--config=ENV", text=text, **GIVEN), *parts)


def test_a_batch_message_is_refused(tmp_path: Path) -> None:
    text = EXAMPLE + '\n{"type": "BATCH", "stream": "allocation"}\n'
    assert_one_message(run(tmp_path, "--config=ENV", text=text, **GIVEN), "BATCH", "encoding")


def test_settings_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    config = {name.removeprefix("FLEXT_TARGET_ORACLE_").lower(): v for name, v in GIVEN.items()}
    path.write_text(json.dumps(config | {"port": 1}))
    assert_one_message(run(tmp_path, f"--config={path}"), "nothing listens there")


@pytest.mark.parametrize("content", [None, "{", "[1]"])
def test_a_file_of_settings_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)
    assert_one_message(run(tmp_path, f"--config={path}"), "--config", str(path), "JSON object")


def test_about_and_version_say_what_it_is(tmp_path: Path) -> None:
    about = json.loads(run(tmp_path, "--about", "--format=json").stdout)
    assert about["settings"]["properties"]["batch_size"]["default"] == 1000
    assert about["settings"]["properties"]["password"]["secret"]
    assert run(tmp_path, "--version").stdout.startswith("flext-target-oracle v")


def test_a_second_run_of_the_scope_is_refused_with_the_holder(tmp_path: Path) -> None:
    environ = os.environ | GIVEN | {"FLEXT_WORKSPACE": str(tmp_path), "MELTANO_RUN_ID": "first"}
    with subprocess.Popen(
        [COMMAND, "--config=ENV"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
    ) as first:
        assert first.stdin is not None
        assert first.stderr is not None
        try:
            next(line for line in first.stderr if b"RunStarted" in line)
            second = run(tmp_path, "--config=ENV", **GIVEN)
        finally:
            first.stdin.close()
            rest = first.stderr.read()
    assert first.returncode == 0, rest
    assert_one_message(second, "scope local is held by", "run first", f"process {first.pid}")


def environ_of(account: Any, **changes: str) -> dict[str, str]:
    """The environment of a run over TCPS on an account."""
    names = {
        "HOST": "localhost",
        "PORT": str(account.tcps_port),
        "SERVICE_NAME": account.service_name,
        "USER": account.user,
        "PASSWORD": account.password,
        "SCHEMA": account.user,
        "CA_FILE": account.ca_file,
    } | changes
    return {f"FLEXT_TARGET_ORACLE_{name}": value for name, value in names.items() if value}


@pytest.fixture
def tcps(oracle_account: Any) -> Any:
    """An account that can be reached over TCPS."""
    if oracle_account.tcps_port is None:
        pytest.skip("FLEXT_TEST_ORACLE_DSN names a server whose TCPS port is not known")
    return oracle_account


def test_the_example_over_tcps(tmp_path: Path, tcps: Any) -> None:
    state = '{"type": "STATE", "value": {"allocation": {"replication_key_value": "x"}}}'
    done = run(tmp_path, "--config=ENV", text=f"{EXAMPLE}\n{state}\n", **environ_of(tcps))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"allocation": {"replication_key_value": "x"}}
    assert tcps.rows('SELECT "ID" FROM "WMS_ALLOCATION"') == [(12345,)]
    assert tcps.password not in done.stderr
    assert "released: completed" in (tmp_path / ".token").read_text()


def test_an_untrusted_certificate(tmp_path: Path, tcps: Any) -> None:
    done = run(tmp_path, "--config=ENV", **environ_of(tcps, CA_FILE=""))
    assert_one_message(done, "certificate is not trusted", "ca_file")


def test_plain_tcp_is_no_fallback(tmp_path: Path, tcps: Any) -> None:
    done = run(tmp_path, "--config=ENV", **environ_of(tcps, PORT=str(tcps.port)))
    assert_one_message(done, "protocol")


def test_a_wrong_password(tmp_path: Path, tcps: Any) -> None:
    done = run(tmp_path, "--config=ENV", **environ_of(tcps, PASSWORD=SECRET))
    assert_one_message(done, "ORA-01017", "settings user and password")


def test_an_unknown_service(tmp_path: Path, tcps: Any) -> None:
    done = run(tmp_path, "--config=ENV", **environ_of(tcps, SERVICE_NAME="NONESUCH"))
    assert_one_message(done, "service_name")


def test_a_schema_that_is_not_ours(tmp_path: Path, tcps: Any) -> None:
    done = run(tmp_path, "--config=ENV", **environ_of(tcps, SCHEMA="SYSTEM"))
    assert_one_message(done, "ORA-01031", "GRANT", "For a DBA to run", 'CREATE TABLE "SYSTEM".')


def test_a_missing_privilege(tmp_path: Path, oracle_server: Any) -> None:
    with oracle_server.account("CREATE SESSION") as account:
        done = run(tmp_path, "--config=ENV", **environ_of(account))
    assert_one_message(done, "ORA-01031", "GRANT CREATE TABLE")


def test_sigterm_leaves_what_is_committed_and_says_so(tmp_path: Path, tcps: Any) -> None:
    environ = os.environ | environ_of(tcps) | {"FLEXT_WORKSPACE": str(tmp_path)}
    schema, *_ = EXAMPLE.splitlines()
    keyed = schema[:-1] + ', "key_properties": ["id"]}'

    def lines(begin: int, end: int) -> bytes:
        found = []
        for number in range(begin, end):
            found.append({"type": "RECORD", "stream": "allocation", "record": {"id": number}})
            found.append({"type": "STATE", "value": {"bookmarks": {"allocation": number}}})
        return "".join(json.dumps(line) + "\n" for line in found).encode()

    with subprocess.Popen(
        [COMMAND, "--config=ENV"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ | {"FLEXT_TARGET_ORACLE_BATCH_SIZE": "10"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        # Ten make a batch that commits; five more stay open.
        process.stdin.write(keyed.encode() + b"\n" + lines(1, 16))
        process.stdin.flush()
        next(line for line in process.stderr if b"BatchCommitted" in line)
        process.terminate()
        rest = process.stderr.read()
        states = process.stdout.read().splitlines()
    assert process.returncode == 128 + signal.SIGTERM, rest
    assert b"Traceback" not in rest
    assert tcps.rows('SELECT COUNT(*), MAX("ID") FROM "WMS_ALLOCATION"') == [(10, 10)]
    # The STATE after the tenth record came after its batch was closed, in the same chunk.
    assert json.loads(states[-1])["bookmarks"]["allocation"] == 10
    assert "released: failed: TerminatedError" in (tmp_path / ".token").read_text()


def test_a_reader_of_state_that_is_gone_ends_the_run_by_name(tmp_path: Path, tcps: Any) -> None:
    """docs/specs/delivery.md §3: what is committed stays."""
    environ = os.environ | environ_of(tcps) | {"FLEXT_WORKSPACE": str(tmp_path)}
    with subprocess.Popen(
        [COMMAND, "--config=ENV"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        state = '{"type": "STATE", "value": {"bookmarks": {"allocation": 1}}}'
        process.stdin.write(f"{EXAMPLE}\n{state}\n".encode())
        process.stdin.close()
        said = process.stderr.read().decode()
    assert process.returncode == 1, said
    (failure,) = [json.loads(line) for line in said.splitlines() if "RunFailed" in line]
    assert failure["error_class"] == "StateUnwrittenError"
    assert "reader is gone" in failure["error"]
    assert "Traceback" not in said
    assert tcps.rows('SELECT "ID" FROM "WMS_ALLOCATION"') == [(12345,)]
    assert "released: failed: StateUnwrittenError" in (tmp_path / ".token").read_text()
