"""What the commands of ``crypto sign`` and ``crypto verify`` share: options, reading data, hashing it here.

The data itself does not go to the HSM: it gets a digest (ECDSA, PSS, Ed25519ph) or a DigestInfo (PKCS #1 v1.5). Only
Ed25519 signs what is not hashed.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

import click

from strongroom.cli.cloudhsm import filters, key_objects
from strongroom.cli.cloudhsm.byte_values import read_bytes
from strongroom.cli.cloudhsm.click_types import ManyValues, options
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.hash_options import HASH_FUNCTION, MGF, MGF_NUMBERS
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import MechanismParameters, SignatureInvalid
from strongroom.client.digests import DIGESTS, Digest, Hash
from strongroom.vocabulary.mechanisms import Mechanism

_KEY_FILTER = click.option("--key-filter", cls=ManyValues, required=True, metavar="TERM…", help="The key to use.")
_DATA = options(
    click.option("--data", help="The data in base64."),
    click.option("--data-path", metavar="PATH", help="File with the data."),
)
_DATA_TYPE = click.option(
    "--data-type",
    type=click.Choice(["raw", "digest"]),
    default="raw",
    show_default=True,
    help="Whether the data is hashed already.",
)
DATA_OPTIONS = options(_KEY_FILTER, HASH_FUNCTION, _DATA, _DATA_TYPE)
PREHASH_OPTIONS = options(
    _KEY_FILTER,
    click.option("--hash-function", required=True, type=click.Choice([Hash.SHA512.value]), help="The hash function."),
    _DATA,
    _DATA_TYPE,
)
"""Of Ed25519ph, whose hash function is part of it."""
RAW_DATA_OPTIONS = options(
    _KEY_FILTER,
    _DATA,
    click.option(
        "--data-type", type=click.Choice(["raw"]), default="raw", show_default=True, help="The data is not hashed."
    ),
)
"""Of Ed25519, which signs the data itself."""
PREHASHED: Final = MechanismParameters(prehash=True)
SIGNATURE_OPTIONS = options(
    click.option("--signature", help="The signature in base64."),
    click.option("--signature-path", metavar="PATH", help="File with the signature as bytes."),
)
PSS_OPTIONS = options(
    MGF,
    click.option("--salt-length", required=True, type=click.IntRange(min=0), help="Length of the salt in bytes."),
)


@dataclass(frozen=True, slots=True)
class RawMessage:
    """What is signed as it is, for one key."""

    key_filter: filters.Filter
    value: bytes

    @classmethod
    def read(cls, given: dict[str, Any]) -> RawMessage:
        """From the values of :data:`RAW_DATA_OPTIONS`."""
        wanted = filters.parse(given["key_filter"])
        return cls(wanted, read_bytes("data", given["data"], given["data_path"]))


@dataclass(frozen=True, slots=True)
class Message:
    """What is signed: a digest, with the function that made it, for one key."""

    key_filter: filters.Filter
    digest: Digest
    value: bytes

    @classmethod
    def read(cls, given: dict[str, Any]) -> Message:
        """From the values of :data:`DATA_OPTIONS` or :data:`PREHASH_OPTIONS`."""
        wanted = filters.parse(given["key_filter"])
        digest = DIGESTS[given["hash_function"]]
        data = read_bytes("data", given["data"], given["data_path"])
        if given["data_type"] == "raw":
            return cls(wanted, digest, digest.of(data))
        if len(data) != digest.length:
            raise CommandError(
                f"The digest has {len(data)} bytes; one of {digest.name} has {digest.length}. "
                "Give the digest itself, or leave --data-type away to have the data hashed."
            )
        return cls(wanted, digest, data)

    def pss_parameters(self, mgf: str, salt_length: int) -> MechanismParameters:
        return MechanismParameters(hash=self.digest.mechanism.value, mgf=MGF_NUMBERS[mgf], salt_length=salt_length)


def sign(
    program: Program,
    message: Message | RawMessage,
    mechanism: Mechanism,
    signed: bytes,
    parameters: MechanismParameters | None = None,
) -> Data:
    """Sign with the one key that the message's filter names."""
    session = program.session()
    key = filters.one(session, message.key_filter)
    signature = session.objects.sign(key.reference, mechanism, signed, parameters)
    return {"key-reference": key_objects.reference(key), "signature": base64.b64encode(signature).decode()}


def verify(
    program: Program,
    message: Message | RawMessage,
    mechanism: Mechanism,
    signed: bytes,
    signature: bytes,
    parameters: MechanismParameters | None = None,
) -> Data:
    """Verify with the one key that the message's filter names."""
    session = program.session()
    key = filters.one(session, message.key_filter)
    try:
        session.objects.verify(key.reference, mechanism, signed, signature, parameters)
    except SignatureInvalid:
        raise CommandError("Signature verification failed") from None
    return {"message": "Signature verified successfully"}
