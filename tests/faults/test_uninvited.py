"""Issue: a process without an approved identity that asks to join gets nothing. Real processes with real identities."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from one_cluster import OneCluster

from strongroom import _native
from strongroom.vocabulary.records import ENVELOPE, JOIN

NO_CONFIGURATION = 78


@pytest.fixture
def member(cluster: OneCluster) -> OneCluster:
    """A cluster of one HSM."""
    cluster.begin("hsm-1")
    return cluster


def start_stranger(cluster: OneCluster, hsm_id: str) -> None:
    """An HSM process of another installation, which somehow reaches the cluster's store."""
    root_key, bundle = cluster.directory / "stranger.key", cluster.directory / "stranger"
    root_key.write_bytes(os.urandom(32))
    bundle.write_bytes(_native.Installation.create(os.open(root_key, os.O_RDONLY)))
    own: Path = cluster.installation
    cluster.installation = bundle
    try:
        cluster.start(hsm_id, root_key=root_key)
    finally:
        cluster.installation = own


def gets_nothing(cluster: OneCluster, hsm_id: str) -> None:
    time.sleep(0.5)
    assert cluster.store.get(ENVELOPE + hsm_id) is None
    status = cluster.status(hsm_id)
    assert status is None or status.health != "ACTIVE"


def test_a_process_whose_membership_nobody_approved_ends_and_gets_nothing(member: OneCluster):
    member.start("hsm-2")
    assert member.exit_code("hsm-2") == NO_CONFIGURATION
    gets_nothing(member, "hsm-2")


def test_an_approved_process_with_an_identity_of_another_installation_gets_nothing(member: OneCluster):
    member.approve("hsm-2")
    start_stranger(member, "hsm-2")
    member.until(lambda: member.store.get(JOIN + "hsm-2"))
    member.until(lambda: '"member": "hsm-2"' in member.log("hsm-1"), lambda: member.log("hsm-1"))
    assert "join refused" in member.log("hsm-1")
    gets_nothing(member, "hsm-2")
    member.kill("hsm-2")


def test_the_statement_of_one_hsm_lets_no_other_in_and_an_edited_one_nobody(member: OneCluster):
    statement = statement_of(member, "hsm-2")
    member.approve("hsm-3")
    member.put(JOIN + "hsm-3", statement)
    member.until(lambda: '"member": "hsm-3"' in member.log("hsm-1"), lambda: member.log("hsm-1"))
    gets_nothing(member, "hsm-3")
    member.approve("hsm-2")
    member.put(JOIN + "hsm-2", bytes([*statement[:-1], statement[-1] ^ 1]))
    member.until(lambda: '"member": "hsm-2"' in member.log("hsm-1"), lambda: member.log("hsm-1"))
    gets_nothing(member, "hsm-2")
    member.put(JOIN + "hsm-2", statement)
    member.until(lambda: member.store.get(ENVELOPE + "hsm-2"))


def statement_of(cluster: OneCluster, hsm_id: str) -> bytes:
    """What an HSM of this installation would publish."""
    hsm = _native.Hsm.start(
        cluster_id=cluster.cluster_id,
        hsm_id=hsm_id,
        mode="NON_FIPS",
        root_key_fd=os.open(cluster.root_key, os.O_RDONLY),
        installation=cluster.installation.read_bytes(),
        allow_unlocked_memory=True,
    )
    hsm.create_identity()
    return hsm.identity_statement()
