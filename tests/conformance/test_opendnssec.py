"""docs/how-to/opendnssec.md: OpenDNSSEC's ``ods-hsmutil`` and ``ods-hsmspeed``."""

from __future__ import annotations

import re

import pytest
from programs import Workshop

pytestmark = pytest.mark.cluster

REFUSED = [
    *(f"{bits}-bit RSA key" for bits in (512, 768, 1024, 1536)),
    *(f"{bits}-bit DSA key" for bits in (512, 768, 1024)),
    "512-bit GOST key",
    "ED25519 key",
    "ED448 key",
]
"""What a cluster in FIPS mode does not have."""
HSMUTIL = ("ods-hsmutil", "-c", "conf.xml")


@pytest.fixture(scope="module")
def printed(workshop: Workshop) -> str:
    """What the page's commands printed."""
    return workshop.follow("opendnssec.md")


@pytest.fixture(scope="module")
def page(workshop: Workshop, printed: str) -> Workshop:
    """A workshop in which the page was followed."""
    return workshop


def test_a_key_is_made_listed_and_removed(page: Workshop, printed: str) -> None:
    (key_id,) = re.findall(r"Key generation successful: (\w+)", printed)
    assert re.search(rf"^strongroom +{key_id} +RSA/2048", page.run(*HSMUTIL, "list"), re.MULTILINE)
    page.run(*HSMUTIL, "remove", key_id)
    assert key_id not in page.run(*HSMUTIL, "list")


def test_every_thread_signs_as_often_as_it_should(printed: str) -> None:
    assert "2 threads, 100 signatures per thread" in printed
    assert "returned error" not in printed


def test_what_the_hsm_has_passes_the_tools_own_test(page: Workshop) -> None:
    printed = page.run(*HSMUTIL, "test", "strongroom", status=len(REFUSED))
    outcomes = dict(re.findall(r"Generating ([^.]+)\.\.\. (\w+)", printed))
    assert [name for name, outcome in outcomes.items() if outcome == "Failed"] == REFUSED
    for bits in (2048, 4096):
        part = printed.partition(f"Generating {bits}-bit RSA key... ")[2].partition("\n\n")[0]
        assert re.findall(r"\.\.\. (\w+)", part)[1:] == ["OK"] * 4
    assert outcomes.keys() >= {"ECDSA Curve P-256 key", "ECDSA Curve P-384 key", "1024 bytes of random data"}
