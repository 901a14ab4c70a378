"""Bad input ends with one message that names the setting or the remedy, and no secret."""

import base64
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from flext_cli import oracle
from flext_cli.errors import EndError

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("messages")]

TAP, TARGET = "FLEXT_TAP_ORACLE_WMS_", "FLEXT_TARGET_ORACLE_"
WRONG_PASSWORD = "wrong-Pa55/word+of=mine"
MESSAGES = "\n".join(
    json.dumps(message)
    for message in (
        {
            "type": "SCHEMA",
            "stream": "allocation",
            "key_properties": ["id"],
            "schema": {"properties": {"id": {"type": "integer"}}},
        },
        {"type": "RECORD", "stream": "allocation", "record": {"id": 12345}},
    )
)
# What is wrong: the settings that change, and words of which the message must have each one.
TAP_CASES = {
    "wrong password": ({f"{TAP}PASSWORD": WRONG_PASSWORD}, ["password"]),
    "unknown host": ({f"{TAP}BASE_URL": "https://nowhere.invalid/e/wms/lgfapi/v10/"}, ["base_url"]),
    "untrusted certificate": ({f"{TAP}CA_FILE": None}, ["ca_file"]),
    "http URL": ({f"{TAP}BASE_URL": "http://wms.example.com/e/wms/lgfapi/v10/"}, ["base_url"]),
    "missing setting": ({f"{TAP}USERNAME": None}, ["username"]),
    "unknown entity": ({f"{TAP}ENTITIES": '["alocation"]'}, ["alocation"]),
    "wrong kind": ({f"{TAP}PAGE_SIZE": "many"}, ["page_size"]),
}
TARGET_CASES = {
    "wrong password": ({f"{TARGET}PASSWORD": WRONG_PASSWORD}, ["password"]),
    "unknown host": ({f"{TARGET}HOST": "nowhere.invalid"}, ["nowhere"]),
    "closed port": ({f"{TARGET}PORT": "1"}, ["port"]),
    "unknown service": ({f"{TARGET}SERVICE_NAME": "NOT_HERE"}, ["service_name"]),
    "untrusted certificate": ({f"{TARGET}WALLET_LOCATION": None}, ["wallet_location"]),
    "missing setting": ({f"{TARGET}HOST": None}, ["host"]),
    "missing privilege": ({f"{TARGET}USER": "READER"}, ["CREATE TABLE"]),
    "unknown schema": ({f"{TARGET}SCHEMA": "ELSEWHERE"}, ["ELSEWHERE"]),
}


@pytest.fixture
def run(shared_rig):
    """Run tap or target alone, configured by its environment; answers exit code and output."""
    rig = shared_rig

    def program(name, changes, given="", *arguments):
        settings = {**rig.ends.settings(), f"{TAP}MAX_RETRIES": "0", **changes}
        environ = {
            **rig.environ,
            **{key: value for key, value in settings.items() if value is not None},
            "FLEXT_WORKSPACE": str(rig.place.root),
        }
        done = subprocess.run(
            [str(Path(sys.executable).parent / name), "--config=ENV", *arguments],
            env=environ,
            cwd=rig.place.root,
            input=given,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return program


@pytest.fixture(scope="module")
def reader(shared_rig):
    """An account that may connect and nothing else, with the password of the owner."""
    rig = shared_rig
    rig.sql(f'CREATE USER READER IDENTIFIED BY "{rig.ends.oracle.password}"', rig.ends.system)
    rig.sql("GRANT CREATE SESSION TO READER", rig.ends.system)


def check(code, output, words, secrets):
    assert code != 0
    assert "Traceback" not in output
    assert [word for word in words if word.lower() not in output.lower()] == []
    for secret in secrets:
        for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
            assert form not in output


@pytest.mark.parametrize("case", TAP_CASES)
def test_the_tap_says_what_is_wrong(run, shared_rig, case):
    changes, words = TAP_CASES[case]
    code, output, errors = run("flext-tap-oracle-wms", changes)
    check(code, output + errors, words, [shared_rig.ends.wms.password, WRONG_PASSWORD])
    assert '"RECORD"' not in output


@pytest.mark.parametrize("case", TARGET_CASES)
@pytest.mark.usefixtures("reader")
def test_the_target_says_what_is_wrong(run, shared_rig, case):
    changes, words = TARGET_CASES[case]
    code, output, errors = run("flext-target-oracle", changes, MESSAGES)
    check(code, output + errors, words, [shared_rig.ends.oracle.password, WRONG_PASSWORD])
    assert output == ""


def test_the_same_input_passes_with_the_right_settings(run):
    """Else the cases above could fail for a reason of their own."""
    code, _, errors = run("flext-target-oracle", {f"{TARGET}TABLE_PREFIX": "RIGHT_"}, MESSAGES)
    assert code == 0, errors
    code, output, errors = run("flext-tap-oracle-wms", {}, "", "--discover")
    assert code == 0, errors
    assert json.loads(output)["streams"]


@pytest.mark.parametrize(
    "changes",
    [{f"{TAP}PASSWORD": WRONG_PASSWORD}, {f"{TARGET}PASSWORD": WRONG_PASSWORD}],
    ids=["tap", "target"],
)
def test_meltano_shows_the_message_and_no_secret(shared_rig, changes):
    rig = shared_rig
    rig.settings(**changes)
    code, output = rig.run("run", "full-sync-job")
    rig.settings()
    secrets = [rig.ends.wms.password, rig.ends.oracle.password, WRONG_PASSWORD]
    assert code == 1
    check(code, output, ["password"], secrets)


def test_nothing_to_hand_over_is_said(shared_rig, flext):
    rig = shared_rig
    done = subprocess.run(
        [flext, "hand-over"],
        cwd=rig.place.root,
        env=rig.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    check(done.returncode, done.stdout + done.stderr, ["no stream", "full-sync-job"], [])


def test_an_oracle_that_is_not_there_is_an_error_of_flext_too(shared_rig):
    with (
        pytest.raises(EndError, match="no connection to Oracle"),
        oracle.connected(replace(shared_rig.ends.oracle, port=1)),
    ):
        pass
