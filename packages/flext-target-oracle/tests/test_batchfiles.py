"""docs/specs/batch.md: files are judged as their records would be, and kept until durable."""
# ruff: noqa: DTZ001 -- TIMESTAMP columns hold naive UTC

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flext_target_oracle.errors import BatchRefusedError, RowRefusedError

PROPERTIES = {
    "id": {"type": "integer"},
    "n": {"type": ["number", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "mod_ts": {"type": ["string", "null"], "format": "date-time"},
    "note": {"type": ["string", "null"]},
}
INSTANT = pa.timestamp("us", tz="UTC")
ARROW = {
    "id": pa.int64(), "n": pa.string(), "flag": pa.bool_(), "mod_ts": INSTANT,
    "note": pa.string(), "_sdc_extracted_at": INSTANT,
}  # fmt: skip
SCHEMA = {"type": "SCHEMA", "stream": "s", "schema": {"properties": PROPERTIES},
          "key_properties": ["id"], "bookmark_properties": ["mod_ts"]}  # fmt: skip
EXTRACTED = datetime(2026, 1, 2, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"id": 1, "n": "1.50", "flag": True, "note": "a\0é",
     "mod_ts": datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)},
    {"id": 2, "n": "12345678901234567890.0123456789", "flag": False, "note": ""},
    {"id": 3},
]  # fmt: skip


def folder(target: Any) -> Path:
    made: Path = target.workspace / ".flext" / "batch" / "scope" / "run"
    made.mkdir(parents=True, exist_ok=True)
    return made


def parquet(
    path: Path,
    rows: list[dict[str, Any]],
    *,
    kinds: dict[str, Any] = ARROW,
    flext_format: str = "1",
    row_group_size: int = 10_000,
) -> Path:
    filled = [{"_sdc_extracted_at": EXTRACTED} | row for row in rows]
    columns = {name: pa.array([row.get(name) for row in filled], kinds[name]) for name in kinds}
    table = pa.table(columns).replace_schema_metadata({"flext_format": flext_format})
    pq.write_table(table, path, compression="zstd", row_group_size=row_group_size)
    path.chmod(0o600)
    return path


def message(*paths: Path, **changes: Any) -> dict[str, Any]:
    encoding = {"format": "parquet", "compression": "zstd"}
    found = {"type": "BATCH", "stream": "s", "encoding": encoding,
             "manifest": [path.as_uri() for path in paths]}  # fmt: skip
    return found | changes


def state(value: Any) -> dict[str, Any]:
    return {"type": "STATE", "value": {"bookmarks": {"s": value}}}


def test_a_file_gives_the_rows_that_its_records_would(target: Any) -> None:
    path = parquet(folder(target) / "s-000001.parquet", ROWS)
    (path.parent / "lock").touch(0o600)
    outcome = target.ok([SCHEMA, message(path, flext_rows=[3]), state(3)], batch_size=2)
    assert target.table("S", "ID", "N", "FLAG", "MOD_TS", "NOTE") == [
        (1, Decimal("1.5"), 1, datetime(2026, 1, 1, 0, 0, 0, 123456), "a\0é"),
        (2, Decimal("12345678901234567890.0123456789"), 0, None, None),
        (3, None, None, None, None),
    ]
    assert target.table("S", "_SDC_EXTRACTED_AT")[0] == (datetime(2026, 1, 2),)
    assert outcome.states == [state(3)["value"]]
    assert not path.parent.exists()  # the file after its rows were committed, the folder at the end


def test_what_a_record_would_be_refused_for_a_row_of_a_file_is(target: Any) -> None:
    path = parquet(folder(target) / "f", [{"id": 1}, {"id": 2, "n": "1.123456789012"}])
    outcome = target.run([SCHEMA, message(path)])
    assert isinstance(outcome.error, RowRefusedError)
    assert "NUMBER_DECIMALS" in str(outcome.error)
    assert path.exists()  # nothing of it is committed
    injected = '1,"note":"x"'
    path = parquet(folder(target) / "g", [{"id": None}, {"id": 4, "n": injected}, {"id": 5}])
    target.ok([SCHEMA, message(path)], max_rejects=2)
    assert target.table("S", "ID") == [(5,)]
    codes = target.account.rows('SELECT "CODE" FROM "FLEXT_REJECTS" ORDER BY "CODE"')
    assert codes == [("KEY_NULL",), ("TYPE",)]
    assert not path.exists()


def test_a_row_without_its_time_is_refused(target: Any) -> None:
    path = parquet(folder(target) / "f", [{"id": 1, "_sdc_extracted_at": None}])
    assert isinstance(target.run([SCHEMA, message(path)]).error, RowRefusedError)


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_lines_of_json_as_the_sdk_writes_them(target: Any, compression: str) -> None:
    path = folder(target) / "f"
    text = "".join(json.dumps({"id": number, "note": "x"}) + "\n" for number in range(5)).encode()
    path.write_bytes(gzip.compress(text[:40]) + gzip.compress(text[40:])
                     if compression == "gzip" else text)  # fmt: skip
    path.chmod(0o600)
    encoding = {"format": "jsonl", "compression": compression}
    target.ok([SCHEMA, message(path, encoding=encoding)])
    assert target.table("S", "ID") == [(number,) for number in range(5)]
    assert not path.exists()


def test_the_file_stays_where_its_rows_are_not_durable(target: Any) -> None:
    path = parquet(folder(target) / "f", ROWS)
    target.ok([SCHEMA, message(path)], load_method="overwrite", overwrite_on_eof=True)
    assert not path.exists()
    path = parquet(folder(target) / "f", ROWS)
    bad = {"type": "RECORD", "stream": "s", "record": {"id": 9, "n": "x"}}
    outcome = target.run(
        [SCHEMA, message(path), bad], load_method="overwrite", overwrite_on_eof=True
    )
    assert outcome.error is not None
    assert path.exists()


def _text(path: Path) -> None:
    path.write_text("no parquet")
    path.chmod(0o600)


def _cut(path: Path) -> None:
    path.write_bytes(parquet(path, ROWS).read_bytes()[:-40])


def _linked(path: Path) -> None:
    os.link(parquet(path, ROWS), path.with_name("other"))


def _open_to_others(path: Path) -> None:
    parquet(path, ROWS).chmod(0o640)


def _symlink(path: Path) -> None:
    path.symlink_to(parquet(path.with_name("real"), ROWS))


def _folder(path: Path) -> None:
    path.mkdir(mode=0o700)


FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda _path: None, "cannot be opened"),
    "no parquet": (_text, "cannot be read as Parquet"),
    "cut": (_cut, "cannot be read as Parquet"),
    "hard link": (_linked, "further hard link"),
    "rights": (_open_to_others, "gives rights to group or others"),
    "symbolic link": (_symlink, "cannot be opened"),
    "folder": (_folder, "no regular file"),
    "empty": (lambda path: parquet(path, []), "has no rows"),
    "format": (lambda path: parquet(path, ROWS, flext_format="2"), "flext_format 2"),
    "rows": (lambda path: parquet(path, ROWS[:2]), "has 2 rows, flext_rows says 3"),
    "order": (
        lambda path: parquet(path, ROWS, kinds=dict(sorted(ARROW.items()))),
        "where the schema has",
    ),
    "type": (
        lambda path: parquet(path, [{"id": 1}] * 3, kinds=ARROW | {"n": pa.float64()}),
        "column 'n' is double",
    ),
    "row group": (
        lambda path: parquet(path, [{"id": n} for n in range(10_001)], row_group_size=20_000),
        "row group of over",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_is_not_as_agreed_is_refused_whole(target: Any, fault: str) -> None:
    make, reason = FAULTS[fault]
    good, path = parquet(folder(target) / "good", [{"id": 1}]), folder(target) / "f"
    make(path)
    record = {"type": "RECORD", "stream": "s", "record": {"id": 7}}
    counts = [1, {"row group": 10_001, "empty": 0}.get(fault, 3)]
    outcome = target.run([SCHEMA, record, message(good, path, flext_rows=counts)])
    assert isinstance(outcome.error, BatchRefusedError)
    assert reason in str(outcome.error)
    assert target.table("S", "ID") == [(7,)]
    assert good.exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"manifest": ["https://h/f"]}, "no file:// address"),
        ({"manifest": ["file://other/f"]}, "no file:// address"),
        ({"manifest": ["file:///etc/passwd"]}, "is not in a folder below"),
        ({"manifest": ["{}/../f"]}, "no plain absolute path"),
        ({"manifest": ["{}/f%00"]}, "no plain absolute path"),
        ({"manifest": ["{}/f?x"]}, "no file:// address"),
        ({"manifest": []}, "names no file"),
        ({"manifest": None}, "is broken"),
        ({"flext_rows": [1, 2]}, "not one number"),
        ({"encoding": {"format": "csv"}}, "names csv"),
        ({"encoding": None}, "has no encoding"),
    ],
)
def test_a_message_that_is_not_as_agreed_is_refused(
    target: Any, changes: dict[str, Any], reason: str
) -> None:
    path = parquet(folder(target) / "f", ROWS)
    base = path.parent.as_uri()
    if changes.get("manifest"):
        changes = {"manifest": [each.replace("{}", base) for each in changes["manifest"]]}
    outcome = target.run([SCHEMA, message(path, **changes)])
    assert isinstance(outcome.error, BatchRefusedError)
    assert reason in str(outcome.error)
    assert path.exists()


def test_a_file_named_twice_is_refused(target: Any) -> None:
    path = parquet(folder(target) / "f", ROWS)
    outcome = target.run([SCHEMA, message(path, path)])
    assert "was named before" in str(outcome.error)


def test_a_version_holds_for_every_row(target: Any) -> None:
    options = {"on_missing": "hard", "max_delete_percent": 100}
    activate = {"type": "ACTIVATE_VERSION", "stream": "s"}
    first = parquet(folder(target) / "f", ROWS)
    target.ok([SCHEMA, message(first, version=1), activate | {"version": 1}], **options)
    second = parquet(folder(target) / "g", [
        row | {"_sdc_extracted_at": datetime.now(UTC)} for row in ROWS[:1]])  # fmt: skip
    target.ok([SCHEMA, message(second, version=2), activate | {"version": 2}], **options)
    assert target.table("S", "ID", "_SDC_TABLE_VERSION") == [(1, 2)]
