"""meltano.yml against the settings models of tap and target: names, kinds, secrets, choices."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flext_cli import effective, project, settings
from flext_cli.handover import Pair
from flext_tap_oracle_wms import settings as tap_settings
from flext_target_oracle import settings as target_settings

ROOT = Path(__file__).resolve().parents[3]
CONTENT = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))


def plugin(kind, name):
    return next(each for each in CONTENT["plugins"][kind] if each["name"] == name)


def kind_of(definition):
    """The Meltano kind of a setting; never `decimal`, which ends a run with a traceback."""
    types = definition.get("type", [])
    types = [types] if isinstance(types, str) else types
    if "enum" in definition:
        return "options"
    if definition.get("format") == "date-time":
        return "date_iso8601"
    for json_type, kind in (("array", "array"), ("object", "object"), ("boolean", "boolean")):
        if json_type in types:
            return kind
    return "integer" if {"integer", "number"} & set(types) else "string"


def declared(settings):
    return {
        each["name"]: (
            each["kind"],
            bool(each.get("sensitive")),
            [option["value"] for option in each.get("options", [])],
        )
        for each in settings
    }


def modelled(schema):
    return {
        name: (
            kind_of(definition),
            bool(definition.get("secret") or definition.get("writeOnly")),
            definition.get("enum", []),
        )
        for name, definition in schema["properties"].items()
    }


@pytest.mark.parametrize(
    ("kind", "name", "schema"),
    [
        ("extractors", "tap-oracle-wms", tap_settings.json_schema()),
        ("loaders", "target-oracle", target_settings.singer_schema()),
    ],
    ids=["tap", "target"],
)
def test_every_setting_of_the_model_is_declared_alike(kind, name, schema):
    settings = plugin(kind, name)["settings"]
    assert plugin(kind, name)["settings_group_validation"] == [schema["required"]]
    assert declared(settings) == modelled(schema)
    assert [each["name"] for each in settings if not each.get("description", "").strip()] == []


@pytest.mark.parametrize(
    ("kind", "name"), [("extractors", "tap-oracle-wms"), ("loaders", "target-oracle")]
)
def test_the_capabilities_are_those_that_the_plugin_tells(kind, name):
    program = Path(sys.executable).parent / f"flext-{name}"
    done = subprocess.run(
        [program, "--about", "--format=json"], capture_output=True, text=True, check=True
    )
    assert plugin(kind, name)["capabilities"] == sorted(json.loads(done.stdout)["capabilities"])
    assert plugin(kind, name)["executable"] == f"./.venv/bin/{program.name}"


def test_the_namespaces_give_the_names_in_the_environment():
    tap, target = plugin("extractors", "tap-oracle-wms"), plugin("loaders", "target-oracle")
    assert f"{tap['namespace']}_".upper() == tap_settings.ENV_PREFIX
    assert f"{target['namespace']}_".upper() == target_settings.ENV_PREFIX


def test_no_secret_and_no_address_is_in_the_file():
    secrets = {"password", "wallet_password", "base_url", "host", "user", "username"}
    for kind in ("extractors", "loaders"):
        for each in CONTENT["plugins"][kind]:
            assert not secrets & set(each.get("config", {}))
            assert not any("value" in setting for setting in each.get("settings", []))


def test_nothing_needs_an_install_and_telemetry_is_off():
    for plugins in CONTENT["plugins"].values():
        for each in plugins:
            assert "pip_url" not in each
            assert each.get("inherit_from") or each["executable"].startswith("./.venv/bin/")
    assert CONTENT["send_anonymous_usage_stats"] is False
    assert "version" not in CONTENT


def test_every_variable_of_the_example_is_a_setting():
    prefixes = {
        tap_settings.ENV_PREFIX: tap_settings.json_schema(),
        target_settings.ENV_PREFIX: target_settings.singer_schema(),
    }
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = re.findall(r"^(?:# )?([A-Z_]+)=", "\n".join(lines), re.MULTILINE)
    known = {f"{p}{n}".upper() for p, schema in prefixes.items() for n in schema["properties"]}
    known |= {each.name for each in settings.SETTINGS}
    assert set(names) - known == {"MELTANO_ENVIRONMENT"}
    required = {f"{p}{n}".upper() for p, schema in prefixes.items() for n in schema["required"]}
    assert required <= {line.split("=")[0] for line in lines if not line.startswith("#")}


def test_both_jobs_upsert_and_the_full_one_hands_over():
    for name in ("target-oracle-full", "target-oracle-incremental"):
        assert plugin("loaders", name)["config"]["load_method"] == "upsert"
    jobs = {each["name"]: each["tasks"] for each in CONTENT["jobs"]}
    assert jobs["full-sync-job"] == ["tap-oracle-wms-full target-oracle-full", "flext:hand-over"]


@pytest.mark.e2e
@pytest.mark.xdist_group("e2e")
def test_meltano_gives_the_tap_what_the_environment_says(tmp_path):
    """Through Meltano: the environment reaches every tap, a tap's own config stands above."""
    shutil.copyfile(ROOT / "meltano.yml", tmp_path / "meltano.yml")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLEXT_", "MELTANO_"))}
    environ = {
        **kept,
        "FLEXT_TAP_ORACLE_WMS_BASE_URL": "https://localhost/emu/wms/lgfapi/v10/",
        "FLEXT_TAP_ORACLE_WMS_USERNAME": "somebody",
        "FLEXT_TAP_ORACLE_WMS_PASSWORD": "not-to-be-seen",
        "FLEXT_TAP_ORACLE_WMS_ENTITIES": '["item"]',
        "FLEXT_TAP_ORACLE_WMS_START_DATE": "2026-01-01T00:00:00+00:00",
        "FLEXT_TAP_ORACLE_WMS_PAGE_SIZE": "7",
        "FLEXT_TAP_ORACLE_WMS_SYNC_MODE": "incremental",
        "TAP_ORACLE_WMS_COMPANIES": '["by the parents name"]',
        "TAP_ORACLE_WMS_FULL_FACILITIES": '["by its own name"]',
    }
    meltano = Path(sys.executable).parent / "meltano"
    shown = {}
    for name in ("tap-oracle-wms-full", "tap-oracle-wms-allocation"):
        done = subprocess.run(
            [meltano, "--environment=prod", "config", "print", name, "--format=json"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "not-to-be-seen" not in done.stdout + done.stderr
        shown[name] = json.loads(done.stdout)
    full, allocation = shown.values()
    assert (full["entities"], full["page_size"], full["sync_mode"]) == (["item"], 7, "full")
    assert full["max_retries"] == 10
    assert full["start_date"] == "2026-01-01T00:00:00+00:00"
    assert (allocation["entities"], allocation["sync_mode"]) == (["allocation"], "incremental")
    # What we read of them without Meltano is what Meltano gives.
    found = project.find(tmp_path, {})
    for name, theirs in shown.items():
        ours = effective.of_tap(found, Pair(name, ""), "prod", environ)
        theirs["password"] = environ["FLEXT_TAP_ORACLE_WMS_PASSWORD"]  # it is printed as stars
        assert tap_settings.parse(ours) == tap_settings.parse(theirs)
        assert ours["companies"] == ["by the parents name"]
