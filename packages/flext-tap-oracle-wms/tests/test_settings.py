"""Settings: what is wrong is named with its remedy, and a secret is never shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_tap_oracle_wms import settings
from flext_tap_oracle_wms.errors import SettingsError

GOOD = {"base_url": "https://wms.example.com/e/wms/lgfapi/v10", "username": "u", "password": "p"}


def refused(**wrong):
    with pytest.raises(SettingsError) as raised:
        settings.parse(GOOD | wrong)
    return str(raised.value)


def test_the_defaults_are_those_that_matter():
    found = settings.parse(GOOD)
    assert (found.page_size, found.request_timeout, found.ordering) == (500, 600, "-id")
    assert found.entities == ["allocation", "order_hdr", "order_dtl"]
    assert found.base_url == "https://wms.example.com/e/wms/lgfapi/v10/"
    assert found.start_date is None


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:99"])
def test_plain_http_is_for_loopback(host):
    assert settings.parse(GOOD | {"base_url": f"http://{host}/x"}).base_url.startswith("http://")


@pytest.mark.parametrize(
    "base_url",
    [
        "http://wms.example.com/",
        "http://localhost.evil.test/",
        "http://127.0.0.1.evil.test/",
        "ftp://localhost/",
        "wms.example.com",
        "https://",
        "https://user:hunter2@wms.example.com/",
        "https://wms.example.com/?a=1",
        "https://[::1/",
        "https://h:port/",
    ],
)
def test_other_addresses_are_refused_by_name(base_url):
    message = refused(base_url=base_url)
    assert message.startswith("base_url: ")
    assert "hunter2" not in message
    assert "FLEXT_TAP_ORACLE_WMS_BASE_URL" in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page_size", 1251),
        ("page_size", 0),
        ("page_size", "many"),
        ("max_concurrency", 9),
        ("page_mode", "both"),
        ("sync_mode", "sometimes"),
        ("request_timeout", 0),
        ("entities", ["Order Header"]),
        ("start_date", "2026-01-01T00:00:00"),
        ("start_date", "soon"),
    ],
)
def test_a_value_out_of_range_is_named(name, value):
    assert refused(**{name: value}).startswith(name)


@pytest.mark.parametrize("ordering", ["mod_ts", "-mod_ts,id", "idx", ""])
def test_sequenced_pages_are_ordered_by_id(ordering):
    if ordering == "":  # blank is absent
        assert settings.parse(GOOD | {"ordering": ordering}).ordering == "-id"
        return
    assert "ordering" in refused(ordering=ordering)
    assert settings.parse(GOOD | {"ordering": ordering, "page_mode": "paged"})


def test_the_password_is_in_no_text():
    found = settings.parse(GOOD | {"password": "hunter2"})
    assert "hunter2" not in repr(found) + str(found)
    assert "hunter2" not in refused(password=["hunter2"])


@given(st.dictionaries(st.sampled_from(list(settings.Settings.model_fields)), st.text()))
def test_any_configuration_is_taken_or_refused(config):
    try:
        found = settings.parse(config)
    except SettingsError:
        return
    assert found.base_url.startswith(("https://", "http://"))


def test_the_environment_gives_lists_and_mappings():
    prefix = settings.ENV_PREFIX
    found = settings.from_environment(
        {
            f"{prefix}ENTITIES": "item, location",
            f"{prefix}INCLUDE": '["a*"]',
            f"{prefix}STREAM_MAPS": '{"item": {}}',
            f"{prefix}PAGE_SIZE": "20",
            f"{prefix}CA_FILE": "",
            "OTHER_PAGE_SIZE": "1",
        }
    )
    assert found == {
        "entities": ["item", "location"],
        "include": ["a*"],
        "stream_maps": {"item": {}},
        "page_size": "20",
    }
    with pytest.raises(SettingsError, match="stream_maps"):
        settings.from_environment({f"{prefix}STREAM_MAPS": "{"})


def test_the_schema_for_singer_describes_every_setting():
    schema = settings.json_schema()
    assert set(schema["properties"]) == set(settings.Settings.model_fields)
    assert schema["required"] == ["base_url", "username", "password"]
    for name, definition in schema["properties"].items():
        assert definition["description"], name
        assert definition["type"], name
    assert schema["properties"]["password"]["secret"] is True
    jsonschema.validate(json.loads(json.dumps(GOOD | {"page_size": 5})), schema)


#: What a user of this API must be able to set.
NAMED = """
    base_url username password auth oauth_token_url oauth_client_id oauth_client_secret ca_file
    companies facilities entities include exclude page_size page_mode request_timeout
    connect_timeout max_retries ordering filters replication_key replication_keys
    lookback_seconds deep_lookback_seconds daily_lookback_seconds handover_lookback_seconds
    safety_lag_seconds start_date end_date max_concurrency requests_per_second sets url_columns
    record_limit discovery_cache_age_s sync_mode on_eligibility_growth hand_over ids_file
"""


def test_the_page_of_settings_shows_the_model():
    script = Path(__file__).with_name("settings_page.py")
    page = Path(__file__).resolve().parents[3] / "docs" / "specs" / "tap-settings.md"
    made = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert page.read_text(encoding="utf-8") == made.stdout, (
        "the page lags behind the model; run: .venv/bin/python "
        f"{script.relative_to(page.parents[2])} > docs/specs/tap-settings.md"
    )
    named = {line.split("`")[1] for line in made.stdout.splitlines() if line.startswith("| `")}
    assert named == set(settings.Settings.model_fields)
    assert set(NAMED.split()) <= named


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("page_mode", "sequenced"),
        ("max_concurrency", 4),
        ("replication_key", "mod_ts"),
        ("lookback_seconds", 300),
        ("deep_lookback_seconds", 7200),
        ("daily_lookback_seconds", 86400),
        ("handover_lookback_seconds", 86400),
        ("safety_lag_seconds", 30),
        ("max_clock_skew_seconds", 60),
    ],
)
def test_the_defaults_that_completeness_rests_on(name, default):
    assert getattr(settings.parse(GOOD), name) == default


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"}, "end_date"),
        ({"start_date": "today", "end_date": "today"}, "end_date"),
        ({"auth": "oauth2"}, "oauth_token_url: is needed"),
        ({"auth": "oauth2", "oauth_token_url": "http://idp.test/t"}, "oauth_token_url: must begin"),
        ({"max_retries": 21}, "max_retries"),
        ({"record_limit": 0}, "record_limit"),
        ({"ids_file": "x"}, "ids_file"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"filters": {"item": ["a"]}}, "filters[item]"),
        ({"replication_keys": {"item": 5}}, "replication_keys[item]"),
    ],
)
def test_settings_that_do_not_go_together_are_named(wrong, told):
    assert refused(**wrong).startswith(told)
