"""docs/specs/delivery.md §1: staged in any order, applied in the order of the numbers."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle.turns import EarlierFailedError, Turns

WAIT_S = 30


@given(
    order=st.permutations(range(1, 7)),
    failing=st.none() | st.integers(1, 6),
    staged_only=st.booleans(),
)
def test_numbers_pass_in_order_up_to_the_one_that_fails(
    order: list[int], failing: int | None, staged_only: bool
) -> None:
    """`staged_only`: the failing one fails before it even waits for its turn."""
    turns, applied, dropped = Turns(), list[int](), list[int]()

    def work(number: int) -> None:
        if number == failing and staged_only:
            turns.fail(number)
            return
        try:
            turns.wait(number)
        except EarlierFailedError:
            dropped.append(number)
            return
        assert turns.has_come(number)
        if number == failing:
            turns.fail(number)
        else:
            applied.append(number)
            turns.done(number)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in order]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    last = 6 if failing is None else failing - 1
    assert applied == list(range(1, last + 1))
    assert sorted(dropped) == list(range(last + 2, 7))


def test_a_number_after_the_next_has_no_turn_yet() -> None:
    turns = Turns()
    assert turns.has_come(1)
    assert not turns.has_come(2)
    turns.done(1)
    assert turns.has_come(2)
    turns.fail(2)
    with pytest.raises(EarlierFailedError):
        turns.wait(3)
