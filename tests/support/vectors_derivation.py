"""Key agreement and derivation through the library: the derived key is compared by the MACs that it makes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import vector_keys as keys
from cryptoki_mechanisms import PBKDF2, CkMechanism, CounterFormat, counter_kdf, ecdh, hkdf, pbkdf2
from vector_files import nist, nist_files, wycheproof, wycheproof_files
from vector_run import Check, NotApplicable, RefusedByPolicy, Vector, Worker, kind_of, refuses

from strongroom.client import curves
from strongroom.vocabulary.mechanisms import Mechanism

PARAMETER_SETS = {"EA": "secp192r1", "EB": "secp224r1", "EC": "secp256r1", "ED": "secp384r1", "EE": "secp521r1"}
PRFS = {
    "HMAC_SHA1": Mechanism.SHA_1_HMAC,
    "HMAC_SHA224": Mechanism.SHA224_HMAC,
    "HMAC_SHA256": Mechanism.SHA256_HMAC,
    "HMAC_SHA384": Mechanism.SHA384_HMAC,
    "HMAC_SHA512": Mechanism.SHA512_HMAC,
    "CMAC_AES128": Mechanism.AES_CMAC,
    "CMAC_AES192": Mechanism.AES_CMAC,
    "CMAC_AES256": Mechanism.AES_CMAC,
}


def derives(worker: Worker, how: CkMechanism, base: int, expected: bytes) -> None:
    """The HSM derives this key; what is longer than a generic secret may be must be refused."""
    template = keys.new_secret(len(expected))
    policy = keys.secret_policy(expected) or keys.derived_policy(expected)
    if policy:
        refuses({0x13, 0x62}, lambda: worker.session.derive(how, base, template))
        raise RefusedByPolicy(policy)
    assert keys.is_secret(worker.session, worker.session.derive(how, base, template), expected)


def hkdf_check(hash_name: str, secret: bytes, salt: bytes, info: bytes, expected: bytes | None, size: int) -> Check:
    """``expected``: none for a length that HKDF does not have."""

    def check(worker: Worker) -> None:
        base = worker.key(keys.secret(secret), policy=keys.secret_policy(secret))
        how = hkdf(hash_name, salt, info)
        if expected is None:
            refuses({0x13, 0x62}, lambda: worker.session.derive(how, base, keys.new_secret(size)))
        else:
            derives(worker, how, base, expected)

    return check


def wycheproof_hkdf() -> Iterator[Vector]:
    for hash_name in ("SHA1", "SHA256", "SHA384", "SHA512"):
        file = f"hkdf_{hash_name.lower()}"
        for group, test in wycheproof(file):
            secret, salt, info, okm = (bytes.fromhex(test[name]) for name in ("ikm", "salt", "info", "okm"))
            check = hkdf_check(hash_name, secret, salt, info, okm if test["result"] == "valid" else None, test["size"])
            yield Vector(f"wycheproof {file}", f"{test['tcId']}", check, kind=(kind_of(group, test), len(okm) > 800))


def point_of(public: bytes, curve: curves.Curve) -> bytes:
    """The point of a SubjectPublicKeyInfo in its usual form, or a bare point."""
    point_length = 1 + 2 * curve.field_bytes
    algorithm = bytes.fromhex("06072a8648ce3d0201") + curve.parameters
    head = b"\x30" + bytes([len(algorithm)]) + algorithm
    bits = keys.octets(b"\x00" + bytes(point_length))[1:-point_length]
    whole = head + b"\x03" + bits
    length = len(whole) + point_length
    prefix = b"\x30" + (bytes([length]) if length < 0x80 else bytes([0x81, length])) + whole
    if public.startswith(prefix) and len(public) == len(prefix) + point_length:
        return public[len(prefix) :]
    raise NotApplicable("public key whose encoding the application has to read")


def wycheproof_ecdh() -> Iterator[Vector]:
    for file in wycheproof_files():
        if file.startswith("ecdh_"):
            for group, test in wycheproof(file):
                yield Vector(
                    f"wycheproof {file}",
                    f"{test['tcId']}",
                    ecdh_check(group, test),
                    group=test["private"],
                    kind=kind_of(group, test),
                )


def ecdh_check(group: dict[str, Any], test: dict[str, Any]) -> Check:
    def check(worker: Worker) -> None:
        curve = curves.by_name(group["curve"])
        if curve is None:
            raise NotApplicable(f"curve {group['curve']}")
        if not isinstance(test["private"], str) or group.get("encoding") in {"webcrypto", "pem"}:
            raise NotApplicable("keys in another encoding")
        public = bytes.fromhex(test["public"])
        point = public if group["encoding"] == "ecpoint" else point_of(public, curve)
        private = worker.key(keys.ec_private(curve, int(test["private"], 16)))
        how = ecdh(point)
        if len(point) != 1 + 2 * curve.field_bytes:
            refuses({0x71}, lambda: worker.session.derive(how, private, keys.new_secret()))
            if test["result"] != "invalid":
                raise NotApplicable("compressed point")
        elif test["result"] == "invalid" or not keys.is_on_curve(curve, point):
            assert test["result"] != "valid"
            refuses({0x71}, lambda: worker.session.derive(how, private, keys.new_secret()))
        else:
            derives(worker, how, private, bytes.fromhex(test["shared"]))

    return check


def joined(file: str) -> Iterator[dict[str, str]]:
    """Records that go from one COUNT to the next, whatever empty lines they have."""
    found: dict[str, str] = {}
    for _, record in nist(file):
        if "COUNT" in record and found:
            yield found
            found = {}
        found |= record
    yield found


def rfc_hkdf() -> Iterator[Vector]:
    for file in [*nist_files("KDF", "rfc-5869-HKDF-*.txt"), "KDF/hkdf-generated.txt"]:
        for number, record in enumerate(joined(file)):
            hash_name = record["Hash"].replace("-", "")
            secret, salt, info, okm = (bytes.fromhex(record.get(name, "")) for name in ("IKM", "salt", "info", "OKM"))
            yield Vector(file, f"{number}", hkdf_check(hash_name, secret, salt, info, okm, len(okm)), kind=number)


def nist_counter_kdf() -> Iterator[Vector]:
    file = "KDF/nist-800-108-KBKDF-CTR.txt"
    for settings, record in nist(file):
        name = " ".join(settings.values()) + " " + record["COUNT"]
        yield Vector(file, name, counter_kdf_check(dict(settings), record), kind=tuple(settings.values()))


def counter_kdf_check(settings: dict[str, str], record: dict[str, str]) -> Check:
    def check(worker: Worker) -> None:
        prf = PRFS.get(settings["PRF"])
        if prf is None:
            raise NotApplicable(f"pseudo-random function {settings['PRF']}")
        counter = CounterFormat(0, int(settings["RLEN"].removesuffix("_BITS")))
        location = settings["CTRLOCATION"]
        if location == "MIDDLE_FIXED":
            before, after = (bytes.fromhex(record[f"Data{which}CtrData"]) for which in ("Before", "After"))
            parts = (before, counter, after)
        else:
            fixed = bytes.fromhex(record["FixedInputData"])
            parts = (counter, fixed) if location == "BEFORE_FIXED" else (fixed, counter)
        value = bytes.fromhex(record["KI"])
        base = worker.key(keys.aes(value) if prf == Mechanism.AES_CMAC else keys.secret(value))
        derives(worker, counter_kdf(prf, *parts), base, bytes.fromhex(record["KO"]))

    return check


def nist_agreement() -> Iterator[Vector]:
    """CAVP's validity tests of static ECDH: the shared secret of the two keys, or a key that must be refused."""
    for file in nist_files("asymmetric/ECDH", "KASValidityTest_*.fax"):
        for number, (settings, record) in enumerate(nist(file)):
            if "Z" in record:
                mode, kind = settings["MODE"], record["Result"]
                yield Vector(file, f"{mode} {number}", partial(check_agreement, mode[:2], record), kind=kind)


def check_agreement(parameter_set: str, record: dict[str, str], worker: Worker) -> None:
    curve = curves.by_name(PARAMETER_SETS[parameter_set])
    if curve is None:
        raise NotApplicable(f"curve {PARAMETER_SETS[parameter_set]}")

    def point(name: str) -> bytes:
        numbers = (int(record[name + axis], 16) for axis in "xy")
        return b"\x04" + b"".join(number.to_bytes(curve.field_bytes, "big") for number in numbers)

    result = record["Result"]
    if "IUT's Static private key" in result:
        raise NotApplicable("private number that does not fit its point: the HSM computes the point")
    if "IUT's Static public key" in result:
        worker.key(keys.ec_public(curve, point("QsIUT")), policy="point that is not on the curve")
    private = worker.key(keys.ec_private(curve, int(record["dsIUT"], 16)))
    derive = partial(worker.session.derive, ecdh(point("QsCAVS")), private, keys.new_secret())
    if "CAVS's Static public key" in result:
        refuses({0x71}, derive)
    else:
        # What else these tests change comes after the shared secret.
        is_same = keys.is_secret(worker.session, derive(), bytes.fromhex(record["Z"]))
        assert is_same is ("Z changed" not in result)


MOST_ITERATIONS = 2_000_000
"""Times the digests that the key takes."""


def pbkdf2_check(hash_name: str, password: bytes, salt: bytes, iterations: int, expected: bytes) -> Check:
    def check(worker: Worker) -> None:
        how = pbkdf2(hash_name, password, salt, iterations)
        template = keys.new_secret(len(expected))
        policy = keys.secret_policy(expected)
        if iterations * -(-len(expected) // hashlib.new(hash_name.lower()).digest_size) > MOST_ITERATIONS:
            policy = "PBKDF2 that takes more than two million digests"
        if policy:
            refuses({0x13, 0x62, 0x71}, lambda: worker.session.generate(how, template))
            raise RefusedByPolicy(policy)
        assert keys.is_secret(worker.session, worker.session.generate(how, template), expected)

    return check


def wycheproof_pbkdf2() -> Iterator[Vector]:
    for hash_name in PBKDF2:
        file = f"pbkdf2_hmac{hash_name.lower()}"
        for group, test in wycheproof(file):
            password, salt, derived = (bytes.fromhex(test[name]) for name in ("password", "salt", "dk"))
            check = pbkdf2_check(hash_name, password, salt, test["iterationCount"], derived)
            yield Vector(f"wycheproof {file}", f"{test['tcId']}", check, kind=kind_of(group, test))


def rfc_pbkdf2() -> Iterator[Vector]:
    file = "KDF/rfc-6070-PBKDF2-SHA1.txt"
    for number, record in enumerate(joined(file)):
        password, salt = (record[name].encode().replace(b"\\0", b"\x00") for name in ("PASSWORD", "SALT"))
        check = pbkdf2_check("SHA1", password, salt, int(record["ITERATIONS"]), bytes.fromhex(record["DERIVED_KEY"]))
        yield Vector(file, f"{number}", check, kind=number)
