"""Whose clients are let in: trust anchors, their enforcement, and everything that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.hsm.settings import Settings
from strongroom.storage.interface import Transaction, Write
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.records import MUTUAL_TLS
from strongroom.vocabulary.roles import Role

ARGUMENTS_BAD, DEVICE_MEMORY, PROHIBITED, DATA_LEN_RANGE, USER_TYPE = 0x07, 0x31, 0x1B, 0x21, 0x103


class Admin:
    """What the tests ask for as the user ``admin``, over a connection with a certificate unless they say otherwise."""

    def __init__(self, hsm: Any) -> None:
        hsm.activate()
        self.hsm, self.login = hsm, hsm.admin()

    def register(self, certificate: str = "pem one", **options: Any) -> Any:
        return self.hsm.call(Operation.MTLS_REGISTER, {"certificate": certificate}, self.login, **options)

    def deregister(self, reference: int) -> Any:
        return self.hsm.call(Operation.MTLS_DEREGISTER, {"references": [reference]}, self.login)

    def enforce(self, enforced: bool = True, login: Any = None, is_mutual: bool = True) -> Any:
        body = {"enforced": enforced}
        return self.hsm.call(Operation.MTLS_SET_ENFORCEMENT, body, login or self.login, is_mutual=is_mutual)

    def policy(self) -> Any:
        return self.hsm.call(Operation.MTLS_LIST)


@pytest.fixture
def admin(hsm) -> Admin:
    return Admin(hsm)


def anchor(reference: int, certificate: str) -> dict[str, object]:
    return {"reference": reference, "certificate": certificate}


def test_two_anchors_are_registered_and_their_places_are_used_again(cluster, hsm, admin: Admin) -> None:
    assert admin.policy() == {"anchors": [], "enforced": False}
    assert admin.register() == anchor(1, "pem one")
    assert admin.register("pem two") == anchor(2, "pem two")
    assert hsm.hsm.client_trust == ([b"pem one", b"pem two"], False)
    refused = admin.register("pem three")
    assert (refused.rv, refused.text[:43]) == (DEVICE_MEMORY, "Maximum number of certificates registered. "[:43])
    assert admin.deregister(1) == {}
    assert admin.register("pem three") == anchor(1, "pem three")
    assert admin.policy()["anchors"] == [anchor(1, "pem three"), anchor(2, "pem two")]


@pytest.mark.parametrize(
    ("certificate", "rv", "text"),
    [
        ("pem one", ARGUMENTS_BAD, "Invalid Certificate: Trust anchor already exists."),
        ("nothing", ARGUMENTS_BAD, "Invalid Certificate: it is not valid PEM"),
        ("pem" + " " * 6_980, DATA_LEN_RANGE, "Oversized Certificate: Certificate is too long"),
    ],
)
def test_what_is_no_new_certificate_is_refused(admin: Admin, certificate: str, rv: int, text: str) -> None:
    admin.register()
    before = admin.policy()
    refused = admin.register(certificate)
    assert refused.rv == rv
    assert refused.text.startswith(text)
    assert admin.policy() == before


def test_how_many_trust_anchors_and_how_long_they_are_is_a_setting(cluster) -> None:
    hsm = cluster.member(settings=Settings(max_trust_anchors=3, max_trust_anchor_bytes=9))
    admin = Admin(hsm)
    for number, name in enumerate(("one", "two", "three"), 1):
        assert admin.register(f"pem {name}") == anchor(number, f"pem {name}")
    refused = admin.register("pem four")
    assert (refused.rv, refused.text) == (0x31, "Maximum number of certificates registered. Deregister one first.")
    assert admin.register("pem  three").rv == DATA_LEN_RANGE
    assert len(admin.policy()["anchors"]) == 3


def test_a_repeated_registration_gets_the_first_answer(admin: Admin) -> None:
    first = admin.register(request_id=b"r" * 16)
    assert admin.register(request_id=b"r" * 16) == first
    assert len(admin.policy()["anchors"]) == 1


def test_enforcement_needs_the_user_admin_a_certificate_and_an_anchor(cluster, hsm, admin: Admin) -> None:
    assert admin.enforce().rv == PROHIBITED
    admin.register()
    refused = admin.enforce(is_mutual=False)
    assert (refused.rv, refused.text) == (
        PROHIBITED,
        "Failed to set the mtls enforcement. Current connection must be mtls to set this enforcement.",
    )
    body = {"username": "carol", "role": int(Role.ADMIN), "password": cluster.Password("carol-password")}
    hsm.call(Operation.USER_CREATE, body, admin.login)
    carol = hsm.login("carol", "carol-password", Role.ADMIN)
    assert admin.enforce(login=carol).rv == USER_TYPE
    assert admin.policy()["enforced"] is False
    assert admin.enforce() == {}
    assert hsm.hsm.client_trust == ([b"pem one"], True)
    assert admin.deregister(1).rv == PROHIBITED
    assert admin.enforce(False, is_mutual=False).rv == PROHIBITED
    assert admin.enforce(False) == {}
    assert admin.deregister(1) == {}
    assert admin.deregister(1).rv == ARGUMENTS_BAD


def test_every_hsm_goes_by_it_and_the_audit_log_tells_of_it(cluster, hsm, admin: Admin) -> None:
    other = cluster.member("hsm-b")
    admin.register()
    admin.enforce()
    other.replica.catch_up()
    assert other.hsm.client_trust == ([b"pem one"], True)
    assert [entry.opcode for entry in hsm.entries()[-2:]] == [
        "CN_CERT_AUTH_STORE_CERT",
        "CN_CERT_AUTH_VALIDATE_PEER_CERTS",
    ]


def test_an_altered_policy_lets_nobody_in(cluster, hsm, admin: Admin) -> None:
    admin.register()
    record = hsm.store.get(MUTUAL_TLS)
    altered = record.value[:-1] + bytes([record.value[-1] ^ 1])
    hsm.store.transact(Transaction(writes=(Write(MUTUAL_TLS, altered),)))
    other = cluster.member("hsm-b")
    other.replica.catch_up()
    assert MUTUAL_TLS in other.replica.damaged
    assert other.hsm.client_trust == ([], True)
