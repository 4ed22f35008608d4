"""What happens to one HSM process next."""

import pytest

from strongroom.fleet.slot import LONGEST_BACKOFF_SECONDS, Action, Goal, Slot


@pytest.fixture
def slot():
    return Slot("cluster-1", "hsm-1")


def test_a_wanted_hsm_is_started_at_once(slot):
    assert slot.next_action(100.0) is Action.START


def test_a_running_hsm_is_left_alone(slot):
    slot.started(100.0)
    assert slot.next_action(1e6) is Action.NOTHING
    assert slot.due() is None


def test_a_crashed_hsm_is_started_again_after_a_short_wait(slot):
    slot.started(100.0)
    slot.ended(101.0)
    assert slot.next_action(101.0) is Action.NOTHING
    assert slot.due() == pytest.approx(101.2)
    assert slot.next_action(101.2) is Action.START


def test_the_wait_doubles_with_each_early_failure_up_to_a_limit(slot):
    waits = []
    for _ in range(12):
        slot.started(0.0)
        slot.ended(1.0)
        waits.append(round(slot.next_start - 1.0, 1))
    assert waits[:5] == [0.2, 0.4, 0.8, 1.6, 3.2]
    assert waits[-1] == LONGEST_BACKOFF_SECONDS


def test_a_crash_after_a_long_life_starts_the_back_off_afresh(slot):
    for _ in range(6):
        slot.started(0.0)
        slot.ended(1.0)
    slot.started(10.0)
    slot.ended(100.0)
    assert slot.next_start == pytest.approx(100.2)


def test_a_deleted_hsm_is_asked_to_stop_then_killed_then_forgotten(slot):
    slot.started(100.0)
    slot.goal = Goal.DELETE
    assert slot.next_action(101.0) is Action.TERMINATE
    slot.stopping(101.0, 10.0)
    assert slot.next_action(105.0) is Action.NOTHING
    assert slot.due() == 111.0
    assert slot.next_action(111.0) is Action.KILL
    slot.killed = True
    assert slot.next_action(112.0) is Action.NOTHING
    assert slot.due() is None
    slot.ended(112.0)
    assert slot.next_action(112.0) is Action.FORGET


def test_a_deleted_hsm_that_never_ran_is_forgotten(slot):
    slot.goal = Goal.DELETE
    assert slot.next_action(0.0) is Action.FORGET
    assert slot.due() is None
