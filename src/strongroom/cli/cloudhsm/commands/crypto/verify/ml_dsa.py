"""``crypto verify ml-dsa`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import ml_dsa_data, signatures
from strongroom.cli.cloudhsm.byte_values import read_bytes
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import SignatureInvalid
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "ml-dsa",
    examples=[
        "crypto verify ml-dsa --key-filter attr.label=p1 --hash-function shake256 --data YWJjMTIz --signature BASE64"
    ],
)
@ml_dsa_data.DATA_OPTIONS
@signatures.SIGNATURE_OPTIONS
def ml_dsa(program: Program, signature: str | None, signature_path: str | None, **given: Any) -> Data:
    """Verify with an ML-DSA public key."""
    session = program.session()
    key, mu = ml_dsa_data.key_and_mu(session, given)
    value = read_bytes("signature", signature, signature_path)
    try:
        session.objects.verify(key.reference, Mechanism.CLOUDHSM_EXT_MU_ML_DSA, mu, value)
    except SignatureInvalid:
        raise CommandError("Signature verification failed") from None
    return {"message": "Signature verified successfully"}
