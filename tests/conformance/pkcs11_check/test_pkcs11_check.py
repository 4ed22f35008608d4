"""pkcs11-check, an independent test client, finds nothing that is not known, and makes the library end in no crash.

What it finds is listed with its reason in ``known.toml``. Every test run has a cut of its files; ``make conformance``
(``STRONGROOM_ALL_VECTORS``) has all, each in a process of its own. Its skips may only become fewer.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from installed import crypto_user
from pkcs11_checker import Checker, Outcome, Unavailable, installed
from vector_run import ALL

pytestmark = pytest.mark.cluster
KNOWN = tomllib.loads((Path(__file__).parent / "known.toml").read_text())
CUT = (
    "ckr",
    "security/test_tookan.py",
    "test_attribute_defaults.py",
    "test_attribute_enforcement.py",
    "test_interface.py",
    "test_interface_negotiation.py",
    "test_mechanism.py",
    "test_slot.py",
    "test_vendor_extensions.py",
)
CUT_PATIENCE = 180.0
FILE_PATIENCE = 900.0


@pytest.fixture(scope="module")
def checker(ephemeral_non_fips: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Checker:
    try:
        interpreter = installed()
    except Unavailable as reason:
        pytest.skip(f"not seen here: {reason}")
    user = crypto_user(ephemeral_non_fips, "checker")
    return Checker(interpreter, user, tmp_path_factory.mktemp("pkcs11-check"))


def judge(outcome: Outcome, most_skips: int) -> None:
    print(f"pkcs11-check: {outcome.line()}")
    assert not outcome.crashes, "\n".join(outcome.crashes)
    unknown = {name: why for name, why in outcome.failed.items() if name not in KNOWN["failed"]}
    assert not unknown, "\n".join(f"{name}: {why}" for name, why in unknown.items())
    assert outcome.counts["passed"] > 0
    assert outcome.counts["skipped"] <= most_skips, "fewer cases run than before"


@pytest.mark.timeout(CUT_PATIENCE + 60)
@pytest.mark.skipif(bool(os.environ.get(ALL)), reason="all files run")
def test_a_cut_of_its_cases_finds_nothing_unknown(checker: Checker) -> None:
    outcome = Outcome()
    checker.run(outcome, *(checker.cases() / name for name in CUT), patience=CUT_PATIENCE)
    judge(outcome, KNOWN["skipped"]["cut"])


@pytest.mark.timeout(0)
@pytest.mark.skipif(not os.environ.get(ALL), reason=f"{ALL} is not set: `make conformance` runs all files")
def test_all_of_its_cases_find_nothing_unknown(checker: Checker) -> None:
    outcome = Outcome()
    for file in sorted(checker.cases().rglob("test_*.py")):
        checker.run(outcome, file, patience=FILE_PATIENCE)
    judge(outcome, KNOWN["skipped"]["all"])
