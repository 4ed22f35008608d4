"""MACs and digests through the library. A truncated MAC is compared with the first bytes of the whole."""

from __future__ import annotations

from collections.abc import Iterator

import vector_keys as keys
from cryptoki_mechanisms import HASHES, mac_general, mechanism
from vector_files import nist, nist_files, wycheproof
from vector_run import Check, Vector, Worker, kind_of

from strongroom.vocabulary.mechanisms import Mechanism

HMACS = {
    "SHA1": Mechanism.SHA_1_HMAC,
    "SHA224": Mechanism.SHA224_HMAC,
    "SHA256": Mechanism.SHA256_HMAC,
    "SHA384": Mechanism.SHA384_HMAC,
    "SHA512": Mechanism.SHA512_HMAC,
    "SHA3_224": Mechanism.SHA3_224_HMAC,
    "SHA3_256": Mechanism.SHA3_256_HMAC,
    "SHA3_384": Mechanism.SHA3_384_HMAC,
    "SHA3_512": Mechanism.SHA3_512_HMAC,
}
KEYS = {
    Mechanism.AES_CMAC: (keys.aes, keys.aes_policy),
    Mechanism.DES3_CMAC: (keys.des3, keys.des3_policy),
}
"""How the key is imported; those of other MACs are generic secrets."""
CUT = {kind: Mechanism[f"{kind.name}_GENERAL"] for kind in (Mechanism.AES_CMAC, Mechanism.DES3_CMAC, *HMACS.values())}
"""The mechanism whose MAC may be shorter."""
SHORTEST = 4


def mac_check(kind: Mechanism, key: bytes, message: bytes, mac: bytes, *, is_valid: bool = True) -> Check:
    def check(worker: Worker) -> None:
        template, policy = KEYS.get(kind, (keys.secret, keys.secret_policy))
        handle = worker.key(template(key), policy=policy(key))
        whole = worker.session.sign(handle, message, mechanism(kind))
        assert (whole[: len(mac)] == mac) is is_valid
        if len(mac) == len(whole):
            assert worker.session.verifies(mechanism(kind), handle, message, mac) is is_valid
        if kind in CUT and len(mac) >= SHORTEST:
            cut = mac_general(CUT[kind], len(mac))
            assert (worker.session.sign(handle, message, cut) == mac) is is_valid
            assert worker.session.verifies(cut, handle, message, mac) is is_valid

    return check


def wycheproof_macs() -> Iterator[Vector]:
    files = [("aes_cmac", Mechanism.AES_CMAC), *((f"hmac_{name.lower()}", kind) for name, kind in HMACS.items())]
    for file, kind in files:
        for group, test in wycheproof(file):
            key, message, mac = (bytes.fromhex(test[name]) for name in ("key", "msg", "tag"))
            check = mac_check(kind, key, message, mac, is_valid=test["result"] == "valid")
            yield Vector(f"wycheproof {file}", f"{test['tcId']}", check, kind=kind_of(group, test))


def rfc_hmac() -> Iterator[Vector]:
    for name, kind in HMACS.items():
        for file in nist_files("HMAC", f"rfc-*-{name.lower()}.txt"):
            for number, (_, record) in enumerate(nist(file)):
                key, message, mac = (bytes.fromhex(record[member]) for member in ("Key", "Msg", "MD"))
                yield Vector(file, f"{number}", mac_check(kind, key, message, mac), kind=number)


def nist_cmac() -> Iterator[Vector]:
    for file in nist_files("CMAC", "nist-800-38b-aes*.txt"):
        for number, (_, record) in enumerate(nist(file)):
            key, message, mac = (bytes.fromhex(record[member]) for member in ("KEY", "MESSAGE", "OUTPUT"))
            yield Vector(file, f"{number}", mac_check(Mechanism.AES_CMAC, key, message, mac), kind=number)
    for file in nist_files("CMAC", "nist-800-38b-3des.txt"):
        for _, record in nist(file):
            key = b"".join(bytes.fromhex(record[f"KEY{number}"]) for number in (1, 2, 3))
            message, mac = bytes.fromhex(record["MESSAGE"]), bytes.fromhex(record["OUTPUT"])
            number = record["COUNT"]
            yield Vector(file, number, mac_check(Mechanism.DES3_CMAC, key, message, mac), kind=number)


def nist_digests() -> Iterator[Vector]:
    """CAVP's short and long messages; the library digests by itself."""
    for name, kind in HASHES.items():
        for file in nist_files("hashes", f"{name}[LS]*Msg.rsp"):
            for _, record in nist(file):
                if "Len" not in record:
                    continue
                message = bytes.fromhex(record["Msg"])[: int(record["Len"]) // 8]
                yield Vector(file, record["Len"], digest_check(kind, message, bytes.fromhex(record["MD"])))


def digest_check(kind: Mechanism, message: bytes, digest: bytes) -> Check:
    def check(worker: Worker) -> None:
        assert worker.session.digest(mechanism(kind), message) == digest

    return check
