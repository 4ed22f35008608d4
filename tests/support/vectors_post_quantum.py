"""ML-DSA through the library: keys come in, others' signatures are verified, ours are verified by pyca/cryptography.

The HSM's signatures are hedged, so that they are never those of a vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import vector_keys as keys
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptoki_mechanisms import CkMechanism, mechanism, ml_dsa
from vector_files import NIST, wycheproof
from vector_run import Check, Vector, Worker, kind_of, refuses

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

ML_DSA_SETS = {"44": 1, "65": 2, "87": 3}
"""``CKP_ML_DSA_*``."""
ML_DSA_PUBLIC = {1: mldsa.MLDSA44PublicKey, 2: mldsa.MLDSA65PublicKey, 3: mldsa.MLDSA87PublicKey}


def nist_ml_dsa() -> Iterator[Vector]:
    """Keys from seeds, and signatures with contexts."""
    for name, parameter_set in ML_DSA_SETS.items():
        file = f"asymmetric/MLDSA/kat_MLDSA_{name}_det_pure.rsp"
        for record in records(file):
            number = int(record["count"])
            yield Vector(file, record["count"], partial(check_nist, parameter_set, record), kind=number // 25)


def records(file: str) -> Iterator[dict[str, str]]:
    """The records of a file that has no empty lines between them: each begins with its count."""
    record: dict[str, str] = {}
    for line in (NIST / file).read_text().splitlines():
        name, _, value = line.partition(" = ")
        if name == "count" and record:
            yield record
            record = {}
        record[name] = value
    yield record


def check_nist(parameter_set: int, record: dict[str, str], worker: Worker) -> None:
    seed, public, message, context, signed = (bytes.fromhex(record[name]) for name in ("xi", "pk", "msg", "ctx", "sm"))
    expanded = bytes.fromhex(record["sk"])
    for template in (
        keys.ml_dsa_private(parameter_set, seed),
        keys.ml_dsa_private(parameter_set, value=expanded),
        keys.ml_dsa_private(parameter_set, seed, expanded),
    ):
        check_signing(worker, parameter_set, worker.key(template), public, message, context)
    key = worker.key(keys.ml_dsa_public(parameter_set, public))
    assert worker.session.verifies(ml_dsa(context), key, message, signed[: len(signed) - len(message)])


def check_signing(
    worker: Worker, parameter_set: int, private: int, public: bytes, message: bytes, context: bytes
) -> None:
    assert worker.session.attribute(private, Attribute.PUBLIC_KEY_INFO).endswith(public)
    signature = worker.session.sign(private, message, ml_dsa(context))
    ML_DSA_PUBLIC[parameter_set].from_public_bytes(public).verify(signature, message, context)


def wycheproof_ml_dsa_signatures() -> Iterator[Vector]:
    for name, parameter_set in ML_DSA_SETS.items():
        for group, test in wycheproof(f"mldsa_{name}_verify"):
            check = signature_check(parameter_set, group, test)
            yield Vector(
                f"wycheproof mldsa_{name}_verify", f"{test['tcId']}", check, group["publicKey"], kind_of(group, test)
            )


def how_to(test: dict[str, Any]) -> tuple[CkMechanism, bytes]:
    """The mechanism, and what it works on: a message, or mu where there is no message."""
    if "msg" not in test:
        return mechanism(Mechanism.CLOUDHSM_EXT_MU_ML_DSA), bytes.fromhex(test["mu"])
    return ml_dsa(bytes.fromhex(test.get("ctx", ""))), bytes.fromhex(test["msg"])


def signature_check(parameter_set: int, group: dict[str, Any], test: dict[str, Any]) -> Check:
    template = keys.ml_dsa_public(parameter_set, bytes.fromhex(group["publicKey"]))

    def check(worker: Worker) -> None:
        if "IncorrectPublicKeyLength" in test["flags"]:
            refuses({0x13}, lambda: worker.session.create(template))
            return
        how, data = how_to(test)
        key, signature = worker.key(template), bytes.fromhex(test["sig"])
        if "InvalidContext" in test["flags"]:
            refuses({0x71}, lambda: worker.session.verifies(how, key, data, signature))
            return
        assert worker.session.verifies(how, key, data, signature) is (test["result"] == "valid")

    return check


def wycheproof_ml_dsa_keys() -> Iterator[Vector]:
    """Private keys as seeds and in their expanded form."""
    for name, parameter_set in ML_DSA_SETS.items():
        for form in ("seed", "noseed"):
            for group, test in wycheproof(f"mldsa_{name}_sign_{form}"):
                private = group["privateSeed" if form == "seed" else "privateKey"]
                yield Vector(
                    f"wycheproof mldsa_{name}_sign_{form}",
                    f"{test['tcId']}",
                    private_key_check(parameter_set, form, group, test),
                    private,
                    kind_of(group, test),
                )


def private_key_check(parameter_set: int, form: str, group: dict[str, Any], test: dict[str, Any]) -> Check:
    if form == "seed":
        template = keys.ml_dsa_private(parameter_set, bytes.fromhex(group["privateSeed"]))
    else:
        template = keys.ml_dsa_private(parameter_set, value=bytes.fromhex(group["privateKey"]))

    def check(worker: Worker) -> None:
        if {"IncorrectPrivateKeyLength", "InvalidPrivateKey"} & set(test["flags"]):
            refuses({0x13}, lambda: worker.session.create(template))
            return
        how, data = how_to(test)
        key = worker.key(template)
        if "InvalidContext" in test["flags"]:
            refuses({0x71}, lambda: worker.session.sign(key, data, how))
            return
        public = bytes.fromhex(group["publicKey"])
        known = ML_DSA_PUBLIC[parameter_set].from_public_bytes(public)
        if "msg" in test:
            check_signing(worker, parameter_set, key, public, data, bytes.fromhex(test.get("ctx", "")))
        else:
            known.verify_mu(worker.session.sign(key, data, how), data)
        verifying = worker.key(keys.ml_dsa_public(parameter_set, public))
        assert worker.session.verifies(how, verifying, data, bytes.fromhex(test["sig"]))

    return check
