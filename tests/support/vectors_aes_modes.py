"""AES-CCM, AES-XTS and GMAC through the library: NIST's and Wycheproof's vectors.

GMAC, whose IV the HSM makes, runs in the direction of verification.
"""

from __future__ import annotations

from collections.abc import Iterator

import vector_keys as keys
from cryptoki_mechanisms import ccm, gcm, mechanism
from vector_files import Members, nist, nist_files, wycheproof
from vector_run import Check, Vector, Worker, kind_of, not_applicable, refuses

from strongroom.vocabulary.mechanisms import Mechanism

CCM_INVALID = {0x40, 0x41, 0x71}
"""CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_MECHANISM_PARAM_INVALID."""
CCM_FILES = ("DVPT*.rsp", "VADT*.rsp", "VNT*.rsp", "VPT*.rsp", "VTT*.rsp")


def ccm_check(
    key: bytes, nonce: bytes, aad: bytes, plaintext: bytes | None, data: bytes, tag_length: int, directions: str = "ed"
) -> Check:
    """``plaintext``: none where decryption must fail; ``data``: ciphertext and tag."""

    def check(worker: Worker) -> None:
        handle = worker.key(keys.aes(key), policy=keys.aes_policy(key))
        how = ccm(len(data) - tag_length, nonce, aad, tag_length)
        if plaintext is None:
            refuses(CCM_INVALID, lambda: worker.session.decrypt(how, handle, data))
            return
        if "e" in directions:
            assert worker.session.encrypt(how, handle, plaintext) == data
        assert worker.session.decrypt(how, handle, data) == plaintext

    return check


def ccm_records(file: str) -> Iterator[Members]:
    """Records with what stands above them: lengths in brackets or lines of their own, a key for many."""
    above: Members = {}
    for settings, record in nist(file):
        for name, rest in settings.items():
            lengths = (part.partition("=") for part in f"{name} = {rest}".split(","))
            above |= {length.strip(): value.strip() for length, _, value in lengths}
        if "Count" in record:
            yield above | record
        else:
            above |= record


def nist_ccm() -> Iterator[Vector]:
    for file in (each for pattern in CCM_FILES for each in nist_files("ciphers/AES/CCM", pattern)):
        for number, record in enumerate(ccm_records(file)):
            key, nonce, data = (bytes.fromhex(record[name]) for name in ("Key", "Nonce", "CT"))
            aad = bytes.fromhex(record["Adata"])[: int(record["Alen"])]
            is_valid = record.get("Result", "Pass") == "Pass"
            plaintext = bytes.fromhex(record["Payload"])[: int(record["Plen"])] if is_valid else None
            tag_length = int(record["Tlen"])
            check = ccm_check(key, nonce, aad, plaintext, data, tag_length)
            kind = (is_valid, len(nonce), tag_length, record["Alen"], record["Plen"])
            yield Vector(file, f"{number}", check, key, kind)


def wycheproof_ccm() -> Iterator[Vector]:
    for group, test in wycheproof("aes_ccm"):
        names = ("key", "iv", "aad", "msg", "ct", "tag")
        key, nonce, aad, message, ciphertext, tag = (bytes.fromhex(test[name]) for name in names)
        plaintext = message if test["result"] == "valid" else None
        check = ccm_check(key, nonce, aad, plaintext, ciphertext + tag, len(tag))
        yield Vector("wycheproof aes_ccm", f"{test['tcId']}", check, kind=kind_of(group, test))


def xts_check(key: bytes, tweak: bytes, plaintext: bytes, ciphertext: bytes) -> Check:
    def check(worker: Worker) -> None:
        handle = worker.key(keys.aes_xts(key), policy=keys.xts_policy(key))
        how = mechanism(Mechanism.AES_XTS, tweak)
        assert worker.session.encrypt(how, handle, plaintext) == ciphertext
        assert worker.session.decrypt(how, handle, ciphertext) == plaintext

    return check


def nist_xts() -> Iterator[Vector]:
    for file in nist_files("ciphers/AES/XTS", "*.rsp"):
        for settings, record in nist(file):
            key, plaintext, ciphertext = (bytes.fromhex(record[name]) for name in ("Key", "PT", "CT"))
            number = int(record.get("DataUnitSeqNumber", 0)).to_bytes(16, "little")
            tweak = bytes.fromhex(record["i"]) if "i" in record else number
            bits = int(record["DataUnitLen"])
            check = xts_check(key, tweak, plaintext, ciphertext)
            if bits % 8:
                check = not_applicable("data unit that has no whole bytes")
            name = f"{settings['MODE']} {record['COUNT']}"
            yield Vector(file, name, check, key, (settings["MODE"], bits))


def wycheproof_xts() -> Iterator[Vector]:
    for group, test in wycheproof("aes_xts"):
        key, number, message, ciphertext = (bytes.fromhex(test[name]) for name in ("key", "iv", "msg", "ct"))
        check = xts_check(key, number.ljust(16, b"\x00"), message, ciphertext)
        yield Vector("wycheproof aes_xts", f"{test['tcId']}", check, kind=kind_of(group, test))


def wycheproof_gmac() -> Iterator[Vector]:
    for group, test in wycheproof("aes_gmac"):
        key, iv, message, tag = (bytes.fromhex(test[name]) for name in ("key", "iv", "msg", "tag"))
        check = gmac_check(key, iv, message, tag, is_valid=test["result"] == "valid")
        yield Vector("wycheproof aes_gmac", f"{test['tcId']}", check, kind=kind_of(group, test))


def gmac_check(key: bytes, iv: bytes, message: bytes, tag: bytes, *, is_valid: bool) -> Check:
    def check(worker: Worker) -> None:
        handle = worker.key(keys.aes(key))
        how = gcm(iv, b"", 8 * len(tag), Mechanism.AES_GMAC)
        assert worker.session.verifies(how, handle, message, tag) is is_valid

    return check
