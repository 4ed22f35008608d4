"""Triple DES through the library: NIST's vectors. Keys of single DES must be refused."""

from __future__ import annotations

from collections.abc import Iterator

import vector_keys as keys
from cryptoki_mechanisms import CkMechanism, mechanism
from vector_files import nist, nist_files
from vector_run import Check, Vector, Worker

from strongroom.vocabulary.mechanisms import Mechanism


def des3_check(how: CkMechanism, key: bytes, plaintext: bytes, ciphertext: bytes) -> Check:
    def check(worker: Worker) -> None:
        handle = worker.key(keys.des3(key), policy=keys.des3_policy(key))
        assert worker.session.encrypt(how, handle, plaintext) == ciphertext
        assert worker.session.decrypt(how, handle, ciphertext) == plaintext

    return check


def nist_des3() -> Iterator[Vector]:
    """CAVP's known answers and multi-block messages of ECB and CBC; ``TCBCI`` is a mode of its own."""
    for mode, kind in (("ECB", Mechanism.DES3_ECB), ("CBC", Mechanism.DES3_CBC)):
        for file in nist_files(f"ciphers/3DES/{mode}", f"T{mode}[!I]*.rsp"):
            for settings, record in nist(file):
                values = {name: bytes.fromhex(value) for name, value in record.items() if name != "COUNT"}
                key = 3 * values["KEYs"] if "KEYs" in values else b"".join(values[f"KEY{n}"] for n in (1, 2, 3))
                how = mechanism(kind, values["IV"] if mode == "CBC" else None)
                check = des3_check(how, key, values["PLAINTEXT"], values["CIPHERTEXT"])
                policy = keys.des3_policy(key)
                direction = settings["MODE"]
                yield Vector(file, f"{direction} {record['COUNT']}", check, key, (direction, policy is None))
