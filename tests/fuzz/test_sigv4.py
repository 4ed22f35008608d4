"""Requests with every kind of signature but the right one: refused by AWS's names, and never by a failure of ours.

Runs for ``STRONGROOM_FUZZ_SECONDS`` (a moment where that is not set). What hypothesis finds it makes small, prints, and
keeps in ``.hypothesis``; add it here as an ``@example``.
"""

from __future__ import annotations

import os
import time

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from strongroom.aws.errors import AwsError
from strongroom.aws.request import HttpRequest
from strongroom.aws.sigv4 import Credential, Scope, SignatureVerifier, canonical_request, signing_key

SECONDS = float(os.environ.get("STRONGROOM_FUZZ_SECONDS", "1"))
AT_ONCE = 500
NOW = 1_790_000_000.0
KEY_ID = "AKIAEXAMPLEEXAMPLE00"
SECRET = "secret of the test"
DATES = ["20260921T141320Z", "20260921T141319Z", "20260920T000000Z", "99999999T999999Z", "", "20260921"]

names = st.sampled_from(
    [
        "host",
        "x-amz-date",
        "x-amz-target",
        "content-type",
        "x-amz-content-sha256",
        "x-amz-security-token",
        "authorization",
    ]
) | st.text(max_size=12)
words = (
    st.text(max_size=40) | st.sampled_from(DATES) | st.sampled_from(["host", "a/b/c/d/e", "host;x-amz-date", "0" * 64])
)
scopes = st.sampled_from(
    [
        f"{KEY_ID}/20260921/us-east-1/cloudhsm/aws4_request",
        f"{KEY_ID}/20260921/us-east-1/kms/aws4_request",
        f"{KEY_ID}/20260921/eu-west-1/cloudhsm/aws4_request",
        "AKIAOTHERSOTHERS0000/20260921/us-east-1/cloudhsm/aws4_request",
    ]
) | st.text(max_size=60)
signatures = st.sampled_from(["0" * 64, "f" * 64, "F" * 64, "0" * 63, ""]) | st.text(max_size=70)
signed_headers = st.lists(names, max_size=5).map(";".join)


@st.composite
def authorizations(draw: st.DrawFn) -> str:
    """An Authorization header that is nearly one."""
    parts = [
        f"Credential={draw(scopes)}",
        f"SignedHeaders={draw(signed_headers)}",
        f"Signature={draw(signatures)}",
    ]
    chosen = draw(st.lists(st.sampled_from(parts), max_size=4) | st.just(parts))
    algorithm = draw(st.sampled_from(["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256", "AWS3-HTTPS", ""]))
    return f"{algorithm} {draw(st.sampled_from([', ', ',', ' ', ';']))}".rstrip() + " " + ", ".join(chosen)


@st.composite
def queries(draw: st.DrawFn) -> str:
    """A presigned query that is nearly one."""
    pairs = {
        "X-Amz-Algorithm": draw(st.sampled_from(["AWS4-HMAC-SHA256", "x"])),
        "X-Amz-Credential": draw(scopes),
        "X-Amz-Date": draw(st.sampled_from(DATES)),
        "X-Amz-Expires": draw(st.sampled_from(["1", "604800", "604801", "-1", "1e3", "٣"]) | st.text(max_size=8)),
        "X-Amz-SignedHeaders": draw(signed_headers),
        "X-Amz-Signature": draw(signatures),
    }
    kept = draw(st.lists(st.sampled_from(sorted(pairs)), max_size=8) | st.just(sorted(pairs)))
    return "&".join(f"{name}={pairs[name]}" for name in kept) + draw(st.text(max_size=20))


requests = st.builds(
    HttpRequest,
    method=st.sampled_from(["POST", "GET", "post", ""]),
    path=st.text(max_size=40) | st.sampled_from(["/", "//", "/../..", "/a/./b/../c/", "/%2F%zz"]),
    query=queries() | st.text(max_size=80) | st.just(""),
    headers=st.lists(
        st.tuples(names.map(str.lower), words.map(lambda word: word.encode("latin-1", "replace")))
        | st.tuples(st.just("authorization"), authorizations().map(lambda text: text.encode("latin-1", "replace")))
        | st.tuples(st.just("x-amz-date"), st.sampled_from(DATES).map(str.encode))
        | st.tuples(st.just("host"), st.just(b"localhost")),
        max_size=8,
    ).map(tuple),
    body=st.binary(max_size=200),
)

verifier = SignatureVerifier(
    region="us-east-1",
    signing_names={"cloudhsm"},
    lookup=lambda key_id: Credential(KEY_ID, "111122223333", SECRET) if key_id == KEY_ID else None,
    clock=lambda: NOW,
)


def again_and_again(once) -> None:
    """Run a property until the time is over, at least once."""
    end = time.monotonic() + SECONDS
    once()
    while time.monotonic() < end:
        once()


@settings(max_examples=AT_ONCE, deadline=None, suppress_health_check=list(HealthCheck))
@given(requests)
@example(HttpRequest("POST", "/", "X-Amz-Signature=%ff&X-Amz-Credential=%", (("host", b"h"),), b""))
def refuses(request: HttpRequest) -> None:
    try:
        verifier.verify(request)
    except AwsError as error:
        assert 400 <= error.status < 500
        assert SECRET not in error.message
    else:
        raise AssertionError("nobody signed this")


@settings(max_examples=AT_ONCE, deadline=None, suppress_health_check=list(HealthCheck))
@given(requests, st.lists(names, max_size=4, unique=True))
def has_one_canonical_form(request: HttpRequest, signed: list[str]) -> None:
    """It depends on no order of the signed names, and on nothing but what is signed."""
    signed = [name.lower() for name in signed if name.lower().isascii()]
    first = canonical_request(request, signed, "0" * 64)
    assert canonical_request(request, list(reversed(signed)), "0" * 64) == first
    assert first.count(b"\n") >= 5 + len(set(signed))
    assert signing_key(SECRET, Scope("20260921", "us-east-1", "cloudhsm", "aws4_request"))


def test_no_request_without_a_signature_gets_in_or_breaks_the_parser():
    again_and_again(refuses)


def test_every_request_has_one_canonical_form():
    again_and_again(has_one_canonical_form)
