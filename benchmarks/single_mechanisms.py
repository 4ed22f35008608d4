"""Every mechanism by itself: ours against SoftHSM2 and ``openssl speed``, where they have it. No floors: a table."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Work, load
from benchmarks.tokens import Token
from strongroom.vocabulary.mechanisms import Mechanism

THREADS = 16
HASHES = ("SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512")
"""As they stand in the names of signatures."""
HMAC_HASHES = ("SHA_1", *HASHES[1:])
_KIB = 1024
_EVP = "evp"


@dataclass(frozen=True)
class Subject:
    """One line of the table: a function of a mechanism, with a key of a kind, over so many bytes.

    ``openssl`` is what ``openssl speed`` calls the same work, with the place of the figure in its line where one line
    has several; ``evp:NAME`` is a cipher or hash over as many bytes.
    """

    does: str
    mechanism: Mechanism
    key: str = "none"
    parameters: str = "none"
    size: int = _KIB
    openssl: str | None = None

    @property
    def title(self) -> str:
        size = f", {self.size:,} bytes" if self.does in {"encrypt", "decrypt", "digest"} or self.size == _KIB else ""
        key = "" if self.key == "none" else f", {self.key}"
        key += ", deterministic" if self.parameters == "deterministic" else ""
        return f"CKM_{self.mechanism.name} {self.does}{key}{size}"

    @property
    def load(self) -> str:
        number = f"{self.mechanism.value:#x}"
        return f"use:{self.does}:{number}:{self.key}:{self.parameters}:{self.size}"


@dataclass(frozen=True)
class Line:
    """Operations per second; ``None`` for who does not have the mechanism, or refuses the call."""

    subject: Subject
    ours: float
    softhsm: float | None
    openssl: float | None

    def as_markdown(self) -> str:
        cells = [
            f"{self.ours:,.0f}",
            "" if self.softhsm is None else f"{self.softhsm:,.0f}",
            "" if not self.softhsm else f"{self.ours / self.softhsm:.2f}",
            "" if self.openssl is None else f"{self.openssl:,.0f}",
            "" if not self.openssl else f"{self.ours / self.openssl:.0%}",
        ]
        return f"| {self.subject.title} | {' | '.join(cells)} |"


HEAD = (
    "| Mechanism | Strongroom/s | SoftHSM2/s | × SoftHSM2 | openssl speed/s | of openssl |",
    "|---|---|---|---|---|---|",
)


def subjects() -> Iterator[Subject]:
    """Every mechanism once, or once for each of its functions that differ in their work."""
    m = Mechanism
    yield Subject("generate-pair", m.RSA_PKCS_KEY_PAIR_GEN, "rsa2048", size=1)
    yield Subject("generate-pair", m.RSA_X9_31_KEY_PAIR_GEN, "rsa2048", size=1)
    yield Subject("generate-pair", m.EC_KEY_PAIR_GEN, "p256", size=1)
    yield Subject("generate-pair", m.EC_EDWARDS_KEY_PAIR_GEN, "ed25519", size=1)
    yield Subject("generate-pair", m.EC_MONTGOMERY_KEY_PAIR_GEN, "x25519", size=1)
    yield Subject("generate-pair", m.ML_DSA_KEY_PAIR_GEN, "ml-dsa-65", size=1)
    yield Subject("generate-pair", m.ML_KEM_KEY_PAIR_GEN, "ml-kem-768", size=1)
    for mechanism, key in (
        (m.AES_KEY_GEN, "aes32"),
        (m.AES_XTS_KEY_GEN, "xts64"),
        (m.DES3_KEY_GEN, "des3"),
        (m.GENERIC_SECRET_KEY_GEN, "generic64"),
        *((m[f"{name}_KEY_GEN"], "generic64") for name in HMAC_HASHES),
    ):
        yield Subject("generate", mechanism, key, size=1)
    yield Subject("generate", m.PKCS5_PBKD2, parameters="pbkdf2", size=1)
    yield Subject("sign", m.RSA_PKCS, "rsa2048", size=51, openssl="rsa2048:3")
    yield Subject("verify", m.RSA_PKCS, "rsa2048", size=51, openssl="rsa2048:4")
    yield Subject("sign", m.RSA_X_509, "rsa2048", size=256)
    yield Subject("sign", m.RSA_PKCS_PSS, "rsa2048", "pss-sha256", 32)
    yield Subject("encrypt", m.RSA_PKCS, "rsa2048", size=32)
    yield Subject("decrypt", m.RSA_PKCS_OAEP, "rsa2048", "oaep", 32)
    for name in HASHES:
        yield Subject("sign", m[f"{name}_RSA_PKCS"], "rsa2048")
    for name in HASHES:
        yield Subject("sign", m[f"{name}_RSA_PKCS_PSS"], "rsa2048", f"pss-{name.lower()}")
    yield Subject("sign", m.ECDSA, "p256", size=32, openssl="ecdsap256:3")
    yield Subject("verify", m.ECDSA, "p256", size=32, openssl="ecdsap256:4")
    for name in HASHES:
        yield Subject("sign", m[f"ECDSA_{name}"], "p256")
    yield Subject("sign", m.EDDSA, "ed25519", size=64, openssl="ed25519:4")
    yield Subject("verify", m.EDDSA, "ed25519", size=64, openssl="ed25519:5")
    yield Subject("sign", m.CLOUDHSM_EDDSA, "ed25519", size=64)
    yield Subject("sign", m.ML_DSA, "ml-dsa-65", size=64)
    yield Subject("sign", m.ML_DSA, "ml-dsa-65", "deterministic", size=64)
    yield Subject("verify", m.ML_DSA, "ml-dsa-65", size=64)
    yield Subject("sign", m.CLOUDHSM_EXT_MU_ML_DSA, "ml-dsa-65", size=64)
    yield Subject("sign", m.HASH_ML_DSA, "ml-dsa-65", "sha256-digest", size=32)
    for name in (*HASHES[1:], "SHAKE128", "SHAKE256"):
        yield Subject("sign", m[f"HASH_ML_DSA_{name}"], "ml-dsa-65")
    for mechanism, parameters, name in (
        (m.AES_ECB, "none", "aes-256-ecb"),
        (m.AES_CBC, "iv16", "aes-256-cbc"),
        (m.AES_CBC_PAD, "iv16", None),
        (m.AES_CTR, "ctr", "aes-256-ctr"),
        (m.AES_GCM, "gcm", "aes-256-gcm"),
        (m.AES_CCM, "ccm", "aes-256-ccm"),
    ):
        yield Subject("encrypt", mechanism, "aes32", parameters, openssl=name and f"{_EVP}:{name}")
    yield Subject("decrypt", m.AES_GCM, "aes32", "gcm")
    yield Subject("encrypt", m.AES_XTS, "xts64", "iv16", openssl=f"{_EVP}:aes-256-xts")
    yield Subject("sign", m.AES_GMAC, "aes32", "gcm")
    yield Subject("sign", m.AES_CMAC, "aes32")
    yield Subject("sign", m.AES_CMAC_GENERAL, "aes32", "mac-length")
    yield Subject("sign", m.DES3_CMAC, "des3")
    yield Subject("sign", m.DES3_CMAC_GENERAL, "des3", "mac-length")
    for mechanism, parameters, name in (
        (m.DES3_ECB, "none", None),
        (m.DES3_CBC, "iv8", "des-ede3-cbc"),
        (m.DES3_CBC_PAD, "iv8", None),
    ):
        yield Subject("encrypt", mechanism, "des3", parameters, openssl=name and f"{_EVP}:{name}")
    for name in HMAC_HASHES:
        yield Subject("sign", m[f"{name}_HMAC"], "generic64")
    for name in HMAC_HASHES:
        yield Subject("sign", m[f"{name}_HMAC_GENERAL"], "generic64", "mac-length")
    for mechanism, key, parameters in (
        (m.AES_KEY_WRAP, "aes32", "none"),
        (m.AES_KEY_WRAP_KWP, "aes32", "none"),
        (m.CLOUDHSM_AES_KEY_WRAP_NO_PAD, "aes32", "none"),
        (m.CLOUDHSM_AES_KEY_WRAP_ZERO_PAD, "aes32", "none"),
        (m.CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD, "aes32", "none"),
        (m.AES_GCM, "aes32", "gcm"),
        (m.CLOUDHSM_AES_GCM, "aes32", "own-iv"),
        (m.RSA_PKCS, "rsa2048", "none"),
        (m.RSA_PKCS_OAEP, "rsa2048", "oaep"),
        (m.RSA_AES_KEY_WRAP, "rsa2048", "rsa-aes"),
    ):
        yield Subject("wrap", mechanism, key, parameters, size=1)
        yield Subject("unwrap", mechanism, key, parameters, size=1)
    yield Subject("derive", m.ECDH1_DERIVE, "p256", "ecdh", size=1, openssl="ecdhp256:3")
    yield Subject("derive", m.ECDH1_DERIVE, "x25519", "ecdh", size=1, openssl="ecdhx25519:3")
    yield Subject("derive", m.ECDH1_COFACTOR_DERIVE, "p256", "ecdh", size=1, openssl="ecdhp256:3")
    yield Subject("derive", m.HKDF_DERIVE, "generic64", "hkdf", size=1)
    yield Subject("derive", m.SP800_108_COUNTER_KDF, "generic64", "counter-kdf", size=1)
    yield Subject("derive", m.CLOUDHSM_SP800_108_COUNTER_KDF, "generic64", "cloudhsm-counter-kdf", size=1)
    yield Subject("derive", m.SP800_108_FEEDBACK_KDF, "generic64", "feedback-kdf", size=1)
    yield Subject("encapsulate", m.ML_KEM, "ml-kem-768", size=1)
    yield Subject("decapsulate", m.ML_KEM, "ml-kem-768", size=1)
    for mechanism, name in (
        (m.SHA_1, "sha1"),
        (m.SHA224, "sha224"),
        (m.SHA256, "sha256"),
        (m.SHA384, "sha384"),
        (m.SHA512, "sha512"),
        (m.SHA3_224, "sha3-224"),
        (m.SHA3_256, "sha3-256"),
        (m.SHA3_384, "sha3-384"),
        (m.SHA3_512, "sha3-512"),
    ):
        yield Subject("digest", mechanism, openssl=f"{_EVP}:{name}")


def measure(ours: Token, softhsm: Token, *, runs: int, seconds: float) -> list[Line]:
    """Each for so long, so many times, in turns; medians."""
    lines = []
    for subject in subjects():
        work = Work(subject.title, subject.load, THREADS)
        rates: dict[str, list[float]] = {"ours": [], "softhsm": [], "openssl": []}
        for _ in range(runs):
            rates["ours"].append(_rate(ours, work, seconds) or 0)
            rates["softhsm"] += _known(_rate(softhsm, work, seconds))
            rates["openssl"] += _known(_speed(subject, seconds))
        medians = {name: statistics.median(found) if found else None for name, found in rates.items()}
        line = Line(subject, medians["ours"] or 0, medians["softhsm"], medians["openssl"])
        print(line.as_markdown(), flush=True)
        lines.append(line)
    return lines


def write(lines: Sequence[Line], described: Sequence[str], path: Path) -> None:
    """The table as a page."""
    text = [
        "# Single mechanisms",
        "",
        f"Calls per second from {THREADS} threads through PKCS #11: one HSM, TLS on, session keys; client and HSM",
        "share the cores. What a call makes is destroyed within it. `openssl speed` uses all cores in its own process.",
        "A cell is empty where a library does not have the mechanism, or refuses the call. `make bench WORK=single`",
        "writes this.",
        "",
        *described,
        "",
        *HEAD,
        *(line.as_markdown() for line in lines),
        "",
    ]
    path.write_text("\n".join(text))


def problems(lines: Sequence[Line]) -> list[str]:
    """What of ours did not work at all."""
    return [line.subject.title for line in lines if not line.ours]


def _known(rate: float | None) -> list[float]:
    return [] if rate is None else [rate]


def _rate(token: Token, work: Work, seconds: float) -> float | None:
    try:
        run = load(token, work, warm_up_seconds=min(0.3, seconds), seconds=seconds)
    except RuntimeError:
        return None
    return run.per_second if not run.failed and run.per_second else None


def _speed(subject: Subject, seconds: float) -> float | None:
    if subject.openssl is None:
        return None
    kind, _, name = subject.openssl.partition(":")
    whole_seconds, cores = str(max(1, round(seconds))), str(os.cpu_count())
    command = ["openssl", "speed", "-elapsed", "-mr", "-multi", cores, "-seconds", whole_seconds]
    command += ["-evp", name, "-bytes", str(subject.size)] if kind == _EVP else [kind]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        fields = line.split(":")
        if kind == _EVP and fields[0] == "+F":
            return float(fields[-1]) / subject.size
        if kind != _EVP and fields[0] in {"+F2", "+F4", "+F5", "+F6"}:
            return float(fields[int(name)])
    return None
