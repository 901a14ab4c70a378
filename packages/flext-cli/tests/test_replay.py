"""Refused rows go where they were refused, or nowhere."""

from pathlib import Path

import pytest

from flext_cli import replay
from flext_cli.errors import SettingsRefusedError
from flext_cli.handover import Pair
from flext_cli.project import Project
from flext_target_oracle.overview import Refused

PREFIX = "FLEXT_TARGET_ORACLE_"
ENVIRON = {
    f"{PREFIX}{name}": text
    for name, text in {
        "HOST": "db", "SERVICE_NAME": "s", "USER": "OIC", "PASSWORD": "p", "SCHEMA": "OIC",
    }.items()
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [("host", "other"), ("control_schema", "LOG"), ("table_prefix", "X_")]
)
def test_rows_are_not_sent_where_nobody_would_look_for_them(name, value, monkeypatch):
    """What is refused there again would not be seen here, and the rows be forgotten as loaded."""
    monkeypatch.setattr(replay, "_schema", lambda *_given: pytest.fail("it went on"))
    loaders = [{"name": "load"}, {"name": "heir", "inherit_from": "load", "config": {name: value}}]
    plugins = {"extractors": [{"name": "tap"}], "loaders": loaders}
    found = Project(Path(), {"environments": [{"name": "dev"}], "plugins": plugins})
    row = Refused(**dict.fromkeys(Refused.__annotations__, ""))
    with pytest.raises(SettingsRefusedError, match=f"differ in {name}"):
        replay.run(found, Pair("tap", "heir"), "dev", ENVIRON, [row])
