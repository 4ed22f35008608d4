from __future__ import annotations

import threading

import pytest

from strongroom.hsm.lease import LeaseKeeper
from strongroom.hsm.narrowing import NOTHING_HELD
from strongroom.storage.interface import StoreUnavailable, StoreUnwritable


@pytest.fixture
def keeper(cluster, hsm):
    """The lease of a second HSM; the cluster's clock stands still, so it lives until a test moves it."""
    member = cluster.member("hsm-b")
    member.hsm.extended = []
    member.hsm.extend_lease = member.hsm.extended.append
    lost = threading.Event()
    unwritable = []
    made = LeaseKeeper(
        member.hsm,
        cluster.store,
        member.replica,
        hsm_id="hsm-b",
        ttl_seconds=3,
        renew_seconds=0.01,
        on_lost=lost.set,
        on_diverged=member.diverged.append,
        on_unwritable=unwritable.append,
    )
    made.unwritable = unwritable
    made.member, made.lost = member, lost
    made.acquire()
    yield made
    made.release()


def applied(cluster):
    return next(lease for lease in cluster.store.leases() if lease.name == "hsm/hsm-b").applied


def until(condition):
    for _ in range(400):
        if condition():
            return True
        threading.Event().wait(0.005)
    return False


def test_an_hsm_that_serves_nothing_holds_nobody_up_and_its_engine_has_no_lease(cluster, keeper):
    threading.Event().wait(0.05)
    assert applied(cluster) == NOTHING_HELD
    assert keeper.member.hsm.extended == []


def test_serving_publishes_what_is_applied_and_then_extends_the_engines_lease(cluster, hsm, keeper):
    hsm.activate()
    keeper.serve()
    assert keeper.member.replica.revision == hsm.replica.revision
    assert applied(cluster) < NOTHING_HELD
    assert 0 < keeper.member.hsm.extended[0] <= 3000
    assert until(lambda: applied(cluster) == hsm.replica.revision)


def test_an_applied_change_of_another_hsm_is_published_soon(cluster, hsm, keeper):
    keeper.serve()
    hsm.activate()
    keeper.member.replica.catch_up()
    assert until(lambda: applied(cluster) == hsm.replica.revision)


def test_a_lease_that_another_took_is_lost_and_the_engine_stops(cluster, keeper):
    keeper.serve()
    cluster.store.acquire_lease("hsm/hsm-b", 3)
    assert keeper.lost.wait(2)
    assert keeper.member.hsm.extended[-1] == 0


def test_after_a_lease_that_ran_out_the_hsm_catches_up_before_it_serves(cluster, hsm, keeper):
    keeper.serve()
    keeper._expires = 0
    hsm.activate()
    seen = []
    keeper.member.hsm.extend_lease = lambda _milliseconds: seen.append(keeper.member.replica.revision)
    with keeper._lock:
        keeper._expires = 0
        keeper._renew_now(catch_up=False)
    assert seen[-1] == hsm.replica.revision


def test_a_process_that_stood_still_in_a_renewal_until_its_lease_ran_out_catches_up_too(cluster, hsm, keeper):
    keeper.serve()
    hsm.activate()
    renew, seen = cluster.store.renew_lease, []
    keeper.member.hsm.extend_lease = lambda _milliseconds: seen.append(keeper.member.replica.revision)

    def late(*arguments):
        keeper._expires = 0
        return renew(*arguments)

    with keeper._lock:
        keeper._store.renew_lease = late
        keeper._renew_now(catch_up=False)
        keeper._store.renew_lease = renew
    assert seen[-1] == hsm.replica.revision


def test_ceasing_needs_no_lock_and_ends_the_engines_lease(keeper):
    keeper.serve()
    with keeper._lock:
        keeper.cease()
    assert keeper.member.hsm.extended[-1] == 0
    assert until(lambda: keeper.member.hsm.extended[-1] == 0)


def test_a_released_lease_is_not_live(cluster, keeper):
    keeper.release()
    assert not next(lease for lease in cluster.store.leases() if lease.name == "hsm/hsm-b").live
    keeper._thread.join()


def unwritable(*_):
    raise StoreUnwritable("the disk is full")


def test_a_store_that_takes_no_change_and_can_be_read_lets_the_engine_serve_on(cluster, hsm, keeper, monkeypatch):
    hsm.activate()
    keeper.serve()
    monkeypatch.setattr(cluster.store, "renew_lease", unwritable)
    assert until(lambda: keeper.trouble() == "the disk is full")
    extended = len(keeper.member.hsm.extended)
    assert until(lambda: len(keeper.member.hsm.extended) > extended)
    assert 2000 < keeper.member.hsm.extended[-1] <= 3000
    assert set(keeper.unwritable) == {3}
    monkeypatch.undo()
    told = len(keeper.unwritable)
    assert until(lambda: not keeper.trouble())
    assert len(keeper.unwritable) > told  # others may serve by reading for as long again


def test_a_store_that_cannot_be_read_either_lets_the_engines_lease_run_out(cluster, hsm, keeper, monkeypatch):
    hsm.activate()
    keeper.serve()
    monkeypatch.setattr(cluster.store, "renew_lease", unwritable)
    monkeypatch.setattr(keeper.member.replica, "catch_up", unwritable)
    assert until(keeper.trouble)
    extended = len(keeper.member.hsm.extended)
    threading.Event().wait(0.3)
    assert len(keeper.member.hsm.extended) <= extended + 1  # a renewal may have been under way


def test_a_store_that_only_this_hsm_cannot_reach_lets_the_engines_lease_run_out(cluster, hsm, keeper, monkeypatch):
    def unavailable(*_):
        raise StoreUnavailable("another writer held it")

    hsm.activate()
    keeper.serve()
    monkeypatch.setattr(cluster.store, "renew_lease", unavailable)
    assert until(keeper.trouble)
    extended = len(keeper.member.hsm.extended)
    threading.Event().wait(0.3)
    assert len(keeper.member.hsm.extended) <= extended + 1
    assert keeper.unwritable == []


def test_an_hsm_that_has_ceased_serves_nothing_by_reading(cluster, hsm, keeper, monkeypatch):
    hsm.activate()
    keeper.serve()
    keeper.cease()
    monkeypatch.setattr(cluster.store, "renew_lease", unwritable)
    assert until(keeper.trouble)
    assert keeper.member.hsm.extended[-1] == 0
