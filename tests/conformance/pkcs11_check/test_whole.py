"""All cases of pkcs11-check on the library and on SoftHSM2 (``make conformance``): what fails of ours is what
``docs/divergences.md`` explains, nothing crashes, not more is skipped and not
less is run than before."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from installed import crypto_user
from pkcs11_checker import ROOT, Checker, Outcome, Unavailable, installed, softhsm
from vector_run import ALL

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not os.environ.get(ALL), reason="an hour: make conformance"),
]
MOST_SKIPPED_IN_ALL = 2_894
MOST_SKIPPED = 920
"""For want of a mechanism, a function or an option; not those that do not apply to a mechanism of the list."""
LEAST_RUN = 3_422
PATIENCE = 1800.0
HEADING = "## Cases of pkcs11-check that fail"


def explained() -> set[str]:
    """The names in the table of ``docs/divergences.md``."""
    _, _, section = (ROOT / "docs" / "divergences.md").read_text().partition(HEADING)
    return set(re.findall(r"`(\S+::\S+)`", section.partition("\n## ")[0]))


@pytest.mark.timeout(4 * 3600)
def test_what_fails_is_explained_and_nothing_crashes(
    ephemeral_non_fips: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("pkcs11-check-whole")
    try:
        interpreter = installed()
        environments = {
            "strongroom": crypto_user(ephemeral_non_fips, "whole"),
            "softhsm2": softhsm(directory / "softhsm"),
        }
    except Unavailable as reason:
        pytest.skip(f"not seen here: {reason}")

    def run(name: str) -> Outcome:
        place = directory / f"run-{name}"
        place.mkdir()
        return Checker(interpreter, environments[name], place).run_whole(PATIENCE)

    with ThreadPoolExecutor(len(environments)) as pool:
        ours, theirs = pool.map(run, environments)
    print("\npkcs11-check, whole:")
    for name, outcome in zip(environments, (ours, theirs), strict=True):
        print(f"  {name}: {outcome.line()}")
    for name in sorted(ours.failed.keys() & theirs.passed):
        print(f"  fails here and passes there: {name}")
    for name in sorted(explained() & ours.passed):
        print(f"  explained, and passes: {name}")
    unexplained = {name: why for name, why in ours.failed.items() if name not in explained()}
    assert not ours.crashes, "\n".join(ours.crashes)
    assert not unexplained, "\n".join(f"{name}: {why}" for name, why in unexplained.items())
    assert ours.counts["skipped"] <= MOST_SKIPPED
    assert ours.counts["skipped"] + ours.counts["not applicable"] <= MOST_SKIPPED_IN_ALL
    assert ours.ran >= LEAST_RUN
