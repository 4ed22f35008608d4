from __future__ import annotations

import pytest
from software_hsm import SoftwareHsm

from strongroom.client import Cluster, Role, Session


@pytest.fixture
def hsm() -> SoftwareHsm:
    return SoftwareHsm()


@pytest.fixture
def session(hsm: SoftwareHsm) -> Session:
    return Cluster(hsm, "cluster-a").login("alice", Role.CRYPTO_USER, "a-password")
