"""RSA through the library: signatures are verified, ciphertexts decrypted; keys that policy forbids must be refused.

Signing with PKCS #1 v1.5 is deterministic and runs too where the private key is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import vector_keys as keys
from cryptoki_mechanisms import HASHES, CkMechanism, mechanism, oaep, pss
from vector_files import nist, nist_files, rsa_examples, wycheproof, wycheproof_files
from vector_run import Check, NotApplicable, RefusedByPolicy, Vector, Worker, refuses

from strongroom.vocabulary.mechanisms import Mechanism

PKCS1 = {name: Mechanism[f"{name}_RSA_PKCS"] for name in HASHES}
PSS = {name: Mechanism[f"{name}_RSA_PKCS_PSS"] for name in HASHES}


def hash_name(name: str) -> str:
    """``SHA-256`` is SHA256 here, and ``SHA3-256`` SHA3_256; what is not offered raises."""
    plain = name.replace("-", "_" if name.startswith("SHA3") else "", 1)
    if plain not in HASHES:
        raise NotApplicable(f"hash {name}")
    return plain


def public_key(worker: Worker, modulus: int, exponent: int) -> int:
    return worker.key(keys.rsa_public(modulus, exponent), policy=keys.rsa_policy(modulus, exponent))


def wycheproof_public(group: dict[str, Any]) -> tuple[int, int]:
    found = group.get("publicKey") or group["privateKey"]
    return int(found["modulus"], 16), int(found["publicExponent"], 16)


def wycheproof_private(worker: Worker, group: dict[str, Any]) -> int:
    found = {name: int(value, 16) for name, value in group["privateKey"].items() if not name.startswith("other")}
    modulus, exponent = found["modulus"], found["publicExponent"]
    numbers = (found["privateExponent"], found["prime1"], found["prime2"])
    return worker.key(keys.rsa_private(modulus, exponent, *numbers), policy=keys.rsa_policy(modulus, exponent))


def pkcs1_check(group: dict[str, Any], test: dict[str, Any]) -> Check:
    def check(worker: Worker) -> None:
        modulus, exponent = wycheproof_public(group)
        kind = PKCS1[hash_name(group["sha"])]
        key = public_key(worker, modulus, exponent)
        message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
        verifies = worker.session.verifies(mechanism(kind), key, message, signature)
        # "Acceptable" is a DigestInfo without its NULL: RFC 8017 lets a verifier refuse it.
        assert verifies is (test["result"] == "valid")

    return check


def pss_check(group: dict[str, Any], test: dict[str, Any]) -> Check:
    def check(worker: Worker) -> None:
        if group["mgf"] != "MGF1":
            raise NotApplicable(f"mask generation function {group['mgf']}")
        digest, mgf = hash_name(group["sha"]), hash_name(group["mgfSha"])
        key = public_key(worker, *wycheproof_public(group))
        how = pss(PSS[digest], digest, mgf, group["sLen"])
        verifies = worker.session.verifies(how, key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
        assert verifies is (test["result"] in {"valid", "acceptable"})

    return check


def oaep_check(group: dict[str, Any], test: dict[str, Any]) -> Check:
    def check(worker: Worker) -> None:
        digest, mgf = hash_name(group["sha"]), hash_name(group["mgfSha"])
        key = wycheproof_private(worker, group)
        how = oaep(digest, mgf, bytes.fromhex(test["label"]))
        ciphertext = bytes.fromhex(test["ct"])
        if digest != mgf:
            refuses({0x71, 0x41}, lambda: worker.session.decrypt(how, key, ciphertext))
            raise RefusedByPolicy("OAEP with another hash in MGF1")
        if test["result"] == "invalid":
            refuses({0x40, 0x41}, lambda: worker.session.decrypt(how, key, ciphertext))
        else:
            assert worker.session.decrypt(how, key, ciphertext) == bytes.fromhex(test["msg"])

    return check


def pkcs1_decryption_check(group: dict[str, Any], test: dict[str, Any]) -> Check:
    """A wrong padding is rejected implicitly (ADR 0013): the answer is a message, another one, and always the same."""

    def check(worker: Worker) -> None:
        key = wycheproof_private(worker, group)
        ciphertext, message = bytes.fromhex(test["ct"]), bytes.fromhex(test["msg"])
        how = mechanism(Mechanism.RSA_PKCS)
        # What everybody can see is no ciphertext may be refused: 0, 1, the modulus less 1, and larger numbers.
        number, modulus = int.from_bytes(ciphertext, "big"), int(group["privateKey"]["modulus"], 16)
        if len(ciphertext) != group["keySize"] // 8 or not 1 < number < modulus - 1:
            refuses({0x40, 0x41}, lambda: worker.session.decrypt(how, key, ciphertext))
            return
        found = worker.session.decrypt(how, key, ciphertext)
        if test["result"] == "invalid":
            assert found != message or not message
            assert worker.session.decrypt(how, key, ciphertext) == found
        else:
            assert found == message

    return check


def wycheproof_rsa(prefix: str, check: Callable[[dict[str, Any], dict[str, Any]], Check]) -> Iterator[Vector]:
    for file in wycheproof_files():
        if file.startswith(prefix):
            for group, test in wycheproof(file):
                modulus = (group.get("publicKey") or group["privateKey"])["modulus"]
                kind = (test["result"], *sorted(test["flags"]))
                yield Vector(f"wycheproof {file}", f"{test['tcId']}", check(group, test), modulus, kind)


def wycheproof_pkcs1() -> Iterator[Vector]:
    return wycheproof_rsa("rsa_signature_", pkcs1_check)


def wycheproof_pss() -> Iterator[Vector]:
    return wycheproof_rsa("rsa_pss_", pss_check)


def wycheproof_oaep() -> Iterator[Vector]:
    return wycheproof_rsa("rsa_oaep_", oaep_check)


def wycheproof_decryption() -> Iterator[Vector]:
    return wycheproof_rsa("rsa_pkcs1_", pkcs1_decryption_check)


def nist_signatures() -> Iterator[Vector]:
    """FIPS 186-2 and 186-3. Salts of generated PSS signatures have the length that the files name in their heads."""
    salts = {"SigGenPSS_186-2.rsp": 20, "SigGenPSS_186-3.rsp": 0}
    plain = ("SigGen15_186-2.rsp", "SigGen15_186-3.rsp", "SigVer15_186-3.rsp")
    for name in (*plain, "SigVerPSS_186-3.rsp", *salts):
        file = f"asymmetric/RSA/FIPS_186-2/{name}"
        modulus = exponent = 0
        for number, (settings, record) in enumerate(nist(file)):
            modulus = int(record.get("n", f"{modulus:x}"), 16)
            exponent = int(record.get("e", f"{exponent:x}"), 16)
            if "S" in record:
                salt = None if name in plain else salts.get(name, len(record.get("SaltVal", "")) // 2)
                kind = (settings["mod"], record["SHAAlg"], record.get("Result", "P"))
                check = signature_check((modulus, exponent), record, salt)
                yield Vector(file, f"{number}", check, (modulus, exponent), kind)


def signature_check(key: tuple[int, int], record: dict[str, str], salt: int | None) -> Check:
    """``salt``: the length of PSS's; none for PKCS #1 v1.5."""

    def check(worker: Worker) -> None:
        digest = record["SHAAlg"].upper()
        how = mechanism(PKCS1[digest]) if salt is None else pss(PSS[digest], digest, digest, salt)
        message, signature = bytes.fromhex(record["Msg"]), bytes.fromhex(record["S"])
        verifies = worker.session.verifies(how, public_key(worker, *key), message, signature)
        assert verifies is record.get("Result", "P").startswith("P")

    return check


def pkcs1_examples() -> Iterator[Vector]:
    """RSA Laboratories' examples of all four schemes, and pyca's of OAEP with other hashes."""
    folder = "asymmetric/RSA"
    files = {
        f"{folder}/pkcs1v15sign-vectors.txt": example_signature,
        f"{folder}/pkcs1v15crypt-vectors.txt": partial(example_decryption, mechanism(Mechanism.RSA_PKCS)),
        f"{folder}/pkcs-1v2-1d2-vec/pss-vect.txt": example_pss,
        f"{folder}/pkcs-1v2-1d2-vec/oaep-vect.txt": partial(example_decryption, oaep("SHA1", "SHA1")),
    }
    for file in nist_files(f"{folder}/oaep-custom", "*.txt"):
        mgf, digest = (name.upper() for name in file.removesuffix(".txt").split("-")[-2:])
        files[file] = partial(example_decryption, oaep(digest, mgf), is_mixed=digest != mgf)
    for file, check in files.items():
        for number, example in enumerate(rsa_examples(file)):
            yield Vector(file, f"{number}", partial(check, example), example["modulus"], len(example["modulus"]))


def example_key(example: dict[str, str]) -> tuple[int, int]:
    return int(example["modulus"], 16), int(example["exponent"], 16)


def example_private(worker: Worker, example: dict[str, str]) -> int:
    numbers = (int(example[name], 16) for name in ("private exponent", "prime 1", "prime 2"))
    key = example_key(example)
    return worker.key(keys.rsa_private(*key, *numbers), policy=keys.rsa_policy(*key))


def example_signature(example: dict[str, str], worker: Worker) -> None:
    message, signature = (bytes.fromhex(example[name]) for name in ("message to be signed", "signature"))
    how = mechanism(Mechanism.SHA1_RSA_PKCS)
    assert worker.session.sign(example_private(worker, example), message, how) == signature
    assert worker.session.verifies(how, public_key(worker, *example_key(example)), message, signature)


def example_pss(example: dict[str, str], worker: Worker) -> None:
    message, signature = (bytes.fromhex(example[name]) for name in ("message to be signed", "signature"))
    how = pss(Mechanism.SHA1_RSA_PKCS_PSS, "SHA1", "SHA1", len(example["salt"]) // 2)
    assert worker.session.verifies(how, public_key(worker, *example_key(example)), message, signature)


def example_decryption(how: CkMechanism, example: dict[str, str], worker: Worker, *, is_mixed: bool = False) -> None:
    key = example_private(worker, example)
    ciphertext = bytes.fromhex(example["encryption"])
    if is_mixed:
        refuses({0x71}, lambda: worker.session.decrypt(how, key, ciphertext))
        raise RefusedByPolicy("OAEP with another hash in MGF1")
    message = example.get("message to be encrypted") or example["message"]
    assert worker.session.decrypt(how, key, ciphertext) == bytes.fromhex(message)
