"""The remaining faults by name, each as a client meets it: docs/specs/wms-api.md §5."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from wms_emulator.faults import Fault, FaultName, Plan
from wms_emulator.testing import running

TINY = {"allocation": 30, "order_dtl": 4, "order_hdr": 2, "item": 3, "location": 3, "inventory": 3}


def test_504_over_a_page_size(own: Any) -> None:
    """§5: large pages time out, small ones do not."""
    own.server.faults({"name": "status", "status": 504, "html": True, "page_size_over": 200})
    sizes = {size: own.get(f"entity/item?page_size={size}").status for size in (100, 200, 201)}
    assert sizes == {100: 200, 200: 200, 201: 504}
    assert b"504 Gateway Time-out" in own.get("entity/item?page_size=500").raw


def test_409(own: Any) -> None:
    """§5: a record changed by a concurrent operation."""
    own.server.faults({"name": "status", "status": 409, "times": 1})
    answer = own.get("entity/item")
    assert (answer.status, answer.json["code"]) == (409, "CONFLICT")
    assert own.get("entity/item").status == 200


def test_every_so_manieth(own: Any) -> None:
    own.server.faults({"name": "status", "every": 3})
    assert [own.get("entity/item").status for _ in range(6)] == [200, 200, 503, 200, 200, 503]


def test_schedule_by_the_clock(own: Any) -> None:
    """A maintenance window: from so many seconds on, until so many."""
    own.server.clock(now="2026-03-02T08:00:00+00:00")
    own.server.faults({"name": "status", "html": True, "from_s": 60, "until_s": 120})
    seen = []
    for _ in range(4):
        seen.append(own.get("entity/item").status)
        own.server.clock(advance_s=40)
    assert seen == [200, 200, 503, 200]


def test_slow_drip(own: Any) -> None:
    """The whole answer, in small pieces."""
    whole = own.get("entity/item?page_size=1").raw
    own.server.faults({"name": "drip", "drip_bytes": 300, "drip_pause_s": 0.01})
    started = time.monotonic()
    assert own.get("entity/item?page_size=1").raw == whole
    assert time.monotonic() - started >= 0.01 * (len(whole) // 300)


def test_repeated_page(own: Any) -> None:
    """§2.3: one page comes twice, and the walk ends all the same."""
    own.server.faults({"name": "repeat", "after": 1, "times": 1, "match": "/item"})
    rows = [
        row["id"] for row in own.walk("entity/item?page_size=5&ordering=id&page_mode=sequenced")
    ]
    counts = Counter(rows)
    assert sorted(counts) == [row["id"] for row in own.server.journal("item")]
    assert sorted(counts.values())[-5:] == [2] * 5


@pytest.mark.parametrize("page_mode", ["sequenced", "paged"])
def test_a_page_without_rows_in_the_middle_of_a_list(own: Any, page_mode: str) -> None:
    """§2.5: 200 with an empty envelope, as for a list without rows; then rows again."""
    address = f"entity/item?page_size=5&ordering=id&page_mode={page_mode}"
    right = own.get(address).json
    assert right["results"]
    own.server.faults({"name": "empty_page", "after": 1, "times": 1, "match": "/item"})
    seen = [own.get(address) for _ in range(3)]
    assert [answer.status for answer in seen] == [200] * 3
    assert seen[0].json == seen[2].json == right
    assert seen[1].json.keys() == right.keys()
    assert (seen[1].json["results"], seen[1].json["next_page"]) == ([], None)


def test_no_content_in_place_of_a_page(own: Any) -> None:
    """§2.5: 204 has no body at all; a ratio draws lots as for every fault."""
    own.server.faults(
        {"name": "empty_page", "no_content": True, "ratio": 0.5, "match": "/item"}, seed=3
    )
    answers = [own.get("entity/item") for _ in range(30)]
    assert {answer.status for answer in answers} == {200, 204}
    assert all(answer.raw == b"" for answer in answers if answer.status == 204)
    assert own.get("entity/location").status == 200


def test_date_that_is_off(own: Any) -> None:
    """§5: a skewed clock, or a proxy's Date."""
    own.server.clock(now="2026-03-02T08:00:00+00:00")
    right = parsedate_to_datetime(own.get("entity/item").headers["Date"])
    own.server.faults({"name": "date", "skew_s": -7200, "via": "proxy.example"})
    answer = own.get("entity/item")
    assert (parsedate_to_datetime(answer.headers["Date"]) - right).total_seconds() == -7200
    assert answer.headers["Via"] == "1.1 proxy.example"


def _at_once(own: Any, calls: int) -> list[int]:
    gate = threading.Barrier(calls)

    def one(_: int) -> int:
        gate.wait()
        status: int = own.get("entity/item").status
        return status

    with ThreadPoolExecutor(calls) as pool:
        return sorted(pool.map(one, range(calls)))


def test_parallel_calls_over_the_limit(own: Any) -> None:
    """§5: more than ten at a time are refused, or wait."""
    slow = {"name": "latency", "latency_s": 0.4}
    own.server.faults({"name": "parallel", "limit": 10}, slow)
    statuses = _at_once(own, 14)
    assert statuses.count(429) >= 1
    assert statuses.count(200) >= 10
    own.server.faults({"name": "parallel", "limit": 10, "queue": True}, slow)
    assert _at_once(own, 14) == [200] * 14
    assert own.get("entity/item").status == 200  # nothing stays counted


def test_tls_failure(make_client: Any) -> None:
    with running(rows=TINY) as server:
        own = make_client(server)
        server.faults({"name": "tls", "times": 1})
        with pytest.raises((ssl.SSLError, ConnectionError)):
            own.get("entity/item")
        assert own.get("entity/item").status == 200


def test_both_addresses_of_localhost(own: Any) -> None:
    """§1.1: 127.0.0.1 and ::1, the same port."""
    for host in ("127.0.0.1", "::1"):
        for port in (own.server.port, own.server.admin_port):
            with socket.create_connection((host, port), timeout=5):
                pass
    connection = http.client.HTTPConnection("::1", own.server.port, timeout=5)
    connection.request("GET", "/emu/wms/lgfapi/v10/entity/")
    assert connection.getresponse().status == 401
    connection.close()


def test_latency_grows_with_the_page_and_repeats_with_its_seed() -> None:
    fault = Fault(FaultName.LATENCY, latency_s=0.1, spread_s=0.5, per_row_s=0.01)
    runs = []
    for seed in (1, 1, 2):
        plan = Plan(seed)
        plan.set([fault])
        runs.append([plan.decide(f"/x?page_size={size}")[0].wait_s for size in (10, 1000)] * 2)
    assert runs[0] == runs[1] != runs[2]
    assert runs[0][0] >= 0.1 + 0.1
    assert runs[0][1] >= 0.1 + 10
    plan = Plan(1)
    plan.set([fault])
    waits = [plan.decide("/x")[0].wait_s for _ in range(2000)]
    assert 0.8 < sum(waits) / len(waits) < 0.9  # 0.1 + 0.5 + 25 rows of 0.01


def test_faults_on_the_command_line(own: Any) -> None:
    """The plan's options are the same everywhere; what is unknown is refused by name."""
    with pytest.raises(RuntimeError, match="nonsense"):
        own.server.faults({"name": "status", "nonsense": 1})
    with pytest.raises(RuntimeError, match="every"):
        own.server.faults({"name": "status", "every": 0})
    assert json.loads(own.server.admin("GET", "/faults"))["faults"] == []
