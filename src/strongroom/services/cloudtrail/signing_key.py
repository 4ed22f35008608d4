"""The key that signs digest files: RSA of 2,048 bits, sealed by the installation and kept in the logs store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from strongroom.private_files import write_private
from strongroom.services.cloudtrail.digest import PUBLIC_KEY_FILE
from strongroom.storage.interface import Compare, Store, Transaction, Write

_RECORD: Final = "trail-signing-key"
_BITS: Final = 2048


def signing_key(
    logs: Store,
    directory: Path,
    seal: Callable[[str, bytes], bytes],
    open_sealed: Callable[[str, bytes], bytes],
) -> rsa.RSAPrivateKey:
    """The key, made when there is none; its public half is put into the directory when it is not there."""
    record = logs.get(_RECORD)
    if record is None:
        key = rsa.generate_private_key(65537, _BITS)
        encoded = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write = Write(_RECORD, seal(_RECORD, encoded))
        logs.transact(Transaction(compares=(Compare(_RECORD, None),), writes=(write,)))
    else:
        loaded = serialization.load_der_private_key(open_sealed(_RECORD, record.value), password=None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise ValueError("the key that signs digests is no RSA key")
        key = loaded
    path = directory / PUBLIC_KEY_FILE
    if not path.exists():
        write_private(
            path,
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        )
    return key
