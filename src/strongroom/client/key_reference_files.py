"""Files that refer to a private key in a cluster: what a key storage provider or a script needs to find it (ADR 0134).

The content is a JSON object in ASCII. It names the key and holds its public half; no PIN and no key material is in it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

FORMAT: Final = "strongroom-key-reference"
VERSION: Final = 1
_Reference = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{16}$")]
_Hexadecimal = Annotated[str, msgspec.Meta(pattern="^0x([0-9a-f]{2})*$")]


class KeyReferenceFile(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What a file says of its key, by the names that ``key list --verbose`` has; ``None`` is what is not known."""

    format: Literal["strongroom-key-reference"] = FORMAT
    version: Literal[1] = VERSION
    cluster_id: str | None
    key_reference: _Reference
    pkcs11_uri: str | None
    """RFC 7512; ``None`` where other private keys have the same label and id, or there is neither."""
    label: str
    id: _Hexadecimal
    object_class: Literal["private-key"] = msgspec.field(name="class", default="private-key")
    key_type: Literal["ec", "rsa"]
    curve: str | None = None
    """Of an EC key."""
    modulus_size_bits: int | None = None
    """Of an RSA key."""
    public_key: str | None
    """SubjectPublicKeyInfo in PEM."""

    @property
    def reference(self) -> int:
        """The key's number in the cluster."""
        return int(self.key_reference, 16)

    def public_key_info(self) -> bytes | None:
        """The public key as DER; :class:`ValueError` where the file holds something else."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

        if self.public_key is None:
            return None
        try:
            return load_pem_public_key(self.public_key.encode()).public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError(f"The member public-key of the file holds no public key in PEM: {error}") from None


def encode(file: KeyReferenceFile) -> bytes:
    """The file's content. It is ASCII, which programs read alike that take text for UTF-8 or for a code page."""
    return (json.dumps(msgspec.to_builtins(file), indent=2) + "\n").encode("ascii")


def read(path: str | os.PathLike[str]) -> KeyReferenceFile:
    """What a file says; :class:`ValueError` for another file, :class:`OSError` for one that cannot be read.

    Members that this release does not know are ignored; a file of another version is refused.
    """
    content = Path(path).read_bytes()
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=KeyReferenceFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"The file {os.fspath(path)} is no key reference file of version {VERSION}: {error}."
        ) from None
