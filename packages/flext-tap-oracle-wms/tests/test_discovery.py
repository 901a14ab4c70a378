"""The choice of entities, and describing them in parallel past a cache."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from flext_observability.testing import capture_events
from flext_tap_oracle_wms import discovery, events, settings
from flext_tap_oracle_wms.cache import DescribeCache, workspace
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.errors import (
    AccessError,
    AuthenticationError,
    EntityError,
    NotFoundError,
)

LISTED = ["allocation", "container", "iblpn", "inventory_history", "item", "order_dtl", "order_hdr"]
GOOD = {"base_url": "https://h/x/", "username": "u", "password": "p"}


def chosen(**config):
    return discovery.choose(LISTED, settings.parse(GOOD | config))


def test_the_default_entities():
    assert chosen() == ["allocation", "order_dtl", "order_hdr"]


def test_patterns_add_and_take_away():
    assert chosen(entities=["item"], include=["order_*"], exclude=["*_hdr"]) == [
        "item",
        "order_dtl",
    ]


def test_an_unknown_entity_is_refused_with_what_is_near():
    with pytest.raises(EntityError, match=r"no entity order_header; did you mean .*order_hdr"):
        chosen(entities=["order_header"])


def test_what_cannot_be_read_whole_is_refused_by_name_and_left_out_by_pattern():
    with pytest.raises(EntityError, match="export"):
        chosen(entities=["inventory_history"])
    with capture_events() as seen:
        assert "inventory_history" not in chosen(include=["*"])
    assert [e.entity for e in seen if isinstance(e, events.EntitySkipped)] == ["inventory_history"]


def test_the_same_rows_under_two_names_are_warned_of():
    with capture_events() as seen:
        discovery.warn_of_duplicates(["container", "iblpn", "item"])
        discovery.warn_of_duplicates(["iblpn", "oblpn", "active_location"])
        discovery.warn_of_duplicates(["location", "reserve_location", "active_location"])
    assert [(e.entity, e.subsets) for e in seen] == [
        ("container", ("iblpn",)),
        ("location", ("active_location", "reserve_location")),
    ]


class Source:
    """Describes what it is given, and counts how many ask at a time."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        self.meeting = None

    def describe(self, entity):
        self.asked.append(entity)
        if self.meeting is not None:
            self.meeting.wait(timeout=30)
        answer = self.answers[entity]
        if isinstance(answer, Exception):
            raise answer
        return answer


FIELDS = {"id": {"type": "integer"}}


def cache_in(path, *, age_s=60, now=None):
    clock = Clock(now=lambda: now or datetime(2026, 1, 1, tzinfo=UTC))
    return DescribeCache(path, "https://h/x/", "u", age_s=age_s, clock=clock)


def test_entities_are_described_at_the_same_time(tmp_path):
    source = Source(dict.fromkeys("abcd", FIELDS))
    source.meeting = threading.Barrier(4)  # breaks unless four ask at a time
    found = discovery.describe(source, list("abcd"), cache_in(tmp_path), workers=4)
    assert set(found.fields) == set("abcd")


def test_one_that_cannot_be_described_does_not_stop_the_others(tmp_path):
    source = Source({"a": FIELDS, "b": AccessError("403"), "c": NotFoundError("404")})
    found = discovery.describe(source, ["a", "b", "c"], cache_in(tmp_path), workers=2)
    assert set(found.fields) == {"a"}
    assert isinstance(found.failures["b"], AccessError)
    assert "no entity c" in str(found.failures["c"])


def test_what_cannot_be_read_whole_is_refused_in_a_catalog_too(tmp_path):
    source = Source({"a": FIELDS})
    found = discovery.describe(source, ["inventory_history", "a"], cache_in(tmp_path), workers=2)
    assert source.asked == ["a"]
    assert set(found.fields) == {"a"}
    assert "inventory history export" in str(found.failures["inventory_history"])


def test_an_unknown_user_ends_discovery(tmp_path):
    source = Source({"a": AuthenticationError("401")})
    with pytest.raises(AuthenticationError):
        discovery.describe(source, ["a"], cache_in(tmp_path), workers=2)


def test_what_is_cached_and_young_is_not_asked_again(tmp_path):
    source = Source({"a": FIELDS, "b": FIELDS})
    discovery.describe(source, ["a"], cache_in(tmp_path), workers=1)
    discovery.describe(source, ["a", "b"], cache_in(tmp_path), workers=1)
    assert source.asked == ["a", "b"]
    old = datetime(2026, 1, 1, 0, 1, 1, tzinfo=UTC)
    discovery.describe(source, ["a"], cache_in(tmp_path, now=old), workers=1)
    discovery.describe(source, ["a"], cache_in(tmp_path, now=old - timedelta(days=9)), workers=1)
    discovery.describe(source, ["a"], cache_in(tmp_path, age_s=0), workers=1)
    assert source.asked == ["a", "b", "a", "a", "a"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "entities": [1]}'])
def test_a_broken_cache_is_described_anew(tmp_path, text):
    source = Source({"a": FIELDS})
    discovery.describe(source, ["a"], cache_in(tmp_path), workers=1)
    (path,) = (tmp_path / ".flext" / "cache").iterdir()
    path.write_text(text)
    with capture_events() as seen:
        discovery.describe(source, ["a"], cache_in(tmp_path), workers=1)
    assert source.asked == ["a", "a"]
    assert any(isinstance(event, events.CacheRefused) for event in seen)
    assert json.loads(path.read_text())["entities"]["a"]["fields"] == FIELDS


def test_the_workspace_is_named_by_the_environment_or_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert workspace({}) == tmp_path
    assert workspace({"MELTANO_PROJECT_ROOT": "/m"}).as_posix() == "/m"
    assert workspace({"MELTANO_PROJECT_ROOT": "/m", "FLEXT_WORKSPACE": "/f"}).as_posix() == "/f"
