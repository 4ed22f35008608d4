"""``crypto sign ml-dsa`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

import base64
from typing import Any

from strongroom.cli.cloudhsm import key_objects, ml_dsa_data
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command("ml-dsa", examples=["crypto sign ml-dsa --key-filter attr.label=k1 --hash-function shake256 --data YWJjMTIz"])
@ml_dsa_data.DATA_OPTIONS
def ml_dsa(program: Program, **given: Any) -> Data:
    """Sign with an ML-DSA private key."""
    session = program.session()
    key, mu = ml_dsa_data.key_and_mu(session, given)
    signature = session.objects.sign(key.reference, Mechanism.CLOUDHSM_EXT_MU_ML_DSA, mu)
    return {"key-reference": key_objects.reference(key), "signature": base64.b64encode(signature).decode()}
