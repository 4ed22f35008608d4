"""AES through the library: NIST's and Wycheproof's vectors.

What takes an IV from its caller runs both ways: GCM too, but for an IV of zeros, which the HSM replaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import vector_keys as keys
from cryptoki_mechanisms import CkMechanism, ctr, gcm, mechanism
from vector_files import nist, nist_files, wycheproof
from vector_run import Check, RefusedByPolicy, Vector, Worker, kind_of, not_applicable, refuses

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

INVALID = {0x40, 0x41, 0x71}
"""CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_MECHANISM_PARAM_INVALID."""
UNWRAPPED_INVALID = {0x110, 0x112}
"""CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE."""
LONGEST_GCM_IV = 256


def both_ways(how: CkMechanism, key: bytes, plaintext: bytes, ciphertext: bytes, directions: str = "ed") -> Check:
    def check(worker: Worker) -> None:
        handle = worker.key(keys.aes(key))
        if "e" in directions:
            assert worker.session.encrypt(how, handle, plaintext) == ciphertext
        if "d" in directions:
            assert worker.session.decrypt(how, handle, ciphertext) == plaintext

    return check


def nist_blocks() -> Iterator[Vector]:
    """CAVP's known answers and multi-block messages of ECB and CBC."""
    for mode, kind in (("ECB", Mechanism.AES_ECB), ("CBC", Mechanism.AES_CBC)):
        for file in nist_files(f"ciphers/AES/{mode}", f"{mode}*.rsp"):
            for settings, record in nist(file):
                direction = settings["MODE"]
                how = mechanism(kind, bytes.fromhex(record["IV"]) if mode == "CBC" else None)
                key, plaintext, ciphertext = (
                    bytes.fromhex(record[name]) for name in ("KEY", "PLAINTEXT", "CIPHERTEXT")
                )
                check = both_ways(how, key, plaintext, ciphertext, "e" if direction == "ENCRYPT" else "d")
                yield Vector(file, f"{direction} {record['COUNT']}", check, kind=direction)


def nist_counter() -> Iterator[Vector]:
    for file in nist_files("ciphers/AES/CTR", "*.txt"):
        for _, record in nist(file):
            how = ctr(128, bytes.fromhex(record["IV"]))
            key, plaintext, ciphertext = (bytes.fromhex(record[name]) for name in ("KEY", "PLAINTEXT", "CIPHERTEXT"))
            yield Vector(file, record["COUNT"], both_ways(how, key, plaintext, ciphertext))


def gcm_check(key: bytes, iv: bytes, aad: bytes, ciphertext: bytes, tag: bytes, plaintext: bytes | None) -> Check:
    """``plaintext``: none where decryption must fail."""

    def check(worker: Worker) -> None:
        handle = worker.key(keys.aes(key), policy=keys.aes_policy(key))
        how = gcm(iv, aad, 8 * len(tag))
        decrypt = partial(worker.session.decrypt, how, handle, ciphertext + tag)
        if not 1 <= len(iv) <= LONGEST_GCM_IV:
            refuses({0x71}, decrypt)
            raise RefusedByPolicy(f"GCM IV of {len(iv)} bytes")
        if plaintext is None:
            refuses({0x40}, decrypt)
        else:
            assert decrypt() == plaintext
            if any(iv):
                # What was decrypted with is not encrypted with again, by the same key.
                other = worker.key({**keys.aes(key), Attribute.LABEL: b"encrypts"})
                assert worker.session.encrypt(how, other, plaintext) == ciphertext + tag

    return check


def nist_gcm() -> Iterator[Vector]:
    for file in nist_files("ciphers/AES/GCM", "gcm*.rsp"):
        for settings, record in nist(file):
            names = ("Key", "IV", "AAD", "CT", "Tag")
            key, iv, aad, ciphertext, tag = (bytes.fromhex(record[name]) for name in names)
            plaintext = None if "FAIL" in record else bytes.fromhex(record["PT"])
            check = gcm_check(key, iv, aad, ciphertext, tag, plaintext)
            sizes = tuple(settings.values())
            yield Vector(file, f"{sizes} {record['Count']}", check, kind=(plaintext is None, len(iv), len(tag)))


def wycheproof_gcm() -> Iterator[Vector]:
    for group, test in wycheproof("aes_gcm"):
        key, iv, aad, ciphertext, tag, message = (
            bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "ct", "tag", "msg")
        )
        check = gcm_check(key, iv, aad, ciphertext, tag, message if test["result"] == "valid" else None)
        yield Vector("wycheproof aes_gcm", f"{test['tcId']}", check, kind=kind_of(group, test))


def wycheproof_cbc() -> Iterator[Vector]:
    for group, test in wycheproof("aes_cbc_pkcs5"):
        key, iv, message, ciphertext = (bytes.fromhex(test[name]) for name in ("key", "iv", "msg", "ct"))
        how = mechanism(Mechanism.AES_CBC_PAD, iv)
        if test["result"] == "valid":
            check = both_ways(how, key, message, ciphertext)
        else:
            check = cbc_refusal(how, key, ciphertext)
        yield Vector("wycheproof aes_cbc_pkcs5", f"{test['tcId']}", check, kind=kind_of(group, test))


def cbc_refusal(how: CkMechanism, key: bytes, ciphertext: bytes) -> Check:
    def check(worker: Worker) -> None:
        handle = worker.key(keys.aes(key), policy=keys.aes_policy(key))
        refuses(INVALID, partial(worker.session.decrypt, how, handle, ciphertext))

    return check


def wrap_check(kind: Mechanism, key: bytes, plaintext: bytes | None, wrapped: bytes, directions: str) -> Check:
    """``plaintext``: none where unwrapping must fail. What is wrapped stands in as a generic secret."""

    def check(worker: Worker) -> None:
        handle = worker.key(keys.aes(key), policy=keys.aes_policy(key))
        unwrap = partial(worker.session.unwrap, mechanism(kind), handle, wrapped, keys.new_secret())
        if plaintext is None:
            refuses(UNWRAPPED_INVALID, unwrap)
            return
        policy = keys.secret_policy(plaintext)
        target = worker.key(keys.secret(plaintext), policy=policy)
        if "e" in directions:
            assert worker.session.wrap(mechanism(kind), handle, target) == wrapped
        if "d" in directions:
            assert keys.is_secret(worker.session, unwrap(), plaintext)

    return check


def nist_key_wrap() -> Iterator[Vector]:
    """``_inv`` has the inverse cipher inside, which is not offered."""
    for file in nist_files("keywrap/kwtestvectors", "KW*_A?_*.txt"):
        is_padded, direction = "KWP_" in file, "e" if "_AE_" in file else "d"
        kind = Mechanism.AES_KEY_WRAP_KWP if is_padded else Mechanism.AES_KEY_WRAP
        for settings, record in nist(file):
            key, wrapped = bytes.fromhex(record["K"]), bytes.fromhex(record["C"])
            plaintext = None if "FAIL" in record else bytes.fromhex(record["P"])
            check = wrap_check(kind, key, plaintext, wrapped, direction)
            if file.endswith("_inv.txt"):
                check = not_applicable("key wrap with the inverse cipher")
            name = f"{settings} {record['COUNT']}"
            yield Vector(file, name, check, group=key, kind=(plaintext is None, len(wrapped)))


def wycheproof_key_wrap() -> Iterator[Vector]:
    for file, kind in (("aes_wrap", Mechanism.AES_KEY_WRAP), ("aes_kwp", Mechanism.AES_KEY_WRAP_KWP)):
        for group, test in wycheproof(file):
            key, message, wrapped = (bytes.fromhex(test[name]) for name in ("key", "msg", "ct"))
            is_valid = test["result"] == "valid"
            check = wrap_check(kind, key, message if is_valid else None, wrapped, "ed")
            yield Vector(f"wycheproof {file}", f"{test['tcId']}", check, kind=kind_of(group, test))
