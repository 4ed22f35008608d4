"""``docs/reference/sealing.md``, read by another implementation.

The golden files that the boundary must open for ever are opened here with pyca/cryptography, by the page and not by
our own code. Their masking key and root key are fixed and for tests only.
"""

import hashlib
import hmac
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHMAC
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

GOLDEN = Path(__file__).parents[2] / "crates" / "boundary" / "tests" / "golden"
MASKING_KEY = b"strongroom test masking key only"
ROOT_KEY = b"\x52" * 32
CLUSTER = b"cluster-aaaaaaaaaaa"
HSM = b"hsm-aaaaaaaaaaa"
REFERENCE = b"object/0123456789abcdef"


def sample(name: str) -> bytes:
    return bytes.fromhex((GOLDEN / f"{name}.hex").read_text())


def derive(key: bytes, label: str, context: bytes = b"") -> bytes:
    """SP 800-108, counter mode, HMAC-SHA-256, 32-bit counter and length, 256 bits."""
    return KBKDFHMAC(
        algorithm=hashes.SHA256(),
        mode=Mode.CounterMode,
        length=32,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=label.encode(),
        context=context,
        fixed=None,
    ).derive(key)


def parts(*bound: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in bound)


def open_record(purpose_key: bytes, purpose: int, epoch: int, bound: tuple[bytes, ...], sealed: bytes) -> bytes:
    header, ciphertext = sealed[:38], sealed[38:]
    assert header[0] == 1
    assert header[1] == purpose
    assert int.from_bytes(header[2:6], "big") == epoch
    record_key = derive(purpose_key, "strongroom/record", header[6:])
    return AESGCM(record_key).decrypt(bytes(12), ciphertext, header + parts(*bound))


def decode(plaintext: bytes) -> dict[int, object]:
    return msgspec.msgpack.decode(plaintext, type=dict[int, object])


def test_rule_and_key_records_open_as_the_page_says():
    rule = open_record(
        derive(MASKING_KEY, "strongroom/rule"),
        17,
        1,
        (CLUSTER, b"user/alice", (7).to_bytes(8, "big"), b""),
        sample("rule"),
    )
    assert rule == b"a rule record"
    material = open_record(
        derive(MASKING_KEY, "strongroom/object"),
        16,
        1,
        (CLUSTER, REFERENCE, (2).to_bytes(8, "big"), b"public attributes"),
        sample("object"),
    )
    assert material == b"key material"


def test_a_record_does_not_open_with_other_bound_parts():
    with pytest.raises(InvalidTag):
        open_record(
            derive(MASKING_KEY, "strongroom/object"),
            16,
            1,
            (CLUSTER, REFERENCE, (2).to_bytes(8, "big"), b"Public attributes"),
            sample("object"),
        )


def test_a_ticket_opens_as_the_page_says():
    plaintext = open_record(derive(MASKING_KEY, "strongroom/ticket"), 18, 1, (CLUSTER,), sample("ticket"))
    assert decode(plaintext) == {1: 0x0123456789ABCDEF, 2: "alice", 3: 1, 4: 3, 5: b"\x04" * 32, 6: 1_800_000_000}


def test_an_anchor_opens_as_the_page_says():
    plaintext = open_record(derive(ROOT_KEY, "strongroom/anchor"), 4, 0, (CLUSTER, HSM), sample("anchor"))
    assert plaintext == (9).to_bytes(8, "big") + b"a head"


def test_a_verifier_is_computed_as_the_page_says():
    verifier = sample("verifier")
    assert verifier[0] == 1
    assert int.from_bytes(verifier[1:5], "big") == 1
    iterations = int.from_bytes(verifier[5:9], "big")
    stretched = hashlib.pbkdf2_hmac("sha512", b"defaultpassword", verifier[9:25], iterations)
    pepper = derive(MASKING_KEY, "strongroom/password-pepper")
    assert verifier[25:] == hmac.digest(pepper, b"strongroom verifier 1\0" + stretched, "sha512")


def test_digests_are_computed_as_the_page_says():
    audit = hmac.digest(derive(MASKING_KEY, "strongroom/audit"), b"entry", "sha256")
    request = hmac.digest(derive(MASKING_KEY, "strongroom/request-digest"), b"\0\5body", "sha256")
    assert audit + request == sample("digests")


def test_heads_are_computed_as_the_page_says():
    head_key = derive(MASKING_KEY, "strongroom/head")
    index_key = derive(MASKING_KEY, "strongroom/index")

    def summand(key: bytes, version: int) -> int:
        return int.from_bytes(hmac.digest(index_key, b"\1" + parts(key) + version.to_bytes(8, "big"), "sha256"), "big")

    heads = []
    previous_mac, total = bytes(32), 0
    writes = [(b"user/alice", 1, b"\1" * 32), (REFERENCE, 2, b"\2" * 32)]
    for revision, (key, version, digest) in enumerate(writes, start=1):
        write = parts(key) + b"\0" + bytes(8) + b"\1" + version.to_bytes(8, "big") + digest
        link = hashlib.sha256(previous_mac + hashlib.sha256(write).digest()).digest()
        total += summand(key, version)
        blinding = int.from_bytes(hmac.digest(index_key, b"\0" + link, "sha256"), "big")
        body = (
            b"\1"
            + (1).to_bytes(4, "big")
            + revision.to_bytes(8, "big")
            + revision.to_bytes(8, "big")
            + ((total + blinding) % 2**256).to_bytes(32, "big")
            + link
        )
        previous_mac = hmac.digest(head_key, b"strongroom head 1\0" + parts(CLUSTER) + body, "sha256")
        heads.append(body + previous_mac)
    assert b"".join(heads) == sample("heads")


def test_the_installation_opens_as_the_page_says():
    bundle = sample("installation")
    assert bundle[0] == 1
    check_key = derive(ROOT_KEY, "strongroom/root-key-check")
    assert bundle[1:17] == hmac.digest(check_key, b"strongroom root key", "sha256")[:16]
    members = decode(open_record(derive(ROOT_KEY, "strongroom/installation"), 1, 0, (), bundle[17:]))
    roots = decode(open_record(derive(ROOT_KEY, "strongroom/installation-roots"), 2, 0, (), members[10]))
    for certificate, private in ((members[1], roots[1]), (members[2], roots[2]), (members[6], members[4])):
        public = x509.load_der_x509_certificate(certificate).public_key()
        key = ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP384R1())
        assert key.public_key() == public
    service = derive(members[9], "strongroom/service-secret")
    assert open_record(service, 5, 0, (b"access-key/A",), sample("service-secret")) == b"a secret"


def test_both_envelopes_open_as_the_page_says():
    identity = decode(open_record(derive(ROOT_KEY, "strongroom/identity"), 3, 0, (CLUSTER, HSM), sample("identity")))
    envelope = decode(sample("envelope"))
    body = decode(envelope[1])
    sealer = decode(decode(envelope[3])[1])
    signer = x509.load_der_x509_certificate(sealer[5]).public_key()
    signer.verify(envelope[2], b"strongroom envelope 1\0" + envelope[1], ec.ECDSA(hashes.SHA384()))

    wrapping = ec.derive_private_key(int.from_bytes(identity[5], "big"), ec.SECP384R1())
    wrapping_public = wrapping.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    assert body[3] == wrapping_public
    bound = (CLUSTER, HSM, wrapping_public, body[4])
    secret = wrapping.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), body[4]))
    info = b"strongroom/envelope" + parts(*bound)
    agreed = ConcatKDFHMAC(hashes.SHA384(), 32, salt=None, otherinfo=info).derive(secret)
    keys = decode(open_record(agreed, 6, 0, bound, body[5]))
    assert keys[1] == 1
    assert keys[2] == MASKING_KEY

    members = decode(open_record(derive(ROOT_KEY, "strongroom/installation"), 1, 0, (), sample("installation")[17:]))
    recovery_key = derive(members[8], "strongroom/recovery-envelope")
    assert decode(open_record(recovery_key, 7, 0, (CLUSTER,), sample("recovery-envelope"))) == keys
    assert serialization.load_der_private_key(keys[3], password=None).key_size == 2048
