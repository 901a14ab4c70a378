"""docs/specs/delivery.md §1: batches of a stream are staged side by side, applied in order."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from flext_target_oracle import processor
from flext_target_oracle.processor import BUSY_SHARE, WINDOW_S

SCHEMA = {
    "type": "SCHEMA",
    "stream": "s",
    "schema": {"properties": {"id": {"type": "integer"}, "n": {"type": "integer"}}},
    "key_properties": ["id"],
}
WAIT_S = 60


def messages(*rows: tuple[int, int]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [SCHEMA]
    for position, (key, number) in enumerate(rows, 1):
        record = {"id": key, "n": number}
        found.append({"type": "RECORD", "stream": "s", "record": record})
        found.append({"type": "STATE", "value": {"bookmarks": {"s": position}}})
    return found


def test_the_last_of_many_batches_stands_and_state_never_goes_back(target: Any) -> None:
    """Every batch writes the same rows: the order in which they are applied is what is left."""
    rows = [(key, number) for number in range(40) for key in (1, 2)]
    outcome = target.ok(messages(*rows), batch_size=2, max_parallelism=4)
    assert target.table("S", "ID", "N") == [(1, 39), (2, 39)]
    sequences = [event.sequence for event in outcome.of("BatchCommitted")]
    assert sorted(sequences) == list(range(1, 41))
    ledger = 'SELECT "SEQ" FROM "FLEXT_LEDGER" ORDER BY "COMMITTED_AT", "SEQ"'
    assert [seq for (seq,) in target.account.rows(ledger)] == list(range(1, 41))
    seen = [line["bookmarks"]["s"] for line in outcome.states]
    assert seen == sorted(seen)
    assert seen[-1] == len(rows)


def test_the_next_batch_is_staged_while_one_is_applied(
    target: Any, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is held as it passes the fence; the second's rows reach the server.

    By the rule as it is: the processor is idle, since the server is waited for.
    """
    monkeypatch.setattr(processor, "BUSY_SHARE", BUSY_SHARE)
    monkeypatch.setattr(processor, "WINDOW_S", WINDOW_S)
    options = {"port": proxy.port, "batch_size": 1, "max_parallelism": 2}
    target.ok(messages((1, 1)), **options)
    proxy.arm(b'SET "LAST_SEQ" = :', "hold")
    run = target.start(messages((1, 2), (1, 3)), **options)
    assert proxy.held.wait(WAIT_S)
    ticks = threading.Event()
    for _ in range(WAIT_S * 20):
        if sum(b'INTO "' in head and b"FLEXT_G_" in head for head in proxy.seen) == 2:
            break
        ticks.wait(0.05)
    else:
        raise AssertionError("the second batch was not staged")
    assert not any(b"MERGE" in head for head in proxy.seen)
    proxy.let_go.set()
    assert run.join().error is None
    assert target.table("S", "ID", "N") == [(1, 3)]


def test_one_failing_batch_drops_those_after_it_and_none_before(target: Any) -> None:
    rows = [(key, 1) for key in range(1, 13)]
    broken = messages(*rows)
    broken[1 + 2 * 6]["record"] = {"id": None, "n": 1}  # the seventh
    outcome = target.run(broken, batch_size=1, max_parallelism=4)
    assert "KEY_NULL" in str(outcome.error)
    assert target.table("S", "ID") == [(key,) for key in range(1, 7)]
    assert outcome.states[-1] == {"bookmarks": {"s": 6}}
