"""ML-DSA and ML-KEM through the library, as public vectors and pyca/cryptography have them.

The HSM's encapsulations are random, so that none is ever that of a vector. Its signatures are, where deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import vector_keys as keys
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptoki_mechanisms import DETERMINISTIC_REQUIRED, HEDGE_PREFERRED, CkMechanism, mechanism, ml_dsa
from installed import IS_FIPS_BUILD
from vector_files import NIST, wycheproof
from vector_run import Check, NotApplicable, Vector, Worker, kind_of, refuses

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
        private = worker.key(template)
        check_signing(worker, parameter_set, private, public, message, context)
        assert worker.session.sign(private, message, ml_dsa(context, DETERMINISTIC_REQUIRED)) + message == signed
    key = worker.key(keys.ml_dsa_public(parameter_set, public))
    assert worker.session.verifies(ml_dsa(context), key, message, signed[: len(signed) - len(message)])


def check_signing(
    worker: Worker, parameter_set: int, private: int, public: bytes, message: bytes, context: bytes
) -> None:
    assert worker.session.attribute(private, Attribute.PUBLIC_KEY_INFO).endswith(public)
    signature = worker.session.sign(private, message, ml_dsa(context))
    ML_DSA_PUBLIC[parameter_set].from_public_bytes(public).verify(signature, message, context)


HASHED = {
    "44": "a060ce3e34c2997347a16a7ab4fc67581e28b3c5777d0f2d62604356579dd679",
    "65": ("326b19d5491535e6bee5fe2fa86b80dcc927420341dff337727f3a9b3acf02f9f69c03e80a5c90eaacadecf69399139a"),
    "87": (
        "f25a760382b48f27ddd4ee210fcd7bb6003c54db24c59d238d81322c995c410a"
        "a19ff9ec1e0110f27ac0b72f6da0f21249590ce8fded1391e1f029ca7b600f52"
    ),
}
"""How the signature of test 0 of ``kat_MLDSA_*_det_hashed.rsp`` begins (https://github.com/post-quantum-cryptography/KAT):
its challenge, a hash of mu and of what was chosen for it. All three have one seed, message and context, and SHA-256."""
HASHED_SEED = bytes.fromhex("f696484048ec21f96cf50a56d0759c448f3779752f0383d37449690694cf7a68")
HASHED_MESSAGE = bytes.fromhex("6dbbc4375136df3b07f7c70e639e223e")
HASHED_CONTEXT = bytes.fromhex("480c658c0cb3e040bde084345cef0df7")


def kat_hash_ml_dsa() -> Iterator[Vector]:
    for name, parameter_set in ML_DSA_SETS.items():
        file = f"post-quantum-cryptography kat_MLDSA_{name}_det_hashed.rsp"
        yield Vector(file, "0", partial(check_hashed, parameter_set, bytes.fromhex(HASHED[name])))


def check_hashed(parameter_set: int, challenge: bytes, worker: Worker) -> None:
    key = worker.key(keys.ml_dsa_private(parameter_set, HASHED_SEED))
    how = ml_dsa(HASHED_CONTEXT, DETERMINISTIC_REQUIRED, Mechanism.HASH_ML_DSA_SHA256)
    assert worker.session.sign(key, HASHED_MESSAGE, how).startswith(challenge)


def wycheproof_ml_dsa_signatures() -> Iterator[Vector]:
    for name, parameter_set in ML_DSA_SETS.items():
        for group, test in wycheproof(f"mldsa_{name}_verify"):
            check = signature_check(parameter_set, group, test)
            yield Vector(
                f"wycheproof mldsa_{name}_verify", f"{test['tcId']}", check, group["publicKey"], kind_of(group, test)
            )


def how_to(test: dict[str, Any], hedge: int = HEDGE_PREFERRED) -> tuple[CkMechanism, bytes]:
    """The mechanism, and what it works on: a message, or mu where there is no message."""
    if "msg" not in test:
        return ml_dsa(hedge=hedge, kind=Mechanism.CLOUDHSM_EXT_MU_ML_DSA), bytes.fromhex(test["mu"])
    return ml_dsa(bytes.fromhex(test.get("ctx", "")), hedge), bytes.fromhex(test["msg"])


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
        if "InvalidPrivateKey" in test["flags"] and IS_FIPS_BUILD:
            raise NotApplicable("made-up private key, which the FIPS module does not recognise")
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
        signature, verifying = bytes.fromhex(test["sig"]), worker.key(keys.ml_dsa_public(parameter_set, public))
        assert worker.session.verifies(how, verifying, data, signature)
        if "rnd" not in test:
            assert worker.session.sign(key, data, how_to(test, DETERMINISTIC_REQUIRED)[0]) == signature

    return check


ML_KEM_SETS = {"512": 1, "768": 2, "1024": 3}
"""``CKP_ML_KEM_*``."""
CIPHERTEXT_LENGTHS = {1: 768, 2: 1088, 3: 1568}
ML_KEM = mechanism(Mechanism.ML_KEM)


def opens(worker: Worker, private: int, ciphertext: bytes, secret: bytes) -> bool:
    key = worker.session.decapsulate(ML_KEM, private, ciphertext, keys.new_secret())
    return keys.is_secret(worker.session, key, secret)


def nist_ml_kem() -> Iterator[Vector]:
    """Keys from seeds, and ciphertexts: one that carries a secret, and one that is rejected implicitly."""
    for name, parameter_set in ML_KEM_SETS.items():
        file = f"asymmetric/MLKEM/kat_MLKEM_{name}.rsp"
        for record in records(file):
            number = int(record["count"])
            yield Vector(file, record["count"], partial(check_kem, parameter_set, record), kind=number // 250)


def check_kem(parameter_set: int, record: dict[str, str], worker: Worker) -> None:
    seed = bytes.fromhex(record["d"] + record["z"])
    public, expanded, ciphertext, secret, altered, rejection = (
        bytes.fromhex(record[name]) for name in ("pk", "sk", "ct", "ss", "ct_n", "ss_n")
    )
    from_seed = worker.key(keys.ml_kem_private(parameter_set, seed, expanded))
    assert worker.session.attribute(from_seed, Attribute.PUBLIC_KEY_INFO).endswith(public)
    assert opens(worker, from_seed, ciphertext, secret)
    from_expanded = worker.key(keys.ml_kem_private(parameter_set, value=expanded))
    assert worker.session.attribute(from_expanded, Attribute.PUBLIC_KEY_INFO).endswith(public)
    assert opens(worker, from_expanded, altered, rejection)


def wycheproof_ml_kem_keys() -> Iterator[Vector]:
    """Seeds with both keys, and encapsulation keys that are none."""
    for name, parameter_set in ML_KEM_SETS.items():
        for part, check in (("keygen_seed", check_seed), ("encaps", check_encapsulation_key)):
            file = f"mlkem_{name}_{part}"
            for group, test in wycheproof(file):
                kind = (test["result"], *sorted(test.get("flags", ())), test.get("comment", "")[:30])
                yield Vector(
                    f"wycheproof {file}",
                    f"{test['tcId']}",
                    partial(check, parameter_set, test),
                    kind=(kind, group["type"]),
                )


def check_seed(parameter_set: int, test: dict[str, Any], worker: Worker) -> None:
    seed, public, expanded = (bytes.fromhex(test[name]) for name in ("seed", "ek", "dk"))
    key = worker.key(keys.ml_kem_private(parameter_set, seed, expanded))
    assert worker.session.attribute(key, Attribute.PUBLIC_KEY_INFO).endswith(public)


def check_encapsulation_key(parameter_set: int, test: dict[str, Any], worker: Worker) -> None:
    template = keys.ml_kem_public(parameter_set, bytes.fromhex(test["ek"]))
    if test["result"] == "invalid":
        refuses({0x13}, lambda: worker.session.create(template))
        return
    _, ciphertext = worker.session.encapsulate(ML_KEM, worker.key(template), keys.new_secret())
    assert len(ciphertext) == CIPHERTEXT_LENGTHS[parameter_set]


def wycheproof_ml_kem_ciphertexts() -> Iterator[Vector]:
    """Ciphertexts for private keys as seeds and in their expanded form."""
    for name, parameter_set in ML_KEM_SETS.items():
        for file in (f"mlkem_{name}", f"mlkem_{name}_semi_expanded_decaps"):
            for group, test in wycheproof(file):
                kind = (test["result"], *sorted(test["flags"]), test.get("comment", "")[:30])
                yield Vector(
                    f"wycheproof {file}",
                    f"{test['tcId']}",
                    partial(check_ciphertext, parameter_set, test),
                    kind=(kind, group["type"]),
                )


def check_ciphertext(parameter_set: int, test: dict[str, Any], worker: Worker) -> None:
    parts = {name: bytes.fromhex(test[name]) for name in ("seed", "dk") if name in test}
    template = keys.ml_kem_private(parameter_set, parts.get("seed"), parts.get("dk"))
    ciphertext = bytes.fromhex(test["c"])
    if test["result"] == "valid":
        assert opens(worker, worker.key(template), ciphertext, bytes.fromhex(test["K"]))
    elif len(ciphertext) != CIPHERTEXT_LENGTHS[parameter_set]:
        key = worker.key(template)
        refuses({0x112}, lambda: worker.session.decapsulate(ML_KEM, key, ciphertext, keys.new_secret()))
    else:
        refuses({0x13}, lambda: worker.session.create(template))


def first_expanded_ml_kem_key() -> tuple[int, bytes]:
    """A parameter set, and a private key of it that came without its seed."""
    _, test = next(wycheproof("mlkem_768_semi_expanded_decaps"))
    return 2, bytes.fromhex(test["dk"])
