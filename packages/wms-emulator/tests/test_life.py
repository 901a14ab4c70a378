"""A warehouse at work: what is served equals the journal's truth, at every instant."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from wms_emulator.testing import running

START = "2026-03-02T08:00:00+00:00"
BUSY = {
    "orders_per_h": 120,
    "lines_per_order": 3,
    "waves_per_h": 4,
    "wave_rows": 1200,
    "moves_per_h": 240,
    "late_per_h": 10,
    "late_s": [120, 1800],
    "purges_per_h": 6,
    "purge_rows": 10,
    "volatile_per_h": 60,
    "seed": 3,
}
LIVELY = ("allocation", "order_hdr", "order_dtl", "wave", "location", "ib_shipment")


@pytest.fixture
def busy(make_client: Any) -> Iterator[Any]:
    rows = {"allocation": 1500, "order_hdr": 200, "order_dtl": 600, "inventory_history": 100}
    with running(tls=False, rows=rows) as server:
        server.clock(now=START)
        yield make_client(server)


def served(own: Any, entity: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = own.walk(
        f"entity/{entity}?page_mode=sequenced&ordering=id&page_size=1250"
    )
    return rows


def at(text: str) -> str:
    return text.replace("+", "%2B")


def test_an_hour_in_seconds(busy: Any) -> None:
    """§6: after an hour at work, and at each quarter of it, served is what the journal says."""
    busy.server.life(**BUSY)
    seen: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for _ in range(4):
        now = busy.server.pass_time(900)["now"]
        seen[now] = {name: served(busy, name) for name in LIVELY}
        for name in LIVELY:
            assert seen[now][name] == busy.server.journal(name), name
    assert datetime.fromisoformat(now) == datetime.fromisoformat(START) + timedelta(hours=1)
    for moment, rows in seen.items():  # and later it still knows what was visible then
        for name in LIVELY:
            assert busy.server.journal(name, at(moment)) == rows[name], (moment, name)
    done = busy.server.life()["done"]
    assert min(done.values()) >= 0
    assert all(done[kind] for kind in set(done) - {"eligibility"}), done
    assert seen[now] != next(iter(seen.values()))


def test_the_columns_agree_with_the_records(busy: Any) -> None:
    """§6: what filters and orderings use moves together with what is shown."""
    busy.server.life(**BUSY)
    busy.server.pass_time(1800)
    rows = busy.server.journal("order_hdr")
    for status in sorted({row["status_id"] for row in rows}):
        found = busy.walk(f"entity/order_hdr?status_id={status}&ordering=id&page_size=1250")
        assert found == [row for row in rows if row["status_id"] == status]
    by_time = busy.walk("entity/allocation?values_list=id,mod_ts&ordering=mod_ts,id&page_size=1250")
    wanted = sorted(
        (datetime.fromisoformat(row["mod_ts"]), row["id"])
        for row in busy.server.journal("allocation")
    )
    assert [(datetime.fromisoformat(row["mod_ts"]), row["id"]) for row in by_time] == wanted


def test_a_wave_touches_thousands_in_one_instant(busy: Any) -> None:
    """§6: more than 1000 rows with one mod_ts."""
    busy.server.life(waves_per_h=2, wave_rows=1500)
    busy.server.pass_time(3600)
    stamps = Counter(row["mod_ts"] for row in busy.server.journal("allocation"))
    assert stamps.most_common(1)[0][1] > 1000


def test_late_commits_appear_in_the_past(busy: Any) -> None:
    """§6: rows come to sight minutes after the mod_ts they carry."""
    busy.server.life(late_per_h=30, late_s=[600, 1200])
    early = busy.server.pass_time(1800)["now"]
    before = {row["id"] for row in busy.server.journal("order_hdr", at(early))}
    busy.server.pass_time(1200)
    late = [
        row
        for row in busy.server.journal("order_hdr")
        if row["id"] not in before and moment(row) < datetime.fromisoformat(early)
    ]
    assert late
    for row in late:
        assert row["mod_ts"] == row["create_ts"]


def moment(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(str(row["mod_ts"]))


def test_volatile_columns_keep_mod_ts(busy: Any) -> None:
    """§6: a change that mod_ts does not show."""
    before = {row["id"]: row for row in busy.server.journal("location")}
    busy.server.life(volatile_per_h=60)
    busy.server.pass_time(3600)
    changed = [row for row in busy.server.journal("location") if row != before[row["id"]]]
    assert changed
    for row in changed:
        assert row["mod_ts"] == before[row["id"]]["mod_ts"]
        assert busy.get(f"entity/location/{row['id']}").json == row


def test_purges_take_the_oldest(busy: Any) -> None:
    """§6: rows vanish without a trace in the API."""
    before = [row["id"] for row in served(busy, "allocation")]
    busy.server.life(purges_per_h=6, purge_rows=10)
    done = busy.server.pass_time(3600)["done"]
    after = [row["id"] for row in served(busy, "allocation")]
    gone = sorted(set(before) - set(after))
    assert len(gone) == done["purges"] * 10
    assert max(gone) < before[len(before) // 2]
    assert busy.get(f"entity/allocation/{gone[0]}").status == 404


def test_eligibility_grows_and_shrinks(busy: Any) -> None:
    """§6, §1.4."""
    every = len(served(busy, "order_hdr"))
    busy.server.life(eligibility_per_h=60)
    counts = set()
    for _ in range(12):
        busy.server.pass_time(300)
        counts.add(len(served(busy, "order_hdr")))
    assert len(counts) > 2
    assert min(counts) < every


def test_the_same_seed_lives_the_same_hour(make_client: Any) -> None:
    """§6: what happens follows from the seed and the rates alone."""
    hours = []
    for seed in (3, 3, 4):
        with running(tls=False, rows={"allocation": 300, "order_hdr": 50}) as server:
            server.clock(now=START)
            server.life(**{**BUSY, "wave_rows": 100, "seed": seed})
            server.pass_time(1800)
            rows = server.journal("order_hdr")
            base = server.base_url
            hours.append([str(row).replace(base, "") for row in rows])
    assert hours[0] == hours[1]
    assert hours[0] != hours[2]


def test_life_goes_on_while_the_clock_runs(busy: Any) -> None:
    """§6: with a clock that runs fast nothing has to be called."""
    orders = len(busy.server.journal("order_hdr"))
    busy.server.life(orders_per_h=360)
    busy.server.clock(speed=3600)
    while json.loads(busy.server.admin("GET", "/life"))["done"]["orders"] < 50:
        pass  # each look is a call that the server answers between its work
    busy.server.life()
    assert len(busy.server.journal("order_hdr")) >= orders + 50
    assert served(busy, "order_hdr") == busy.server.journal("order_hdr")


@pytest.mark.parametrize("rates", [{"nonsense": 1}, {"orders_per_h": -1}, {"late_s": [5, 1]}])
def test_rates_that_make_no_sense(busy: Any, rates: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="400"):
        busy.server.life(**rates)
