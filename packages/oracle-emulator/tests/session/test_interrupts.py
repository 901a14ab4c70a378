"""An interrupt is answered exactly once, whenever it arrives."""

from oracle_emulator.session.interrupts import Interrupts


def test_an_interrupt_during_a_call_cancels_it_and_is_answered_by_it():
    interrupts, cancelled = Interrupts(), []
    assert interrupts.start(lambda: cancelled.append(True))
    interrupts.arrive()
    assert cancelled == [True]
    assert interrupts.stop()
    assert not interrupts.take_marker()


def test_an_interrupt_between_calls_is_answered_at_its_place():
    interrupts = Interrupts()
    interrupts.arrive()
    assert interrupts.take_marker()


def test_an_interrupt_that_overtakes_a_call_stops_it_before_it_starts():
    interrupts, cancelled = Interrupts(), []
    interrupts.arrive()
    assert not interrupts.start(lambda: cancelled.append(True))
    assert interrupts.stop()
    assert cancelled == []
    assert not interrupts.take_marker()


def test_a_call_without_an_interrupt_is_left_alone_and_so_is_the_next():
    interrupts = Interrupts()
    assert interrupts.start(lambda: None)
    assert not interrupts.stop()
    interrupts.arrive()
    assert interrupts.take_marker()
    assert interrupts.start(lambda: None)
    assert not interrupts.stop()


def test_after_the_call_nothing_is_cancelled_any_more():
    interrupts, cancelled = Interrupts(), []
    interrupts.start(lambda: cancelled.append(True))
    interrupts.stop()
    interrupts.arrive()
    assert cancelled == []
