from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from flext_cli import handover
from flext_cli.handover import Pair

FULL = Pair("tap-full", "target-full")
INCREMENTAL = Pair("tap-inc", "target-inc")

zones = st.integers(-14 * 4, 14 * 4).map(
    lambda quarters: timezone(timedelta(minutes=15 * quarters))
)
instants = st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1), timezones=zones)  # noqa: DTZ001 -- hypothesis wants bounds without zone


def entry(bookmarks):
    return {"completed": {"singer_state": {"bookmarks": bookmarks}}, "partial": {}}


@given(started=instants, existing=st.none() | instants)
def test_never_backwards_and_idempotent(started, existing):
    load = {
        "full_load": {"started_at": started.isoformat(), "completed_at": "2100-01-01T00:00:00Z"}
    }
    states = {FULL.state_id("e"): entry({"s": load})}
    if existing is not None:
        states[INCREMENTAL.state_id("e")] = entry(
            {"s": {"replication_key_value": existing.isoformat()}}
        )

    def hand_over(given_states):
        moves = handover.plan(given_states, environment="e", full=[FULL], incremental=[INCREMENTAL])
        return moves, {**given_states, **handover.apply(given_states, moves)}

    (move,), after = hand_over(states)
    value = datetime.fromisoformat(move.after).astimezone(UTC)
    assert value == max(started, existing or started)
    (again,), unchanged = hand_over(after)
    assert not again.changed
    assert unchanged == after
