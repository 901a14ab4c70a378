"""What a page costs the tap: 500 allocation rows as JSON to RECORD lines, in CPU seconds.

The baseline is the same work written in the ordinary way: json.loads with Decimal, a loop that
flattens, json.dumps per record. Both must give equal records; the run fails where they do not.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec

from benchmarks.harness import Figure, cpu_seconds
from flext_tap_oracle_wms import records, schema

ROWS = 500
PAGES = 20
DESCRIBED: dict[str, dict[str, Any]] = {
    "id": {"type": "integer"},
    "create_user": {"type": "string", "max_length": 30},
    "create_ts": {"type": "datetime"},
    "mod_user": {"type": "string", "max_length": 30},
    "mod_ts": {"type": "datetime"},
    "alloc_qty": {"type": "decimal"},
    "packed_qty": {"type": "decimal"},
    "is_picking_flg": {"type": "boolean"},
    "pick_locn_str": {"type": "string", "max_length": 100},
    "pick_user": {"type": "string", "max_length": 30},
    "picked_ts": {"type": "datetime"},
    "task_seq_nbr": {"type": "integer"},
    "status_id": {"type": "relation"},
    **{
        f"{name}_id": {"type": "relation"}
        for name in (
            "alloc_uom", "cartonize_uom", "from_inventory", "mhe_system", "ob_lpn_type",
            "order_dtl", "task", "to_inventory", "type", "wave",
        )
    },
}  # fmt: skip


def run() -> list[Figure]:
    """Measure both ways in one process and compare what they give."""
    page = json.dumps([_row(n) for n in range(ROWS)]).encode()
    fields = schema.fields_of("allocation", DESCRIBED)
    columns = schema.columns_of(fields)
    flatten = records.generate("allocation", fields, columns, open_ended=True)
    when = "2026-01-01T00:00:00.000000+00:00"

    def ours() -> bytes:
        return records.lines("allocation", flatten(msgspec.Raw(page)), when, None)

    def ordinary() -> bytes:
        return b"".join(_ordinary(row, when) for row in json.loads(page, parse_float=Decimal))

    if _parsed(ours()) != _parsed(ordinary()):
        raise AssertionError("the two ways give different records")
    per_100k = 100_000 / (ROWS * PAGES)
    mine = cpu_seconds(lambda: [ours() for _ in range(PAGES)]) * per_100k
    theirs = cpu_seconds(lambda: [ordinary() for _ in range(PAGES)]) * per_100k
    return [
        Figure("tap", mine, "CPU s per 100,000 records", "json.loads, loop, json.dumps"),
        Figure("baseline", theirs, "CPU s per 100,000 records"),
        Figure("ratio", theirs / mine, "times cheaper", "the baseline, same run", floor=3.0),
    ]


def _row(n: int) -> dict[str, Any]:
    row: dict[str, Any] = {"id": 48_000_000 + n, "url": f"https://wms.invalid/allocation/{n}"}
    for name, description in DESCRIBED.items():
        match description["type"]:
            case "decimal":
                row[name] = f"{n}.25"
            case "datetime":
                row[name] = f"2025-06-01T08:11:{n % 60:02d}.{n:06d}-03:00"
            case "boolean":
                row[name] = n % 2 == 0
            case "string":
                row[name] = f"{name} {n}"
            case "relation" if name != "status_id":
                row[name] = {"id": n, "key": f"K{n}", "url": f"https://wms.invalid/{name}/{n}"}
            case "relation":
                row[name] = 10
            case _:
                row.setdefault(name, n)
    return row


def _ordinary(row: dict[str, Any], when: str) -> bytes:
    record: dict[str, Any] = {}
    for name, value in row.items():
        if name == "url":
            continue
        if isinstance(value, dict):
            record[name] = value["id"]
            record[f"{name.removesuffix('_id')}_key"] = value["key"]
        elif DESCRIBED[name]["type"] == "decimal":
            record[name] = float(Decimal(value))
        else:
            record[name] = value
    message = {"type": "RECORD", "stream": "allocation", "record": record, "time_extracted": when}
    return json.dumps(message).encode() + b"\n"


def _parsed(lines: bytes) -> list[Any]:
    return [json.loads(line) for line in lines.splitlines()]
