from __future__ import annotations

import threading
import time

from strongroom.hsm.narrowing import NOTHING_HELD, NarrowingWaits
from strongroom.storage.memory import MemoryStore


def waits(store):
    narrowing = NarrowingWaits(store, "hsm-a")
    narrowing.start()
    return narrowing


def test_an_answer_without_other_hsms_is_given_at_once():
    store = MemoryStore()
    store.acquire_lease("hsm/hsm-a", 60)
    store.acquire_lease("other service", 60)
    narrowing = waits(store)
    given = threading.Event()
    narrowing.add(7, given.set)
    assert given.wait(2)
    narrowing.stop(0)


def test_an_answer_waits_for_the_slowest_live_lease():
    store = MemoryStore()
    fast, slow = store.acquire_lease("hsm/hsm-b", 60), store.acquire_lease("hsm/hsm-c", 60)
    idle = store.acquire_lease("hsm/hsm-d", 60)
    store.renew_lease("hsm/hsm-d", idle.epoch, 60, NOTHING_HELD)
    store.renew_lease("hsm/hsm-b", fast.epoch, 60, 9)
    narrowing = waits(store)
    given = threading.Event()
    narrowing.add(7, given.set)
    store.renew_lease("hsm/hsm-c", slow.epoch, 60, 6)
    assert not given.wait(0.05)
    store.renew_lease("hsm/hsm-c", slow.epoch, 60, 7)
    assert given.wait(2)
    narrowing.stop(0)


def test_an_answer_waits_no_longer_than_a_lease_lives():
    store = MemoryStore()
    store.acquire_lease("hsm/hsm-b", 0.1)
    narrowing = waits(store)
    given = threading.Event()
    started = time.monotonic()
    narrowing.add(7, given.set)
    assert given.wait(3)
    assert time.monotonic() - started >= 0.1
    narrowing.stop(0)


def test_stopping_gives_no_answer_that_is_not_true():
    store = MemoryStore()
    store.acquire_lease("hsm/hsm-b", 60)
    narrowing = waits(store)
    given = threading.Event()
    narrowing.add(7, given.set)
    narrowing.stop(0.05)
    assert not given.is_set()
    assert narrowing.pending() == 1


def test_soon_after_nobody_could_write_an_answer_waits_as_long_as_others_may_serve_by_reading():
    store = MemoryStore()
    narrowing = waits(store)
    narrowing.be_careful(0.3)
    given = threading.Event()
    started = time.monotonic()
    narrowing.add(7, given.set)
    assert given.wait(3)
    assert time.monotonic() - started >= 0.29
    later = threading.Event()
    narrowing.add(8, later.set)
    assert later.wait(0.2)
    narrowing.stop(0)
