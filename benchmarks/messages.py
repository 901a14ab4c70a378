"""Synthetic Singer messages of one stream of 40 columns, as the tap writes them for WMS.

The values are made up, the same for the same number of a record. Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import oracledb

STREAM = "order_dtl"
PAGE = 1000  # records between two STATE messages
_EXTRACTED = "2026-03-02T06:00:00.250000+00:00"
_ZONE = timezone(timedelta(hours=-3))
_START = datetime(2026, 1, 1, 8, 0, tzinfo=_ZONE)
_USERS = ("svc_integration", "m.souza", "j.müller", "ops_night")
_RELATIONS = ("order", "item", "uom", "wave", "facility", "company", "batch_number", "invn_attr")
_QUANTITIES = ("ord_qty", "alloc_qty", "orig_ord_qty", "sale_price", "cost")
_TEXTS = {
    "po_nbr": 30, "ref_nbr_1": 30, "req_cntr_nbr": 30, "lock_code": 15, "spl_instr": 255,
    "shipment_nbr": 30, "cust_field_1": 100, "cust_long_text_1": 400,
}  # fmt: skip
_FLAGS = ("is_picking_flg", "is_locked_flg")


def schema() -> dict[str, Any]:
    """Return the SCHEMA message."""
    stamp = {"type": ["string", "null"], "format": "date-time"}
    user = {"type": ["string", "null"], "maxLength": 30}
    found: dict[str, Any] = {
        "id": {"type": ["integer"]}, "create_user": user, "create_ts": stamp, "mod_user": user,
        "mod_ts": stamp, "picked_ts": stamp, "seq_nbr": {"type": ["integer", "null"]},
        "status_id": {"type": ["integer", "null"]},
        "voucher_exp_date": {"type": ["string", "null"], "format": "date"},
    }  # fmt: skip
    for name in _RELATIONS:
        found[f"{name}_id"] = {"type": ["integer", "null"]}
        found[f"{name}_key"] = {"type": ["string", "null"], "maxLength": 60}
    found |= {name: {"type": ["number", "null"]} for name in _QUANTITIES}
    found |= {name: {"type": ["string", "null"], "maxLength": n} for name, n in _TEXTS.items()}
    found |= {name: {"type": ["boolean", "null"]} for name in _FLAGS}
    return {
        "type": "SCHEMA", "stream": STREAM, "schema": {"type": "object", "properties": found},
        "key_properties": ["id"], "bookmark_properties": ["mod_ts"],
    }  # fmt: skip


COLUMNS: tuple[str, ...] = tuple(schema()["schema"]["properties"])


def record(n: int) -> dict[str, Any]:
    """Return the n-th record."""
    moment = _START + timedelta(seconds=7 * n, microseconds=n * 7919 % 1_000_000)
    found: dict[str, Any] = {
        "id": 316_000_000 + n,
        "create_user": _USERS[n % 4],
        "create_ts": moment.isoformat(timespec="microseconds"),
        "mod_user": _USERS[n * 7 % 4],
        "mod_ts": (moment + timedelta(hours=n % 50)).isoformat(timespec="microseconds"),
        "picked_ts": moment.isoformat(timespec="microseconds") if n % 3 else None,
        "seq_nbr": n % 900,
        "status_id": n * 10 % 100,
        "voucher_exp_date": f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}" if n % 4 else None,
    }
    for place, name in enumerate(_RELATIONS):
        number = 1_900_000 + n * (place + 3) % 77_777
        found[f"{name}_id"] = number
        found[f"{name}_key"] = f"{name[:3].upper()}{number:08}"
    for place, name in enumerate(_QUANTITIES):
        found[name] = Decimal(n * 7919 * (place + 1) % 10_000_000).scaleb(-(n + place) % 4 * -1)
    for place, name in enumerate(_TEXTS):
        size = "Größe L" if n % 20 == 0 else "size L"
        found[name] = "" if (n + place) % 3 == 0 else f"{name} {n % 997} {size}"[:30]
    found["lock_code"] = f"LOCK-{n % 50}"
    found["is_picking_flg"] = n % 2 == 0
    found["is_locked_flg"] = n % 11 == 0
    return found


def row(n: int) -> tuple[Any, ...]:
    """Return the n-th record as a table has it: instants in UTC, flags as numbers, no ''."""
    return tuple(_stored(name, value) for name, value in record(n).items())


def _stored(name: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if name.endswith("_ts"):
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    if name.endswith("_date"):
        return datetime.fromisoformat(value)
    return int(value) if isinstance(value, bool) else value


def _kind(name: str) -> str:
    kind = schema()["schema"]["properties"][name]
    if kind["type"][0] != "string":
        return "NUMBER"
    return {"date-time": "TIMESTAMP(6)", "date": "DATE"}.get(kind.get("format"), "VARCHAR2(400)")


ORACLE_COLUMNS: tuple[str, ...] = tuple(f"{name} {_kind(name)}" for name in COLUMNS)


def bind_types() -> list[Any]:
    """Return the types of a row's binds."""
    known = {
        "NUMBER": oracledb.DB_TYPE_NUMBER,
        "TIMESTAMP(6)": oracledb.DB_TYPE_TIMESTAMP,
        "DATE": oracledb.DB_TYPE_DATE,
        "VARCHAR2(400)": oracledb.DB_TYPE_VARCHAR,
    }
    return [known[_kind(name)] for name in COLUMNS]


def lines(count: int) -> Iterator[bytes]:
    """Yield the lines of a run: SCHEMA, records, a STATE after each page."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    yield encoder.encode(schema())
    for n in range(count):
        yield encoder.encode(
            {"type": "RECORD", "stream": STREAM, "record": record(n), "time_extracted": _EXTRACTED}
        )
        if (n + 1) % PAGE == 0 or n + 1 == count:
            bookmark = {"replication_key": "mod_ts", "replication_key_value": record(n)["mod_ts"]}
            yield encoder.encode({"type": "STATE", "value": {"bookmarks": {STREAM: bookmark}}})


def write(path: Path, count: int) -> Path:
    """Write the lines to a file and return it."""
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines(count))
    return path
