"""Connections to the embedded PostgreSQL: how they are opened and what they make of its values."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.types.datetime import TimestampLoader
from psycopg.types.string import ByteaLoader, TextLoader

from oracle_emulator.engine.interface import YearMonth

Connection = psycopg.Connection[Any]


class YearMonthLoader(Loader):
    """PostgreSQL writes such an interval as `-1 years -2 mons`."""

    def load(self, data: Buffer) -> YearMonth:
        """Read years and months."""
        words = bytes(data).decode().split()
        parts = {
            unit[:3]: int(number) for number, unit in zip(words[::2], words[1::2], strict=False)
        }
        return YearMonth(parts.get("yea", 0), parts.get("mon", 0))


def connect(uri: str) -> Connection:
    """Open a connection that takes `$1` parameters and begins no transaction by itself."""
    run: Connection = psycopg.connect(
        uri, autocommit=True, cursor_factory=psycopg.RawCursor, prepare_threshold=None
    )
    return run


def own_types(run: Connection) -> dict[int, str]:
    """The names of all base types by oid, ours without their schema."""
    rows = run.execute(
        "SELECT oid, typname FROM pg_type WHERE typtype = 'b' AND typname NOT LIKE '\\_%'"
    ).fetchall()
    return {int(oid): str(name) for oid, name in rows}


def adapt(adapters: AdaptersMap, types: dict[int, str]) -> None:
    """Read our own types as what they are made of."""
    loaders: dict[str, type[Loader]] = {
        "odate": TimestampLoader,
        "clob": TextLoader,
        "blob": ByteaLoader,
        "rowid": TextLoader,
        "iym": YearMonthLoader,
    }
    for oid, name in types.items():
        if name in loaders:
            adapters.register_loader(oid, loaders[name])
