"""What was made under load is checked independently: signatures by OpenSSL, ciphertexts by pyca/cryptography."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.load import Sample, Work
from strongroom.client import connect


def check_signatures(work: Work, samples: tuple[Sample, ...], directory: Path) -> int:
    """How many signatures of our token were checked; raises for a wrong one."""
    with connect() as session:
        pem = session.keys.public_key(label=work.key).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    public_key = directory / f"{work.key}.pem"
    public_key.write_bytes(pem)
    is_rsa = work.load.startswith("rsa-pkcs:")
    for sample in samples:
        # What is signed ends with the SHA-256 value, for RSA after its DigestInfo.
        (directory / "digest").write_bytes(sample.input[-32:])
        (directory / "signature").write_bytes(sample.output if is_rsa else _as_der(sample.output))
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public_key)]
        command += ["-in", str(directory / "digest"), "-sigfile", str(directory / "signature")]
        command += ["-pkeyopt", "digest:sha256"]
        if is_rsa:
            command += ["-pkeyopt", "rsa_padding_mode:pkcs1"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{work.name}: a signature does not verify: {done.stdout}{done.stderr}")
    return len(samples)


def check_ciphertexts(work: Work, key: bytes, samples: tuple[Sample, ...]) -> int:
    """How many ciphertexts were checked; raises for a wrong one."""
    cipher = AESGCM(key)
    for sample in samples:
        try:
            plaintext = cipher.decrypt(sample.iv, sample.output, None)
        except InvalidTag:
            plaintext = None
        if plaintext != sample.input:
            raise RuntimeError(f"{work.name}: a ciphertext does not decrypt to what was given")
    return len(samples)


def _as_der(signature: bytes) -> bytes:
    half = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
