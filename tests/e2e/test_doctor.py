"""`flext doctor` against both ends: each planted fault is found and its remedy named."""

import json
import subprocess

import pytest

from flext_cli.doctor import oracle_checks, wms_checks

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("doctor")]

TAP, TARGET = "FLEXT_TAP_ORACLE_WMS_", "FLEXT_TARGET_ORACLE_"
WRONG_PASSWORD = "wrong-Pa55/word+of=mine"
# What is wrong: settings that change, the check that sees it, and words of what is said.
WMS_FAULTS = {
    "no password": ({f"{TAP}PASSWORD": ""}, "settings", "PASSWORD"),
    "http": ({f"{TAP}BASE_URL": "http://wms.example.com/wms/lgfapi/v10/"}, "settings", "https"),
    "unknown host": (
        {f"{TAP}BASE_URL": "https://nowhere.invalid/wms/lgfapi/v10/"}, "reachable", "base_url",
    ),
    "nobody listens": (
        {f"{TAP}BASE_URL": "https://localhost:1/wms/lgfapi/v10/"}, "reachable", "base_url",
    ),
    "untrusted certificate": ({f"{TAP}CA_FILE": ""}, "reachable", "ca_file"),
    "wrong password": ({f"{TAP}PASSWORD": WRONG_PASSWORD}, "reachable", "password"),
    "unknown entity": ({f"{TAP}ENTITIES": '["itm"]'}, "entity itm", "ENTITIES"),
    "no permission": ({f"{TAP}ENTITIES": '["user"]'}, "entity user", "lgfapi_read_access"),
}  # fmt: skip
ORACLE_FAULTS = {
    "no host": ({f"{TARGET}HOST": ""}, "settings", "host"),
    "unknown host": ({f"{TARGET}HOST": "nowhere.invalid"}, "reachable", "host"),
    "nobody listens": ({f"{TARGET}PORT": "1"}, "reachable", "port"),
    "unknown service": ({f"{TARGET}SERVICE_NAME": "NOT_HERE"}, "reachable", "service_name"),
    "untrusted certificate": ({f"{TARGET}WALLET_LOCATION": ""}, "reachable", "wallet_location"),
    "wrong password": ({f"{TARGET}PASSWORD": WRONG_PASSWORD}, "reachable", "password"),
    "no CREATE TABLE": ({f"{TARGET}USER": "LOOKER"}, "rights", "GRANT CREATE TABLE TO LOOKER"),
    "no quota": ({f"{TARGET}USER": "MAKER"}, "quota", "ALTER USER MAKER QUOTA"),
    "unknown schema": (
        {f"{TARGET}USER": "MAKER", f"{TARGET}SCHEMA": "ELSEWHERE"}, "schema", "setting schema",
    ),
    "no INSERT": (
        {f"{TARGET}USER": "MAKER"}, "rights on tables",
        'GRANT DELETE, INSERT, UPDATE ON "OIC"."WMS_PLANTED"',
    ),
    "too many rights": ({f"{TARGET}USER": "MIGHTY"}, "rights", "CREATE SESSION and CREATE TABLE"),
    "dn match off": ({f"{TARGET}SSL_SERVER_DN_MATCH": "false"}, "TLS", "set it to true"),
}  # fmt: skip


@pytest.fixture(scope="module")
def accounts(shared_rig):
    """Accounts that lack something, or have too much, with the password of the owner."""
    rig = shared_rig
    rig.sql('CREATE TABLE "WMS_PLANTED" ("ID" NUMBER(38))')
    rights = {
        "LOOKER": "CREATE SESSION",
        "MAKER": "CREATE SESSION, CREATE TABLE",
        "MIGHTY": "CREATE SESSION, CREATE TABLE, CREATE ANY TABLE",
    }
    for user, granted in rights.items():
        rig.sql(f'CREATE USER {user} IDENTIFIED BY "{rig.ends.oracle.password}"', rig.ends.system)
        rig.sql(f"GRANT {granted} TO {user}", rig.ends.system)
    rig.sql("GRANT SELECT ON WMS_PLANTED TO MAKER")


def found(check, rig, changes):
    settings = {**rig.ends.settings(), **changes}
    return list(check({name: value for name, value in settings.items() if value}))


def has(seen, check, words):
    """Whether a finding of this check that is not ok says these words."""
    return any(
        words.lower() in f"{each.text} {each.remedy}".lower()
        for each in seen
        if each.check == check and each.level != "ok"
    )


@pytest.mark.parametrize("fault", WMS_FAULTS)
def test_a_fault_of_the_wms_is_found(shared_rig, fault):
    changes, check, words = WMS_FAULTS[fault]
    seen = found(wms_checks.check, shared_rig, changes)
    assert has(seen, check, words), seen
    assert WRONG_PASSWORD not in str(seen)


@pytest.mark.parametrize("fault", ORACLE_FAULTS)
@pytest.mark.usefixtures("accounts")
def test_a_fault_of_oracle_is_found(shared_rig, fault):
    changes, check, words = ORACLE_FAULTS[fault]
    seen = found(oracle_checks.check, shared_rig, changes)
    assert has(seen, check, words), seen
    assert WRONG_PASSWORD not in str(seen)


@pytest.mark.parametrize(("behind_s", "level"), [(20, "warning"), (200, "error")])
def test_a_clock_that_is_off_is_found(shared_rig, behind_s, level):
    shared_rig.admin("POST", "/clock", {"real": True})
    shared_rig.admin("POST", "/clock", {"advance_s": -behind_s})
    seen = found(wms_checks.check, shared_rig, {})
    shared_rig.admin("POST", "/clock", {"real": True})
    (clock,) = [each for each in seen if each.check == "clock"]
    assert clock.level == level
    assert "behind ours" in clock.text
    assert "NTP" in clock.remedy


def test_a_page_that_the_wms_cannot_bear_is_found(shared_rig):
    fault = {"name": "status", "status": 504, "page_size_over": 100, "match": "/item/?"}
    shared_rig.admin("POST", "/faults", {"faults": [fault]})
    seen = found(wms_checks.check, shared_rig, {f"{TAP}ENTITIES": '["item"]'})
    shared_rig.admin("POST", "/faults", {"faults": []})
    assert has(seen, "entity item", "lower page_size")


def test_healthy_ends_are_said_to_be_so(shared_rig, flext):
    rig = shared_rig
    rig.admin("POST", "/clock", {"real": True})
    done = subprocess.run(
        [flext, "doctor", "--json"],
        cwd=rig.place.root,
        env=rig.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout)["findings"]
    assert {each["about"] for each in seen} == {"workspace", "WMS", "Oracle", "pipeline"}
    assert [each for each in seen if each["level"] == "error"] == []
    for secret in (rig.ends.wms.password, rig.ends.oracle.password):
        assert secret not in done.stdout + done.stderr
