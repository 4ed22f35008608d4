"""docs/how-to/quorum.md as it stands, and a key with a quorum as programs see it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptoki import CKA_LABEL, CryptokiError, Module
from installed import crypto_user
from programs import Workshop

from strongroom.client import (
    Attribute,
    KeyQuorum,
    Mechanism,
    NotPermitted,
    ObjectView,
    QuorumService,
    ReturnCode,
    Session,
    connect,
)
from strongroom.client.curves import known

pytestmark = pytest.mark.cluster

DIGEST = hashlib.sha256(b"a certificate").digest()


def test_the_page_works_as_it_stands(ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    printed = Workshop(ephemeral, tmp_path).follow("quorum.md")
    assert printed.count("Quorum approval is required for this operation") == 2
    assert "Quorum approval is required for this operation: sign with cloudhsm-cli crypto sign" in printed
    assert "error: PKCS11 function" in printed
    assert "Signature verified successfully" in printed


def log_in(environment: Mapping[str, str]) -> Session:
    username, _, password = environment["CLOUDHSM_PIN"].partition(":")
    return connect(environment["STRONGROOM_CONFIG"], username=username, password=password)


def register(session: Session) -> rsa.RSAPrivateKey:
    key = rsa.generate_private_key(65537, 2048)
    token = session.quorum.generate(QuorumService.REGISTRATION)
    session.quorum.register(key.public_key(), token, key.sign(token.approval_data, PKCS1v15(), SHA256()))
    return key


def generate(session: Session, label: str, other: str) -> ObjectView:
    common = {Attribute.TOKEN.value: True, Attribute.LABEL.value: label}
    public = {**common, Attribute.EC_PARAMS.value: known("secp256r1").parameters}
    private = {**common, Attribute.SIGN.value: True}
    mechanism, quorum = Mechanism.EC_KEY_PAIR_GEN, KeyQuorum(2, 2)
    made = session.objects.generate_pair(mechanism, public, private, shared_users=[other], quorum=quorum)
    assert made[0].quorum is None
    return made[1]


def test_the_sdk_signs_with_approvals_and_no_program_without(
    ephemeral: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = crypto_user(ephemeral, "quorum_owner"), crypto_user(ephemeral, "quorum_other")
    with log_in(owner) as session, log_in(other) as second:
        officers = {"quorum_owner": register(session), "quorum_other": register(second)}
        key = generate(session, "quorum-pkcs11", "quorum_other")
        assert session.objects.get(key.reference).quorum == KeyQuorum(2, 2)
        monkeypatch.setenv("STRONGROOM_CONFIG", owner["STRONGROOM_CONFIG"])
        module = Module(owner["STRONGROOM_PKCS11_MODULE"])
        try:
            program = module.session()
            program.login(owner["CLOUDHSM_PIN"])
            found = program.find({CKA_LABEL: b"quorum-pkcs11", 0: (3).to_bytes(8, "little")})
            with pytest.raises(CryptokiError) as refused:
                program.sign(found[0], DIGEST)
            assert refused.value.rv == ReturnCode.KEY_FUNCTION_NOT_PERMITTED
        finally:
            module.finalize()
        with pytest.raises(NotPermitted, match="Quorum approval is required"):
            session.objects.sign(key.reference, Mechanism.ECDSA, DIGEST)
        token = session.quorum.generate(QuorumService.KEY_USAGE, key=key.reference)
        (pending,) = [listed for listed in second.quorum.list() if listed.key == key.reference]
        assert (pending.username, pending.service, pending.approvals_required) == ("quorum_owner", 5, 2)
        for name, officer in officers.items():
            token = token.approved_by(name, officer.sign(token.approval_data, PKCS1v15(), SHA256()))
        assert len(session.objects.sign(key.reference, Mechanism.ECDSA, DIGEST, approval=token)) == 64
        with pytest.raises(NotPermitted, match="the token was used"):
            session.objects.sign(key.reference, Mechanism.ECDSA, DIGEST, approval=token)
        session.objects.destroy(key.reference)
