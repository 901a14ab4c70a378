"""What `flext doctor` finds in files, leases and states: each planted fault with its remedy."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

import flext_coordination
from flext_cli import clock, meltano, project
from flext_cli.doctor import findings, pipeline, workspace

SCOPE = "dev:tap-a-to-target-b"
YAML = """
default_environment: dev
environments: [{name: dev}]
plugins:
  extractors:
  - {name: tap-a, executable: ./bin/tap, config: {sync_mode: full}}
  - {name: tap-i, executable: ./bin/tap, config: {sync_mode: incremental}}
  loaders: [{name: target-b, executable: ./bin/tap, config: {user: OIC}}]
jobs:
- {name: load, tasks: [tap-a target-b]}
- {name: more, tasks: [tap-i target-b]}
"""
SETTING = "FLEXT_TAP_ORACLE_WMS_PAGE_SIZE"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A healthy workspace."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tap").touch(0o755)
    (tmp_path / "meltano.yml").write_text(YAML, encoding="utf-8")
    (tmp_path / ".env").touch(0o600)
    monkeypatch.delenv("FLEXT_WORKSPACE", raising=False)
    monkeypatch.setattr(meltano, "export_states", lambda _root, _environ: {})
    return tmp_path


def looked_at(root, environ=None):
    found = project.find(root, {})
    environ = environ or {SETTING: "500"}
    return [*workspace.check(found, environ), *pipeline.check(found, environ)]


def troubles(seen):
    return [each for each in seen if each.level != "ok"]


def test_a_healthy_workspace_has_no_trouble(root):
    seen = looked_at(root)
    assert troubles(seen) == []
    assert len(seen) >= 7


def in_project(old, new):
    def plant(root):
        text = (root / "meltano.yml").read_text(encoding="utf-8")
        assert old in text
        (root / "meltano.yml").write_text(text.replace(old, new), encoding="utf-8")

    return plant


def in_git(root):
    subprocess.run(["git", "init", "-q", root], check=True)


FAULTS = {
    "no .env": (lambda root: (root / ".env").unlink(), ".env", "copy .env.example"),
    ".env open to others": (lambda root: (root / ".env").chmod(0o644), ".env", "chmod 600"),
    ".env would be committed": (in_git, ".env", "add .env to .gitignore"),
    "program missing": (
        lambda root: (root / "bin" / "tap").unlink(), "commands", "run `make setup`",
    ),
    "program not executable": (
        lambda root: (root / "bin" / "tap").chmod(0o644), "commands", "run `make setup`",
    ),
    "password in meltano.yml": (
        in_project("user: OIC", "user: OIC, password: hunter22"), "secrets", "put it into .env",
    ),
    "no incremental job": (
        in_project("- {name: more, tasks: [tap-i target-b]}", ""), "incremental job",
        "take the jobs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_is_found_with_its_remedy(root, fault):
    plant, check, remedy = FAULTS[fault]
    plant(root)
    (trouble,) = troubles(looked_at(root))
    assert trouble.check == check
    assert remedy in trouble.remedy
    assert "hunter22" not in trouble.text


def test_an_ignored_env_file_in_git_is_fine(root):
    in_git(root)
    (root / ".gitignore").write_text(".env\n", encoding="utf-8")
    assert troubles(looked_at(root)) == []


def test_a_reference_to_the_environment_is_no_secret(root):
    in_project("user: OIC", "password: $SOME_PASSWORD")(root)
    assert troubles(looked_at(root)) == []


def test_a_setting_of_flext_itself_that_is_wrong_is_found(root):
    (found,) = troubles(looked_at(root, {SETTING: "500", "FLEXT_ALERT_LAG_S": "soon"}))
    assert (found.check, found.level) == ("flext's settings", "error")
    assert "FLEXT_ALERT_LAG_S" in found.text


def test_a_misspelt_setting_is_found_with_the_right_name(root):
    (trouble,) = troubles(looked_at(root, {"FLEXT_TARGET_ORACLE_SERVICENAME": "X"}))
    assert "FLEXT_TARGET_ORACLE_SERVICENAME is no setting" in trouble.text
    assert trouble.remedy == "write FLEXT_TARGET_ORACLE_SERVICE_NAME"


def test_a_lease_whose_holder_is_silent_is_told_from_one_that_is_alive(root):
    code = (
        "import sys, pathlib, flext_coordination as c;"
        f"lease = c.acquire(pathlib.Path(sys.argv[1]), {SCOPE!r}, run_id='r', owner='o', ttl_s=1);"
        "lease.stop_heartbeat()"
    )
    with flext_coordination.acquire(root, SCOPE + "2", run_id="alive", owner="somebody"):
        assert troubles(looked_at(root)) == []
    subprocess.run([sys.executable, "-c", code, str(root)], check=True, env=os.environ)
    expired = flext_coordination.read(root)[0].expires_at
    # The process that held it is gone, so its second of validity only has to pass.
    while datetime.now(UTC) <= expired:
        clock.pause(0.05)
    (trouble,) = troubles(looked_at(root))
    assert "but expired" in trouble.text
    assert "takes it over" in trouble.remedy


@pytest.mark.parametrize(
    ("age", "level", "remedy"),
    [
        (timedelta(minutes=5), None, ""),
        (timedelta(hours=30), "warning", "schedule"),
        (timedelta(hours=-2), "error", "clock"),
    ],
)
def test_bookmarks_that_cannot_be_or_stand_still_are_found(root, monkeypatch, age, level, remedy):
    bookmark = {"replication_key_value": (datetime.now(UTC) - age).isoformat()}
    state = {"completed": {"singer_state": {"bookmarks": {"item": bookmark}}}}
    monkeypatch.setattr(meltano, "export_states", lambda _root, _environ: {SCOPE: state})
    found = troubles(looked_at(root))
    assert [each.level for each in found] == ([level] if level else [])
    assert all(remedy in each.remedy and "item" in each.text for each in found)


def test_a_finding_that_is_not_ok_must_name_its_remedy():
    with pytest.raises(ValueError, match="no remedy"):
        findings.Finding("x", "y", "error", "z")


def test_the_worst_level_counts():
    def at(level):
        return findings.Finding("x", "y", level, "z", "w")

    assert findings.worst([]) == "ok"
    assert findings.worst([at("ok"), at("warning")]) == "warning"
    assert findings.worst([at("error"), at("warning")]) == "error"


def test_a_broken_lease_file_is_a_finding(root):
    (root / ".token").write_text("not a lease", encoding="utf-8")
    (trouble,) = troubles(looked_at(root))
    assert trouble.check == "leases"
    assert ".token" in trouble.text
