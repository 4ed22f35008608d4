"""Sharing as programs see it: the owner by the Python SDK, the other user by the SDK and by PKCS #11."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptoki import CKA_CLASS, CKA_LABEL, CKO_PRIVATE_KEY, CryptokiError, Module
from installed import crypto_user

from strongroom.client import KeyNotFound, NotPermitted, Refused, ReturnCode, Session, connect

pytestmark = pytest.mark.cluster

ECDSA = ec.ECDSA(hashes.SHA256())


def log_in(environment: Mapping[str, str]) -> Session:
    username, _, password = environment["CLOUDHSM_PIN"].partition(":")
    return connect(environment["STRONGROOM_CONFIG"], username=username, password=password)


@pytest.fixture(scope="module")
def owner(ephemeral: Mapping[str, str]) -> Iterator[Session]:
    with log_in(crypto_user(ephemeral, "sharing_owner")) as session:
        yield session


@pytest.fixture(scope="module")
def other(ephemeral: Mapping[str, str]) -> Mapping[str, str]:
    return crypto_user(ephemeral, "sharing_other")


def test_another_user_signs_with_a_shared_key_and_does_nothing_else_with_it(owner: Session, other: Mapping[str, str]):
    pair = owner.keys.generate_ec(label="sharing-sdk")
    assert pair.private.share("Sharing_Other").shared_users == ("sharing_other",)
    with log_in(other) as session:
        key = session.keys.private_key(label="sharing-sdk")
        assert (key.owner, key.shared_users) == ("sharing_owner", ("sharing_other",))
        local = ec.EllipticCurvePublicNumbers(
            pair.public.public_numbers().x, pair.public.public_numbers().y, ec.SECP256R1()
        ).public_key()
        local.verify(key.sign(b"data", ECDSA), b"data", ECDSA)
        for attempt in (
            key.destroy,
            lambda: key.update(label="mine"),
            lambda: key.share("sharing_other"),
            lambda: key.unshare("sharing_other"),
        ):
            with pytest.raises(NotPermitted) as refusal:
                attempt()
            assert refusal.value.code is ReturnCode.ACTION_PROHIBITED
        with pytest.raises(KeyNotFound):
            session.keys.public_key(label="sharing-sdk")
        pair.private.unshare("sharing_other")
        with pytest.raises(KeyNotFound):
            key.refresh()
        with pytest.raises(Refused) as refusal:
            key.sign(b"data", ECDSA)
        assert refusal.value.code is ReturnCode.KEY_HANDLE_INVALID
        assert pair.private.refresh().shared_users == ()
    with pytest.raises(Refused, match="not shared with sharing_other"):
        pair.private.unshare("sharing_other")
    pair.destroy()


def test_a_pkcs11_program_finds_and_uses_a_shared_key_and_cannot_change_or_destroy_it(
    owner: Session, other: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
):
    pair = owner.keys.generate_ec(label="sharing-pkcs11")
    pair.private.share("sharing_other")
    monkeypatch.setenv("STRONGROOM_CONFIG", other["STRONGROOM_CONFIG"])
    module = Module(other["STRONGROOM_PKCS11_MODULE"])
    try:
        session = module.session()
        session.login(other["CLOUDHSM_PIN"])
        wanted = {CKA_LABEL: b"sharing-pkcs11"}
        (key,) = session.find(wanted)
        assert int.from_bytes(session.attribute(key, CKA_CLASS), "little") == CKO_PRIVATE_KEY
        digest = bytes(range(32))
        signature = session.sign(key, digest)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        pair.public.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        for attempt in (lambda: session.destroy(key), lambda: session.change(key, {CKA_LABEL: b"mine"})):
            with pytest.raises(CryptokiError) as refusal:
                attempt()
            assert refusal.value.rv == ReturnCode.ACTION_PROHIBITED
        assert session.sign(key, digest)
        pair.private.unshare("sharing_other")
        with pytest.raises(CryptokiError) as refusal:
            session.sign(key, digest)
        assert refusal.value.rv == ReturnCode.KEY_HANDLE_INVALID
        assert session.find(wanted) == []
    finally:
        module.finalize()
    pair.destroy()
