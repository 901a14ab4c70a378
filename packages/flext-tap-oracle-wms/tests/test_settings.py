"""Settings: what is wrong is named with its remedy, and a secret is never shown."""

from __future__ import annotations

import json

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
