"""Signatures that were made under load are checked by OpenSSL's command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from benchmarks.load import Sample, Work


def check(work: Work, public_key: Path, samples: tuple[Sample, ...], directory: Path) -> int:
    """How many signatures were checked; raises for a wrong one."""
    for sample in samples:
        # What is signed ends with the SHA-256 value, for RSA after its DigestInfo.
        (directory / "digest").write_bytes(sample.signed[-32:])
        (directory / "signature").write_bytes(_as_openssl_reads_it(work, sample.signature))
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", str(public_key)]
        command += ["-in", str(directory / "digest"), "-sigfile", str(directory / "signature")]
        command += ["-pkeyopt", "digest:sha256"]
        if work.mechanism == "rsa-pkcs":
            command += ["-pkeyopt", "rsa_padding_mode:pkcs1"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{work.name}: a signature does not verify: {done.stdout}{done.stderr}")
    return len(samples)


def _as_openssl_reads_it(work: Work, signature: bytes) -> bytes:
    if work.mechanism == "rsa-pkcs":
        return signature
    half = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
