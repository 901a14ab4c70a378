"""docs/specs/delivery.md §4: by time after a lost connection, by number after a deadlock."""

from __future__ import annotations

import threading

import pytest

from flext_target_oracle import retrying
from flext_target_oracle.errors import ConnectionLostError, ContendedError, DatabaseError
from flext_target_oracle.retrying import Patience


class Clock(threading.Event):
    """A run that is not stopping; waiting moves the time instead of taking any."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.pauses_s: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses_s.append(timeout or 0.0)
        self.now_s += timeout or 0.0
        return self.is_set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(retrying, "monotonic_s", lambda: made.now_s)
    return made


def tries(patience: Patience, error: DatabaseError, most: int = 1000) -> int:
    """How often it bears the error."""
    for number in range(most):
        try:
            patience.bear(error)
        except DatabaseError as raised:
            assert raised is error  # noqa: PT017 -- which one it is, not that one is raised
            return number
    return most


def test_a_listener_that_restarts_for_two_minutes_is_waited_for(clock: Clock) -> None:
    patience = Patience(reconnect_s=120, max_retries=0, stopping=clock)
    assert tries(patience, ConnectionLostError("lost")) > 10
    assert 120 <= sum(clock.pauses_s) < 140
    assert clock.pauses_s[:3] == [0.5, 1.0, 2.0]  # after a first try at once
    assert max(clock.pauses_s) == 10.0


def test_deadlocks_are_counted(clock: Clock) -> None:
    patience = Patience(reconnect_s=120, max_retries=3, stopping=clock)
    assert tries(patience, ContendedError("deadlock")) == 3


@pytest.mark.parametrize("error", [ConnectionLostError("lost"), ContendedError("deadlock")])
def test_none_is_none(clock: Clock, error: DatabaseError) -> None:
    assert tries(Patience(reconnect_s=0, max_retries=0, stopping=clock), error) == 0
    assert clock.pauses_s == []


def test_a_run_that_stops_tries_nothing_again(clock: Clock) -> None:
    clock.set()
    patience = Patience(reconnect_s=120, max_retries=9, stopping=clock)
    assert tries(patience, ConnectionLostError("lost")) == 0
