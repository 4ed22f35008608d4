"""Elliptic curves through the library: ECDSA and Ed25519 are verified, Ed25519 signs too, ECDH agrees."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import vector_keys as keys
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptoki_mechanisms import HASHES, ecdh, mechanism
from vector_files import NIST, nist, wycheproof, wycheproof_files
from vector_run import Check, NotApplicable, Vector, Worker, kind_of, refuses

from strongroom.client import curves
from strongroom.client.curves import Curve
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

NAMES = {
    "secp224r1": "secp224r1",
    "secp256r1": "secp256r1",
    "secp384r1": "secp384r1",
    "secp521r1": "secp521r1",
    "secp256k1": "secp256k1",
    "P-224": "secp224r1",
    "P-256": "secp256r1",
    "P-384": "secp384r1",
    "P-521": "secp521r1",
    "K-256": "secp256k1",
}
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ECDSA = {name: Mechanism[f"ECDSA_{name}"] for name in HASHES}


def curve_of(name: str) -> Curve:
    curve = curves.by_name(NAMES.get(name, ""))
    if curve is None:
        raise NotApplicable(f"curve {name}")
    return curve


def hash_name(name: str) -> str:
    plain = name.replace("-", "_" if name.startswith("SHA3") else "", 1)
    if plain not in HASHES:
        raise NotApplicable(f"hash {name}")
    return plain


def ecdsa_check(curve: str, hash_: str, point: bytes, message: bytes, signature: bytes, *, is_valid: bool) -> Check:
    """``signature``: r and s one after the other."""

    def check(worker: Worker) -> None:
        key = worker.key(keys.ec_public(curve_of(curve), point))
        how = mechanism(ECDSA[hash_name(hash_)])
        assert worker.session.verifies(how, key, message, signature) is is_valid

    return check


def plain_signature(curve: Curve, der: bytes) -> bytes:
    """r and s of a DER signature: how it is encoded is the application's matter."""
    try:
        numbers = decode_dss_signature(der)
        return b"".join(number.to_bytes(curve.field_bytes, "big") for number in numbers)
    except (ValueError, OverflowError):
        raise NotApplicable("signature whose DER is not that of r and s in range") from None


def wycheproof_ecdsa() -> Iterator[Vector]:
    for file in wycheproof_files():
        if not file.startswith("ecdsa_"):
            continue
        for group, test in wycheproof(file):
            yield Vector(
                f"wycheproof {file}",
                f"{test['tcId']}",
                wycheproof_ecdsa_check(group, test, is_der="p1363" not in file),
                group=group["publicKey"]["uncompressed"],
                kind=kind_of(group, test),
            )


def wycheproof_ecdsa_check(group: dict[str, Any], test: dict[str, Any], *, is_der: bool) -> Check:
    def check(worker: Worker) -> None:
        public = group["publicKey"]
        curve = curve_of(public["curve"])
        signature = bytes.fromhex(test["sig"])
        if is_der:
            signature = plain_signature(curve, signature)
        if group["type"] == "EcdsaBitcoinVerify" and int.from_bytes(signature[32:], "big") > SECP256K1_ORDER // 2:
            raise NotApplicable("signature with a high s, which Bitcoin forbids")
        point, message = bytes.fromhex(public["uncompressed"]), bytes.fromhex(test["msg"])
        is_valid = test["result"] == "valid"
        ecdsa_check(public["curve"], group["sha"], point, message, signature, is_valid=is_valid)(worker)

    return check


def ecdsa_number(curve: Curve, record: dict[str, str], name: str) -> bytes:
    return int(record[name], 16).to_bytes(curve.field_bytes, "big")


def nist_ecdsa() -> Iterator[Vector]:
    """FIPS 186-2 and 186-3: signatures to verify, and signatures made elsewhere."""
    folders = ("FIPS_186-2/SigVer.rsp", "FIPS_186-3/SigVer.rsp", "FIPS_186-3/SigGen.txt", "SECP256K1/SigGen.txt")
    for name in folders:
        file = f"asymmetric/ECDSA/{name}"
        for number, (settings, record) in enumerate(nist(file)):
            if "R" not in record:
                continue
            curve, _, hash_ = settings["MODE"].partition(",")
            yield Vector(
                file,
                f"{settings['MODE']} {number}",
                nist_ecdsa_check(curve, hash_ or "SHA-1", record),
                kind=(settings["MODE"], record.get("Result", "P")[:5]),
            )


def nist_ecdsa_check(name: str, hash_: str, record: dict[str, str]) -> Check:
    def check(worker: Worker) -> None:
        curve = curve_of(name)
        point = b"\x04" + ecdsa_number(curve, record, "Qx") + ecdsa_number(curve, record, "Qy")
        signature = ecdsa_number(curve, record, "R") + ecdsa_number(curve, record, "S")
        result = record.get("Result", "P")
        message = bytes.fromhex(record["Msg"])
        if not keys.is_on_curve(curve, point):  # some of "F (4 - Q changed)"
            worker.key(keys.ec_public(curve, point), policy="point that is not on the curve")
        is_valid = result.startswith("P")
        ecdsa_check(name, hash_, point, message, signature, is_valid=is_valid)(worker)

    return check


def wycheproof_ed25519() -> Iterator[Vector]:
    for file in ("ed25519", "eddsa"):
        if file not in wycheproof_files():
            continue
        for group, test in wycheproof(file):
            point = bytes.fromhex(group["publicKey"]["pk"])
            message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
            check = ed25519_check(point, message, signature, is_valid=test["result"] == "valid")
            yield Vector(f"wycheproof {file}", f"{test['tcId']}", check, point, kind_of(group, test))


def ed25519_check(point: bytes, message: bytes, signature: bytes, *, is_valid: bool) -> Check:
    def check(worker: Worker) -> None:
        key = worker.key(keys.ed25519_public(point))
        assert worker.session.verifies(mechanism(Mechanism.EDDSA), key, message, signature) is is_valid

    return check


def nist_public_keys() -> Iterator[Vector]:
    """Points that are keys, and points that are not."""
    for folder in ("FIPS_186-2", "FIPS_186-3"):
        file = f"asymmetric/ECDSA/{folder}/PKV.rsp"
        for number, (settings, record) in enumerate(nist(file)):
            if "Qx" in record:
                kind = (settings["MODE"], record["Result"])
                yield Vector(
                    file, f"{settings['MODE']} {number}", partial(check_point, settings["MODE"], record), kind=kind
                )


def check_point(name: str, record: dict[str, str], worker: Worker) -> None:
    curve = curve_of(name)
    numbers = [int(record[member], 16) for member in ("Qx", "Qy")]
    if max(numbers).bit_length() > 8 * curve.field_bytes:
        raise NotApplicable("coordinate that is longer than the curve's encoding of points")
    point = b"\x04" + b"".join(number.to_bytes(curve.field_bytes, "big") for number in numbers)
    is_key = record["Result"].startswith("P")
    worker.key(keys.ec_public(curve, point), policy=None if is_key else "point that is not on the curve")


def nist_key_pairs() -> Iterator[Vector]:
    """Private numbers and their points."""
    for folder in ("FIPS_186-2", "FIPS_186-3"):
        file = f"asymmetric/ECDSA/{folder}/KeyPair.rsp"
        for number, (settings, record) in enumerate(nist(file)):
            if "d" in record:
                curve = settings["MODE"]
                yield Vector(file, f"{curve} {number}", partial(check_pair, curve, record), kind=curve)


def check_pair(name: str, record: dict[str, str], worker: Worker) -> None:
    curve = curve_of(name)
    key = worker.key(keys.ec_private(curve, int(record["d"], 16)))
    point = b"\x04" + ecdsa_number(curve, record, "Qx") + ecdsa_number(curve, record, "Qy")
    assert worker.session.attribute(key, Attribute.EC_POINT) == keys.octets(point)


def nist_ed25519() -> Iterator[Vector]:
    """The reference implementation's vectors: a line has secret and public key, message, signature and message."""
    file = "asymmetric/Ed25519/sign.input"
    for number, line in enumerate((NIST / file).read_text().splitlines()):
        secret, public, message, signed = (bytes.fromhex(part) for part in line.split(":")[:4])
        yield Vector(
            file, f"{number}", partial(check_ed25519, secret[:32], public, message, signed[:64]), kind=number // 256
        )


def check_ed25519(seed: bytes, point: bytes, message: bytes, signature: bytes, worker: Worker) -> None:
    how = mechanism(Mechanism.EDDSA)
    assert worker.session.sign(worker.key(keys.ed25519_private(seed)), message, how) == signature
    assert worker.session.verifies(how, worker.key(keys.ed25519_public(point)), message, signature)


def wycheproof_x25519() -> Iterator[Vector]:
    for group, test in wycheproof("x25519"):
        private, public, shared = (bytes.fromhex(test[name]) for name in ("private", "public", "shared"))
        check = x25519_check(private, public, shared)
        yield Vector("wycheproof x25519", f"{test['tcId']}", check, kind=kind_of(group, test))


def rfc_x25519() -> Iterator[Vector]:
    file = "asymmetric/X25519/rfc7748.txt"
    for _, record in nist(file):
        private, public, shared = (bytes.fromhex(record[name]) for name in ("INPUT_SCALAR", "INPUT_U", "OUTPUT_U"))
        yield Vector(file, record["COUNT"], x25519_check(private, public, shared), kind=record["COUNT"])


def x25519_check(private: bytes, public: bytes, shared: bytes) -> Check:
    """Points of a small order leave nothing secret, and are refused (RFC 7748 section 6.1)."""

    def check(worker: Worker) -> None:
        key, session = worker.key(keys.x25519_private(private)), worker.session
        if shared == bytes(len(shared)):
            refuses({0x71}, lambda: session.derive(ecdh(public), key, keys.new_secret()))
        else:
            assert keys.is_secret(session, session.derive(ecdh(public), key, keys.new_secret()), shared)

    return check
