"""pkcs11-check, an independent test client, finds nothing in a cut of its files, and the library does not crash."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from installed import crypto_user
from pkcs11_checker import Checker, Outcome, Unavailable, installed

pytestmark = pytest.mark.cluster
CUT = (
    "ckr/test_ckr_encrypt.py",
    "ckr/test_ckr_sign.py",
    "test_attribute_defaults.py",
    "test_data_objects.py",
    "test_interface.py",
    "test_interface_negotiation.py",
    "test_mechanism.py",
    "test_operation_termination.py",
    "test_slot.py",
    "test_vendor_extensions.py",
)
FEWEST = 150
"""Cases that pass: a file that is skipped whole would prove nothing."""
PATIENCE = 200.0


@pytest.fixture(scope="module")
def checker(ephemeral_non_fips: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Checker:
    try:
        interpreter = installed()
    except Unavailable as reason:
        pytest.skip(f"not seen here: {reason}")
    user = crypto_user(ephemeral_non_fips, "checker")
    return Checker(interpreter, user, tmp_path_factory.mktemp("pkcs11-check"))


@pytest.mark.timeout(2 * PATIENCE)
def test_a_cut_of_its_cases_finds_nothing(checker: Checker) -> None:
    outcome = Outcome()
    checker.run(outcome, *(checker.cases() / name for name in CUT), patience=PATIENCE)
    print(f"pkcs11-check: {outcome.line()}")
    assert not outcome.crashes, "\n".join(outcome.crashes)
    assert not outcome.failed, "\n".join(f"{name}: {why}" for name, why in outcome.failed.items())
    assert outcome.counts["passed"] >= FEWEST
