"""Faults by name: what a client meets, and that a seed repeats it."""

import http.client
import json
from typing import Any

import pytest

from wms_emulator.faults import Fault, FaultName, Plan


def statuses(client: Any, count: int) -> list[int]:
    return [client.get("entity/item").status for _ in range(count)]


def test_status_so_many_times(own: Any) -> None:
    own.server.faults({"name": "status", "status": 503, "times": 2, "after": 1, "match": "/item"})
    assert own.get("entity/location").status == 200
    assert statuses(own, 5) == [200, 503, 503, 200, 200]
    plan = json.loads(own.server.admin("GET", "/faults"))
    assert [(fault["seen"], fault["fired"]) for fault in plan["faults"]] == [(5, 2)]


def test_status_with_retry_after_and_html(own: Any) -> None:
    own.server.faults({"name": "status", "status": 429, "retry_after_s": 7})
    answer = own.get("entity/item")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json["message"]
    own.server.faults({"name": "status", "status": 502, "html": True})
    answer = own.get("entity/item")
    assert (answer.status, answer.headers["Content-Type"]) == (502, "text/html")
    assert answer.raw.startswith(b"<html>")


def test_ratio_repeats_with_its_seed(own: Any) -> None:
    runs = []
    for seed in (1, 1, 2):
        own.server.faults({"name": "status", "ratio": 0.5}, seed=seed)
        runs.append(statuses(own, 30))
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, 503}


def test_reset_and_cut(own: Any) -> None:
    own.server.faults({"name": "reset", "times": 1})
    with pytest.raises(ConnectionError):
        own.get("entity/item")
    own.server.faults({"name": "cut", "times": 1})
    with pytest.raises(http.client.IncompleteRead) as cut:
        own.get("entity/item")
    assert cut.value.partial
    assert own.get("entity/item").status == 200


def test_invalid_json(own: Any) -> None:
    own.server.faults({"name": "invalid_json", "times": 1})
    answer = own.get("entity/item")
    assert answer.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.raw)


def test_latency(own: Any) -> None:
    own.server.faults({"name": "latency", "latency_s": 0.2, "times": 1})
    assert own.get("entity/item").status == 200
    assert own.server.requests()[-1]["handled_s"] >= 0.2


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "nonsense"},
        {"name": "status", "status": 200},
        {"name": "status", "ratio": 2},
        {"name": "latency", "latency_s": -1},
        {},
    ],
)
def test_refused_plans(own: Any, fault: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="400"):
        own.server.faults(fault)


def test_unknown_options_are_refused(own: Any) -> None:
    with pytest.raises(RuntimeError, match="400"):
        own.server.faults({"name": "status", "time": 3})


def test_plan_starts_anew() -> None:
    plan = Plan(5)
    plan.set([Fault(FaultName.RESET, ratio=0.3)])
    first = [bool(plan.decide("/x")) for _ in range(50)]
    plan.set([Fault(FaultName.RESET, ratio=0.3)])
    assert [bool(plan.decide("/x")) for _ in range(50)] == first
