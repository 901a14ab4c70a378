"""Memory is bounded by bytes, not by rows: records of 5 MiB, the widest texts that Python has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMAND = str(Path(sys.executable).with_name("flext-target-oracle"))
LIMIT_MIB = 300
RECORDS = 24
#: One character outside the basic plane makes Python hold the whole text in 4 bytes each.
NOTE = "x" * (5 * 1024 * 1024 - 200) + "𝄞"


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("direct_path_rows", [0, 1])
def test_records_of_5_mib_fit_into_300_mib(
    tmp_path: Path, oracle_account: Any, direct_path_rows: int
) -> None:
    more = {"batch_age_s": 1000, "direct_path_rows": direct_path_rows}
    settings = oracle_account.settings() | more
    environ = os.environ | {"FLEXT_WORKSPACE": str(tmp_path)}
    for name, value in settings.items():
        environ[f"FLEXT_TARGET_ORACLE_{name.upper()}"] = str(value)
    schema = (
        '{"type": "SCHEMA", "stream": "s%d", "schema": {"properties": {"id": {"type": "integer"},'
        ' "note": {"type": "string"}}}, "key_properties": ["id"]}\n'
    )
    record = '{"type": "RECORD", "stream": "s%d", "record": {"id": %d, "note": "%s"}}\n'
    with subprocess.Popen(
        [COMMAND, "--config=ENV"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        for stream in range(2):
            process.stdin.write((schema % stream).encode())
        for number in range(RECORDS):
            process.stdin.write((record % (number % 2, number, NOTE)).encode())
        process.stdin.close()
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said[-2000:]
    for stream in range(2):
        sizes = f'SELECT COUNT(*), MIN(DBMS_LOB.GETLENGTH("NOTE")) FROM "WMS_S{stream}"'
        assert oracle_account.rows(sql=sizes)[0][0] == RECORDS // 2
    assert b"DirectPathRefused" not in said  # it is the way that was asked for
    assert usage.ru_maxrss / 1024 < LIMIT_MIB
