"""The settings of `flext` itself: what is taken, what is refused, and that no secret is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_cli import settings
from flext_cli.errors import SettingsRefusedError
from flext_observability import redaction
from flext_observability.testing import clean_process

SECRET = "https://hooks.example.com/services/s3cr3t-path"


@pytest.fixture(autouse=True)
def _clean():
    with clean_process():
        yield


def test_nothing_set_is_no_hook_and_no_limit(tmp_path):
    assert settings.load({}, tmp_path) == settings.Settings()
    assert not settings.Settings().hooks.wanted


def test_what_is_set_is_taken(tmp_path):
    (tmp_path / "ca.pem").touch()
    found = settings.load(
        {
            "FLEXT_RUNS_KEEP_DAYS": "3",
            "FLEXT_METRICS_FILE": "flext.prom",
            "FLEXT_ALERT_COMMAND": "notify --to 'the desk'",
            "FLEXT_ALERT_WEBHOOK_URL": SECRET,
            "FLEXT_ALERT_WEBHOOK_CA_FILE": "ca.pem",
            "FLEXT_ALERT_REJECTS": "0",
            "FLEXT_ALERT_REPEAT_S": "0",
        },
        tmp_path,
    )
    assert found.keep_days == 3
    assert found.metrics_file == tmp_path / "flext.prom"
    assert found.hooks.command == ("notify", "--to", "the desk")
    assert found.hooks.webhook_ca_file == tmp_path / "ca.pem"
    assert (found.limits.rejects, found.limits.repeat_s, found.limits.lag_s) == (0, 0, None)
    assert "s3cr3t" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLEXT_RUNS_KEEP_DAYS", "soon"),
        ("FLEXT_METRICS_FILE", "nowhere/flext.prom"),
        ("FLEXT_METRICS_FILE", "."),
        ("FLEXT_ALERT_COMMAND", "say 'half"),
        ("FLEXT_ALERT_WEBHOOK_URL", "http://hooks.example.com/s3cr3t"),
        ("FLEXT_ALERT_WEBHOOK_URL", "ftp://hooks.example.com/s3cr3t"),
        ("FLEXT_ALERT_WEBHOOK_URL", "https:///s3cr3t"),
        ("FLEXT_ALERT_WEBHOOK_URL", "https://[s3cr3t"),
        ("FLEXT_ALERT_WEBHOOK_URL", "https://me:s3cr3t@hooks.example.com/"),
        ("FLEXT_ALERT_WEBHOOK_CA_FILE", "ca.pem"),
        ("FLEXT_ALERT_TIMEOUT_S", "0"),
        ("FLEXT_ALERT_LAG_S", "1.5"),
        ("FLEXT_ALERT_REJECTS", "-1"),
        ("FLEXT_ALERT_NO_DATA_S", "1h"),
        ("FLEXT_ALERT_LAGS", "5"),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy_and_without_its_secret(tmp_path, name, value):
    with pytest.raises(SettingsRefusedError, match=name) as caught:
        settings.load({name: value}, tmp_path)
    assert caught.value.remedy
    assert "s3cr3t" not in f"{caught.value} {caught.value.remedy}"


@given(st.text(max_size=8))
def test_any_text_is_a_number_or_refused_by_name(tmp_path_factory, text):
    shown = text.strip()
    environ, root = {"FLEXT_ALERT_LAG_S": text}, tmp_path_factory.getbasetemp()
    if not shown or (shown.isascii() and shown.isdigit() and int(shown) > 0):
        assert settings.load(environ, root).limits.lag_s == (int(shown) if shown else None)
        return
    with pytest.raises(SettingsRefusedError, match="FLEXT_ALERT_LAG_S"):
        settings.load(environ, root)


def test_the_file_is_below_the_environment_and_its_secrets_are_masked(tmp_path):
    (tmp_path / ".env").write_text(
        f"FLEXT_ALERT_LAG_S=5\nFLEXT_ALERT_REJECTS=7\nFLEXT_ALERT_WEBHOOK_URL='{SECRET}'\n"
        "FLEXT_TAP_ORACLE_WMS_PASSWORD='pass-of-the-wms'\n",
        encoding="utf-8",
    )
    found = settings.environment(tmp_path, {"FLEXT_ALERT_LAG_S": "9"})
    limits = settings.load(found, tmp_path).limits
    assert (limits.lag_s, limits.rejects) == (9, 7)
    assert redaction.redact(f"{SECRET} pass-of-the-wms") == "*** ***"


def test_the_folder_one_is_in_is_no_secret_whatever_the_shell_calls_it(tmp_path):
    settings.environment(tmp_path, {"PWD": str(tmp_path), "DB_PWD": "pass-of-a-database"})
    said = redaction.redact(f"{tmp_path}/.flext/verify pass-of-a-database")
    assert said == f"{tmp_path}/.flext/verify ***"


def test_every_setting_has_a_meaning_and_a_kind():
    assert [each.name for each in settings.SETTINGS if not (each.kind and each.meaning)] == []
    assert len({each.name for each in settings.SETTINGS}) == len(settings.SETTINGS)
