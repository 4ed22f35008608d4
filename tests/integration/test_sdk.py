"""The Python SDK against a real cluster. What its keys do is checked by pyca/cryptography's own keys and by OpenSSL."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import cmac, hashes, hmac, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from self_signed import self_signed

from strongroom.client import (
    Attribute,
    Cluster,
    ConnectionFailed,
    DecryptionFailed,
    Hash,
    HsmAesKey,
    HsmGenericSecret,
    KeyNotFound,
    KeyType,
    LoginFailed,
    Mechanism,
    MechanismParameters,
    NotPermitted,
    ObjectClass,
    Refused,
    ReturnCode,
    Role,
    Session,
    SignatureInvalid,
    Usage,
    connect,
)

pytestmark = pytest.mark.cluster

CKK_AES_XTS = 0x35
ECDSA = ec.ECDSA(hashes.SHA256())
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


@pytest.fixture(scope="module")
def session(ephemeral: Mapping[str, str]) -> Iterator[Session]:
    username, _, password = ephemeral["CLOUDHSM_PIN"].partition(":")
    with connect(ephemeral["STRONGROOM_CONFIG"], username=username, password=password) as logged_in:
        yield logged_in


@pytest.fixture(scope="module")
def admin(ephemeral: Mapping[str, str]) -> Iterator[Session]:
    username, _, password = ephemeral["STRONGROOM_ADMIN_PIN"].partition(":")
    with connect(ephemeral["STRONGROOM_CONFIG"], username=username, password=password, role=Role.ADMIN) as logged_in:
        yield logged_in


@pytest.fixture(scope="module")
def rsa_pair(session: Session):
    usage = {Usage.SIGN, Usage.DECRYPT, Usage.UNWRAP}
    return session.keys.generate_rsa(2048, label="rsa", usage=usage, persistent=False)


@pytest.fixture(scope="module")
def ec_pair(session: Session):
    return session.keys.generate_ec(label="ec", persistent=False)


# -- connecting -------------------------------------------------------------------------------------------------------
def test_connect_takes_cluster_and_user_from_the_environment(
    ephemeral: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STRONGROOM_CONFIG", "CLOUDHSM_ROLE", "CLOUDHSM_PIN"):
        monkeypatch.setenv(name, ephemeral[name])
    with connect() as session:
        assert (session.username, session.role) == (ephemeral["CLOUDHSM_PIN"].partition(":")[0], Role.CRYPTO_USER)
        assert len(session.random(16)) == 16


def test_a_wrong_password_is_refused_without_showing_it(ephemeral: Mapping[str, str]) -> None:
    username = ephemeral["CLOUDHSM_PIN"].partition(":")[0]
    with pytest.raises(LoginFailed) as refusal:
        connect(ephemeral["STRONGROOM_CONFIG"], username=username, password="not-the-password")
    assert refusal.value.code is ReturnCode.PIN_INCORRECT
    assert refusal.value.hint is not None
    assert "not-the-password" not in repr(refusal.value) + str(refusal.value)


def test_a_cluster_that_is_not_there_is_a_connection_that_failed(ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    written = Path(ephemeral["STRONGROOM_CONFIG"])
    configuration = json.loads(written.read_text())
    cluster = configuration["clusters"][0]["cluster"]
    cluster["hsm_ca_file"] = str(written.parent / cluster["hsm_ca_file"])
    cluster["servers"] = [{"hostname": "127.0.0.1", "port": 9, "enable": True}]
    (tmp_path / "client.json").write_text(json.dumps(configuration))
    with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:9"):
        connect(tmp_path / "client.json", username="alice", password="a-password")


def test_users_and_hsms_are_seen_without_a_login(ephemeral: Mapping[str, str]) -> None:
    with Cluster.open(ephemeral["STRONGROOM_CONFIG"]) as cluster:
        assert "admin" in {user.username for user in cluster.users()}
        assert len(cluster.hsms()) == 1


def test_session_keys_end_with_their_login_and_sessions_with_logout(ephemeral: Mapping[str, str]) -> None:
    username, _, password = ephemeral["CLOUDHSM_PIN"].partition(":")
    with Cluster.open(ephemeral["STRONGROOM_CONFIG"]) as cluster:
        with cluster.login(username, Role.CRYPTO_USER, password) as first:
            key = first.keys.generate_aes(label="passing", persistent=False)
            assert not key.refresh().is_persistent
        with cluster.login(username, Role.CRYPTO_USER, password) as second:
            with pytest.raises(KeyNotFound):
                second.keys.by_reference(key.reference)
            with pytest.raises(Refused, match="is over"):
                key.encrypt(b"data")


# -- signatures -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("salt_length", [0, padding.PSS.DIGEST_LENGTH, padding.PSS.MAX_LENGTH])
def test_pss_signatures_with_each_salt_length_verify_inside_and_outside(rsa_pair, salt_length: int) -> None:
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length)
    signature = rsa_pair.private.sign(b"data", scheme, hashes.SHA256())
    rsa_pair.private.public_key().verify(signature, b"data", scheme, hashes.SHA256())
    rsa_pair.public.verify(signature, b"data", scheme, hashes.SHA256())
    with pytest.raises(InvalidSignature):
        rsa_pair.public.verify(signature, b"other", scheme, hashes.SHA256())


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA224(), hashes.SHA384(), hashes.SHA512()])
def test_pkcs1_and_ecdsa_signatures_with_each_hash_verify_outside(rsa_pair, ec_pair, algorithm) -> None:
    scheme = padding.PKCS1v15()
    signature = rsa_pair.private.sign(b"data", scheme, algorithm)
    rsa_pair.public.local().verify(signature, b"data", scheme, algorithm)
    signature = ec_pair.private.sign(b"data", ec.ECDSA(algorithm))
    ec_pair.public.local().verify(signature, b"data", ec.ECDSA(algorithm))


def test_signatures_made_outside_verify_inside(session: Session) -> None:
    for key in (ec.generate_private_key(ec.SECP521R1()), rsa.generate_private_key(65537, 2048)):
        public = session.keys.import_public_key(key.public_key(), label="theirs", persistent=False)
        digest = hashes.Hash(hashes.SHA256())
        digest.update(b"data")
        prehashed = Prehashed(hashes.SHA256())
        if isinstance(key, rsa.RSAPrivateKey):
            public.verify(key.sign(b"data", PSS, hashes.SHA256()), digest.finalize(), PSS, prehashed)  # type: ignore[attr-defined]
        else:
            public.verify(key.sign(b"data", ECDSA), digest.finalize(), ec.ECDSA(prehashed))  # type: ignore[attr-defined]
        assert public == key.public_key()


def test_an_imported_private_key_signs_as_the_same_key(session: Session) -> None:
    local = ec.generate_private_key(ec.SECP256K1())
    inside = session.keys.import_private_key(local, label="mine", persistent=False)
    assert isinstance(inside, ec.EllipticCurvePrivateKey)
    local.public_key().verify(inside.sign(b"data", ECDSA), b"data", ECDSA)
    assert inside.attributes[Attribute.ALWAYS_SENSITIVE] is False


def test_ed25519_signs_and_verifies_where_the_mode_allows_it(
    ephemeral_non_fips: Mapping[str, str], session: Session
) -> None:
    username, _, password = ephemeral_non_fips["CLOUDHSM_PIN"].partition(":")
    with connect(ephemeral_non_fips["STRONGROOM_CONFIG"], username=username, password=password) as other:
        pair = other.keys.generate_ed25519(label="ed", persistent=False)
        signature = pair.private.sign(b"data")
        pair.private.public_key().verify(signature, b"data")
        pair.public.verify(signature, b"data")
        with pytest.raises(InvalidSignature):
            pair.public.verify(signature, b"other")
        data = os.urandom(3_000_000)
        signature = pair.private.sign(data)
        pair.public.local().verify(signature, data)
        pair.public.verify(signature, data)
        with pytest.raises(InvalidSignature):
            pair.public.verify(signature, data[1:])
    with pytest.raises(Refused) as refusal:
        session.keys.generate_ed25519(label="ed", persistent=False)
    assert refusal.value.code is ReturnCode.MECHANISM_INVALID


# -- encryption -------------------------------------------------------------------------------------------------------
def test_oaep_goes_in_and_comes_out(rsa_pair) -> None:
    labelled = padding.OAEP(padding.MGF1(hashes.SHA384()), hashes.SHA384(), b"label")
    for scheme in (OAEP, labelled):
        assert rsa_pair.private.decrypt(rsa_pair.public.local().encrypt(b"secret", scheme), scheme) == b"secret"
        assert rsa_pair.private.decrypt(rsa_pair.public.encrypt(b"secret", scheme), scheme) == b"secret"
    with pytest.raises(ValueError, match="not encrypted with this key") as caught:
        rsa_pair.private.decrypt(bytes(255) + b"\x01", OAEP)
    assert isinstance(caught.value, DecryptionFailed)


@pytest.fixture(scope="module")
def known_aes(session: Session) -> tuple[HsmAesKey, bytes]:
    """A key in the HSM, and its value, which only a test has."""
    value = os.urandom(32)
    usage = set(Usage) - {Usage.DERIVE}
    return session.keys.import_aes(value, label="known", usage=usage, persistent=False), value


def test_aes_gcm_is_what_pyca_has(known_aes: tuple[HsmAesKey, bytes]) -> None:
    key, value = known_aes
    sealed = key.encrypt(b"plaintext", b"header")
    assert AESGCM(value).decrypt(sealed[:12], sealed[12:], b"header") == b"plaintext"
    iv = os.urandom(12)
    assert key.decrypt(iv + AESGCM(value).encrypt(iv, b"back", b"header"), b"header") == b"back"
    for altered, header in ((sealed[:-1] + bytes([sealed[-1] ^ 1]), b"header"), (sealed, b"other"), (b"", b"")):
        with pytest.raises(DecryptionFailed):
            key.decrypt(altered, header)


def test_macs_are_what_pyca_has(session: Session, known_aes: tuple[HsmAesKey, bytes]) -> None:
    aes, value = known_aes
    reference = cmac.CMAC(algorithms.AES(value))
    reference.update(b"data")
    assert aes.mac(b"data") == reference.finalize()
    secret_value = os.urandom(48)
    secret = session.keys.import_generic_secret(secret_value, label="mac", persistent=False)
    for name in Hash:
        expected = hmac.HMAC(secret_value, getattr(hashes, name.upper().replace("-", "_"))())
        expected.update(b"data")
        mac = secret.mac(b"data", name)
        assert mac == expected.finalize()
        secret.verify_mac(b"data", mac, name)
        with pytest.raises(SignatureInvalid):
            secret.verify_mac(b"other", mac, name)
    with pytest.raises(SignatureInvalid):
        aes.verify_mac(b"other", aes.mac(b"data"))


def test_long_data_is_encrypted_and_macs_are_made_as_of_short(
    session: Session, known_aes: tuple[HsmAesKey, bytes]
) -> None:
    key, value = known_aes
    data = os.urandom(3_000_000)
    sealed = key.encrypt(data, b"header")
    assert AESGCM(value).decrypt(sealed[:12], sealed[12:], b"header") == data
    assert key.decrypt(sealed, b"header") == data
    with pytest.raises(DecryptionFailed):
        key.decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]), b"header")
    reference = cmac.CMAC(algorithms.AES(value))
    reference.update(data)
    assert key.mac(data) == reference.finalize()
    key.verify_mac(data, key.mac(data))
    with pytest.raises(SignatureInvalid):
        key.verify_mac(data[1:], key.mac(data))
    made = session.objects.encrypt(key.reference, Mechanism.AES_GCM, data, MechanismParameters(tag_bits=128))
    assert made.iv is not None
    assert AESGCM(value).decrypt(made.iv, made.data, None) == data
    parameters = MechanismParameters(tag_bits=128)
    signed = session.objects.sign(key.reference, Mechanism.AES_GMAC, data, parameters)
    assert signed[12:] == AESGCM(value).encrypt(signed[:12], b"", data), "the IV stands in front, as with short data"


def test_ccm_and_xts_take_long_data_too(session: Session, known_aes: tuple[HsmAesKey, bytes]) -> None:
    key, value = known_aes
    data, nonce, tweak = os.urandom(3_000_000), os.urandom(12), os.urandom(16)
    parameters = MechanismParameters(iv=nonce, aad=b"header", tag_bits=128)
    sealed = session.objects.encrypt(key.reference, Mechanism.AES_CCM, data, parameters).data
    assert sealed == AESCCM(value).encrypt(nonce, data, b"header")
    assert session.objects.decrypt(key.reference, Mechanism.AES_CCM, sealed, parameters) == data
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    with pytest.raises(DecryptionFailed):
        session.objects.decrypt(key.reference, Mechanism.AES_CCM, altered, parameters)
    parameters, xts_value = MechanismParameters(iv=tweak), os.urandom(64)
    template = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: CKK_AES_XTS, Attribute.VALUE: xts_value}
    usage = {Attribute.ENCRYPT: True, Attribute.DECRYPT: True, Attribute.TOKEN: False}
    xts = session.objects.create({int(kind): attribute for kind, attribute in (template | usage).items()}).reference
    encryptor = Cipher(algorithms.AES(xts_value), modes.XTS(tweak)).encryptor()
    assert session.objects.encrypt(xts, Mechanism.AES_XTS, data, parameters).data == encryptor.update(data)
    request = 2**20 - 4096
    for length in (request, request + 1, request + 16, 2 * request + 15):
        encrypted = session.objects.encrypt(xts, Mechanism.AES_XTS, data[:length], parameters).data
        assert session.objects.decrypt(xts, Mechanism.AES_XTS, encrypted, parameters) == data[:length]


@pytest.mark.parametrize("mechanism", [Mechanism.AES_ECB, Mechanism.AES_CBC, Mechanism.AES_CTR])
def test_modes_without_a_tag_take_long_data_too(
    session: Session, known_aes: tuple[HsmAesKey, bytes], mechanism: Mechanism
) -> None:
    key, value = known_aes
    data = os.urandom(3_000_000)
    # The low 24 bits begin to count at 0xfffff0 less the blocks of the data, so that they carry and do not come round.
    block = (0xFFFFF0 - len(data) // 16).to_bytes(16, "big")
    ways: dict[Mechanism, tuple[modes.Mode, MechanismParameters | None]] = {
        Mechanism.AES_ECB: (modes.ECB(), None),  # noqa: S305 - what is compared with
        Mechanism.AES_CBC: (modes.CBC(block), MechanismParameters(iv=block)),
        Mechanism.AES_CTR: (modes.CTR(block), MechanismParameters(iv=block, counter_bits=24)),
    }
    mode, parameters = ways[mechanism]
    encrypted = session.objects.encrypt(key.reference, mechanism, data, parameters).data
    assert encrypted == Cipher(algorithms.AES(value), mode).encryptor().update(data)
    assert session.objects.decrypt(key.reference, mechanism, encrypted, parameters) == data
    if mechanism is Mechanism.AES_CTR:
        uneven = data[: 2 * 2**20 + 5]
        assert session.objects.encrypt(key.reference, mechanism, uneven, parameters).data == encrypted[: len(uneven)]
    else:
        with pytest.raises(Refused) as refusal:
            session.objects.encrypt(key.reference, mechanism, data[:-1], parameters)
        assert refusal.value.code is ReturnCode.DATA_LEN_RANGE


@pytest.mark.parametrize("mechanism", [Mechanism.DES3_ECB, Mechanism.DES3_CBC, Mechanism.DES3_CBC_PAD])
def test_3des_takes_long_data_too(ephemeral_non_fips: Mapping[str, str], mechanism: Mechanism) -> None:
    data, value, iv = os.urandom(3_000_000), os.urandom(24), os.urandom(8)
    is_chained = mechanism is not Mechanism.DES3_ECB
    parameters = MechanismParameters(iv=iv) if is_chained else None
    mode = modes.CBC(iv) if is_chained else modes.ECB()  # noqa: S305 - what is compared with
    template = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.DES3, Attribute.VALUE: value}
    usage = {Attribute.ENCRYPT: True, Attribute.DECRYPT: True, Attribute.TOKEN: False}
    username, _, password = ephemeral_non_fips["CLOUDHSM_PIN"].partition(":")
    with connect(ephemeral_non_fips["STRONGROOM_CONFIG"], username=username, password=password) as session:
        objects = session.objects
        key = objects.create({int(kind): attribute for kind, attribute in (template | usage).items()}).reference
        encrypted = objects.encrypt(key, mechanism, data, parameters).data
        assert encrypted[: len(data)] == Cipher(TripleDES(value), mode).encryptor().update(data)
        assert objects.decrypt(key, mechanism, encrypted, parameters) == data


def test_a_counter_that_would_come_round_in_long_data_is_refused(
    session: Session, known_aes: tuple[HsmAesKey, bytes]
) -> None:
    key, _ = known_aes
    request = 2**20 - 4096
    # The first request would use up the counter to its last value, and the second begin it again.
    block = (2**24 - request // 16).to_bytes(16, "big")
    parameters = MechanismParameters(iv=block, counter_bits=24)
    assert len(session.objects.encrypt(key.reference, Mechanism.AES_CTR, bytes(request), parameters).data) == request
    with pytest.raises(Refused, match="would wrap around") as refusal:
        session.objects.encrypt(key.reference, Mechanism.AES_CTR, bytes(request + 1), parameters)
    assert refusal.value.code is ReturnCode.DATA_LEN_RANGE


def test_other_modes_are_in_the_layer_below(session: Session, known_aes: tuple[HsmAesKey, bytes]) -> None:
    key, value = known_aes
    iv = os.urandom(16)
    parameters = MechanismParameters(iv=iv)
    made = session.objects.encrypt(key.reference, Mechanism.AES_CBC, bytes(32), parameters)
    encryptor = Cipher(algorithms.AES(value), modes.CBC(iv)).encryptor()
    assert made.data == encryptor.update(bytes(32)) + encryptor.finalize()
    assert session.objects.decrypt(key.reference, Mechanism.AES_CBC, made.data, parameters) == bytes(32)
    made = session.objects.encrypt(key.reference, Mechanism.AES_GCM, b"x", MechanismParameters(tag_bits=128))
    assert made.iv is not None
    assert AESGCM(value).decrypt(made.iv, made.data, None) == b"x"


# -- wrapping ---------------------------------------------------------------------------------------------------------
def test_a_wrapped_key_is_the_key_and_comes_back(session: Session, known_aes: tuple[HsmAesKey, bytes]) -> None:
    wrapping, wrapping_value = known_aes
    value = os.urandom(40)
    secret = session.keys.import_generic_secret(value, label="out", extractable=True, persistent=False)
    wrapped = wrapping.wrap(secret)
    assert keywrap.aes_key_unwrap_with_padding(wrapping_value, wrapped) == value
    back = wrapping.unwrap(wrapped, KeyType.GENERIC_SECRET, label="back", persistent=False)
    assert isinstance(back, HsmGenericSecret)
    assert back.mac(b"data") == secret.mac(b"data")
    assert not back.is_extractable
    of_one_hmac = wrapping.unwrap(wrapped, KeyType.SHA384_HMAC, label="back", persistent=False)
    assert isinstance(of_one_hmac, HsmGenericSecret)
    assert of_one_hmac.mac(b"data") == secret.mac(b"data", Hash.SHA384)
    of_one_hmac.verify_mac(b"data", secret.mac(b"data", Hash.SHA384))
    with pytest.raises(Refused, match="does not work with a key of this type"):
        of_one_hmac.mac(b"data", Hash.SHA256)
    pair = session.keys.generate_ec(label="out", extractable=True, persistent=False)
    private = wrapping.unwrap(wrapping.wrap(pair.private), KeyType.EC, label="back", persistent=False)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    pair.public.verify(private.sign(b"data", ECDSA), b"data", ECDSA)
    with pytest.raises(DecryptionFailed):
        wrapping.unwrap(wrapped[:-1] + bytes([wrapped[-1] ^ 1]), KeyType.GENERIC_SECRET, label="no", persistent=False)


def test_rsa_wraps_a_secret_key_with_oaep(session: Session, rsa_pair) -> None:
    local = rsa.generate_private_key(65537, 2048)
    wrapping = session.keys.import_public_key(local.public_key(), label="w", usage={Usage.WRAP}, persistent=False)
    value = os.urandom(32)
    secret = session.keys.import_aes(value, label="out", extractable=True, persistent=False)
    assert local.decrypt(wrapping.wrap(secret), OAEP) == value  # type: ignore[attr-defined]
    wrapped = rsa_pair.public.local().encrypt(value, OAEP)
    back = rsa_pair.private.unwrap(wrapped, KeyType.AES, label="back", persistent=False)
    assert secret.decrypt(back.encrypt(b"data")) == b"data"


def test_a_key_that_is_not_extractable_is_not_wrapped(session: Session, known_aes: tuple[HsmAesKey, bytes]) -> None:
    kept = session.keys.generate_aes(label="kept", persistent=False)
    with pytest.raises(NotPermitted) as refusal:
        known_aes[0].wrap(kept)
    assert refusal.value.code is ReturnCode.KEY_UNEXTRACTABLE
    with pytest.raises(NotPermitted):
        kept.update(attributes={Attribute.EXTRACTABLE: True})


def test_a_key_for_trusted_wrapping_waits_for_an_admins_word(session: Session, admin: Session) -> None:
    wrapping = session.keys.generate_aes(label="to be trusted", usage={Usage.WRAP, Usage.UNWRAP})
    kept = session.keys.generate_aes(label="choosy", extractable=True, wrap_with_trusted=True, persistent=False)
    with pytest.raises(NotPermitted) as refusal:
        wrapping.wrap(kept)
    assert refusal.value.code is ReturnCode.KEY_NOT_WRAPPABLE
    with pytest.raises(Refused):
        wrapping.update(trusted=True)
    admin.keys.get(label="to be trusted").update(trusted=True)
    assert wrapping.refresh().is_trusted
    assert len(wrapping.wrap(kept)) == 40
    wrapping.destroy()


# -- attributes, certificates, users ----------------------------------------------------------------------------------
def test_a_key_is_found_changed_and_destroyed(session: Session) -> None:
    key = session.keys.generate_aes(128, label="first", id=b"\x0a\x0b")
    assert session.keys.aes_key(label="first") == key
    assert [found.reference for found in session.keys.find(id=b"\x0a\x0b")] == [key.reference]
    key.update(label="second", usage={Usage.DECRYPT})
    with pytest.raises(NotPermitted) as refusal:
        key.encrypt(b"data")
    assert refusal.value.code is ReturnCode.KEY_FUNCTION_NOT_PERMITTED
    assert refusal.value.hint == "The key was made without this usage; its owner changes that with key.update(usage=…)."
    found = session.keys.get(label="second", object_class=ObjectClass.SECRET_KEY)
    assert (found.usage, found.key_type, found.is_persistent) == ({Usage.DECRYPT}, KeyType.AES, True)
    assert (found.owner, found.attributes[Attribute.VALUE_LEN]) == (session.username, 16)
    key.destroy()
    with pytest.raises(KeyNotFound):
        key.refresh()
    with pytest.raises(Refused):
        key.decrypt(bytes(32))


def test_a_certificate_is_kept_beside_its_key(session: Session) -> None:
    pair = session.keys.generate_ec(label="tls", persistent=False)
    certificate = self_signed(pair.private, hashes.SHA256())
    stored = session.certificates.store(certificate, label="tls", id=pair.private.id, persistent=False)
    assert session.certificates.get(id=pair.private.id).load() == certificate
    assert session.certificates.get(label="tls").reference == stored.reference
    assert stored.reference in {found.reference for found in session.certificates.find()}
    stored.destroy()
    with pytest.raises(KeyNotFound, match="No certificate"):
        session.certificates.get(label="tls")


def test_an_admin_manages_users_and_a_crypto_user_does_not(
    ephemeral: Mapping[str, str], admin: Session, session: Session
) -> None:
    config = ephemeral["STRONGROOM_CONFIG"]
    admin.users.create("carol", password="first-password")
    with connect(config, username="carol", password="first-password") as carol:
        carol.change_password("second-password")
        carol.keys.generate_aes(label="hers", persistent=False)
    admin.users.change_password("carol", password="third-password")
    with pytest.raises(LoginFailed):
        connect(config, username="carol", password="second-password")
    assert ("carol", Role.CRYPTO_USER) in {(user.username, user.role) for user in admin.users.list()}
    admin.users.delete("carol")
    assert "carol" not in {user.username for user in admin.users.list()}
    for refused in (
        lambda: session.users.create("dave", password="a-password"),
        lambda: admin.keys.generate_aes(label="an admin's"),
    ):
        with pytest.raises(NotPermitted) as refusal:
            refused()
        assert refusal.value.code is ReturnCode.USER_TYPE_INVALID


# -- threads and processes --------------------------------------------------------------------------------------------
def test_threads_share_a_session(session: Session, ec_pair) -> None:
    aes = session.keys.generate_aes(label="shared", persistent=False)

    def work(number: int) -> None:
        data = number.to_bytes(8)
        ec_pair.public.local().verify(ec_pair.private.sign(data, ECDSA), data, ECDSA)
        assert aes.decrypt(aes.encrypt(data)) == data
        if number % 40 == 0:
            made = session.keys.generate_aes(label=f"thread {number}", persistent=False)
            assert session.keys.aes_key(label=f"thread {number}") == made

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, range(400))) == [None] * 400


def test_a_handle_cannot_be_pickled_away_from_its_login(ec_pair) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(ec_pair.private)


def test_random_bytes_are_as_many_as_asked_for_and_differ(session: Session) -> None:
    made = session.random(100_000)
    assert len(made) == 100_000
    assert len({made[start : start + 16] for start in range(0, 99_984, 16)}) == 6249
