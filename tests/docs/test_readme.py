"""The README's five steps, done as they are written by somebody who has nothing but the README."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("docs"), pytest.mark.timeout(900)]

TABLES = ("allocation", "order_hdr", "order_dtl")


def test_every_command_of_the_steps_works(five_steps):
    _, said, _ = five_steps
    assert len(said) >= 7
    for done in said:
        assert done.returncode == 0, f"{done.args[-1]}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


def test_what_the_wms_holds_is_in_oracle_after_each_load(five_steps):
    newcomer, _, (full, incremental, verified) = five_steps
    now = [newcomer.rows_in_the_wms(each) for each in TABLES]
    assert incremental == verified == now
    assert all(before < after for before, after in zip(full, incremental, strict=True))


def test_each_step_shows_what_the_readme_says(five_steps):
    newcomer, _, _ = five_steps
    doctor = newcomer.done[".venv/bin/flext doctor"].stdout
    assert "error" not in doctor
    listed = newcomer.done[".venv/bin/meltano invoke tap-oracle-wms-full --discover"].stdout
    streams = {each["stream"] for each in json.loads(listed)["streams"]}
    assert streams == set(TABLES)
    verified = newcomer.done[".venv/bin/flext verify"].stdout
    assert len(re.findall(r"\byes\b", verified)) == len(TABLES), verified


def test_no_secret_was_shown(five_steps):
    newcomer, said, _ = five_steps
    secrets = [newcomer.ends.wms.password, newcomer.ends.oracle.password]
    for done in said:
        assert not [secret for secret in secrets if secret in done.stdout + done.stderr]
    assert (newcomer.root / ".env").stat().st_mode & 0o077 == 0
