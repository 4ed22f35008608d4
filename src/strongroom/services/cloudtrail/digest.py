"""Digest files as CloudTrail has them: what log files there are, signed, each naming the digest before it.

What is signed, and how, is AWS's ("CloudTrail digest file structure" and "Custom implementations of CloudTrail log file
integrity validation"), so that AWS's rules verify it. Two members more tie a digest to the chain of the log ``trail``.
"""

from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

BUCKET: Final = "trail"
"""What stands where AWS has a bucket's name."""
SIGNATURE_ALGORITHM: Final = "SHA256withRSA"
METADATA_SUFFIX: Final = ".metadata.json"
PUBLIC_KEY_FILE: Final = "public-key.pem"


class DigestedFile(msgspec.Struct, frozen=True, rename="camel"):
    """A log file in a digest; ``hash_value`` is of its content before compression."""

    s3_bucket: str
    s3_object: str
    hash_value: str
    hash_algorithm: str
    newest_event_time: str
    oldest_event_time: str


class Digest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A digest file.

    ``trail_hash`` is the SHA-256 of the entry ``trail_sequence`` of the log, the last one that it covers.
    """

    aws_account_id: str
    digest_start_time: str
    digest_end_time: str
    digest_s3_bucket: str
    digest_s3_object: str
    digest_public_key_fingerprint: str
    digest_signature_algorithm: str
    newest_event_time: str | None
    oldest_event_time: str | None
    previous_digest_s3_bucket: str | None
    previous_digest_s3_object: str | None
    previous_digest_hash_value: str | None
    previous_digest_hash_algorithm: str | None
    previous_digest_signature: str | None
    log_files: list[DigestedFile]
    trail_sequence: int
    trail_hash: str


class Metadata(msgspec.Struct, frozen=True, rename="kebab"):
    """What AWS keeps as the metadata of a digest's S3 object."""

    signature: str
    signature_algorithm: str


def digest_object(account: str, region: str, end: int) -> str:
    """The object's name of an account's digest that ends at a time."""
    moment = datetime.fromtimestamp(end, UTC)
    name = f"{account}_CloudTrail-Digest_{region}_strongroom_{region}_{moment:%Y%m%dT%H%M%SZ}.json.gz"
    return f"AWSLogs/{account}/CloudTrail-Digest/{region}/{moment:%Y/%m/%d}/{name}"


def log_object(account: str, region: str, time_us: int, first_sequence: int) -> str:
    """The object's name of a log file whose first entry was written at a time; it is the same when written again."""
    moment = datetime.fromtimestamp(time_us // 1_000_000, UTC)
    unique = hashlib.sha256(f"{account}/{first_sequence}".encode()).hexdigest()[:16]
    name = f"{account}_CloudTrail_{region}_{moment:%Y%m%dT%H%MZ}_{unique}.json.gz"
    return f"AWSLogs/{account}/CloudTrail/{region}/{moment:%Y/%m/%d}/{name}"


def compress(content: bytes) -> bytes:
    """Without a time, so that the same content is the same file."""
    return gzip.compress(content, mtime=0)


def sign(key: rsa.RSAPrivateKey, digest: Digest, content: bytes) -> Metadata:
    """The signature over a digest and the JSON that it is."""
    signature = key.sign(_signed(digest, content), padding.PKCS1v15(), hashes.SHA256())
    return Metadata(signature.hex(), SIGNATURE_ALGORITHM)


def check(key: rsa.RSAPublicKey, digest: Digest, content: bytes, metadata: Metadata) -> None:
    """Raises ``InvalidSignature``, or ``ValueError`` for a signature that is no hexadecimal number."""
    key.verify(bytes.fromhex(metadata.signature), _signed(digest, content), padding.PKCS1v15(), hashes.SHA256())


def fingerprint(key: rsa.RSAPublicKey) -> str:
    """SHA-256 of the public key's PKCS #1 form."""
    return hashlib.sha256(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)).hexdigest()


def read_public_key(path: Path) -> rsa.RSAPublicKey:
    """Raises ``ValueError`` when the file holds no RSA key, ``OSError`` when it cannot be read."""
    key = serialization.load_pem_public_key(path.read_bytes())
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError(f"{path} holds no RSA key")  # noqa: TRY004 - it is the file's content that is wrong
    return key


def _signed(digest: Digest, content: bytes) -> bytes:
    lines = [
        digest.digest_end_time,
        f"{digest.digest_s3_bucket}/{digest.digest_s3_object}",
        hashlib.sha256(content).hexdigest(),
        digest.previous_digest_signature or "null",
    ]
    return "\n".join(lines).encode()
