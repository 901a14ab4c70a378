"""What the API does that a tap must know, where no other test looks at it from that side.

docs/specs/tap-pitfalls.md says which test holds which pitfall; that they exist is checked here.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import msgspec
import pytest

from flext_tap_oracle_wms.client import WmsClient
from flext_tap_oracle_wms.tap import FlextTapOracleWms
from wms_emulator.testing import running

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "specs" / "tap-pitfalls.md"
MANY = ["allocation", "order_hdr", "order_dtl", "item", "location", "facility", "inventory",
        "container", "ib_shipment", "order_status", "rf_key_map"]  # fmt: skip
FEW = {"allocation": 60, "order_hdr": 20, "order_dtl": 40}


def instants(records):
    return {
        record["id"]: dt.datetime.fromisoformat(record["mod_ts"]).astimezone(dt.UTC)
        for record in records.values()
    }


def test_every_pitfall_has_a_test_that_exists():
    text = PAGE.read_text(encoding="utf-8")
    for section, last in (("The API's pitfalls", 16), ("Mistakes that taps have made", 15)):
        part = text.partition(f"## {section}")[2].partition("\n## ")[0]
        rows = [line.split("|") for line in part.splitlines() if re.match(r"\| \d", line)]
        assert [int(row[1]) for row in rows] == list(range(1, last + 1))
        for row in rows:
            named = re.findall(r"`([\w./-]+\.py)::(test_\w+)`", row[3])
            assert named, row[1]
            for file, test in named:
                path = ROOT / file if "/tests/" in file else Path(__file__).parent / file
                tree = ast.parse(path.read_text(encoding="utf-8"))
                names = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
                assert test in names, f"{row[1]}: {file} has no {test}"


def test_rows_of_the_very_instant_of_a_bookmark_belong_to_the_next_window(
    read_only_wms, run_tap, fix
):
    truth = fix.truth(read_only_wms, "allocation")
    edge = sorted(instants(truth).values())[len(truth) // 2]
    blind = dict.fromkeys(("lookback_seconds", "deep_lookback_seconds"), 0)
    blind["daily_lookback_seconds"] = 0
    first = run_tap(read_only_wms, entities=["allocation"], end_date=edge.isoformat(), **blind)
    second = run_tap(read_only_wms, entities=["allocation"], state=first.state, **blind)
    counts = Counter(r["id"] for run in (first, second) for r in run.records("allocation"))
    assert counts == Counter(truth.keys())
    at_the_edge = {number for number, instant in instants(truth).items() if instant == edge}
    assert at_the_edge
    assert at_the_edge <= fix.latest(second, stream="allocation").keys()


def test_more_rows_of_one_instant_than_a_cursor_can_pass(run_tap, fix, later):
    """The server's cursor cuts ties at 1000; a wave stamps more than that at once."""
    with running(rows={"allocation": 1300, "order_hdr": 60, "order_dtl": 120}) as wms:
        first = run_tap(wms, entities=["allocation"], page_size=1250)
        wms.changes(update={"allocation": 1200})
        later(wms)
        second = run_tap(wms, entities=["allocation"], state=first.state, page_size=100)
        truth = fix.truth(wms, "allocation")
    assert max(Counter(instants(truth).values()).values()) == 1200
    assert len(second.records("allocation")) == 1200
    assert fix.latest(first, second, stream="allocation") == truth


def test_what_vanishes_is_in_no_later_load_and_the_tap_deletes_nothing(wms, run_tap, fix, later):
    first = run_tap(wms, entities=["allocation"], sync_mode="full")
    gone = sorted(fix.truth(wms, "allocation"))[:20]
    wms.changes(delete={"allocation": {"ids": gone}})
    later(wms)
    incremental = run_tap(wms, entities=["allocation"], state=first.state)
    assert incremental.of_type("ACTIVATE_VERSION") == []
    assert not set(gone) & fix.latest(incremental, stream="allocation").keys()
    second = run_tap(wms, entities=["allocation"], sync_mode="full", state=first.state)
    versions = [run.of_type("ACTIVATE_VERSION")[0]["version"] for run in (first, second)]
    assert versions[0] < versions[1]
    assert {message["version"] for message in second.of_type("RECORD")} == {versions[1]}
    assert fix.latest(second, stream="allocation") == fix.truth(wms, "allocation")
    assert not set(gone) & fix.truth(wms, "allocation").keys()


@pytest.mark.parametrize("sync_mode", ["full", "incremental"])
def test_a_wms_that_takes_no_page_size_gives_all_rows_all_the_same(
    wms, run_tap, fix, monkeypatch, sync_mode
):
    """The user's Rows per Page decides then, and an administrator changes it meanwhile."""
    original, asked = WmsClient.list_page, []

    def list_page(self, entity, params, size=None):
        wms.account(rows_per_page=(10, 30, 125)[len(asked) % 3])
        asked.append(entity)
        return original(self, entity, {k: v for k, v in params.items() if k != "page_size"})

    monkeypatch.setattr(WmsClient, "list_page", list_page)
    run = run_tap(wms, entities=["allocation"], sync_mode=sync_mode, max_concurrency=1)
    assert run.error is None
    assert fix.latest(run, stream="allocation") == fix.truth(wms, "allocation")
    assert len(run.records("allocation")) == 230
    assert len(asked) > 4


def test_the_zone_of_the_user_s_facility_changes_texts_and_no_instant(run_tap, fix):
    texts, found, states = [], [], []
    for zone in ("America/Sao_Paulo", "Asia/Kolkata"):
        with running(rows=FEW, zone=ZoneInfo(zone)) as wms:
            given = states[-1] if states else None
            run = run_tap(wms, entities=["allocation"], state=given)
            everything = run_tap(wms, entities=["allocation"], sync_mode="full")
            truth = fix.truth(wms, "allocation")
        states.append(run.state)
        assert fix.latest(everything, stream="allocation") == truth
        found.append(instants(truth))
        texts.append({record["mod_ts"] for record in truth.values()})
    assert not texts[0] & texts[1]
    assert found[0] == found[1]
    # Nothing was modified, so the second run has nothing new, whatever the texts look like.
    assert run.records("allocation") == []


def test_what_changes_without_mod_ts_is_marked_on_the_wire(wms, run_tap, fix):
    first = run_tap(wms, entities=["ib_shipment"], sync_mode="full")
    wms.life(volatile_per_h=400)
    wms.pass_time(3600)
    wms.life()
    wms.clock(real=True)
    second = run_tap(wms, entities=["ib_shipment"], sync_mode="full")
    before, after = (fix.latest(run, stream="ib_shipment") for run in (first, second))
    assert instants(before) == instants(after)
    moved = {name for n in before for name in before[n] if before[n][name] != after[n][name]}
    properties = second.of_type("SCHEMA")[0]["schema"]["properties"]
    volatile = {name for name, item in properties.items() if item["x-wms"].get("volatile")}
    assert moved
    assert moved <= volatile


@pytest.fixture(scope="module")
def catalog(read_only_wms, tmp_path_factory):
    """The catalog of every entity that the WMS lists and the user may describe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEXT_WORKSPACE", str(tmp_path_factory.mktemp("every")))
        config = {"base_url": read_only_wms.base_url, "username": read_only_wms.username}
        config |= {"password": read_only_wms.password, "ca_file": str(read_only_wms.ca_file)}
        tap = FlextTapOracleWms(config={**config, "include": ["*"], "max_concurrency": 8})
        found = {entry["tap_stream_id"]: entry for entry in tap.catalog_dict["streams"]}
        tap.client.close()
    return found


def test_every_entity_is_there_with_the_key_and_the_way_that_its_fields_allow(
    catalog, read_only_wms
):
    import json

    listed = set(json.loads(read_only_wms.admin("GET", "/entities")))
    assert len(listed) > 300
    assert listed - catalog.keys() <= {"inventory_history", "user"}
    for name, entry in catalog.items():
        properties = entry["schema"]["properties"]
        assert properties, name
        assert entry["key_properties"] == (["id"] if "id" in properties else []), name
        both = {"id", "mod_ts"} <= properties.keys()
        assert entry["replication_method"] == ("INCREMENTAL" if both else "FULL_TABLE"), name
        assert entry.get("replication_key") == ("mod_ts" if both else None), name


def test_custom_fields_are_those_of_each_entity(catalog):
    custom = {
        name: {n for n in entry["schema"]["properties"] if n.startswith("cust_")}
        for name, entry in catalog.items()
    }
    assert len({frozenset(names) for names in custom.values()}) > 3
    types = {
        n: tuple(catalog[name]["schema"]["properties"][n]["type"])
        for name, names in custom.items()
        for n in names
    }
    assert {types[n][0] for n in types if n.startswith("cust_decimal")} == {"number"}
    assert {types[n][0] for n in types if n.startswith("cust_number")} == {"integer"}
    assert {types[n][0] for n in types if n.startswith("cust_field")} == {"string"}


def test_every_record_fits_the_schema_that_came_before_it(read_only_wms, run_tap):
    run = run_tap(read_only_wms, entities=MANY, sync_mode="full", record_limit=30)
    assert run.error is None
    schemas, seen = {}, Counter()
    for message in run.messages:
        if message["type"] == "SCHEMA":
            schemas[message["stream"]] = jsonschema.Draft7Validator(message["schema"])
        elif message["type"] == "RECORD":
            judge = schemas[message["stream"]]
            judge.validate(message["record"])
            assert message["record"].keys() == judge.schema["properties"].keys()
            seen[message["stream"]] += 1
    assert seen.keys() == set(MANY)
    assert all(
        "{'" not in str(value) for m in run.of_type("RECORD") for value in m["record"].values()
    )


def test_only_documented_addresses_are_asked_for_as_the_settings_say(wms, run_tap):
    run = run_tap(wms, entities=["allocation", "rf_key_map"], page_size=37, sync_mode="full")
    assert run.error is None
    targets = [str(request["target"]) for request in wms.requests()]
    entity = r"/emu/wms/lgfapi/v10/entity/"
    assert all(re.match(rf"{entity}(\w+/(describe/|\?.*)?|rf_key_map\?.*)?$", t) for t in targets)
    pages = [t for t in targets if "/allocation/?" in t and "page_mode=sequenced" in t]
    assert pages
    assert all("page_size=37" in t and "ordering=-id" in t for t in pages)
    # The walk goes on by ids; no page is asked for by its number.
    assert len([t for t in pages if "id__lt=" in t]) > 3
    assert not any(re.search(r"[?&]page=", t) for t in pages)


def test_a_cursor_of_any_length_is_followed_as_it_is():
    asked = []

    class Transport:
        def request(self, method, url, *, headers, redirect):
            del method, headers, redirect
            asked.append(url)
            body = msgspec.json.encode({"results": [], "next_page": None})
            return type("Answer", (), {"status": 200, "data": body, "headers": {}})

    from flext_tap_oracle_wms.auth import BasicAuth
    from flext_tap_oracle_wms.retry import Policy

    base = "https://wms.example.com/env/wms/lgfapi/v10/"
    client = WmsClient(base, transport=Transport(), auth=BasicAuth("u", "p"), policy=Policy())
    address = f"{base}entity/rf_key_map?cursor={'cD0xNDAw%3D' * 700}&odd__key%21=%2B&z=%C3%BC"
    client.follow(address)
    assert asked == [address]


def test_an_entity_that_cannot_be_described_gets_no_made_up_schema(wms, run_tap, fix, quick_clock):
    wms.faults({"name": "status", "status": 500, "match": "/order_hdr/describe"})
    run = run_tap(wms, entities=["order_hdr", "item"], sync_mode="full", max_retries=1)
    wms.faults()
    assert re.search(r"1 of 2 streams failed.*order_hdr .*describe.*500", str(run.error), re.DOTALL)
    assert {m["stream"] for m in run.messages if "stream" in m} == {"item"}
    assert fix.latest(run, stream="item") == fix.truth(wms, "item")


def test_no_setting_is_declared_only():
    """Each one is read somewhere else than where it is declared."""
    from flext_tap_oracle_wms.settings import Settings

    source = Path(WmsClient.__module__.replace(".", "/"))
    folder = ROOT / "packages" / "flext-tap-oracle-wms" / "src" / source.parent
    read = Counter()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                read[node.attr] += 1
    # Those three are the SDK's, which takes them from the configuration itself.
    assert {name for name in Settings.model_fields if not read[name]} <= {
        "stream_maps",
        "stream_map_config",
        "faker_config",
    }
