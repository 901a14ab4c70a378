"""Every fenced block of README and documentation is something, and true as that.

Shell is in test_commands.py. JSON is read by the program it belongs to, settings by their models,
SQL and Python run against the ends; a language that is not known here fails.
"""

from __future__ import annotations

import configparser
import io
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

from flext_cli import ends, project
from flext_cli import settings as flext_settings
from flext_cli.alerts import run as alerts
from flext_cli.errors import FlextError
from flext_tap_oracle_wms import bookmarks
from flext_tap_oracle_wms import settings as tap_settings
from flext_tap_oracle_wms.errors import TapError
from flext_target_oracle import messages
from flext_target_oracle import settings as target_settings
from flext_target_oracle.errors import TargetError

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("docs"), pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
SHELL = {"console", "bash", "cron"}
#: Specifications whose SQL has gaps (…, :n) and is held by a test of its own.
SQL_ELSEWHERE = {
    "docs/specs/target-sql.md": "packages/oracle-emulator/tests/engine/test_target_sql.py",
}
#: What somebody has to fill in before any setting can be judged.
FILLED_IN = {
    "FLEXT_TAP_ORACLE_WMS_BASE_URL": "https://wms.example.com/x/wms/lgfapi/v10/",
    "FLEXT_TAP_ORACLE_WMS_USERNAME": "u",
    "FLEXT_TAP_ORACLE_WMS_PASSWORD": "p",
    "FLEXT_TARGET_ORACLE_HOST": "db.example.com",
    "FLEXT_TARGET_ORACLE_SERVICE_NAME": "S",
    "FLEXT_TARGET_ORACLE_USER": "U",
    "FLEXT_TARGET_ORACLE_PASSWORD": "p",
}
#: How the checks say that a block is wrong.
WRONG = (AssertionError, ValueError, KeyError, TapError, TargetError, FlextError)
PROGRAMS = re.compile(r"^(\$ )?(\.venv/bin/|sudo )?(make|flext|meltano|pip|git|cd|curl)(\s|$)")


def test_every_block_is_true(block, request):
    """The check of its language; a block without one fails."""
    checks = {
        "console": None, "bash": None, "cron": check_cron, "text": check_text, "json": check_json,
        "yaml": check_yaml, "env": check_env, "ini": check_ini, "promql": check_promql,
        "sql": check_sql, "python": check_python,
    }  # fmt: skip
    assert block.language in checks, f"{block}: nothing checks a block of {block.language!r}"
    check = checks[block.language]
    if check is not None:
        check(block, request)


def check_cron(block, _request):
    """Five fields and a command (whose words test_commands.py reads)."""
    for line in block.text.splitlines():
        assert re.fullmatch(r"(?:[\d*/,-]+ ){5} ?\S.*", line), line


def check_text(block, request):
    """No command hides here: a line that begins with a program is its usage, in brackets."""
    lines = [line for line in block.text.splitlines() if PROGRAMS.match(line)]
    assert all("[" in line for line in lines), lines
    reference = (ROOT / "docs/reference/emulators.md").read_text(encoding="utf-8")
    known = set(re.findall(r"`(--[\w-]+)`", reference))
    if "emulator serve" in block.text:
        assert set(re.findall(r"\[(--[\w-]+)", block.text)) <= known


def check_json(block, request):
    """A ready line, a Singer message, or a state."""
    for value in json_values(block.text):
        if "ready" in value:
            real = request.getfixturevalue("standalone")(value["product"])
            assert set(value) <= set(real)
        elif value.get("source") == "flext":
            real = alerts.message("j", "dev", value["alerts"], datetime.now(UTC), run_id="r")
            assert set(value) == set(real)
        elif "type" in value:
            message = messages.parse(json.dumps(value).encode())
            assert messages.stream_of(message) == value["stream"]
        else:
            marks = value.get("bookmarks", {"allocation": value})
            state = bookmarks.State({"bookmarks": marks})
            for stream in marks:
                assert state.stream(stream)


def json_values(text):
    """The values of a block: one after the other, each over as many lines as it takes."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(text.rstrip()):
        value, place = decoder.raw_decode(text, place)
        place += len(text[place:]) - len(text[place:].lstrip())
        yield value


def check_yaml(block, _request):
    """A piece of meltano.yml: laid over the project's own, what it names is there."""
    piece = yaml.safe_load(block.text)
    content = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    assert set(piece) <= set(content)
    for kind, plugins in piece.get("plugins", {}).items():
        names = {each["name"] for each in content["plugins"][kind]}
        assert {each.get("inherit_from") for each in plugins} <= names
        content["plugins"][kind] += plugins
    content["jobs"] += piece.get("jobs", [])
    laid = project.Project(ROOT, content)
    for job in piece.get("jobs", []):
        (pair,) = laid.job(job["name"])
        assert pair.streams
    jobs = {each["name"] for each in content["jobs"]}
    assert {each["job"] for each in piece.get("schedules", [])} <= jobs


def check_env(block, request):
    """Lines of `.env`: each is a setting, and its value is one that the model takes."""
    given = dotenv_values(stream=io.StringIO(block.text))
    assert given
    prefixes = (tap_settings.ENV_PREFIX, target_settings.ENV_PREFIX)
    environ = {**FILLED_IN, **given}
    # The reader's folders are not there; where they would be is looked at.
    there = {n: here(request, v) if v.startswith("/") else v for n, v in environ.items()}
    flext_settings.load(there, ROOT)
    others = [name for name in given if not name.startswith(prefixes)]
    known = {each.name for each in flext_settings.SETTINGS} | {"MELTANO_ENVIRONMENT"}
    assert set(others) <= known
    tap = tap_settings.parse(tap_settings.from_environment(environ))
    target = target_settings.load(ends.target_config(environ))
    for name in set(given) - set(others):
        prefix = next(each for each in prefixes if name.startswith(each))
        setting = name.removeprefix(prefix).lower()
        model = tap if prefix == prefixes[0] else target
        aliases = {f.alias: n for n, f in type(model).model_fields.items() if f.alias}
        assert aliases.get(setting, setting) in model.model_fields_set


def here(request, path):
    """The same path below a folder of the test, with the folder it is in."""
    moved = Path(str(request.getfixturevalue("tmp_path")) + path)
    moved.parent.mkdir(parents=True, exist_ok=True)
    return str(moved)


def check_promql(block, _request):
    """A rule on metrics that there are."""
    named = set(re.findall(r"flext_\w+", block.text))
    assert named
    exported = (ROOT / "docs" / "specs" / "events.md").read_text(encoding="utf-8")
    assert {name for name in named if f"`{name}" not in exported} == set()


def check_ini(block, _request):
    """A unit of systemd: sections and keys it has (its commands are read by test_commands.py)."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(block.text)
    assert set(unit.sections()) <= {"Unit", "Service", "Timer", "Install"}
    assert unit["Unit"]["Description"]
    assert ("ExecStart" in unit["Service"]) if "Service" in unit else unit["Timer"]["OnCalendar"]


def check_sql(block, request):
    """Run by a DBA, or by the owner where it only looks."""
    if block.page in SQL_ELSEWHERE:
        assert block.page in (ROOT / SQL_ELSEWHERE[block.page]).read_text(encoding="utf-8")
        return
    newcomer, _, _ = request.getfixturevalue("five_steps")
    if "CREATE USER OIC" in block.text:  # the steps did so: the words must be the README's
        assert " ".join(block.text.split()) in " ".join((ROOT / "README.md").read_text().split())
        return
    text = block.text.replace("…", newcomer.ends.oracle.password)
    looks = text.lstrip().startswith("SELECT")
    newcomer.sql(text, newcomer.ends.oracle if looks else None)


def check_python(block, request):
    """Run as it stands, in a folder of its own, with the addresses of a real emulator."""
    text = request.getfixturevalue("with_real_addresses")(block)
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=request.getfixturevalue("tmp_path"),
        env=request.getfixturevalue("newcomer").environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("", "x"), ("ruby", "x"), ("text", "make demo"), ("text", ".venv/bin/flext doctor"),
        ("text", "wms-emulator serve [--nowhere 3]"), ("json", '{"bookmarks": {"a": 1}}'),
        ("json", '{"type": "BATCH", "manifest": []}'), ("json", "{'a': 1}"),
        ("yaml", "jobs:\n- name: x\n  tasks: [tap-nowhere target-oracle]"),
        ("yaml", "schedules:\n- name: x\n  interval: '@daily'\n  job: nowhere"),
        ("env", "FLEXT_TARGET_ORACLE_SHCEMA='X'"), ("env", "FLEXT_TAP_ORACLE_WMS_PAGE_SIZE='many'"),
        ("env", "FLEXT_TARGET_ORACLE_PROTOCOL='ftp'"), ("env", "OTHER='x'"),
        ("cron", "* * * * make"), ("promql", "time() - flext_nothing_seconds"),
        ("env", "FLEXT_ALERT_LAG_S='soon'"), ("json", '{"source": "flext", "alerts": []}'),
        ("ini", "[Unit]\nDescription=x\n[Sevrice]\nExecStart=x"),
    ],
)  # fmt: skip
def test_a_block_that_is_wrong_is_found(language, text, make_block, request):
    with pytest.raises(WRONG):
        test_every_block_is_true(make_block(language, text), request)
