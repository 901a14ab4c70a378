"""The tap run in this process, what it printed, and the truth it is compared with.

The truth is made from the emulator's journal by a conversion that shares nothing with the tap.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import ssl
import urllib.request
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.errors import TapError
from flext_tap_oracle_wms.tap import FlextTapOracleWms

if TYPE_CHECKING:
    from collections.abc import Callable

    from wms_emulator.testing import WmsServer

Record = dict[str, Any]


@dataclass
class Run:
    """What one run of the tap gave."""

    messages: list[Record]
    error: TapError | None = None
    given: Record = field(default_factory=dict)

    def of_type(self, kind: str, stream: str | None = None) -> list[Record]:
        """The messages of a type, of one stream or of all."""
        return [
            message
            for message in self.messages
            if message["type"] == kind and stream in {None, message.get("stream")}
        ]

    @property
    def states(self) -> list[Record]:
        """Every STATE value."""
        return [message["value"] for message in self.of_type("STATE")]

    @property
    def state(self) -> Record:
        """The last STATE value, or what was given if there is none."""
        return self.states[-1] if self.states else self.given

    def records(self, stream: str) -> list[Record]:
        """The records of a stream, in their order."""
        return [message["record"] for message in self.of_type("RECORD", stream)]

    def up_to_state(self, number: int) -> Run:
        """What a reader has that got the STATE of that number and nothing after it."""
        places = [n for n, message in enumerate(self.messages) if message["type"] == "STATE"]
        return Run(self.messages[: places[number] + 1])


def latest(*runs: Run, stream: str) -> dict[int, Record]:
    """The last record of each id over several runs."""
    return {record["id"]: record for run in runs for record in run.records(stream)}


def truth(server: WmsServer, stream: str) -> dict[int, Record]:
    """The rows of an entity as records, from the journal."""
    return {record["id"]: record for record in truth_rows(server, stream)}


def truth_rows(server: WmsServer, stream: str) -> list[Record]:
    """The same, for entities without ids too."""
    described = description(server, stream)
    return [expected(row, described) for row in journal(server, stream)]


def description(server: WmsServer, stream: str) -> Record:
    """What the API says of an entity's fields."""
    pair = base64.b64encode(f"{server.username}:{server.password}".encode()).decode()
    request = urllib.request.Request(
        f"{server.base_url}entity/{stream}/describe/", headers={"Authorization": f"Basic {pair}"}
    )
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with urllib.request.urlopen(request, context=context) as answer:
        fields: Record = json.load(answer)["fields"]
    return fields


def empty_entity(server: WmsServer) -> str:
    """The name of an entity that has no rows."""
    counts = json.loads(server.admin("GET", "/entities"))
    return next(name for name, count in counts.items() if count == 0)


def journal(server: WmsServer, stream: str) -> list[Record]:
    """The rows of an entity, fractions as decimals."""
    lines = server.admin("GET", f"/journal/{stream}").split(b"\n")
    return [json.loads(line, parse_float=Decimal) for line in lines if line]


def expected(row: Record, described: Record) -> Record:
    """One row of the API as the tap's conventions (docs/specs/tap-records.md) say."""
    record: Record = {}
    for name, value in row.items():
        word = described.get(name, {}).get("type")
        if name == "url":
            continue
        if name.endswith("_set"):
            record[f"{name}_count"] = _size(value)
        elif isinstance(value, dict):
            record[name] = value["id"]
            record[f"{name.removesuffix('_id')}_key"] = value["key"]
        elif value is None and name.endswith("_id") and not name.endswith("status_id"):
            record[name] = None
            record[f"{name.removesuffix('_id')}_key"] = None
        elif isinstance(value, str) and word in {"decimal", "number"}:
            record[name] = Decimal(value)
        elif value == "" and word in {"datetime", "date", "time"}:
            record[name] = None
        else:
            record[name] = value
    return record


def _size(value: Any) -> int | None:
    if isinstance(value, dict):
        return int(value["result_count"])
    return None if value is None else len(value)


@pytest.fixture
def quick_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock whose pauses take no time, in force for every tap of the test."""
    clock = Clock(sleep=lambda _seconds: None)
    monkeypatch.setattr(FlextTapOracleWms, "clock", clock)
    return clock


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let time pass for emulator and tap alike, past the safety lag."""
    passed = timedelta(0)

    def move(server: WmsServer, seconds: int = 90) -> None:
        nonlocal passed
        passed += timedelta(seconds=seconds)
        total, real = passed, Clock()
        server.clock(advance_s=seconds)
        moved = dataclasses.replace(FlextTapOracleWms.clock, now=lambda: real.now() + total)
        monkeypatch.setattr(FlextTapOracleWms, "clock", moved)

    return move


@pytest.fixture
def tap_config() -> Callable[..., Record]:
    """A configuration for an emulator, with more settings."""

    def config(server: WmsServer, **settings: Any) -> Record:
        return {
            "base_url": server.base_url,
            "username": server.username,
            "password": server.password,
            "ca_file": str(server.ca_file),
            "page_size": 50,
            **settings,
        }

    return config


@pytest.fixture
def run_tap(tap_config: Callable[..., Record]) -> Callable[..., Run]:
    """Run the tap in this process and collect what it prints."""

    def run(
        server: WmsServer,
        *,
        state: Record | None = None,
        catalog: Record | None = None,
        **settings: Any,
    ) -> Run:
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        error = None
        with redirect_stdout(out):
            tap = FlextTapOracleWms(
                config=tap_config(server, **settings), state=state, catalog=catalog
            )
            try:
                tap.sync_all()
            except TapError as caught:
                error = caught
        tap.client.close()
        lines = out.buffer.getvalue().split(b"\n")  # type: ignore[attr-defined]  # made of a BytesIO above
        assert lines.pop() == b""
        found = [json.loads(line, parse_float=Decimal) for line in lines]
        return Run(found, error, state or {})

    return run
