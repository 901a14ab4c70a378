"""What is said of a job: each thing once when it begins, again when due, and when it is over."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from flext_cli.alerts import conditions
from flext_cli.alerts.conditions import Condition, Facts, Firing
from flext_cli.settings import Limits
from flext_cli.status import Place, Run, StreamFigures

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERYTHING = Limits(lag_s=60, rejects=2, no_data_s=600)


def facts(*, exit_code=0, rejected=0, lag_s=0.0, silent_s=0.0, trouble=None):
    streams = {"item": StreamFigures(extracted=5, rejected=rejected)}
    run = Run("r1", NOW, NOW, "succeeded", {}, streams)
    place = Place("dev:a-to-b", "item", "x", lag_s, None)
    return Facts("load", run, exit_code, trouble, (place,), NOW - timedelta(seconds=silent_s))


@given(
    exit_code=st.integers(0, 255),
    rejected=st.integers(0, 5),
    lag_s=st.floats(-100, 200),
    silent_s=st.floats(-100, 1200),
)
def test_each_kind_is_found_beyond_its_limit_and_only_there(exit_code, rejected, lag_s, silent_s):
    given_facts = facts(exit_code=exit_code, rejected=rejected, lag_s=lag_s, silent_s=silent_s)
    found = {each.kind for each in conditions.find(given_facts, EVERYTHING, NOW)}
    silent = (NOW - given_facts.data_at).total_seconds()
    assert ("failure" in found) == (exit_code != 0)
    assert ("rejects" in found) == (rejected > 2)
    assert ("lag" in found) == (lag_s > 60)
    assert ("no_data" in found) == (silent > 600)
    # What nobody asked for is not looked at; a failure always is.
    found = {each.kind for each in conditions.find(given_facts, Limits(), NOW)}
    assert found == ({"failure"} if exit_code else set())


def test_the_text_says_what_where_and_how_much():
    found = conditions.find(
        facts(exit_code=1, rejected=3, lag_s=61, silent_s=601, trouble="RunFailed: no listener"),
        EVERYTHING,
        NOW,
    )
    assert [each.text for each in found] == [
        "a run of load ended with exit code 1: RunFailed: no listener",
        "item of load is 61 s behind, more than 60 s",
        "a run of load rejected 3 rows of item, more than 2; they are in FLEXT_REJECTS",
        "no run of load has read a record for 601 s, more than 600 s",
    ]


def test_a_skipped_turn_says_nothing_of_the_run():
    skipped = Facts("load", None, None, None, (), None)
    assert conditions.unseen(skipped) == {"failure", "rejects"}
    assert conditions.find(skipped, EVERYTHING, NOW) == []
    assert conditions.unseen(Facts("load", None, None, None, None, None)) >= {"lag"}


KEYS = [("failure", ""), ("lag", "item"), ("lag", "two words"), ("rejects", "item")]
wrong = st.sets(st.sampled_from(KEYS)).map(
    lambda keys: [Condition(kind, stream, f"{kind} {stream}", 2, 1) for kind, stream in keys]
)


@given(st.lists(wrong, max_size=8))
def test_what_begins_is_said_once_and_what_ends_is_said_once(turns):
    firing, told = {}, set()
    for number, found in enumerate(turns):
        now = NOW + timedelta(seconds=number)
        news = conditions.changes(found, firing, unseen=frozenset(), repeat_s=3600, now=now)
        now_wrong = {each.key for each in found}
        assert set(news.begun) == now_wrong - told
        assert set(news.resolved) == told - now_wrong
        assert set(news.after) == now_wrong
        firing, told = news.after, now_wrong


@given(st.sets(st.sampled_from(["failure", "lag", "rejects"])))
def test_what_was_not_looked_at_goes_on(unseen):
    before = {"failure": Firing(NOW, NOW, "x"), "lag item": Firing(NOW, NOW, "y")}
    news = conditions.changes([], before, unseen=frozenset(unseen), repeat_s=0, now=NOW)
    assert {key.partition(" ")[0] for key in news.after} == {"failure", "lag"} & unseen
    assert {key.partition(" ")[0] for key in news.resolved} == {"failure", "lag"} - unseen


@given(after_s=st.integers(-9000, 9000), repeat_s=st.sampled_from([0, 60, 3600]))
def test_what_lasts_is_said_again_when_due_since_when_it_began(after_s, repeat_s):
    condition = Condition("lag", "item", "behind", 2, 1)
    before = {"lag item": Firing(NOW - timedelta(days=1), NOW, "behind")}
    now = NOW + timedelta(seconds=after_s)
    news = conditions.changes([condition], before, unseen=frozenset(), repeat_s=repeat_s, now=now)
    # Also when the clock was set back by more than the distance: silence would be the worse error.
    assert bool(news.begun) == (repeat_s > 0 and abs(after_s) >= repeat_s)
    assert news.after["lag item"].since == NOW - timedelta(days=1)
    assert news.resolved == {}
