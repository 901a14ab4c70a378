"""Settings: one message that names what is wrong, and never a value."""

from __future__ import annotations

from typing import Any

import pytest

from flext_target_oracle import settings
from flext_target_oracle.errors import SettingsError

GIVEN = {"host": "h", "service_name": "s", "user": "u", "password": "hidden-word"}


def test_the_defaults_are_those_of_the_mission() -> None:
    made = settings.load(GIVEN)
    assert (made.target_schema, made.table_prefix, made.batch_size) == ("OIC", "WMS_", 1000)
    assert (made.max_parallelism, made.protocol, made.port) == (5, "tcps", 2484)
    assert made.ssl_server_dn_match


def test_an_empty_prefix_is_a_prefix() -> None:
    assert settings.load(GIVEN | {"table_prefix": ""}).table_prefix == ""


def test_texts_from_the_environment_are_parsed() -> None:
    made = settings.load(
        GIVEN | {"port": "1521", "protocol": "tcp", "add_record_metadata": "false", "ca_file": ""}
    )
    assert (made.port, made.add_record_metadata, made.ca_file) == (1521, False, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"host": None}, r"setting host is missing: .* FLEXT_TARGET_ORACLE_HOST"),
        ({"password": ""}, r"setting password is missing: .* FLEXT_TARGET_ORACLE_PASSWORD"),
        ({"hots": "x"}, r"setting hots is unknown"),
        ({"batch_size": "many"}, r"setting batch_size \(FLEXT_TARGET_ORACLE_BATCH_SIZE\)"),
        ({"batch_size": 0}, r"setting batch_size"),
        ({"protocol": "udp"}, r"setting protocol .*'tcps' or 'tcp'"),
        ({"load_method": "append-only", "on_missing": "hard"}, r"on_missing hard needs .* upsert"),
        ({"load_method": "overwrite", "on_missing": "soft"}, r"on_missing soft needs .* upsert"),
        ({"on_missing": "hard", "add_record_metadata": False}, r"need add_record_metadata"),
        ({"max_delete_percent": 101}, r"setting max_delete_percent"),
        ({"schema": 'a"b'}, r"setting schema .*double quote"),
        ({"protocol": "tcp", "ca_file": "x"}, r"need protocol tcps"),
        ({"wallet_location": "w", "ca_file": "x"}, r"exclude each other"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        settings.load(GIVEN | changes)
    assert "hidden-word" not in str(caught.value)


def test_the_password_shows_nowhere() -> None:
    assert "hidden-word" not in repr(settings.load(GIVEN))


def test_every_setting_is_described() -> None:
    for name, entry in settings.singer_schema()["properties"].items():
        assert entry["description"], name
        assert entry["type"], name
    secrets = {n for n, e in settings.singer_schema()["properties"].items() if e.get("secret")}
    assert secrets == {"password", "wallet_password"}
